"""How many threads to compute with, by trying. Knows nothing about what is computed later.

Beside a busy neighbour, two threads that wait for each other can be twenty times slower than one; on an idle
machine they are faster. So a short training step of the loaded model is timed with each number. While it
runs, `seal.models.pace` goes on from there.
"""

from __future__ import annotations

import os
import time
from typing import Any

import torch

from seal.engine.workers import usable_cores
from seal.models.pace import WORTH, take_threads
from seal.training import train
from seal.types import Example, Hyperparameters, TrainingPlan

_ENOUGH_S = 5.0  # a model whose step takes longer than this is not worth the trial


def choose_threads(model: Any, tokenizer: Any) -> tuple[int, str]:
    """Sets the fastest number of threads for this model here; returns it and why, in words.

    OMP_NUM_THREADS, where it is set, is obeyed.
    """
    if next(model.parameters()).device.type != "cpu":
        return torch.get_num_threads(), "the model is not on the CPU"
    if os.environ.get("OMP_NUM_THREADS"):
        return torch.get_num_threads(), "OMP_NUM_THREADS says so"
    best, times = 1, {1: _step_s(model, tokenizer, 1)}
    for n in _candidates():
        if times[best] > _ENOUGH_S:
            break
        times[n] = _step_s(model, tokenizer, n)
        if times[n] > WORTH * times[best]:
            break
        best = n
    take_threads(best)
    return best, ", ".join(f"a step takes {s * 1000:.0f} ms with {n}" for n, s in times.items())


def _candidates() -> list[int]:
    cores = usable_cores()
    return [n for n in (2, 4, 8, 16, 32) if n < cores] + ([cores] if cores > 1 else [])


def _step_s(model: Any, tokenizer: Any, threads: int) -> float:
    """The median of three training steps of 16 adapters, after one to warm up."""
    torch.set_num_threads(threads)
    h = Hyperparameters(rank=8, alpha=8.0, max_steps=1)
    plans = [TrainingPlan(f"threads/{i}", (Example("one two three " * 8),), h, i) for i in range(16)]
    times = []
    for _ in range(4):
        started = time.perf_counter()
        train(model, tokenizer, plans)
        times.append(time.perf_counter() - started)
        if times[-1] > _ENOUGH_S:
            return times[-1]
    return sorted(times[1:])[1]
