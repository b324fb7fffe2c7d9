"""Samples that are joined of others: the best one so far, with what the next best says that it does not.

What is learned of scored samples can be no better than the best of them. One that was joined of two says what
both say, so the policy may learn from what is better than all that it writes. It is trained and rewarded like
any other sample, in place of one that would have been written (crossover, as in evolution strategies; for
prompts: Guo et al., EvoPrompt, arXiv 2309.08532).

In the control chance says which samples are joined. Knows nothing about rewards: who is better is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seal.engine.adapt import Adaptation
from seal.models.tokens import encode_completion
from seal.research.records import SelfEditRecord
from seal.research.run_folder import Lines
from seal.research.samples import Sample
from seal.types import SelfEdit

Ranking = Callable[[Sequence[Sequence[Sample]]], Sequence[Sequence[Sample]]]
"""Puts the samples of each context in an order, those first that are to be joined."""


def with_joined(
    adaptation: Adaptation,
    lines: Lines[SelfEditRecord],
    samples: Sequence[Sequence[Sample]],
    n: int,
    ranked: Ranking,
) -> list[list[Sample]]:
    """The samples of each context with `n` more, each joined of those before it; `lines` keeps them.

    Where no two of them differ in what they say, it is the first of the order once more.
    """
    grown = [list(own) for own in samples]
    for _ in range(n):
        stored = {record.key for record in lines.read()}
        if any((own[0].context.id, len(own)) not in stored for own in grown):
            records = [
                SelfEditRecord.of(own[0].context, len(own), _joined(adaptation, order))
                for own, order in zip(grown, ranked(grown), strict=True)
            ]
            lines.append([record for record in records if record.key not in stored])
        grown = read_joined(adaptation, lines, grown, 1)
    return grown


def read_joined(
    adaptation: Adaptation, lines: Lines[SelfEditRecord], samples: Sequence[Sequence[Sample]], n: int
) -> list[list[Sample]]:
    """The samples of each context with the next `n` that `lines` has."""
    stored, parse = {record.key: record for record in lines.read()}, adaptation.format.parse
    grown = [list(own) for own in samples]
    for own in grown:
        context = own[0].context
        for index in range(len(own), len(own) + n):
            record = stored[context.id, index]
            edit = parse(context, record.text, truncated=record.truncated)
            own.append(Sample(context, index, edit))
    return grown


def _joined(adaptation: Adaptation, order: Sequence[Sample]) -> SelfEdit:
    """The first with the next one that adds to it, unless that was tried before."""

    def fits(text: str) -> bool:
        tokens = encode_completion(adaptation.tokenizer, text, append_eos=True)
        return len(tokens) <= adaptation.edit_tokens

    first, tried = order[0], {one.self_edit.text for one in order}
    for other in order[1:]:
        both = adaptation.format.joined(first.context, first.self_edit, other.self_edit, fits)
        if both is not None and both.text not in tried:
            return both
    return first.self_edit
