"""The inner loop: many adapters trained at once on one frozen base, each as if it were alone.

Knows nothing about what the examples mean, nor which algorithm wants them learned; the policy update is
this trainer with one adapter and weighted examples.

A queue of plans runs through the slots of a bank. At every turn each running adapter takes its own next
step: the texts of all of them lie one after another in one row, without padding, the losses are added up,
and since no adapter's loss depends on another's factors, one backward pass gives each its own gradient. A
step that is too large for one pass takes several, because gradients add: a weighted mean is a sum over a
weight that is known beforehand. A plan that ends leaves its slot to the next. What several texts of an
adapter begin with, the head of a chat template, goes through the model once, with a gradient from them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from seal.errors import InputError
from seal.models.context import context_tokens, embedded_tokens
from seal.models.decoder import is_embedded
from seal.models.host import denormals_flushed, keep_freed_memory
from seal.models.logits import last_states, logits_at, weighted_divergences, weighted_losses
from seal.models.packed import Batch, chunks, packs, shares_prefixes
from seal.models.prefixes import shared_prefixes
from seal.models.tokens import pad_id
from seal.models.trunk import Trunk
from seal.training.adapter import Adapter
from seal.training.bank import AdapterBank, RowDropout, stream
from seal.training.batching import Targets, TokenizedExample, TokenizedPlan, tokenize_plan
from seal.training.block import can_fuse, fused
from seal.training.head import Taught, blockwise_head, blockwise_losses, head_losses, plain_head
from seal.training.optimizer import SlotAdamW, learning_rate
from seal.types import Hyperparameters, TrainingPlan

_KEPT_WORDS = 8192
"""With a vocabulary of so many what a teacher said is kept: asking takes longer than learning from it."""
# Tokens that a pass has at most.
MAX_TOKENS = {"cpu": 2048, "cuda": 32768}
_LEAST_PREFIX_tokens = 8


@dataclass
class _Run:
    """One plan in its slot."""

    order: int
    work: TokenizedPlan
    slot: int
    losses: list[float] = field(default_factory=list)
    failed: str = ""
    states: list[Tensor] = field(default_factory=list)
    """Of each example, what the layers below the first that learns make of it; empty if there are none."""

    @property
    def ended(self) -> bool:
        return bool(self.failed) or len(self.losses) == len(self.work.steps)

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


_Row = tuple[_Run, int, TokenizedExample]
"""A run, the place of an example in its step, and the example."""


def train(
    model: nn.Module,
    tokenizer: Any,
    plans: Sequence[TrainingPlan | TokenizedPlan],
    *,
    max_slots: int | None = None,
    max_tokens: int | None = None,
    faithful_length: int | None = None,
    teacher: nn.Module | None = None,
    start: Adapter | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Adapter]:
    """Trains one adapter for each plan; returns them in the order of the plans.

    Every adapter is what it would be if it were trained alone, up to the rounding of sums. One whose
    loss or weights stop being finite is left out of further steps and comes back with `failed` set; the
    others do not notice. The base is frozen, runs in evaluation mode and is left as it was.

    Args:
        max_slots: adapters held at once (all, if None); the other plans wait for a free slot.
        max_tokens: tokens of one pass at most, which bounds the memory for activations.
        faithful_length: pads to this length with loss on the padding, as the released SEAL code did.
        teacher: the model whose distributions examples with `distil` follow: of the same architecture and
            vocabulary; the base itself, if None.
        start: what every adapter begins as, in place of one that changes nothing; of the plans' rank, alpha
            and targets.
        on_progress: called after every turn with the optimiser steps done and those to do in all.

    Raises:
        InputError: a plan or an example cannot be trained, for instance is longer than the context.
        AdapterError: `start` does not fit the model.
        ConfigError: targets match no module.
    """
    if not plans:
        return []
    teacher = teacher or model
    if (n_words := _n_words(teacher)) != _n_words(model):
        raise InputError(
            f"the teacher has a vocabulary of {n_words} tokens, the model of {_n_words(model)}",
            "take a teacher with the model's own tokenizer",
        )
    keep_freed_memory()
    context, rows = context_tokens(model), embedded_tokens(model)
    works = [
        plan
        if isinstance(plan, TokenizedPlan)
        else tokenize_plan(plan, tokenizer, max_length=context, rows=rows, faithful_length=faithful_length)
        for plan in plans
    ]
    hypers = [work.plan.hyperparameters for work in works]
    if start is not None and any(_shape(h) != _shape(start.hyperparameters) for h in hypers):
        raise InputError(
            "a plan's adapter has another rank, alpha or other targets than the one that it is to start from",
            "take rank, alpha and targets from the adapter in `start`",
        )
    n_slots = min(len(works), max_slots or len(works))
    bank = AdapterBank(
        model, n_slots=n_slots, rank=max(h.rank for h in hypers), targets={h.targets for h in hypers}
    )
    whole = takes_layers_whole(model)
    layers = fused(model, bank) if whole else nullcontext()
    with bank, _evaluation_mode(model), _evaluation_mode(teacher), denormals_flushed(), layers as free:
        trainer = _Trainer(model, bank, works, pad_id(tokenizer, rows), max_tokens, teacher)
        trainer.start = start
        trainer.head = plain_head(model) if whole and torch.get_num_threads() == 1 else None
        trainer.in_blocks = trainer.head is None and blockwise_head(teacher) is not None
        trainer.in_blocks = trainer.in_blocks and blockwise_head(model) is not None
        trainer.free = free
        for done in trainer.turns():
            if on_progress:
                on_progress(done, trainer.n_steps)
    return [trainer.adapters[order] for order in range(len(works))]


def takes_layers_whole(model: nn.Module) -> bool:
    """Whether passes take decoder layers whole, by native code.

    What the embedded models train is held to the bit: on several threads by operators, as it was.
    """
    return (torch.get_num_threads() == 1 or not is_embedded(model)) and can_fuse(model)


def _shape(h: Hyperparameters) -> tuple[int, float, str | tuple[str, ...]]:
    return h.rank, h.alpha, h.targets


def _n_words(model: Any) -> int:
    return model.get_output_embeddings().out_features


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    """The base's own dropout off: it would make one adapter depend on the others."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


