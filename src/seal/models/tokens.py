"""Text to token ids, and rows to rectangles. Knows nothing about training or about adapters.

A prompt and what follows it are tokenised apart and joined, so that training, scoring and sampling all
see the same tokens whatever the tokenizer would have merged across the border.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

Tokenizer = Any  # transformers' tokenizers have no common typed base


@functools.lru_cache(maxsize=8)
def _prefix(tokenizer: Tokenizer) -> tuple[int, ...]:
    bos = tokenizer.bos_token_id
    return (bos,) if bos is not None and tokenizer("")["input_ids"][:1] == [bos] else ()


def encode_prompt(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of a text that starts a sequence; begins with BOS only if the tokenizer itself adds it."""
    return [*_prefix(tokenizer), *tokenizer(text, add_special_tokens=False)["input_ids"]]


def encode_completion(tokenizer: Tokenizer, text: str, *, append_eos: bool) -> list[int]:
    """The ids of a text that follows a prompt; ends with EOS if asked for and if there is one."""
    ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    return [*ids, tokenizer.eos_token_id] if append_eos and tokenizer.eos_token_id is not None else ids


def pad_id(tokenizer: Tokenizer) -> int:
    """The id to fill rows with. No result depends on it: padding is never attended to and bears no loss."""
    for id in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if id is not None:
            return id
    return 0


@dataclass(frozen=True)
class Rectangle:
    """Rows that go through the model together: `rows` for each of `slots`, adapter-major.

    `members[i]` are the callers' indices of the rows of `slots[i]`, at most `rows` of them; the rest of
    the places are filled with padding. `length_tokens` is the longest row.
    """

    slots: tuple[int, ...]
    members: tuple[tuple[int, ...], ...]
    rows: int
    length_tokens: int

    def places(self) -> Iterable[tuple[int, int]]:
        """(row of the batch, caller's index) of every real row."""
        return (
            (i * self.rows + j, member) for i, own in enumerate(self.members) for j, member in enumerate(own)
        )

    def fill(self, ids: Sequence[Sequence[int]], pad: int) -> torch.Tensor:
        """The batch [len(slots) * rows, length_tokens], padded on the right."""
        table = [[pad] * self.length_tokens] * (len(self.slots) * self.rows)
        for row, member in self.places():
            table[row] = [*ids[member], *table[row][len(ids[member]) :]]
        return torch.tensor(table)


def pack(
    slots: Sequence[int], lengths: Sequence[int], *, full_tokens: int, max_tokens: int, slack: float = 0.1
) -> list[Rectangle]:
    """Arranges rows in rectangles with little padding; rows of one slot may come to lie in several.

    Row i belongs to slot `slots[i]` and has `lengths[i]` tokens. Going from the longest row down, a
    rectangle is closed when it is worth a pass of its own (`full_tokens`) and the next rows would be
    padded by more than `slack`; no rectangle exceeds `max_tokens` unless a single row does.
    """
    rectangles: list[Rectangle] = []
    waiting = sorted(range(len(slots)), key=lambda i: (-lengths[i], slots[i]))
    while waiting:
        longest = lengths[waiting[0]]
        bucket = [i for i in waiting if lengths[i] >= (1 - slack) * longest]
        while len(bucket) < len(waiting) and len(bucket) * longest < full_tokens:
            bucket.append(waiting[len(bucket)])
        waiting = waiting[len(bucket) :]
        rectangles += _rectangles(bucket, slots, longest, full_tokens, max_tokens)
    return rectangles


def _rectangles(
    bucket: list[int], slots: Sequence[int], longest: int, full_tokens: int, max_tokens: int
) -> list[Rectangle]:
    """One bucket of rows of like length: slots with the same number of rows go together."""
    own: dict[int, list[int]] = {}
    most_rows = max(1, max_tokens // longest)
    for i in bucket:
        own.setdefault(slots[i], []).append(i)
    groups = [
        (slot, tuple(members[at : at + most_rows]))
        for slot, members in own.items()
        for at in range(0, len(members), most_rows)
    ]
    groups.sort(key=lambda group: (-len(group[1]), group[0]))
    rectangles: list[Rectangle] = []
    chunk: list[tuple[int, tuple[int, ...]]] = []
    for group in [*groups, None]:
        rows = len(chunk[0][1]) if chunk else 0
        if chunk and (
            group is None
            or (len(chunk) + 1) * rows * longest > max_tokens
            or (len(group[1]) < rows and len(chunk) * rows * longest >= full_tokens)
            or any(group[0] == slot for slot, _ in chunk)
        ):
            chunk.sort()
            rectangles.append(
                Rectangle(tuple(s for s, _ in chunk), tuple(m for _, m in chunk), rows, longest)
            )
            chunk = []
        if group is not None:
            chunk.append(group)
    return rectangles
