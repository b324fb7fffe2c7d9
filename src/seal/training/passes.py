"""Passes: texts of several adapters in one row through the model, and the losses at their targets.

Knows how a pass is laid out and which way the output head goes. Knows nothing about the order of steps, nor
about what an optimiser makes of gradients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from seal.models.decoder import is_embedded
from seal.models.logits import last_states, logits_at, weighted_divergences, weighted_losses
from seal.models.packed import Batch, chunks, packs, shares_prefixes
from seal.models.prefixes import shared_prefixes
from seal.models.trunk import Trunk
from seal.training.bank import AdapterBank, RowDropout, stream
from seal.training.batching import Targets, TokenizedExample, TokenizedPlan
from seal.training.head import Taught, blockwise_head, blockwise_losses, head_losses, plain_head

_KEPT_WORDS = 8192
"""With a vocabulary of so many what a teacher said is kept: asking takes longer than learning from it."""
# Tokens that a pass has at most.
MAX_TOKENS = {"cpu": 2048, "cuda": 32768}
_LEAST_PREFIX_tokens = 8


@dataclass
class Run:
    """One plan in its slot."""

    order: int
    work: TokenizedPlan
    slot: int
    n_steps: int
    """How many are taken now."""
    losses: list[float] = field(default_factory=list)
    failed: str = ""
    states: list[Tensor] = field(default_factory=list)
    """Of each example, what the layers below the first that learns make of it; empty if there are none."""

    @property
    def ended(self) -> bool:
        return bool(self.failed) or len(self.losses) >= self.n_steps

    @property
    def batch(self) -> list[TokenizedExample]:
        return [self.work.examples[i] for i in self.work.steps[len(self.losses)]]

    @property
    def batch_states(self) -> list[Tensor]:
        return [self.states[i] for i in self.work.steps[len(self.losses)]]

    def dropout(self, row: int, start: int) -> list[RowDropout]:
        """The masks of one row of this step: they depend on the plan's seed, the step and the row only."""
        probability = self.work.plan.hyperparameters.dropout
        if not probability:
            return []
        generator = stream(self.work.plan.seed, f"dropout/{len(self.losses)}/{row}")
        return [RowDropout(probability, generator, len(self.batch[row].input_ids), start, self.slot)]


Row = tuple[Run, int, TokenizedExample]
"""A run, the place of an example in its step, and the example."""


