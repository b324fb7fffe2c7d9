"""`transformers.Trainer` with `peft`, every example padded to one length with loss on the padding.

So the released code of SEAL calls it (arXiv 2506.10943): batch 1, padded to 2,048 tokens. A few steps are
timed and scaled to all, since every step computes the same.
"""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from collections.abc import Sequence
from typing import Any

import torch

from seal.bench.inner_loop.clock import timed
from seal.bench.inner_loop.contender import TrainingTime
from seal.bench.inner_loop.peft_loop import answer, sharing_weights, with_adapter
from seal.bench.inner_loop.shapes import Subject
from seal.bench.inner_loop.workload import FIRST_ID, Load, TrainingTask, question_ids

_WARM_UP_STEPS = 1


class TrainerLoop:
    """One Trainer a task. `steps` are timed after one to warm up."""

    name, at_once = "trainer", False

    def __init__(self, subject: Subject, load: Load, *, steps: int) -> None:
        self.subject, self.load, self.steps = subject, load, steps
        self._wrapped: Any = None

    def learn(self, tasks: Sequence[TrainingTask]) -> TrainingTime:
        [task] = tasks
        h, device = self.load.hyperparameters, self.subject.device
        tree = sharing_weights(self.subject.model)
        steps = min(self.steps, len(task.plan.steps))
        clock = _step_clock(device)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            started = time.perf_counter()
            self._wrapped = with_adapter(tree, h)
            trainer = self._trainer(task, folder, _WARM_UP_STEPS + steps, clock)
            trainer.train()
        setup_s = clock.began - started
        step_s = (clock.ends[-1] - clock.ends[_WARM_UP_STEPS - 1]) / steps
        return TrainingTime(setup_s + step_s * len(task.plan.steps), scaled_from_steps=steps)

    def _trainer(self, task: TrainingTask, folder: str, steps: int, clock: Any) -> Any:
        from transformers import PrinterCallback, Trainer, TrainingArguments

        h = self.load.hyperparameters
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=1,
            max_steps=steps,
            learning_rate=h.learning_rate,
            lr_scheduler_type="constant",
            max_grad_norm=h.max_grad_norm,
            weight_decay=h.weight_decay,
            bf16=self.subject.device.type == "cuda" and self.subject.dtype == torch.bfloat16,
            use_cpu=self.subject.device.type == "cpu",
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
            seed=task.plan.plan.seed,
        )
        quiet = logging.getLogger("transformers.trainer")
        quiet.setLevel(logging.ERROR)
        trainer = Trainer(
            model=self._wrapped, args=arguments, train_dataset=self._rows(task), callbacks=[clock]
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    def _rows(self, task: TrainingTask) -> Any:
        """The examples as tensors of equal length; the labels are the ids, those of the padding included."""
        length = padded_tokens(self.subject.model, self.load)
        rows = []
        for example in task.plan.examples:
            ids = list(example.input_ids)[:length]
            padding = length - len(ids)
            row = torch.tensor(ids + [FIRST_ID - 1] * padding)
            mask = torch.tensor([1] * len(ids) + [0] * padding)
            rows.append({"input_ids": row, "attention_mask": mask, "labels": row.clone()})
        return rows

    def examine(self, tasks: Sequence[TrainingTask]) -> tuple[float, list[list[str]]]:
        [task] = tasks
        seconds, texts = timed(
            self.subject.device,
            lambda: answer(self._wrapped, question_ids(task), self.load.answer_tokens),
        )
        self._wrapped = None  # its gradients would take the memory of whoever is next
        return seconds, [texts]


def padded_tokens(model: Any, load: Load) -> int:
    """The length that every example is padded to: less than asked for where positions are a learned table."""
    config = model.config
    rotary = getattr(config, "rope_parameters", None)
    return load.padded_tokens if rotary else min(load.padded_tokens, config.max_position_embeddings)


def _step_clock(device: torch.device) -> Any:
    from transformers import TrainerCallback

    class StepClock(TrainerCallback):
        """When the first step began and each one ended."""

        def __init__(self) -> None:
            self.began, self.ends = 0.0, []

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.began = self.began or time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            self.ends.append(time.perf_counter())

    return StepClock()
