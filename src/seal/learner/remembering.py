"""Answers that were given, kept for whoever asks why later; and what was asked for and is not known.

Knows nothing about how an answer is made.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from seal.errors import StateError
from seal.grading.exact import comparable
from seal.registry import Feedback, RememberedAnswer, Version
from seal.registry.canonical import digest_of

if TYPE_CHECKING:
    from seal.learner.answering import Answer
    from seal.learner.explaining import Why
    from seal.learner.parts import Parts

UNANSWERED = ("unknown", "base")
"""Ways to answer that no document has a part in."""


@dataclass(frozen=True)
class WantedQuestion:
    """A question that should be answered from documents and is not: how often it was `asked` so, how often an
    answer to it was voted `down`, and when last."""

    question: str
    asked: int
    down: int
    last_at: str

    @property
    def weight(self) -> int:
        return self.asked + self.down


def remembered(
    answer: Answer,
    version: Version | None,
    conversation: Sequence[Mapping[str, str]] = (),
    key: str = "",
) -> RememberedAnswer:
    """An answer as it is kept, with an id of its own. Of the conversation it has a digest of the beginning,
    by which its answers are known to belong together."""
    return RememberedAnswer(
        id=f"ans_{uuid.uuid4().hex[:24]}",
        at="",
        question=answer.question,
        text=answer.text,
        way=answer.way,
        version=None if version is None else version.id,
        probability=min(1.0, max(0.0, answer.probability)),
        source=answer.document,
        documents=answer.candidates,
        passage=answer.passage,
        stated=answer.stated,
        conversation=conversation_id(conversation, key),
        key=key or None,
    )


def conversation_id(messages: Sequence[Mapping[str, str]], key: str = "") -> str | None:
    """The name of a conversation that begins with these messages, for whoever has this key."""
    first = next((n for n, one in enumerate(messages) if one.get("role") == "user"), None)
    if first is None:
        return None
    begun = [[one.get("role", ""), one.get("content", "")] for one in messages[: first + 1]]
    return f"conv_{digest_of([key, begun])[:24]}"


def why_answered(parts: Parts, name: str) -> Why:
    """Where an answer that was given is from. Raises UnknownNameError, StateError if a document that it is
    from was erased since."""
    from seal.learner.explaining import explain_answers

    one = parts.workspace.answer(name)
    if one.erased:
        raise StateError(f"the answer {name} was erased with a document that it was from", "Ask again.")
    version = None if one.version is None else parts.workspace.version(one.version)
    if version is not None and version.erased:
        # No word of the answer is from the document that was erased; but the evidence cannot be had again.
        raise StateError(
            f"the version {version.id[:12]} that gave the answer knew a document that was erased",
            "Ask again.",
        )
    return explain_answers(parts, [_as_given(one)], version)[0]


def _as_given(one: RememberedAnswer) -> Answer:
    from seal.learner.answering import Answer, Way

    documents = one.documents if one.source is None else tuple(d for d in one.documents if d != one.source)
    candidates = documents if one.source is None else (one.source, *documents)
    way = cast(Way, one.way)
    return Answer(
        one.question, one.text, one.probability, one.source, candidates, one.stated, way, one.passage
    )


def wanted(answers: Iterable[RememberedAnswer], feedback: Sequence[Feedback]) -> list[WantedQuestion]:
    """What should be learned next, most asked first: questions that no document answered, or whose answers
    were voted down, and that no answer from a document and no correction has settled since."""
    down = {f.answer for f in feedback if f.kind == "thumbs" and f.value == "down" and f.answer}
    down_talks = {f.conversation for f in feedback if f.value == "down" and f.answer is None}
    settled = {comparable(f.question) for f in feedback if f.state == "taken" and not f.erased}
    found: dict[str, WantedQuestion] = {}
    closed: set[str] = set()
    for one in answers:  # the latest first
        name = comparable(one.question)
        if not name or name in settled or name in closed:
            continue
        disliked = one.id in down or (one.conversation is not None and one.conversation in down_talks)
        missing = one.way in UNANSWERED
        if not missing and not disliked:
            closed.add(name)
            continue
        there = found.get(name) or WantedQuestion(one.question, 0, 0, one.at)
        found[name] = replace(there, asked=there.asked + missing, down=there.down + disliked)
    return sorted(found.values(), key=lambda one: (-one.weight, one.last_at, one.question))
