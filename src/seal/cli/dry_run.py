"""How `seal learn --dry-run` shows what would be done. Knows nothing about how that is found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.text import Text

from seal.cli.console import clock, print_passed_over, stdout
from seal.cli.workspace import print_json, say
from seal.errors import InputError

if TYPE_CHECKING:
    from seal.learner.forecast import DocumentForecast, StudyForecast

_MARKS = {
    "learn": ("+", "green", "to learn"),
    "hold": ("?", "yellow", "to learn, and then a person is asked"),
    "known": ("=", "dim", "known"),
    "rejected": ("✗", "red", "would be rejected"),
}


def told_of(wrong: Sequence[InputError]) -> list[dict[str, str]]:
    """What is wrong with files, for programs."""
    return [{"error": error.message, "hint": error.hint} for error in wrong]


def show_forecast(told: StudyForecast, wrong: Sequence[InputError], json: bool) -> None:
    """What would be done with each document, and what all of it would cost."""
    if json:
        print_json({**asdict(told), "passed_over": told_of(wrong)})
        return
    for one in told.documents:
        _document(one)
    print_passed_over(wrong)
    _cost(told)


def _document(one: DocumentForecast) -> None:
    from seal.learner.advising import advice

    mark, style, words = _MARKS[one.outcome]
    size = f"{one.units} sentence{'' if one.units == 1 else 's'}, about {one.tokens:,} tokens"
    exam = f", with an exam of {one.given_questions}" if one.given_questions else ""
    console = stdout()
    console.print(Text.assemble((mark, style), f" {one.title or one.document[:12]}: {words}; {size}{exam}"))
    if one.reason:
        console.print(Text(f"    {one.reason}"))
    words = advice(one.reason) if one.outcome in ("hold", "rejected") else ""
    if words:
        console.print(Text(f"    → {words}"))
    for other in one.like:
        console.print(Text(f"    like {other!r}, which is known: what it says otherwise, it replaces there"))


def _cost(told: StudyForecast) -> None:
    n = len(told.to_learn)
    say(f"{n} of {len(told.documents)} documents would be learned by {told.model!r}; nothing was stored.")
    if not n:
        return
    writer = "" if told.writer == told.model else f" by {told.writer!r}"
    steps = f", and {told.steps:,} steps of training" if told.steps else ""
    say(f"  at most {told.tokens_written:,} tokens would be written{writer}{steps}")
    if told.sent_to:
        say(f"  their sentences, headings and titles would be sent to {told.sent_to}")
    if told.seconds is None:
        say("  how long that takes cannot be told yet: nothing was learned in this workspace")
    else:
        studies = "study" if told.studies == 1 else f"{told.studies} studies"
        say(f"  about {clock(told.seconds)}, by what the last {studies} of this workspace took")