class _Trainer:
    def __init__(
        self,
        model: nn.Module,
        bank: AdapterBank,
        works: list[TokenizedPlan],
        pad: int,
        max_tokens: int | None,
        teacher: nn.Module,
    ) -> None:
        self.model, self.bank, self.works, self.pad = model, bank, works, pad
        self.teacher = teacher
        self.start: Adapter | None = None
        self.head: nn.Linear | None = None  # where native code takes it
        self.in_blocks = False  # whether the heads of model and teacher are taken in blocks
        self.free: Callable[[], None] | None = None  # what gives back the memory of passes
        self.optimizer = SlotAdamW(bank)
        self.max_tokens = max_tokens or MAX_TOKENS.get(bank.device.type, MAX_TOKENS["cpu"])
        longest = max(len(example.input_ids) for work in works for example in work.examples)
        self.packed = packs(model, longest)
        self.sharing = self.packed and shares_prefixes(model, longest)
        self.trunk = Trunk.below(model, {layer.module for layer in bank.layers}, packed=self.packed)
        self.n_steps = sum(len(work.steps) for work in works)
        self.adapters: dict[int, Adapter] = {}
        self.taught: dict[tuple[int, int], Tensor] = {}  # by plan and example

    def turns(self) -> Iterator[int]:
        """Runs the queue; after every turn yields the steps done. The longest plans start first."""
        queue = sorted(range(len(self.works)), key=lambda i: self.works[i].n_tokens)
        free = list(range(self.bank.n_slots))
        runs: dict[int, _Run] = {}
        done = 0
        while queue or runs:
            while queue and free:
                run = self._start(queue.pop(), free.pop(0))
                runs[run.slot] = run
            done += self._turn([run for run in runs.values() if not run.ended])
            ended = [run for run in runs.values() if run.ended]
            if self.free is not None and not queue and len(ended) == len(runs):
                self.free()  # before the adapters are copied
            for run in ended:
                done += len(run.work.steps) - len(run.losses)
                self._finish(run)
                free.append(runs.pop(run.slot).slot)
            free.sort()
            yield done

    def _start(self, order: int, slot: int) -> _Run:
        plan = self.works[order].plan
        if self.start is None:
            self.bank.initialise(slot, plan.hyperparameters, plan.seed)
        else:
            self.bank.load(slot, self.start)
        self.optimizer.reset(slot)
        run = _Run(order, self.works[order], slot)
        if self.trunk is not None:
            run.states = self._states(self.trunk, [list(e.input_ids) for e in run.work.examples])
        return run

    def _states(self, trunk: Trunk, rows: list[list[int]]) -> list[Tensor]:
        states_of: dict[int, Tensor] = {}
        lengths = [len(row) for row in rows]
        for members in chunks([0] * len(rows), lengths, max_tokens=self.max_tokens, packed=self.packed):
            states = trunk.states([rows[i] for i in members], pad=self.pad, packed=self.packed)
            states_of |= dict(zip(members, states, strict=True))
        return [states_of[i] for i in range(len(rows))]

    def _finish(self, run: _Run) -> None:
        plan = run.work.plan
        factors = self.bank.read(run.slot, plan.hyperparameters)
        failed = run.failed
        if not failed and not self.bank.weights[run.slot].isfinite().all():
            failed = "its weights are not finite after the last step"
        for name in [name for name in self.taught if name[0] == run.order]:
            del self.taught[name]
        self.adapters[run.order] = Adapter(
            plan.id, plan.hyperparameters, factors, tuple(run.losses), failed, seed=plan.seed
        )

    def _turn(self, runs: list[_Run]) -> int:
        """One optimiser step of every run; returns how many."""
        losses = self._accumulate(runs)
        norms = self.optimizer.norms()
        table = torch.stack([losses, norms]).tolist()
        for run in runs:
            loss, norm = table[0][run.slot], table[1][run.slot]
            if not (math.isfinite(loss) and math.isfinite(norm)):
                run.failed = (
                    f"its loss is {loss} and its gradient's norm {norm} at step {len(run.losses) + 1}"
                )
                continue
            h = run.work.plan.hyperparameters
            rate = learning_rate(h, len(run.losses), len(run.work.steps))
            self.optimizer.step(run.slot, h, rate, norms[run.slot])
            run.losses.append(loss)
        return sum(not run.failed for run in runs)

    def _accumulate(self, runs: list[_Run]) -> Tensor:
        """Adds the gradients of this step of every run to the bank; returns the losses [S]."""
        losses = torch.zeros(self.bank.n_slots, device=self.bank.device)
        rows: list[_Row] = [
            (run, j, example)
            for run in sorted(runs, key=lambda run: run.slot)
            for j, example in enumerate(run.batch)
        ]
        share = {run.slot: 1 / sum(example.total_weight for example in run.batch) for run in runs}
        owners = [run.slot for run, _, _ in rows]
        lengths = [len(example.input_ids) for _, _, example in rows]
        begun: set[int] = set()
        for members in chunks(owners, lengths, max_tokens=self.max_tokens, packed=self.packed):
            # Only a step that fills a pass by itself is spread over several, so that a pass is fresh for
            # all of its slots or for none.
            own = {owners[i] for i in members}
            self._pass([rows[i] for i in members], share, losses, fresh=not (own & begun))
            begun |= own
        return losses

    def _pass(self, rows: list[_Row], share: dict[int, float], losses: Tensor, *, fresh: bool) -> None:
        """Forward and backward of one pass. A text's target at place t is predicted at place t - 1."""
        device = self.bank.device
        batch = self._batch(rows)
        shares = batch.rows_of([run.slot for run, _, _ in rows])
        told, distilled = Targets(), Targets()
        dropout = []
        for (run, j, example), start in zip(rows, batch.starts, strict=True):
            (distilled if example.distil else told).add(example, start, run.slot, share[run.slot])
            dropout += run.dropout(j, start)
        expected = self._expected([row for row in rows if row[2].distil])
        targets = told + distilled
        index = torch.tensor([targets.positions, targets.ids, targets.owners]).to(device)
        weights = torch.tensor(targets.weights, device=device)
        route = self.bank.route(list(shares), list(shares.values()), dropout=dropout, fresh=fresh)
        if self.trunk is None:
            inputs, below = batch.inputs(), nullcontext()
        else:
            states = [run.batch_states[j] for run, j, _ in rows]
            inputs, below = batch.inputs_from(states), self.trunk.passed()
        with route, below, batch.attention(self.model):
            parts = self._losses(inputs, index[0], index[1], weights, expected)
            parts.sum().backward()
        losses.index_add_(0, index[2], parts.detach())

    def _losses(
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

    def _expected(self, rows: list[_Row]) -> Tensor | None:
        """What the teacher makes of the targets of these rows: its log-probabilities [n, V], or its last
        hidden states [n, d] where heads are taken in blocks; None if there are none.

        The base says the same of a text at every step: what it said is kept, where that is worth the memory.
        """
        if not rows:
            return None
        if self.teacher is not self.model or _n_words(self.model) < _KEPT_WORDS:
            return self._taught(rows)
        names = [(run.order, run.work.steps[len(run.losses)][j]) for run, j, _ in rows]
        new = [i for i, name in enumerate(names) if name not in self.taught]
        if new:
            counts = [len(rows[i][2].targets) for i in new]
            told = self._taught([rows[i] for i in new]).split(counts)
            self.taught |= {names[i]: own for i, own in zip(new, told, strict=True)}
        return torch.cat([self.taught[name] for name in names])

    def _taught(self, rows: list[_Row]) -> Tensor:
        batch = self._batch(rows)
        targets = Targets()
        for (_, _, example), start in zip(rows, batch.starts, strict=True):
            targets.add(example, start, 0, 1.0)
        positions = torch.tensor(targets.positions).to(self.bank.device)
        with torch.no_grad(), batch.attention(self.teacher):
            if self.in_blocks:
                return last_states(self.teacher, positions, batch.inputs())
            logits, _ = logits_at(self.teacher, positions, use_cache=False, **batch.inputs())
            return torch.log_softmax(logits, dim=-1, dtype=torch.float32)

    def _batch(self, rows: list[_Row]) -> Batch:
        ids = [example.input_ids for _, _, example in rows]
        prefixes = []
        if self.sharing and not any(run.work.plan.hyperparameters.dropout for run, _, _ in rows):
            # What predicts the first target is each text's own, so that all targets are.
            most = [example.targets[0] - 1 for _, _, example in rows]
            owners = [run.slot for run, _, _ in rows]
            prefixes = shared_prefixes(ids, most, owners, padded=False, least=_LEAST_PREFIX_tokens)
        return Batch.of(ids, pad=self.pad, packed=self.packed, device=self.bank.device, prefixes=prefixes)
