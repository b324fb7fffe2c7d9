"""Which rows of tokens begin alike, so that what they share is computed once. Knows nothing about models.

Examples of one chat template, questions about one passage, samples of one prompt: most of what a model reads
it has just read. One level is enough: a row shares one prefix, with those rows with which that saves most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_WORTH = 0.9  # of the tokens that go through the model without sharing; above it, passes stay as they are
_MOST_CUTS = 64


@dataclass(frozen=True)
class SharedPrefix:
    """The rows `members` have their first `length_tokens` tokens in common."""

    members: tuple[int, ...]
    length_tokens: int


def shared_prefixes(
    rows: Sequence[Sequence[int]],
    most: Sequence[int],
    owners: Sequence[int] | None = None,
    *,
    padded: bool,
    least: int = 16,
) -> list[SharedPrefix]:
    """Every row in one group, groups in the order of their owners; empty if sharing does not pay.

    Args:
        most: tokens of each row that may be shared.
        owners: rows of unlike owners share nothing.
        padded: prefixes and rests are filled up to the longest, so that a row by itself has as long a prefix
            as others; else such a row has none.
        least: tokens that a prefix has at least.
    """
    owners = owners or [0] * len(rows)
    heads = [tuple(row[:n]) for row, n in zip(rows, most, strict=True)]
    order = sorted(range(len(rows)), key=lambda i: (owners[i], heads[i]))
    common = [_common(heads[a], heads[b]) if owners[a] == owners[b] else 0 for a, b in pairwise(order)]
    cuts = sorted({n for n in common if n >= least})
    cuts = [cuts[i * len(cuts) // _MOST_CUTS] for i in range(_MOST_CUTS)] if len(cuts) > _MOST_CUTS else cuts
    lengths = [len(row) for row in rows]
    best: list[SharedPrefix] = []
    least_cost = _WORTH * (max(lengths, default=0) * len(rows) if padded else sum(lengths))
    for cut in cuts:
        groups = _groups(order, common, cut)
        if padded:
            longest = max(group.length_tokens for group in groups)
            groups = [_alone(group, most, longest) for group in groups]
        if (cost := _cost(groups, lengths, padded)) < least_cost:
            best, least_cost = groups, cost
    return best


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    for n, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return n
    return min(len(one), len(other))


def _groups(order: Sequence[int], common: Sequence[int], cut: int) -> list[SharedPrefix]:
    """Neighbours in `order` with at least `cut` tokens in `common` are in one group."""
    groups: list[tuple[list[int], list[int]]] = [([order[0]], [])]
    for i, n in zip(order[1:], common, strict=True):
        if n >= cut:
            groups[-1][0].append(i)
            groups[-1][1].append(n)
        else:
            groups.append(([i], []))
    return [SharedPrefix(tuple(sorted(members)), min(shared, default=0)) for members, shared in groups]


def _alone(group: SharedPrefix, most: Sequence[int], longest: int) -> SharedPrefix:
    first, *others = group.members
    return group if others else SharedPrefix(group.members, min(longest, most[first]))


def _cost(groups: Sequence[SharedPrefix], lengths: Sequence[int], padded: bool) -> int:
    """The tokens that go through the model."""
    rests = [lengths[i] - group.length_tokens for group in groups for i in group.members]
    prefixes = [group.length_tokens for group in groups]
    if padded:
        return max(prefixes) * len(prefixes) + max(rests) * len(rests)
    return sum(prefixes) + sum(rests)
