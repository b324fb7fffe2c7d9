"""One word, one meaning: docs/words.md against the code, and names that stand for one thing only."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
WORDS = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
MODULES = sorted(path for path in (SOURCE / "seal").rglob("*.py") if "migrations" not in path.parts)

SHARED_FILE_NAMES = {
    # Two rooms that do the same for their own subject have the same files, so that one read explains most.
    "domain.py": "each domain's own Domain",
    "generator.py": "microworld, microgrid: each its own ContextGenerator",
    "config.py": "the engine's settings; research: those of the door",
    "records.py": "knowledge, arc_agi: forms of data files; registry, research: what is stored",
    "passages.py": "retention: finds them; reports: the page about one",
    "parts.py": "engine: the tables in which parts are registered; learner: what its own parts share",
    "settings.py": "learner, service: each its own settings",
    "load.py": "knowledge, arc_agi, models: reads from disk",
    "run.py": "bench: the rounds of each benchmark",
    "tables.py": "bench: the tables that are printed; registry: those of the database",
    # A command of the terminal has the name of the operation that it calls.
    "audit.py": "a command, and what it does",
    "chat.py": "a command, and the route that does the same",
    "demo.py": "a command, and what it does",
    "documents.py": "a command, and what it shows",
    "train.py": "a command, and what it does",
    "dry_run.py": "of research: what a run would do; of the command `learn`: what it would do",
    "keys.py": "a command, and the records that it makes",
    "lines.py": "a command that shows lines of a self-edit; knowledge: lines of a plain text",
    "versions.py": "a command, and what it shows",
    "workspace.py": "how commands find a workspace, and the workspace",
    # The folder says of what.
    "clock.py": "bench: measures time; registry: tells it",
    "generate.py": "models: text; microgrid: tasks",
    "memory.py": "engine: how much fits; bench: how much was taken",
    "rules.py": "gates: the gates' rules; microgrid: the rules of grids",
    "text.py": "the splitter of sentences; arc_agi: grids as text",
}


def _dotted(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _defined(path: Path) -> Iterator[str]:
    """Every public class and type alias of a module, by name."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            name, is_class = node.name, True
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, is_class = node.targets[0].id, False
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            name, is_class = node.target.id, False
        else:
            continue
        if not name.startswith("_") and (is_class or re.fullmatch(r"[A-Z][a-z]\w*", name)):
            yield name


def _frozen_records(module: str) -> list[str]:
    path = SOURCE / Path(*module.split(".")).with_suffix(".py")
    return [
        f"{module}.{node.name}"
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(one) == "dataclass(frozen=True)" for one in node.decorator_list)
    ]


def _named_in_words() -> list[str]:
    return sorted(set(re.findall(r"`(seal(?:\.\w+)+)`", WORDS)))


def test_no_two_classes_or_type_aliases_share_a_name() -> None:
    modules = defaultdict(list)
    for path in MODULES:
        for name in _defined(path):
            modules[name].append(_dotted(path))
    assert len(modules) > 200
    assert {name: places for name, places in modules.items() if len(places) > 1} == {}


def test_files_share_a_name_for_a_reason() -> None:
    folders = defaultdict(list)
    for path in MODULES:
        if path.name != "__init__.py":
            folders[path.name].append(_dotted(path.parent))
    shared = {name for name, places in folders.items() if len(places) > 1}
    assert shared - set(SHARED_FILE_NAMES) == set(), "rename them, or say in this test why not"
    assert set(SHARED_FILE_NAMES) - shared == set(), "these are no longer shared: take them out of the list"


@pytest.mark.parametrize("dotted", _named_in_words())
def test_what_the_glossary_names_is_there(dotted: str) -> None:
    modules = {_dotted(path): path for path in MODULES}
    if dotted in modules:
        return
    module, _, name = dotted.rpartition(".")
    assert module in modules, f"there is no module {module} or {dotted}"
    assert name in set(_defined(modules[module]))


@pytest.mark.parametrize("module", ["seal.types", "seal.registry.records", "seal.gates.report"])
def test_every_record_is_in_the_glossary(module: str) -> None:
    records = _frozen_records(module)
    assert len(records) > 5
    assert set(records) - set(_named_in_words()) == set()


def test_a_term_has_one_line() -> None:
    terms = re.findall(r"^\| ([^|]+?) \|", WORDS, re.MULTILINE)
    terms = [term for term in terms if term != "term" and not term.startswith("---")]
    assert len(terms) > 60
    assert sorted(terms) == sorted(set(terms))


def test_terms_in_italics_have_a_line() -> None:
    terms = set(re.findall(r"^\| ([^|]+?) \|", WORDS, re.MULTILINE))
    referred = set(re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", WORDS)) - {"italics"}
    plural = {term: {term, term.removesuffix("s")} for term in referred}
    assert {term for term, forms in plural.items() if not forms & terms} == set()
