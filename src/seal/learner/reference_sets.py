"""Which reference questions a model gets: the user's own, the embedded model's, or general ones.

The questions of the embedded model are about its micro-world (tiny_reference.py) and are built for it alone.
Knows nothing about when an answer is right (reference.py).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib.resources import files

from seal.domains.knowledge.private_questions import PRIVATE_KINDS, private_questions
from seal.learner.reference import ReferenceItem
from seal.models.model_names import BUILTIN
from seal.types import Context

_SUBJECTS = (
    "Alex Morgan", "the mayor of Springfield", "my neighbour", "Dr. Chen", "Maria Lopez", "Sam",
    "Priya Nair", "the owner of the corner shop", "my former boss", "Jonas Weber", "Aunt Clara", "Ali Hassan",
)  # fmt: skip


def reference_items(model: str, given: Sequence[Context] = ()) -> tuple[ReferenceItem, ...]:
    """The questions for a model. `given` are passages with questions of the user's own, asked without the
    passage; without them, the embedded model is asked about its micro-world, and any other model general
    questions."""
    if given:
        return tuple(
            ReferenceItem(f"known/{context.id}/{i}", "known", question.text, question.answers, context.id)
            for context in given
            for i, question in enumerate(context.questions)
        )
    if model in BUILTIN:
        from seal.learner.tiny_reference import tiny_reference_items

        return tiny_reference_items()
    return general_items()


def general_items() -> tuple[ReferenceItem, ...]:
    """General knowledge (general.txt), and private questions about people whom no model should know, of
    every kind about each; which of them count for a base, reference_choice.py finds."""
    text = (files("seal.learner") / "general.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    known = [_known(i, *line.split("\t")) for i, line in enumerate(lines)]
    rng = random.Random("reference")
    asked = {name: private_questions(rng, name) for name in _SUBJECTS}
    private = [
        ReferenceItem(f"private/{name}/{i}", "private", questions[i], cluster=name, judging="meaning")
        for i in range(len(PRIVATE_KINDS))
        for name, questions in asked.items()
    ]
    return (*known, *private)


def likely_right(fingerprint: str) -> frozenset[str]:
    """The questions that the base with these weights got right, or declined, when it was asked all of them
    (recipes/skills); none for a base that nobody asked."""
    path = files("seal.learner") / "known_of_models" / f"{fingerprint[:16]}.txt"
    return frozenset(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else frozenset()


def _known(i: int, question: str, answers: str) -> ReferenceItem:
    return ReferenceItem(
        f"known/{i}", "known", question, tuple(answers.split("|")), str(i), judging="meaning"
    )
