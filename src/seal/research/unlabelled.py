"""An exam that a model writes about a passage itself, for a reward without labels.

The base, which is frozen, writes questions with answers. A question counts if the base, with the passage in
view, answers it as it did when it wrote it; so what the passage does not say drops out. In the exam of a
self-edit its own questions are left out, whatever their signs and capitals: what is rewarded is a fact that
was learned, and not a line that is recited. Knows nothing about what a reward decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seal.engine.adapt import Adaptation
from seal.research.records import OwnExamRecord
from seal.research.run_folder import Lines
from seal.self_edits import FORMATS
from seal.self_edits.pair_lines import question_of
from seal.text import wording
from seal.types import Context, Question, SelfEdit

WRITTEN = 4
"""Self-edits that an exam is made of: several, so that a fact is asked for in other words too."""


def own_exams(
    adaptation: Adaptation, lines: Lines[OwnExamRecord], contexts: Sequence[Context], *, seed: str
) -> dict[str, tuple[Question, ...]]:
    """The questions of each context, by its id; those that `lines` has are not written again."""
    known = {record.context: record for record in lines.read()}
    new = [context for context in contexts if context.id not in known]
    if new:
        asking = replace(adaptation, format=FORMATS.get("self-qa")())
        written = asking.write(new, WRITTEN, seed=seed, stage="writing exams")
        records = [
            OwnExamRecord(context.id, _answerable(adaptation, context, edits))
            for context, edits in zip(new, written, strict=True)
        ]
        lines.append(records)
        known |= {record.context: record for record in records}
    return {
        context.id: tuple(Question(text, (answer,)) for text, answer in known[context.id].questions)
        for context in contexts
    }


def _answerable(adaptation: Adaptation, context: Context, edits: Sequence[SelfEdit]) -> list[tuple[str, str]]:
    pairs = [pair for edit in edits for line in edit.lines if (pair := question_of(line)) is not None]
    first = {wording(text): (text, answer) for text, answer in reversed(pairs)}
    questions = [Question(text, (answer,)) for text, answer in first.values()]
    answers = adaptation.answer([adaptation.exam_prompt(context, question) for question in questions])
    graded = adaptation.grader.grade(questions, answers)
    return [
        (question.text, question.answers[0])
        for question, one in zip(questions, graded, strict=True)
        if one.outcome == "right"
    ]


def kept_apart(questions: Sequence[Question], self_edit: SelfEdit) -> tuple[Question, ...]:
    """The questions that no line of the self-edit asks in the same words."""
    asked = {wording(pair[0]) for line in self_edit.lines if (pair := question_of(line)) is not None}
    return tuple(question for question in questions if wording(question.text) not in asked)
