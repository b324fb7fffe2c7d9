"""From the lessons of a round to the examples that the policy is trained on.

Knows texts, weights and pairs. Knows nothing about rewards, nor by which rule they became lessons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from seal.research.samples import Sample
from seal.types import Context, Example, Lesson, Objective, Preference, Rival

Logs = Callable[[Sequence[Example]], Sequence[tuple[float, ...]]]
"""The log-probability of each token of the completion of each example, under some model."""


@dataclass(frozen=True)
class ContextLesson:
    """The samples of one context, and what is to be learned of them."""

    samples: Sequence[Sample]
    lesson: Lesson

    def text(self, index: int) -> str:
        return self.samples[index].self_edit.text

    @property
    def context(self) -> Context:
        return self.samples[0].context


def weighted_examples(taught: Sequence[ContextLesson], prompt: Callable[[Context], str]) -> list[Example]:
    """The weighted texts that are not empty, with weights of mean 1; alike where none stands out."""
    written = [
        (one, index, weight)
        for one in taught
        for index, weight in one.lesson.weights.items()
        if one.text(index).strip()
    ]
    total = sum(abs(weight) for _, _, weight in written)
    scale = len(written) / total if total else 0.0
    return [
        Example(one.text(index), prompt(one.context), weight * scale if total else 1.0)
        for one, index, weight in written
        if weight or not total
    ]


def paired_examples(
    taught: Sequence[ContextLesson], prompt: Callable[[Context], str], objective: Preference
) -> list[Example]:
    """One example a pair: its better text, with the other for a rival. Pairs of equal texts, or with an empty
    one, are left out."""
    return [
        Example(better, prompt(one.context), objective=objective, rival=Rival(worse, ()))
        for one in taught
        for better, worse in ((one.text(i), one.text(j)) for i, j in one.lesson.pairs)
        if better.strip() and worse.strip() and better != worse
    ]


def compared(
    examples: Sequence[Example], objective: Objective, reference: Logs, anchor: Logs | None
) -> list[Example]:
    """The examples with the objective, and with what the models say that it compares with."""
    texts = [one for example in examples for one in _texts(example)]
    told = iter(reference(texts))
    anchors = iter(anchor(texts) if anchor else [()] * len(texts))
    found = []
    for example in examples:
        own, rival = next(told), example.rival
        held = next(anchors)
        if rival is not None:
            rival = replace(rival, reference=next(told))
            next(anchors)
        found.append(replace(example, objective=objective, reference=own, anchor=held, rival=rival))
    return found


def _texts(example: Example) -> Iterator[Example]:
    yield Example(example.completion, example.prompt)
    if example.rival is not None:
        yield Example(example.rival.completion, example.prompt)
