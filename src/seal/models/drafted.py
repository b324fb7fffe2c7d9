"""Writing with drafts: some rows write some tokens each in one pass, as native code computes them.

A pass has of each row its last token and the draft after it. Each gives the logits that it would give alone,
to the bit, so that a drafted token is taken if and only if it is the one that the row draws there, by its own
seed; what was drafted in vain is written over. Rows come to have unlike lengths in the cache. What is written
is what would be written without drafts. Knows nothing about texts, prompts or when a row has ended.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import torch
from torch import Tensor, nn

from seal.models.copying import CopiedRow, DraftPlanner
from seal.models.decoder import Decoder, is_embedded
from seal.models.key_value_cache import KeyValueCache
from seal.models.native_layers import most_tokens_alike
from seal.models.pace import paced_loop
from seal.models.sampling import Sampling, draw, drawn_logs

WriteToken: TypeAlias = Callable[[int, int, float], bool]
"""Told a row's place, its next token and that token's log-probability; whether the row goes on."""
_A_TOKEN = 0.05  # what it costs, in parts of reading the weights


class SlotHolder(Protocol):
    """What holds adapters: a `seal.training.AdapterBank` in its `with` block."""

    def route(self, slots: Sequence[int], shares: int | Sequence[int]) -> AbstractContextManager[None]:
        """Inside, `shares[i]` rows of a batch belong to `slots[i]`; slots rise, rows are in their order."""
        ...


@dataclass
class DraftedRow:
    """A row that writes: its place in the batch and the cache, its slot if there are adapters, its tokens so
    far, and how many it has written."""

    place: int
    slot: int
    text: CopiedRow
    n_written: int
    end: int  # its tokens in the cache, padding included
    draft: list[int] = field(default_factory=list)


def can_draft(model: nn.Module) -> bool:
    """Whether drafts can be checked to the bit: not where operators compute, whose sums depend on how many
    tokens are in flight."""
    return isinstance(model, Decoder) and not is_embedded(model) and most_tokens_alike() > 0


@dataclass
class DraftedWriting:
    """Rows of a batch that go on writing. `positions` and `mask` [B, capacity] as in the cache; no mask:
    there is no padding. `uniform` [B, max_new_tokens] is what each row draws by. `clock` tells this thread's
    own time, so that others that compute do not make passes seem long. Without `with_logs` log-probabilities
    are told as 0."""

    model: Decoder
    cache: KeyValueCache
    adapters: SlotHolder | None
    positions: Tensor
    mask: Tensor | None
    sampling: Sampling
    uniform: Tensor
    planner: DraftPlanner
    most_drafted: int
    clock: Callable[[], float] = time.thread_time
    with_logs: bool = False

    def run(self, rows: Sequence[DraftedRow], write: WriteToken) -> bool:
        """Writes until `write` has said of every row that it ends. False: native code cannot do
        it, and nothing was done."""
        with paced_loop() as passing:
            while rows:
                self._draft(rows)
                began, n_tokens = self.clock(), sum(1 + len(row.draft) for row in rows)
                with passing("writing", 1 + _A_TOKEN * n_tokens):
                    logits = self._step(rows)
                if logits is None:
                    return False
                self.planner.took(n_tokens, self.clock() - began)
                rows = self._take(rows, logits, write)
        return True

    def _draft(self, rows: Sequence[DraftedRow]) -> None:
        rooms = [min(self.sampling.max_new_tokens - row.n_written - 1, self.most_drafted) for row in rows]
        lengths = self.planner.lengths([row.text for row in rows], rooms, most_tokens_alike())
        for row, n in zip(rows, lengths, strict=True):
            row.draft = row.text.draft(n)

    def _step(self, rows: Sequence[DraftedRow]) -> Tensor | None:
        """Logits [N, V] after the last token of each row and each of its draft."""
        tokens = [token for row in rows for token in (row.text.tokens[-1], *row.draft)]
        own = [row.place for row in rows for _ in range(1 + len(row.draft))]
        places = [row.end + i for row in rows for i in range(1 + len(row.draft))]
        shares = Counter(row.slot for row in rows for _ in range(1 + len(row.draft)))
        route = self.adapters.route(list(shares), list(shares.values())) if self.adapters else nullcontext()
        device = self.positions.device
        with route:
            states = self.model.get_decoder().step(
                torch.tensor(tokens, device=device)[:, None],
                self.positions[own, places][:, None],
                own,
                places,
                mask=self.mask,
                cache=self.cache,
            )
        if states is None:
            return None
        logits: Tensor = self.model.lm_head(states.last_hidden_state[:, 0])
        return logits

    def _take(self, rows: Sequence[DraftedRow], logits: Tensor, write: WriteToken) -> list[DraftedRow]:
        """Draws the next token of each row, and the one after that for as long as a row draws what was
        drafted; returns the rows that go on."""
        going: list[DraftedRow] = []
        starts, at = list[int](), 0
        for row in rows:
            starts.append(at)
            at += 1 + len(row.draft)
        drawing, n = list(zip(rows, starts, strict=True)), 0
        while drawing:
            own = logits if len(drawing) == len(logits) else logits[[start + n for _, start in drawing]]
            uniform = self.uniform[[row.place for row, _ in drawing], [row.n_written for row, _ in drawing]]
            again: list[tuple[DraftedRow, int]] = []
            drawn = draw(own, self.sampling, uniform)
            logs = drawn_logs(own, drawn) if self.with_logs else [0.0] * len(drawn)
            for (row, start), token, log in zip(drawing, drawn.tolist(), logs, strict=True):
                n_alike = row.text.n_alike
                right = row.text.write(token)
                if n_alike:
                    self.planner.saw(n_alike, right=right)
                row.n_written, row.end = row.n_written + 1, row.end + 1
                if write(row.place, token, log):
                    matched = n < len(row.draft) and row.draft[n] == token
                    (again.append((row, start)) if matched else going.append(row))
            drawing, n = again, n + 1
        return sorted(going, key=lambda row: row.place)
