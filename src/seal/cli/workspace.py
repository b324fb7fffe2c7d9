"""What the commands on a workspace share: the flags that name it, and how its records are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from cyclopts import Parameter
from rich.text import Text

from seal.cli.console import Display, table
from seal.errors import Interrupted

if TYPE_CHECKING:
    from seal.engine.start import Watch
    from seal.learner import Learner
    from seal.registry import LedgerEntry, Version

WorkspaceFlag: TypeAlias = Annotated[
    Path,
    Parameter(
        env_var="SEAL_WORKSPACE",
        help="The workspace's folder; by default SEAL_WORKSPACE, or else the present folder.",
    ),
]
DocumentName: TypeAlias = Annotated[
    str, Parameter(help="A document: its title, its id, or the first digits of it.")
]
TrustFlag: TypeAlias = Annotated[
    float | None,
    Parameter(help="Trust in these, from 0 to 1; what contradicts a more trusted document is held."),
]
JsonFlag: TypeAlias = Annotated[bool, Parameter(negative=(), help="Print JSON, for programs.")]
ReasonFlag: TypeAlias = Annotated[str, Parameter(help="Why; it is kept in the ledger.")]


@contextmanager
def taken_up() -> Iterator[None]:
    """Around work that stands in the workspace's queue: says so if Ctrl-C stops it."""
    try:
        yield
    except KeyboardInterrupt as error:
        message = "it stands in the queue, and the next `seal learn` or `seal forget` takes it up"
        raise Interrupted(message) from error


def open_learner(folder: Path, watch: Watch | None = None) -> Learner:
    """The learner in a folder; it is imported here, so that wrong flags are answered at once, and a folder
    that is no workspace before SQLAlchemy is loaded."""
    from seal.registry.marker import read_marker

    read_marker(folder)
    from seal.learner import Learner

    return Learner.open(folder, watch=watch)


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def version_json(version: Version) -> dict[str, Any]:
    return {**asdict(version), "live": "live" in version.aliases}


def say(text: str) -> None:
    Display().console.print(Text(text))


def short(digest: str | None) -> str:
    """Enough of a digest to be told from others, and to be given back to a command."""
    return "–" if digest is None else digest[:12]


def state_of(version: Version) -> str:
    if "live" in version.aliases:
        return "live"
    return "erased" if version.erased else version.state


def date(time: str) -> str:
    return time[:19].replace("T", " ")


def show_entries(title: str, entries: Sequence[LedgerEntry]) -> None:
    """Entries of the ledger as a table."""
    rows = [[str(e.sequence), date(e.time), e.actor, e.action, e.reason] for e in entries]
    columns = ["entry", "at (UTC)", "by", "action", "reason"]
    Display().console.print(table(title, columns, rows, words=True))


def say_live(version: Version) -> None:
    n = len(version.documents)
    say(f"live is now {short(version.id)}, which knows {n} document{'' if n == 1 else 's'}")
