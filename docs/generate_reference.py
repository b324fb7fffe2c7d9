"""Writes docs/reference/ from the code: configuration.md from RunConfig and the tables of the built-in parts,
learner.md from LearnerConfig, cli.md from the commands' flags, routes.md from the service's routers.

    python docs/generate_reference.py

A test fails while what is there is not what this writes.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from cyclopts import App, Parameter
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from seal.algorithms import ALGORITHMS
from seal.cli import app
from seal.cli.flags import RunFlags
from seal.config import EngineConfig
from seal.domains import GENERATORS
from seal.learner.settings import LearnerConfig
from seal.part_tables import table_of, tables_of
from seal.plugins import Registry
from seal.research.config import RunConfig

REFERENCE = Path(__file__).parent / "reference"

_CONFIGURATION = """\
# Configuration

One run's settings, as a recipe (`run.toml`) states them and as the run's folder records them (`config.toml`).
Every key may be left out; the default then holds, and the defaults are the paper's
([paper_index.md](../paper_index.md)). A flag, or `--set inner.rank=16`, overrides the recipe. An unknown
key is an error, and so is a table of a plug-in's part that the recipe does not name.

First come the settings that every run has: those of the engine, then those of experiments. After them come
the tables of single parts: a table has an effect where a part that takes it is named. A part of another
package has its table under its own name ([write-a-plugin.md](../how-to/write-a-plugin.md)). Recipes and run
folders of earlier versions, in which some keys stood elsewhere, go on working.

Generated from `src/seal/config.py`, `src/seal/research/config.py` and the parts by
`python docs/generate_reference.py`.
"""
_LEARNER = """\
# The learner's settings

`learner.toml` in a workspace's folder, written by `seal init` with the preset for its model. The defaults
below are those for models of the usual size; the embedded model has its own
(`src/seal/learner/tiny.toml`), chosen on the development split. A change holds for what is learned from
then on. An unknown key is an error.

Generated from `src/seal/learner/settings.py` by `python docs/generate_reference.py`.
"""
_ROUTES = """\
# Routes and roles

Every route of `seal serve`, and the role that a key needs for it. What a request and an answer look like is
in `/openapi.json` of a running service. A test takes the routes from the application, and asks each of them
with a key of each role: one without a rule, or one that this page tells otherwise, fails it.

| role | for |
|---|---|
| ask | asking, why an answer to one's own question was given, feedback on it |
| teach | documents and their studies; a correction by this role is studied, others wait for a person |
| approve | what a person decides: held versions and corrections, rollback, forgetting, export, the brake |
| audit | versions, the ledger, all feedback, why any answer was given, figures |
| admin | keys and webhooks, and all of the above |

A key belongs to one tenant (a workspace). What is another tenant's is not there for it: 404, never 403. A key
is `seal_<tenant>_<id>_<secret>`, sent as `Authorization: Bearer seal_...`; it is shown once, when it is made
(`seal keys create NAME --roles ask,teach`, or `POST /v1/seal/keys`). The first start makes an admin key.

Generated from `src/seal/service/routes.py` by `python docs/generate_reference.py`.

"""
_PAGES = """\
## The dashboard

Pages for people ([how](../how-to/dashboard.md)); each has a twin with the same data as JSON. They stand in no
schema.

"""
_ROUTES_HEAD = "| method | path | role | what it does |\n|---|---|---|---|\n"
_CLI = """\
# The command line

| command | what it does |
|---|---|
{summary}

Exit status: 0 is success; 1 that something which was to be learned is not live; 2 an error of the input,
with a message that says what to do; 130 a run stopped by Ctrl-C, with the command that goes on with it.
`SEAL_DEBUG=1` shows the traceback behind an error message. `seal -V` is the version, `seal help COMMAND` what
stands below, and `seal completion --install` teaches the shell to complete commands and flags.

