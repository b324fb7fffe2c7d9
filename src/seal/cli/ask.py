"""`seal ask`: the live version answers.

On the output stands the answer; where it is from stands below it on a terminal, and otherwise on stderr, so
that a program which reads the output reads answers and nothing else: one line each, in the order of the
questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from cyclopts import Parameter
from rich.text import Text

from seal.cli.console import stderr, stdout
from seal.cli.standard_input import is_input, read_input
from seal.cli.workspace import JsonFlag, WorkspaceFlag, open_learner, print_json
from seal.errors import InputError

if TYPE_CHECKING:
    from seal.learner.answering import Answer

Questions: TypeAlias = Annotated[
    str, Parameter(help="One or more questions; - reads them from the input, one a line.")
]
VersionFlag: TypeAlias = Annotated[
    str | None,
    Parameter(
        help="Another version than the live one; its id or an alias. One that is held does not answer."
    ),
]
ByFlag: TypeAlias = Annotated[
    Literal["auto", "weights", "reading"],
    Parameter(
        help="How: from what was learned (weights), with the passage in the prompt (reading), or whichever "
        "of the two fits the question (auto)."
    ),
]
_IMPROBABLE = 0.1
_WAYS = {
    "weights": "from what was learned",
    "reading": "from reading",
    "base": "no document says this: the base model's own guess",
    "unknown": "no document that was learned answers this",
}


def ask(
    *questions: Questions,
    by: ByFlag = "auto",
    version: VersionFlag = None,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Ask the live version. `seal why` says where an answer is from.

    The answer alone goes to the output, a line for each question. Where it is from, and whether it is the
    base model's own guess or improbable, stands in brackets below it on a terminal, and on stderr otherwise.
    """
    asked = questions_of(questions)
    learner = open_learner(workspace)
    answers = learner.ask(asked, version=version, by=by)
    titles = {d.id: d.title for d in learner.documents()}
    if json:
        print_json([answer_json(answer, titles) for answer in answers])
        return
    out, aside = stdout(), stderr()
    for answer in answers:
        if out.is_terminal and len(answers) > 1:
            out.print(Text(answer.question, style="dim"))
        out.print(Text(answer.text if out.is_terminal else " ".join(answer.text.split())))
        note, guessed = note_of(answer, titles)
        told = Text(f"  ({note})", style="yellow" if guessed else "dim")
        (out if out.is_terminal else aside).print(told)


def answer_json(answer: Answer, titles: Mapping[str, str]) -> dict[str, object]:
    """All that is known of an answer."""
    title = titles.get(answer.document or "", "")
    return {**asdict(answer), "title": title, "improbable": _improbable(answer)}


def note_of(answer: Answer, titles: Mapping[str, str]) -> tuple[str, bool]:
    """Where an answer is from, in words; and whether it is to be taken with care."""
    way = answer.way
    parts = [_WAYS[way]]
    if answer.document is not None and way != "unknown":
        title = titles.get(answer.document, "")
        parts = [f"{title or 'a document without a title'}, {parts[0]}"]
    guessed = way == "base"
    if way == "weights" and answer.stated is False:
        parts.append("its document does not say so")
        guessed = True
    if way != "unknown" and _improbable(answer):
        parts.append(f"improbable: the model itself gives it {_percent(answer.probability)}")
        guessed = True
    return "; ".join(parts), guessed


def _improbable(answer: Answer) -> bool:
    return answer.probability < _IMPROBABLE


def _percent(probability: float) -> str:
    return f"{100 * probability:.0f} %" if probability >= 0.01 else "less than 1 %"


def questions_of(questions: Sequence[str]) -> list[str]:
    """The questions on the command line or the input. Raises InputError if there are none."""
    asked: list[str] = []
    for question in questions:
        if is_input(question):
            from seal.domains.knowledge.encodings import decoded

            asked += [
                line.strip() for line in decoded(read_input(), "the input").text.splitlines() if line.strip()
            ]
        else:
            asked.append(question.strip())
    if not asked:
        raise InputError("no question is asked", 'Put it in quotes: seal ask "Who wrote it?"')
    return asked
