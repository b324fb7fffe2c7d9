"""One pass over the model for many rows, and what comes of it. Knows nothing about who waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seal.engine.serving.attention import Chunk, StepAttention, step_inputs
from seal.engine.serving.next_tokens import choose, token_logs
from seal.engine.serving.row import ServedRow, by_slot
from seal.engine.serving.slots import AdapterSlots
from seal.engine.serving.token_stream import End
from seal.errors import AdapterError
from seal.models.logits import logits_at


@dataclass
class Stepper:
    """Runs passes, and counts what they do."""

    model: Any
    slots: AdapterSlots
    steps: int = 0
    read_tokens: int = 0
    reused_tokens: int = 0
    written_tokens: int = 0

    def __post_init__(self) -> None:
        self.device = next(self.model.parameters()).device

    def step(self, shares: Mapping[ServedRow, int]) -> list[tuple[ServedRow, End]]:
        """Reads so many tokens more of each row, writes the next one of those that have read all; returns the
        rows that have ended."""
        rows, places = by_slot(list(shares)), list[int]()
        chunks: list[Chunk] = []
        logged: list[range] = []
        for row in rows:
            assert row.lane is not None
            assert row.slot is None or row.slot.key == row.key, "a row is answered by its own adapter"
            chunk = Chunk(row.lane, chunks[-1].start + chunks[-1].n if chunks else 0, shares[row])
            wanted = row.logged_places(row.lane.length_tokens, chunk.end)
            places += [chunk.start + at - row.lane.length_tokens for at in wanted]
            chunks.append(chunk)
            logged.append(wanted)
        n_logged = len(places)
        last = [(c, row) for c, row in zip(chunks, rows, strict=True) if c.n == row.rest]
        due = [row for _, row in last if row.request.max_new_tokens]
        read = [row for _, row in last if not row.request.max_new_tokens]
        places += [c.start + c.n - 1 for c, row in last if row.request.max_new_tokens]
        logits = self._logits(rows, chunks, places)
        self._count(rows, chunks)
        for chunk in chunks:
            chunk.lane.length_tokens = chunk.end
        self._log_prompts(rows, logged, logits[:n_logged])
        ended: list[tuple[ServedRow, End]] = [(row, row.completion("", "length")) for row in read]
        if due:
            ended += self._write(due, logits[n_logged:])
        return ended

    def _logits(self, rows: list[ServedRow], chunks: list[Chunk], places: list[int]) -> Tensor:
        """Those [n, V] at `places` of all tokens."""
        tokens: Counter[int] = Counter()
        for row, chunk in zip(rows, chunks, strict=True):
            tokens[row.slot_index] += chunk.n
        route = self.slots.route(list(tokens), list(tokens.values()))
        with route, StepAttention(chunks, self.device).on(self.model):
            where = torch.tensor(places, dtype=torch.long, device=self.device)
            logits, _ = logits_at(self.model, where, **step_inputs(chunks, self.device), use_cache=False)
        return logits

    def _count(self, rows: list[ServedRow], chunks: list[Chunk]) -> None:
        self.steps += 1
        for row, chunk in zip(rows, chunks, strict=True):
            if not row.written:
                self.read_tokens += chunk.n
                if chunk.lane.length_tokens == row.cached_tokens:
                    self.reused_tokens += row.cached_tokens

    def _log_prompts(self, rows: list[ServedRow], logged: list[range], logits: Tensor) -> None:
        at = 0
        for row, places in zip(rows, logged, strict=True):
            if places:
                own, targets = logits[at : at + len(places)], row.request.prompt[places[0] + 1 :]
                row.prompt_logs += token_logs(own, targets[: len(places)], row.request.logprobs or 0)
                at += len(places)

    def _write(self, rows: list[ServedRow], logits: Tensor) -> list[tuple[ServedRow, End]]:
        """The next token of each row of `logits` [B, V]; returns the rows that end with it."""
        ended: list[tuple[ServedRow, End]] = []
        for i, (row, token) in enumerate(zip(rows, choose([r.chooser for r in rows], logits), strict=True)):
            if token is None:
                what = "the model" if row.key is None else f"the adapter {row.key[:12]}"
                ended.append((row, AdapterError(f"{what} gave numbers that are not finite")))
                continue
            asked, log = row.request.logprobs, None
            if asked is not None:
                [log] = token_logs(logits[i : i + 1], [token], asked)
            self.written_tokens += 1
            if (end := row.write(token, log)) is not None:
                ended.append((row, end))
        return ended
