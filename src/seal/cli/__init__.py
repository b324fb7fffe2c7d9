"""The command line: one file for each command of `seal`.

Knows how commands are called and how their errors are told: 0 is success, 1 that something which was to be
learned is not live, 2 an error of the user's (a message and what to do about it), 130 a run stopped by
Ctrl-C. An error of the program's own shows its traceback.

Importing this loads neither torch, nor SQLAlchemy, nor pydantic: --help and mistakes are answered at once. A
command imports what it needs of them when it runs, after it has looked for what it was given.
"""

from __future__ import annotations

import errno
import os
import shlex
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

import seal
from seal.cli.approve import approve
from seal.cli.ask import ask
from seal.cli.audit import audit
from seal.cli.bench import bench
from seal.cli.brake import brake
from seal.cli.chat import chat
from seal.cli.console import print_error
from seal.cli.demo import demo
from seal.cli.diff import diff
from seal.cli.doctor import doctor
from seal.cli.documents import documents
from seal.cli.eval import eval_
from seal.cli.exam import exam
from seal.cli.export import export
from seal.cli.forget import forget
from seal.cli.help import add_help
from seal.cli.init import init
from seal.cli.keys import keys
from seal.cli.learn import learn
from seal.cli.lines import lines
from seal.cli.models import models
from seal.cli.push import push
from seal.cli.reject import reject
from seal.cli.release import release
from seal.cli.retitle import retitle
from seal.cli.rollback import rollback
from seal.cli.serve import serve
from seal.cli.show import show
from seal.cli.standard_input import with_input_named
from seal.cli.train import train
from seal.cli.versions import versions
from seal.cli.wanted import wanted
from seal.cli.watch import watch
from seal.cli.why import why
from seal.errors import ConfigError, Interrupted, SealError

_DISK = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}

app = App(
    name="seal",
    help="A language model that teaches itself: it writes its own training data about a text, trains on it, "
    "is examined, and learns from the result to write better data (SEAL, arXiv 2506.10943).",
    version=seal.__version__,
    version_flags=["--version", "-V"],
    help_epilogue="Every run has a folder of its own (--out); the same command with the same folder goes on "
    "where it stopped. SEAL_DEBUG=1 shows the traceback behind an error message.",
    help_format="markdown",
    print_error=False,
    exit_on_error=False,
    suppress_keyboard_interrupt=False,
    result_action="return_value",
    default_parameter=Parameter(json_list=False, json_dict=False),  # "[draft] x.md" is a file
)
app.command(demo)
app.command(train)
app.command(eval_, name="eval")
app.command(bench)
app.command(models)

# The commands on a workspace.
for _command in (
    init, learn, watch, ask, why, forget, retitle, documents, lines, exam, versions, show, diff, approve,
    reject, rollback, audit, export, doctor, serve, chat, brake, wanted,
    release, push,
):  # fmt: skip
    app.command(_command)
app.command(keys)

add_help(app)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    tokens = list(sys.argv[1:] if argv is None else argv)
    try:
        app(with_input_named(tokens))
    except Interrupted as stopped:
        again = shlex.join(["seal", *tokens, *_out_flag(tokens, stopped.hint)])
        print_error("stopped", stopped.message, f"To go on: {again}" if stopped.hint else "")
        return 130
    except KeyboardInterrupt:
        print_error("stopped", "nothing had been begun, and nothing was written")
        return 130
    except CycloptsError as error:
        print_error("error", str(error).strip(), f"See: {_help_of(tokens)}")
        return 2
    except SealError as error:
        return _fail(error)
    except ValueError as error:
        from pydantic import ValidationError  # which cyclopts, too, loads in full once it is imported

        if not isinstance(error, ValidationError):
            raise
        problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
        return _fail(ConfigError(problems, "Correct these values."), error)
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except OSError as error:
        if error.errno not in _DISK:
            raise
        hint = "Free some space and run the same command again; a run goes on from where it is."
        return _fail(
            SealError(f"{error.filename or 'a file'} cannot be written: {_DISK[error.errno]}", hint), error
        )
    return 0


def _fail(error: SealError, cause: BaseException | None = None) -> int:
    if os.environ.get("SEAL_DEBUG"):
        raise cause or error
    print_error("error", error.message, error.hint)
    return 2


def _out_flag(tokens: Sequence[str], out: str) -> list[str]:
    """--out as it has to be added to `tokens`: where the command chose the folder by itself."""
    given = any(token == "--out" or token.startswith("--out=") for token in tokens)
    return [] if given or not out else ["--out", out]


def _help_of(tokens: list[str]) -> str:
    if tokens[:1] == ["bench"] and tokens[1:2] and tokens[1] in ("inner-loop", "retention"):
        return f"seal bench {tokens[1]} --help"
    known = tokens and not tokens[0].startswith("-") and tokens[0] in app
    return f"seal {tokens[0]} --help" if known else "seal --help"
