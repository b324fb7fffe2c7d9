"""The inner loop: many adapters trained at once on one frozen base, each as if it were alone.

Knows nothing about what the examples mean, nor which algorithm wants them learned; the policy update is
this trainer with one adapter and examples that are weighted, or have an objective (`Example`).

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
from typing import Any

import torch
from torch import Tensor, nn

from seal.errors import InputError
from seal.models.context import context_tokens, embedded_tokens
from seal.models.decoder import is_embedded
from seal.models.host import denormals_flushed, keep_freed_memory
from seal.models.pace import paced_layers
from seal.models.tokens import pad_id
from seal.training.adapter import Adapter
from seal.training.bank import AdapterBank
from seal.training.batching import Targets, TokenizedPlan, tokenize_plan
from seal.training.block import can_fuse, fused
from seal.training.objectives import steered
from seal.training.optimizer import SlotAdamW, learning_rate
from seal.training.passes import Passes, Row, Run, n_words
from seal.types import Hyperparameters, TrainingPlan


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
    begun: Sequence[Adapter | None] | None = None,
    until: float = 1.0,
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
        begun: for each plan its adapter as an earlier call left it that trained it in part; None: afresh.
        until: the share of each plan's steps, from its first one, that are taken. An adapter that is not
            trained to its end by them carries what goes on with it (`Adapter.moments`).
        on_progress: called after every turn with the optimiser steps done and those to do in all.

    Raises:
        InputError: a plan or an example cannot be trained, for instance is longer than the context.
        AdapterError: `start` does not fit the model.
        ConfigError: targets match no module.
    """
    if not plans:
        return []
    teacher = teacher or model
    if n_words(teacher) != n_words(model):
        raise InputError(
            f"the teacher has a vocabulary of {n_words(teacher)} tokens, the model of {n_words(model)}",
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
    longest = max(len(example.input_ids) for work in works for example in work.examples)
    with bank, _evaluation_mode(model), _evaluation_mode(teacher), denormals_flushed(), layers as free:
        passes = Passes(
            model,
            bank,
            teacher,
            pad=pad_id(tokenizer, rows),
            longest_tokens=longest,
            max_tokens=max_tokens,
            whole=whole,
        )
        trainer = _Trainer(passes, bank, works, start, free, begun or [None] * len(works), until)
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
    """`free` is what gives back the memory of passes, where there is such a thing."""

    def __init__(
        self,
        passes: Passes,
        bank: AdapterBank,
        works: list[TokenizedPlan],
        start: Adapter | None,
        free: Callable[[], None] | None,
        begun: Sequence[Adapter | None],
        until: float,
    ) -> None:
        self.passes, self.bank, self.works, self.start, self.free = passes, bank, works, start, free
        self.begun, self.until = begun, until
        self.optimizer = SlotAdamW(bank)
        before = [len(one.losses) if one else 0 for one in begun]
        self.n_steps = sum(max(0, work.n_steps(until) - n) for work, n in zip(works, before, strict=True))
        self.adapters: dict[int, Adapter] = {}

    def turns(self) -> Iterator[int]:
        """Runs the queue; after every turn yields the steps done. The longest plans start first."""
        queue = sorted(range(len(self.works)), key=lambda i: self.works[i].n_tokens)
        free = list(range(self.bank.n_slots))
        runs: dict[int, Run] = {}
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
                done += max(0, run.n_steps - len(run.losses))
                self._finish(run)
                free.append(runs.pop(run.slot).slot)
            free.sort()
            yield done

    def _start(self, order: int, slot: int) -> Run:
        work, begun = self.works[order], self.begun[order]
        plan = work.plan
        from_adapter = begun or self.start
        if from_adapter is None:
            self.bank.initialise(slot, plan.hyperparameters, plan.seed)
        else:
            self.bank.load(slot, from_adapter)
        self.optimizer.reset(slot)
        run = Run(order, work, slot, work.n_steps(self.until))
        if begun is not None:
            run.losses += begun.losses
            self.optimizer.load(slot, begun)
        run.states = self.passes.states([list(e.input_ids) for e in run.work.examples])
        return run

    def _finish(self, run: Run) -> None:
        plan = run.work.plan
        factors = self.bank.read(run.slot, plan.hyperparameters)
        failed = run.failed
        if not failed and not self.bank.weights[run.slot].isfinite().all():
            failed = "its weights are not finite after the last step"
        self.passes.forget(run.order)
        goes_on = not failed and len(run.losses) < len(run.work.steps)
        self.adapters[run.order] = Adapter(
            plan.id,
            plan.hyperparameters,
            factors,
            tuple(run.losses),
            failed,
            seed=plan.seed,
            moments=self.optimizer.read(run.slot, plan.hyperparameters) if goes_on else None,
        )

    def _turn(self, runs: list[Run]) -> int:
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

    def _accumulate(self, runs: list[Run]) -> Tensor:
        """Adds the gradients of this step of every run to the bank; returns the losses [S]."""
        rows: list[Row] = [
            (run, j, example)
            for run in sorted(runs, key=lambda run: run.slot)
            for j, example in enumerate(run.batch)
        ]
        share = {run.slot: 1 / sum(example.total_weight for example in run.batch) for run in runs}
        rows, losses = self._steered(rows, share)
        begun: set[int] = set()
        for members in self.passes.chunks(rows):
            # Only a step that fills a pass by itself is spread over several, so that a pass is fresh for
            # all of its slots or for none.
            own = {rows[i][0].slot for i in members}
            self._pass([rows[i] for i in members], share, losses, fresh=not (own & begun))
            begun |= own
        return losses[: self.bank.n_slots]

    def _steered(self, rows: list[Row], share: dict[int, float]) -> tuple[list[Row], Tensor]:
        """The rows with what each token counts in this step, and what their objectives add to the losses.

        An objective is a function of the log-probabilities of its texts. Its derivatives by them, at what
        they are before the step, are the weights by which a plain weighted step is a step on it.
        """
        losses = torch.zeros(self.bank.n_slots + 1, device=self.bank.device)
        own = [i for i, (_, _, example) in enumerate(rows) if example.steered]
        if not own:
            return rows, losses
        rows = list(rows)
        logs = dict(zip(own, self.passes.log_probabilities([rows[i] for i in own]), strict=True))
        for slot in sorted({rows[i][0].slot for i in own}):
            ours = [i for i in own if rows[i][0].slot == slot]
            loss, examples = steered([rows[i][2] for i in ours], [logs[i] for i in ours])
            losses[slot] = loss * share[slot]
            for i, example in zip(ours, examples, strict=True):
                rows[i] = (*rows[i][:2], example)
        return rows, losses

    def _pass(self, rows: list[Row], share: dict[int, float], losses: Tensor, *, fresh: bool) -> None:
        """Forward and backward of one pass. A text's target at place t is predicted at place t - 1."""
        device = self.bank.device
        expected = self.passes.expected([row for row in rows if row[2].distil])
        work = sum(len(example.input_ids) for _, _, example in rows)
        pace = paced_layers(work) if self.passes.native else nullcontext()
        with pace, self.passes.adapted(rows, fresh=fresh) as (batch, inputs):
            told, distilled = Targets(), Targets()
            for (run, _, example), start in zip(rows, batch.starts, strict=True):
                weights = [weight * share[run.slot] for weight in example.target_weights]
                # The loss of an objective is known already, and is not that of its weights.
                owner = self.bank.n_slots if example.steered else run.slot
                (distilled if example.distil else told).add(example, start, owner, weights)
            targets = told + distilled
            index = torch.tensor([targets.positions, targets.ids, targets.owners]).to(device)
            counts = torch.tensor(targets.weights, device=device)
            parts = self.passes.losses(inputs, index[0], index[1], counts, expected)
            parts.sum().backward()
        losses.index_add_(0, index[2], parts.detach())
