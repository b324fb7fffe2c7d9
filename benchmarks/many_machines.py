"""What Ray costs: a call by itself, and trials on its workers beside trials in processes of this machine.

    python benchmarks/many_machines.py [--rounds N] [--chunks N] [--trials N] [--steps N] [--calls N]

Needs Ray (seal-lm[ray]) and starts one of its own. Side by side, by turns: this process alone, two local
processes, Ray with one worker and with two, each worker one thread. Prints a table of seconds, milliseconds a
trial and ratios, and the seconds of a call that does nothing, which is what Ray adds to a chunk. Needs a
machine that does nothing else; the medians of the rounds suffer less from other work than the means.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: all contenders have one thread a process

from seal.engine.adapt import Adaptation, Trial
from seal.engine.elsewhere import RayPlace, cluster_at, work_at
from seal.engine.work_chunks import WorkChunk, learn_chunks
from seal.executors import ExecutorCall
from seal.research.config import RunConfig, parse_config
from seal.research.data import load_source
from seal.types import SelfEdit

QUIET = lambda text: None  # noqa: E731


def config(steps: int, workers: int) -> RunConfig:
    settings = {"rank": 16, "max_steps": steps, "batch_tokens": 100, "seeds": 1, "workers": workers}
    return parse_config({"model": {"name": "tiny"}, "inner": settings}, where="benchmark")


def chunks_of(adaptation: Adaptation, run: RunConfig, n: int, trials: int) -> list[WorkChunk[Trial]]:
    """`n` chunks of `trials` trials, each of which learns a passage of the micro-world."""
    contexts = load_source(run, "microworld/rl", trials).contexts
    nothing = [SelfEdit(c.id, "none", "", ()) for c in contexts]
    return [
        WorkChunk([Trial(c, e, at * 1000 + i) for i, (c, e) in enumerate(zip(contexts, nothing))], "")
        for at in range(n)
    ]


def seconds(adaptation: Adaptation, chunks: Sequence[WorkChunk[Trial]]) -> float:
    began = time.perf_counter()
    n = sum(len(scores) for _, scores in learn_chunks(adaptation, chunks, answers=False))
    assert n == sum(len(chunk.items) for chunk in chunks)
    return time.perf_counter() - began


@contextmanager
def ray_of(n_cpus: int) -> Iterator[None]:
    """A Ray of its own with so many CPUs, and so with as many workers."""
    import ray  # pyright: ignore[reportMissingImports]

    ray.init(num_cpus=n_cpus, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        ray.shutdown()


def call_s(adaptation: Adaptation, n: int) -> list[float]:
    """The seconds between the results of calls that do nothing, one worker's one after another."""
    assert adaptation.cluster is not None
    calls = [ExecutorCall("apply", (no_work, [], False)) for _ in range(n + 1)]
    at, found = time.perf_counter(), []
    for _ in adaptation.cluster.executor.each(calls):
        found.append(time.perf_counter() - at)
        at = time.perf_counter()
    return found[1:]


def no_work(_adaptation: Any, _items: Any) -> list[Any]:
    return []


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what Ray's workers cost.")
    for name, default in {"rounds": 3, "chunks": 4, "trials": 12, "steps": 24, "calls": 200}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    measured: dict[str, list[float]] = {}
    calls: list[float] = []

    def local(workers: int) -> Callable[[], None]:
        run = config(options.steps, workers)
        adaptation = Adaptation.load(run)
        chunks = chunks_of(adaptation, run, options.chunks, options.trials)
        name = f"{workers} local process{'es' if workers > 1 else ''}"

        def measure() -> None:
            seconds(adaptation, chunks[:1])  # the processes are started, the caches filled
            measured.setdefault(name, []).append(seconds(adaptation, chunks))

        return measure

    def on_ray(workers: int) -> Callable[[], None]:
        run = config(options.steps, 1)
        name = f"Ray, {workers} worker{'s' if workers > 1 else ''}"

        def measure() -> None:
            adaptation = Adaptation.load(run)
            chunks = chunks_of(adaptation, run, options.chunks, options.trials)
            place = RayPlace()
            with ray_of(workers), cluster_at(place, QUIET):
                work_at(adaptation, place, QUIET)
                seconds(adaptation, chunks[:workers])  # the workers are started, the model is there
                measured.setdefault(name, []).append(seconds(adaptation, chunks))
                if workers == 1:
                    calls.extend(call_s(adaptation, options.calls))

        return measure

    contenders = [local(1), on_ray(1), local(2), on_ray(2)]
    for _ in range(options.rounds):
        for measure in contenders:
            measure()
    report(measured, calls, options.chunks, options.trials)


def report(measured: dict[str, list[float]], calls: list[float], n_chunks: int, n_trials: int) -> None:
    alone, n = statistics.median(measured["1 local process"]), n_chunks * n_trials
    print(f"\n{n_chunks} chunks of {n_trials} trials, median of {len(measured['1 local process'])} rounds\n")
    print("| where | s | least to most | ms a trial | times one process |\n|---|---|---|---|---|")
    for name, times in measured.items():
        middle = statistics.median(times)
        print(
            f"| {name} | {middle:.2f} | {min(times):.2f} to {max(times):.2f} | {1000 * middle / n:.0f} | "
            f"{alone / middle:.2f} |"
        )
    each = sorted(calls)
    print(
        f"\nA call of Ray that does nothing: median {1000 * statistics.median(each):.1f} ms, 90 % below "
        f"{1000 * each[int(0.9 * len(each))]:.1f} ms ({len(each)} calls)."
    )


if __name__ == "__main__":
    main()
