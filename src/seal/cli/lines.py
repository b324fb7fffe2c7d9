"""`seal lines`: what was written about a document, and what became of each line."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.text import Text

from seal.cli.console import stdout
from seal.cli.workspace import DocumentName, JsonFlag, WorkspaceFlag, open_learner, print_json, say, short
from seal.errors import InputError

if TYPE_CHECKING:
    from seal.learner.inspecting import DocumentLines, LineRecord


def lines(
    document: DocumentName,
    *,
    all: Annotated[
        bool, Parameter(negative=(), help="The dropped lines too, in the order in which they were written.")
    ] = False,
    dropped: Annotated[bool, Parameter(negative=(), help="The dropped lines only.")] = False,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """List what the model wrote about a document: each line, whether it is learned or why not, and the
    sentence that it is about. Loads no model.

    Without a flag the lines that are learned are listed, and the others are counted by their reason.
    """
    if all and dropped:
        raise InputError("--all and --dropped exclude each other", "Give one of them.")
    told = open_learner(workspace).lines(document)
    wanted = [line for line in told.lines if all or line.kept != dropped]
    if json:
        rows = [asdict(line) for line in (wanted if dropped else told.lines)]
        print_json({"document": told.document.id, "title": told.document.title, "lines": rows})
        return
    _head(told)
    _list(wanted)
    if not all and not dropped:
        _count(told)


def _head(told: DocumentLines) -> None:
    n, name = sum(line.kept for line in told.lines), told.document.title or "(no title)"
    say(f"{name}  {short(told.document.id)}: {n} of {len(told.lines)} lines learned")
    if not told.lines:
        say("  nothing was written about it yet")


def _list(wanted: list[LineRecord]) -> None:
    console = stdout()
    for line in wanted:
        mark, style = ("✓", "green") if line.kept else ("✗", "red")
        console.print(Text.assemble((f"  {mark} ", style), line.text.replace("\n", "  ")))
        if line.reason:
            console.print(Text(f"      why not: {line.reason}", style="yellow"))
        if line.sentence:
            place = "of" if line.kept else "about"
            console.print(Text(f"      {place}: {line.sentence}", style="dim"))


def _count(told: DocumentLines) -> None:
    reasons = Counter(line.reason for line in told.lines if not line.kept)
    if reasons:
        say(f"{reasons.total()} more are not learned (--dropped lists them):")
        for reason, n in reasons.most_common():
            say(f"  {n:>4}  {reason}")
