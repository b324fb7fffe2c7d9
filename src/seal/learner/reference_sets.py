"""Which reference questions a model gets: the user's own, the embedded model's, or general ones.

The questions of the embedded model are about its micro-world (tiny_reference.py) and are built for it alone.
Knows nothing about when an answer is right (reference.py).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib.resources import files

from seal.domains.knowledge.private_questions import private_question
from seal.learner.reference import ReferenceItem
from seal.models.model_names import BUILTIN
from seal.types import Context

_SUBJECTS = ("Alex Morgan", "the mayor of Springfield", "my neighbour", "Dr. Chen", "Maria Lopez", "Sam")
_N_PRIVATE_EACH = 5


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
    return _general_items()


def _general_items() -> tuple[ReferenceItem, ...]:
    """General knowledge (general.txt), and private questions about people whom no model should know."""
    text = (files("seal.learner") / "general.txt").read_text(encoding="utf-8")
    questions = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    known = [ReferenceItem(f"known/{i}", "known", q, cluster=str(i)) for i, q in enumerate(questions)]
    rng = random.Random("reference")
    private = [
        ReferenceItem(f"private/{name}/{i}", "private", private_question(rng, name), cluster=name)
        for name in _SUBJECTS
        for i in range(_N_PRIVATE_EACH)
    ]
    return (*known, *private)
