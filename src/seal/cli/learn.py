"""`seal learn`: documents go in, and what passes every gate is live."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.text import Text as Styled

from seal.cli.console import Display, clock, print_error, print_note
from seal.cli.dry_run import show_forecast, told_of
from seal.cli.standard_input import is_input, read_input
from seal.cli.workspace import JsonFlag, TrustFlag, WorkspaceFlag, open_learner, print_json, short
from seal.errors import InputError, Interrupted

if TYPE_CHECKING:
    from seal.learner import Learned, Text
    from seal.registry import Version

PACE_S = 5.0
_MARKS = {
    "live": ("✓", "bold green"),
    "read": ("✓", "bold yellow"),
    "held": ("?", "bold yellow"),
    "rejected": ("✗", "bold red"),
    "known": ("=", "dim"),
}


def learn(
    *files: Annotated[
        Path,
        Parameter(
            help="Texts (.txt, .md), pages and books (.html, .docx, .epub, .pdf), tables and data sets "
            "(.csv, .tsv, .json, .jsonl, .parquet), folders of these; - is what comes on the input."
        ),
    ],
    title: Annotated[
        str, Parameter(help="The title, for one document; by default its heading or file name.")
    ] = "",
    questions: Annotated[
        Path | None,
        Parameter(
            help="An exam: passages with questions (.json, .jsonl, .csv, .parquet), matched by their text or "
            "title; for one document a list of questions will do. Without it the model writes its own."
        ),
    ] = None,
    trust: TrustFlag = None,
    dry_run: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Only say what would be done, what is known already, and about how long it would take. "
            "Nothing is stored, and no model is loaded.",
        ),
    ] = False,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Learn documents: the model writes its own training data about each, trains on it, and is examined.

    What passes every gate goes live at once; what a person should see is held (`seal versions`, `seal show`,
    `seal approve`); what fails is rejected, and the live version stays. With a real model, a document of
    which only the cell fails is live to be read. A file that cannot be read is named and passed over. The
    exit status is 0 if everything is live (or was known), 1 if something is not, 2 if a file could not be
    read.
    """
    if not files:
        raise InputError("no document is named", "Name files or folders, or - for a text on the input.")
    texts, wrong = _texts(files, title, questions, trust)
    if dry_run:
        learner = open_learner(workspace, watch=Display())
        show_forecast(learner.forecast(texts), wrong, json)
    else:
        _learn(texts, wrong, workspace, json)
    if wrong:
        raise SystemExit(2)


def _learn(texts: Sequence[Text], wrong: Sequence[InputError], workspace: Path, json: bool) -> None:
    display = Display(pace_s=PACE_S)
    started = time.monotonic()
    for error in wrong:  # before hours of work, so that it can be stopped
        print_error("passed over", error.message, error.hint)
    try:
        with display.running(workspace):
            # Progress is for people: programs read the last thing on the output.
            learner = open_learner(workspace, watch=None if json else display)
            display.expects(learner.forecast(texts).seconds)
            learned = learner.learn(texts)
    except Interrupted as stopped:
        raise Interrupted("what was not finished is taken up by the next `seal learn`") from stopped
    seconds = time.monotonic() - started
    if json:
        rows = [asdict(one) | {"advice": advice_of(one)} for one in learned]
        print_json({"seconds": seconds, "documents": rows, "passed_over": told_of(wrong)})
    else:
        show_learned(display, learned)
        _show_live(display, learner.live(), seconds)
    if not wrong and any(one.outcome in ("held", "rejected") for one in learned):
        raise SystemExit(1)


def _texts(
    files: Sequence[Path], title: str, questions: Path | None, trust: float | None
) -> tuple[list[Text], list[InputError]]:
    """The documents that are named, and what is wrong with the files that cannot be read. Raises what is
    wrong with the first one if none can."""
    from seal.learner.documents import checked_trust, documents_in, load_readable, with_questions

    checked_trust(trust)
    texts: list[Text] = []
    wrong: list[InputError] = []
    for file in files:
        if is_input(file):
            try:
                texts += documents_in(read_input(), "the input", trust=trust, notice=print_note)
            except InputError as error:
                wrong.append(error)
        else:
            found, unreadable = load_readable(file, trust=trust, notice=print_note)
            texts += found
            wrong += unreadable
    if not texts:
        raise wrong[0]
    if title:
        if len(texts) > 1:
            raise InputError(f"one title for {len(texts)} documents", "Leave --title out.")
        texts = [replace(texts[0], title=title, titled=True, corrects=True)]
    if questions is not None:
        texts = with_questions(texts, questions, notice=print_note)
    return texts, wrong


def advice_of(one: Learned) -> str:
    """What to do about a document that is not in the weights; empty for one that is."""
    if one.outcome in ("live", "known"):
        return ""
    from seal.learner.advising import advice

    stored = (one.title or short(one.document)) if one.document else ""
    version = short(one.version) if one.version else ""
    return advice(one.reason, document=stored, version=version)


def show_learned(display: Display, learned: Sequence[Learned]) -> None:
    """What became of each document, why, and what can be done about it."""
    for one in learned:
        mark, style = _MARKS[one.outcome]
        name = one.title or short(one.document)
        told = f" {name}: {'live, by reading only' if one.outcome == 'read' else one.outcome}"
        if one.questions:
            told += f", {one.after} of {one.questions} questions right ({one.before} before)"
            told += f", {one.lines_kept} of {one.lines_written} lines kept"
        display.console.print(Styled.assemble((mark, style), told))
        if one.outcome not in ("live", "known"):
            display.console.print(Styled(f"    {one.reason}"))
            if advice_of(one):
                display.console.print(Styled(f"    → {advice_of(one)}"))
        if one.outcome == "held":
            display.console.print(
                Styled(f"    seal approve {short(one.version)}   or   seal reject {short(one.version)}")
            )
        for other in one.supersedes:
            display.console.print(Styled(f"    replaces what document {short(other)} said"))


def _show_live(display: Display, live: Version | None, seconds: float) -> None:
    n = len(live.documents) if live else 0
    noun = "document" if n == 1 else "documents"
    display.console.print(
        Styled(f"The live version {short(live.id if live else None)} knows {n} {noun}. ({clock(seconds)})")
    )
