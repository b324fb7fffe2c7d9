"""What one version knows that another does not, in questions and answers. Knows nothing about how it is
printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seal.errors import StateError
from seal.grading.exact import comparable
from seal.learner.measuring import exam_items
from seal.learner.parts import Parts
from seal.registry import Version


@dataclass(frozen=True)
class Change:
    """A question that two versions answer differently.

    "gained": the second gives the answer of its document; "lost": the first did; "changed": both give the
    answer of a document of theirs, and the answers differ.
    """

    kind: Literal["gained", "lost", "changed"]
    document: str
    title: str
    question: str
    before: str
    after: str


def compare_versions(parts: Parts, before: Version, after: Version) -> list[Change]:
    """Every question of the exams of either version that the two answer differently, by document.

    Raises StateError if a version knew a document that was erased: what it said is gone.
    """
    for version in (before, after):
        if version.erased:
            raise StateError(
                f"the version {version.id[:12]} knew a document that was erased", "Compare two others."
            )
    first, second = parts.library.of_version(before), parts.library.of_version(after)
    items = {
        (key, i.question): i
        for known in (first, second)
        for key, one in known.items()
        for i in exam_items(one)
    }
    questions = [question for _, question in items]
    old, new = parts.mind(before).ask(questions), parts.mind(after).ask(questions)
    changes = []
    for (key, question), a, b in zip(items, old, new, strict=True):
        if comparable(a.text) == comparable(b.text):
            continue
        told_by = [known.get(key) for known in (first, second)]
        right = [
            one is not None
            and any(question == i.question and _says(i.answers, text) for i in exam_items(one))
            for one, text in zip(told_by, (a.text, b.text), strict=True)
        ]
        if not any(right):
            continue
        known = second.get(key) or first[key]
        kind: Literal["gained", "lost", "changed"] = "gained" if right[1] else "lost"
        if right[1] and a.document is not None:
            kind = "changed"
        changes.append(Change(kind, key, known.document.title, question, a.text, b.text))
    return changes


def _says(answers: tuple[str, ...], text: str) -> bool:
    return any(comparable(answer) == comparable(text) for answer in answers)