class Passes:
    """The passes of `model` with the adapters of `bank`, and of the teacher without. `whole`: decoder layers
    are taken whole, see `seal.training.block`."""

    def __init__(
        self,
        model: nn.Module,
        bank: AdapterBank,
        teacher: nn.Module,
        *,
        pad: int,
        longest_tokens: int,
        max_tokens: int | None,
        whole: bool,
    ) -> None:
        self.model, self.bank, self.teacher, self.pad = model, bank, teacher, pad
        self.max_tokens = max_tokens or MAX_TOKENS.get(bank.device.type, MAX_TOKENS["cpu"])
        self.packed = packs(model, longest_tokens)
        self.sharing = self.packed and shares_prefixes(model, longest_tokens)
        self.trunk = Trunk.below(model, {layer.module for layer in bank.layers}, packed=self.packed)
        self.native = whole and bank.device.type == "cpu" and not is_embedded(model)
        self.head = plain_head(model) if whole and torch.get_num_threads() == 1 else None  # by native code
        # Whether the heads of model and teacher are taken in blocks.
        self.in_blocks = self.head is None and blockwise_head(teacher) is not None
        self.in_blocks = self.in_blocks and blockwise_head(model) is not None
        self.taught: dict[tuple[int, int], Tensor] = {}  # by plan and example

    def chunks(self, rows: Sequence[Row]) -> Iterator[list[int]]:
        """The places of the rows of each pass. Rows of a slot stand together."""
        owners = [run.slot for run, _, _ in rows]
        lengths = [len(example.input_ids) for _, _, example in rows]
        yield from chunks(owners, lengths, max_tokens=self.max_tokens, packed=self.packed)

    def states(self, rows: list[list[int]]) -> list[Tensor]:
        """What the layers below the first that learns make of each text; none if there are no such layers."""
        if self.trunk is None:
            return []
        states_of: dict[int, Tensor] = {}
        lengths = [len(row) for row in rows]
        for members in chunks([0] * len(rows), lengths, max_tokens=self.max_tokens, packed=self.packed):
            states = self.trunk.states([rows[i] for i in members], pad=self.pad, packed=self.packed)
            states_of |= dict(zip(members, states, strict=True))
        return [states_of[i] for i in range(len(rows))]

    def forget(self, order: int) -> None:
        """Gives back what a teacher said of a plan's texts."""
        for name in [name for name in self.taught if name[0] == order]:
            del self.taught[name]

    @contextmanager
    def adapted(
        self, rows: Sequence[Row], *, fresh: bool = True
    ) -> Iterator[tuple[Batch, dict[str, Tensor]]]:
        """Inside, the model has each row's adapter on; yields the batch of the rows and the model's inputs.
        `fresh`: gradients take the place of those that are there."""
        batch = self._batch(rows)
        shares = batch.rows_of([run.slot for run, _, _ in rows])
        dropout = [
            mask
            for (run, j, _), start in zip(rows, batch.starts, strict=True)
            for mask in run.dropout(j, start)
        ]
        route = self.bank.route(list(shares), list(shares.values()), dropout=dropout, fresh=fresh)
        if self.trunk is None:
            inputs, below = batch.inputs(), nullcontext()
        else:
            states = [run.batch_states[j] for run, j, _ in rows]
            inputs, below = batch.inputs_from(states), self.trunk.passed()
        with route, below, batch.attention(self.model):
            yield batch, inputs

    @torch.no_grad()
    def log_probabilities(self, rows: Sequence[Row]) -> list[Tensor]:
        """log p of each target of each row, as its adapter is now, on the CPU."""
        logs: dict[int, Tensor] = {}
        for members in self.chunks(rows):
            own, targets = [rows[i] for i in members], Targets()
            with self.adapted(own) as (batch, inputs):
                for (run, _, example), start in zip(own, batch.starts, strict=True):
                    targets.add(example, start, run.slot, [1.0] * len(example.targets))
                index = torch.tensor([targets.positions, targets.ids]).to(self.bank.device)
                ones = torch.ones(len(targets.ids), device=self.bank.device)
                parts = -self.losses(inputs, index[0], index[1], ones, None)
            counts = [len(example.targets) for _, _, example in own]
            logs |= dict(zip(members, parts.float().cpu().split(counts), strict=True))
        return [logs[i] for i in range(len(rows))]

    def losses(
        self,
        inputs: dict[str, Tensor],
        positions: Tensor,
        ids: Tensor,
        weights: Tensor,
        expected: Tensor | None,
    ) -> Tensor:
        """The loss [n] at each position, of the last ones against what the teacher `expected` there."""
        n = len(ids) - (0 if expected is None else len(expected))
        if self.in_blocks:
            head, teacher = (one.get_output_embeddings() for one in (self.model, self.teacher))  # type: ignore[operator]
            states = last_states(self.model, positions, inputs)
            taught = None if expected is None else Taught(expected, teacher)
            return blockwise_losses(states, head, ids[:n], weights, taught)
        if self.head is None:
            logits = logits_at(self.model, positions, use_cache=False, **inputs)[0]
            parts = [weighted_losses(logits[:n], ids[:n], weights[:n])]
            logits = logits[n:]
        else:
            states = last_states(self.model, positions, inputs)
            parts = [head_losses(states[:n], self.head, ids[:n], weights[:n])]
            logits = self.head(states[n:])
        if expected is not None:
            parts.append(weighted_divergences(logits, expected, weights[n:]))
        return torch.cat(parts)

    def expected(self, rows: Sequence[Row]) -> Tensor | None:
        """What the teacher makes of the targets of these rows: its log-probabilities [n, V], or its last
        hidden states [n, d] where heads are taken in blocks; None if there are none.

        The base says the same of a text at every step: what it said is kept, where that is worth the memory.
        """
        if not rows:
            return None
        if self.teacher is not self.model or n_words(self.model) < _KEPT_WORDS:
            return self._taught(rows)
        names = [(run.order, run.work.steps[len(run.losses)][j]) for run, j, _ in rows]
        new = [i for i, name in enumerate(names) if name not in self.taught]
        if new:
            counts = [len(rows[i][2].targets) for i in new]
            told = self._taught([rows[i] for i in new]).split(counts)
            self.taught |= {names[i]: own for i, own in zip(new, told, strict=True)}
        return torch.cat([self.taught[name] for name in names])

    def _taught(self, rows: Sequence[Row]) -> Tensor:
        batch = self._batch(rows)
        targets = Targets()
        for (_, _, example), start in zip(rows, batch.starts, strict=True):
            targets.add(example, start, 0, [1.0] * len(example.targets))
        positions = torch.tensor(targets.positions).to(self.bank.device)
        with torch.no_grad(), batch.attention(self.teacher):
            if self.in_blocks:
                return last_states(self.teacher, positions, batch.inputs())
            logits, _ = logits_at(self.teacher, positions, use_cache=False, **batch.inputs())
            return torch.log_softmax(logits, dim=-1, dtype=torch.float32)

    def _batch(self, rows: Sequence[Row]) -> Batch:
        ids = [example.input_ids for _, _, example in rows]
        prefixes = []
        if self.sharing and not any(run.work.plan.hyperparameters.dropout for run, _, _ in rows):
            # What predicts the first target is each text's own, so that all targets are.
            most = [example.targets[0] - 1 for _, _, example in rows]
            owners = [run.slot for run, _, _ in rows]
            prefixes = shared_prefixes(ids, most, owners, padded=False, least=_LEAST_PREFIX_tokens)
        return Batch.of(ids, pad=self.pad, packed=self.packed, device=self.bank.device, prefixes=prefixes)


def n_words(model: Any) -> int:
    """How many tokens the model's output head knows."""
    return model.get_output_embeddings().out_features