Where the output is no terminal, tables have their full width, and each command on a workspace takes --json
where a program is to read what it says.

Every run has a folder of its own. The same command with the same `--out` and settings goes on where the run
stopped, and gives what an undisturbed run gives; with other settings, or other passages under the same name,
it refuses. A benchmark does not go on: it writes its folder at its end. `--set` takes its values as TOML has
them, and what is not TOML as text. `OMP_NUM_THREADS` sets the number of threads; without it the faster one is
measured. Where a C++ compiler is (`$CXX`, `c++`, `g++` or `clang++`), decoder layers are trained by native
code, built in a second at first use and kept in the cache; without one, or with `SEAL_NATIVE=0`, the same is
computed by torch's operators, more slowly.

What can be made again is kept in `$SEAL_CACHE`, or else `$XDG_CACHE_HOME/seal`, or else `~/.cache/seal`.
`SEAL_MODEL` names the model of a workspace for which none is named
([real-models.md](../how-to/real-models.md)).

The commands on a workspace ([workspace.md](workspace.md)) find it by `--workspace` or the environment
variable SEAL_WORKSPACE. A version is named by an alias, its id, or at least the first 4 digits of its id.

Generated from `src/seal/cli/` by `python docs/generate_reference.py`.
"""


def configuration() -> str:
    """configuration.md as a text."""
    parts = [_CONFIGURATION, *_tables("", RunConfig), "## Tables of single parts\n"]
    for place, (kind, takers) in _part_tables().items():
        about, *rest = _tables(place, kind)
        parts += [about.replace("\n\n", f"\n\nTaken by {', '.join(takers)}.\n\n", 1), *rest]
    return "\n".join(parts)


def _part_tables() -> dict[str, tuple[type[BaseModel], list[str]]]:
    """The tables of all built-in parts, by place: their class, and the parts that take them in words."""
    taken: dict[str, tuple[type[BaseModel], list[str]]] = {}
    registries: list[Registry[Any]] = [*(own for own, _ in EngineConfig.part_keys), ALGORITHMS, GENERATORS]
    for registry in registries:
        for name in registry.builtin():
            for place, kind in tables_of(registry, name).items():
                taken.setdefault(place, (kind, []))[1].append(f"the {registry.kind} `{name}`")
    return taken


def learner() -> str:
    """learner.md as a text."""
    return "\n".join([_LEARNER, *_tables("", LearnerConfig)])


def command_line() -> str:
    """cli.md as a text."""
    functions = {name: command.default_command for name, command in commands(app)}
    rows = [(name, name.replace(" ", "-"), _doc(f)[0]) for name, f in functions.items()]
    summary = "\n".join(f"| [`seal {name}`](#seal-{anchor}) | {title} |" for name, anchor, title in rows)
    parts = [_CLI.format(summary=summary)]
    for name, function in functions.items():
        title, *rest = _doc(function)
        parts += [f"## seal {name}\n\n{title}\n", *(f"{text}\n" for text in rest)]
        parts += ["| flag | value | |\n|---|---|---|"]
        parts += [f"| {flag} | {kind} | {_cell(text)} |" for flag, kind, text in flags_of(function)]
        parts += [""]
    return "\n".join(parts)


def routes() -> str:
    """routes.md as a text."""
    from seal.service.access import routes_of, rule_of
    from seal.service.routes import ROUTERS

    rows: dict[bool, list[str]] = {False: [], True: []}
    for route in (route for router in ROUTERS for route in routes_of(router.routes)):
        own = rows[route.endpoint.__module__.startswith("seal.service.dashboard")]
        told = f"{rule_of(route) or 'everybody'} | {_cell(_first(route.endpoint))}"
        own += [f"| `{method}` | `{route.path}` | {told} |" for method in sorted(route.methods or ())]
    api, pages = ("\n".join(rows[is_page]) for is_page in (False, True))
    return f"{_ROUTES}{_ROUTES_HEAD}{api}\n\n{_PAGES}{_ROUTES_HEAD}{pages}\n"


def _first(function: Any) -> str:
    """The first sentence of what a function says of itself."""
    return " ".join(_doc(function)[0].split()).partition(". ")[0].rstrip(".")


def commands(group: App, prefix: str = "") -> Iterator[tuple[str, App]]:
    """(name, command) of every command of the application, those in groups such as `bench` included."""
    for name in group:
        if not name.startswith("-"):
            command = group[name]
            if command.default_command is not None:
                yield prefix + name, command
            yield from commands(command, f"{prefix}{name} ")


def flags_of(function: Any) -> Iterator[tuple[str, str, str]]:
    """(flag, type, help) of every flag of a command, those that commands share included."""
    hints = get_type_hints(function, include_extras=True)
    for name, given in inspect.signature(function).parameters.items():
        if RunFlags in (hints[name], *get_args(hints[name])):
            shared = get_type_hints(RunFlags, include_extras=True)
            for field in dataclasses.fields(RunFlags):
                yield _flag(field.name, shared[field.name])
        else:
            flag, kind, told = _flag(name, hints[name])
            if given.kind is inspect.Parameter.VAR_POSITIONAL:
                flag = f"`{name.upper()} ...`"
            elif given.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
                flag = f"`{name.upper()}`, {flag}"
            yield flag, kind, told


def _flag(name: str, hint: Any) -> tuple[str, str, str]:
    kind, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    parameter = next((m for m in marks if isinstance(m, Parameter)), None)
    flag = f"`--{name.replace('_', '-')}`"
    if bool in (kind, *get_args(kind)):
        both = parameter is None or parameter.negative != ()
        return (f"{flag}, `--no-{name.replace('_', '-')}`" if both else flag), "", _help(parameter)
    return flag, _type(kind), _help(parameter)


def _help(parameter: Parameter | None) -> str:
    text = parameter.help if parameter else None
    if not text:
        raise ValueError("a flag without a help text")
    return text


def _doc(function: Any) -> list[str]:
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return [" ".join(paragraph.split()) for paragraph in paragraphs]


def _tables(name: str, model: type[BaseModel]) -> list[str]:
    """The section of one table, and those of the tables in it."""
    values, tables = [], []
    for key, field in model.model_fields.items():
        inner = table_of(field.annotation)
        if inner is None:
            text = field.description or ""
            default = _default(field.default if field.default_factory is None else {})
            values.append(f"| `{key}` | {_type(field.annotation)} | {default} | {_cell(text)} |")
        else:
            tables += _tables(f"{name}.{key}".lstrip("."), inner)
    about = " ".join((inspect.getdoc(model) or "").split())
    head = f"## [{name}]" if name else "## Outside of any table"
    section = (
        f"{head}\n\n{about}\n\n| key | type | default | |\n|---|---|---|---|\n" + "\n".join(values) + "\n"
    )
    return [section, *tables]


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{json.dumps(value)}`" for value in arguments)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Union or type(annotation).__name__ == "UnionType":
        return " or ".join(_type(a) for a in arguments if a is not type(None))
    if origin in (tuple, list, frozenset):
        return f"list of {_type(arguments[0])}"
    if origin is dict or annotation is dict:
        return "table"
    names = {str: "text", int: "integer", float: "number", bool: "true or false", Path: "path"}
    return names.get(annotation, str(annotation))


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "must be set"
    if value is None:
        return "none"
    if isinstance(value, frozenset):
        value = sorted(value)
    if isinstance(value, str) and len(value) > 60:
        return "see the code"
    return f"`{json.dumps(value, default=str)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES = {
    "configuration.md": configuration,
    "learner.md": learner,
    "cli.md": command_line,
    "routes.md": routes,
}

if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for file, page in PAGES.items():
        (REFERENCE / file).write_text(page(), encoding="utf-8")
