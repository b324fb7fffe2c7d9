"""Where the engine's time goes, by torch's profiler: a separate run, since profiling slows it down.

Knows operators by name. What is between them (Python, launches, waiting) is the rest of the wall time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch.profiler import ProfilerActivity, profile

from seal.bench.inner_loop.clock import timed
from seal.bench.inner_loop.contenders import Engine
from seal.bench.inner_loop.shapes import Subject
from seal.bench.inner_loop.workload import Load, TrainingTask
from seal.models import native

MATRIX, ATTENTION, OPTIMISER, COPIES = "matrix products", "attention", "optimiser", "copies and indexing"
_PRODUCTS = {"mm", "bmm", "addmm", "addmm_", "baddbmm", "baddbmm_", "addbmm", "addbmm_"}
_WORDS = {
    ATTENTION: ("attention", "flash", "fmha"),
    OPTIMISER: ("adamw", "vector_norm"),
    MATRIX: ("gemm", "cutlass", "nvjet"),
    COPIES: (
        "copy",
        "cat",
        "index",
        "gather",
        "scatter",
        "embedding",
        "fill",
        "zero",
        "clone",
        "memcpy",
        "memset",
    ),
}
_ELSE = "elementwise and other operators"


def profile_engine(subject: Subject, load: Load, tasks: Sequence[TrainingTask]) -> dict[str, Any]:
    """Shares of the wall time of one epoch's training of `tasks` and of their exam, by part."""
    engine = Engine(subject, load)
    cuda = subject.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    shares: dict[str, Any] = {"adapters": len(tasks)}
    for phase, work in (("train", lambda: engine.learn(tasks)), ("exam", lambda: engine.examine(tasks))):
        work_s, _ = timed(subject.device, work)
        with profile(activities=activities) as profiler, native.timed() as layers:
            profiled_s, _ = timed(subject.device, work)
        shares[phase] = _shares(profiler.key_averages(), layers, profiled_s, cuda)
        shares[phase]["slowed_by"] = profiled_s / work_s
    return shares


def _shares(events: Any, layers: Iterable[float], wall_s: float, cuda: bool) -> dict[str, float]:
    """Of kernels on CUDA; of operators elsewhere, where an event of another kind is Python's own time.

    `layers` is what native code says of itself.
    """
    shares = dict.fromkeys((*_WORDS, _ELSE), 0.0)
    products_s, attention_s, all_s = layers
    shares[MATRIX] += products_s / wall_s
    shares[ATTENTION] += attention_s / wall_s
    shares[_ELSE] += (all_s - products_s - attention_s) / wall_s
    for event in events:
        if cuda and event.device_type.name == "CUDA":
            shares[part_of(event.key)] += event.self_device_time_total / 1e6 / wall_s
        elif not cuda and event.key.startswith("aten::"):
            shares[part_of(event.key)] += event.self_cpu_time_total / 1e6 / wall_s
    shares["between the operators"] = max(0.0, 1 - sum(shares.values()))
    return shares


def part_of(operator: str) -> str:
    """The part that an operator or kernel of this name belongs to."""
    name = operator.lower().removeprefix("aten::")
    if name in _PRODUCTS:
        return MATRIX
    return next((part for part, words in _WORDS.items() if any(word in name for word in words)), _ELSE)
