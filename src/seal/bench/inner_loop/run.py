"""The benchmark: loads the model, lets the contenders take turns, and returns all figures.

In every round each contender does its work once, and then the machine's matrix products are timed, so that
what disturbs the machine for a while disturbs all of them alike. Knows nothing about how figures are shown.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from seal.bench.inner_loop.clock import peak_bytes
from seal.bench.inner_loop.contender import Contender, do
from seal.bench.inner_loop.contenders import NAMES, Engine, check_names, make_contender
from seal.bench.inner_loop.figures import Measurement, Peak, ProductTimes, summarise
from seal.bench.inner_loop.machine import describe
from seal.bench.inner_loop.memory import counted_need
from seal.bench.inner_loop.processes import Spread, time_products
from seal.bench.inner_loop.profile import profile_engine
from seal.bench.inner_loop.shapes import Subject, load_subject
from seal.bench.inner_loop.trainer_loop import padded_tokens
from seal.bench.inner_loop.workload import QUICK, IdTokenizer, Load, TrainingTask, make_tasks
from seal.engine.start import Watch
from seal.engine.threads import choose_threads
from seal.engine.workers import small_enough, usable_cores
from seal.errors import ConfigError
from seal.models.context import context_tokens
from seal.models.host import keep_freed_memory


@dataclass(frozen=True)
class BenchSettings:
    """What is compared, on which model, how often."""

    model: str | None = None
    shape: str | None = None
    device: str = "auto"
    dtype: str | None = None
    adapters: tuple[int, ...] = (1, 4, 16, 64)
    rounds: int = 3
    contenders: tuple[str, ...] = NAMES
    baseline_self_edits: int = 2
    example_tokens: tuple[int, int] | None = None
    trainer_steps: int = 5
    threads: int | None = None
    processes: int | None = None
    seed: int = 0
    quick: bool = False
    profile: bool = False

    def check(self) -> None:
        """Raises ConfigError for a number that means nothing, UnknownNameError for a contender."""
        rules = {
            "--adapters": self.adapters and min(self.adapters) >= 1,
            "--rounds": self.rounds >= 1,
            "--baseline-self-edits": self.baseline_self_edits >= 1,
            "--trainer-steps": self.trainer_steps >= 1,
            "--threads": self.threads is None or self.threads >= 1,
            "--processes": self.processes is None or self.processes >= 1,
            "--contenders": bool(self.contenders),
            "--example-tokens": self.example_tokens is None or self.example_tokens[0] > 1,
        }
        for flag, holds in rules.items():
            if not holds:
                raise ConfigError(f"{flag} has too small a value, or none", "see --help")
        if self.example_tokens and self.example_tokens[0] > self.example_tokens[1]:
            raise ConfigError("--example-tokens ends before it begins", "for instance 20-60")
        check_names(self.contenders)


def run_benchmark(settings: BenchSettings, watch: Watch) -> dict[str, Any]:
    """All measurements and what follows from them, ready for JSON. Raises what `BenchSettings.check` and
    `load_subject` do."""
    settings.check()
    started = time.perf_counter()
    load = _load(settings)
    watch.progress(f"loading {settings.shape or settings.model or 'tiny'}", 0, 1)
    subject = load_subject(settings.model, settings.shape, device=settings.device, dtype=settings.dtype)
    _check_fit(subject, load)
    keep_freed_memory()
    threads, why = _threads(subject, settings, watch)
    processes = _processes(subject, settings)
    watch.notice(f"{processes} process{'es of one thread each' if processes > 1 else ''} for many adapters")
    bench = _Bench(settings, subject, load, threads, processes, watch)
    try:
        bench.run()
    finally:
        bench.close()
    padded = padded_tokens(subject.model, load)
    return {
        "format": 1,
        "machine": describe(subject.device),
        "threads": {"alone": threads, **bench.threads, "why": why},
        "processes": processes,
        "model": {
            "name": subject.name,
            "parameters": subject.n_parameters,
            "adapter_parameters": bench.need.adapter_parameters,
            "dtype": str(subject.dtype).removeprefix("torch."),
        },
        "load": {**asdict(load), "padded_tokens": padded},
        "settings": asdict(settings),
        **summarise(bench.measurements, bench.products, bench.peaks, bench.need),
        "profile": bench.profile,
        "wall_s": round(time.perf_counter() - started, 1),
    }


def _check_fit(subject: Subject, load: Load) -> None:
    context = context_tokens(subject.model)
    if context is not None and load.example_tokens[1] > context:
        raise ConfigError(
            f"examples of {load.example_tokens[1]} tokens do not fit the model's context of {context}",
            "set --example-tokens to shorter ones",
        )


def _load(settings: BenchSettings) -> Load:
    load = QUICK if settings.quick else Load()
    return replace(load, example_tokens=settings.example_tokens) if settings.example_tokens else load


def _threads(subject: Subject, settings: BenchSettings, watch: Watch) -> tuple[int, str]:
    """Sets the number of threads, and says which and why."""
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
        chosen = settings.threads, "--threads says so"
    else:
        watch.progress("choosing threads", 0, 1)
        chosen = choose_threads(subject.model, IdTokenizer())
    watch.notice(f"{chosen[0]} thread{'s' if chosen[0] > 1 else ''} ({chosen[1]})")
    return chosen


def _processes(subject: Subject, settings: BenchSettings) -> int:
    """Processes for a contender that can be shared out: one a core, for a model small enough."""
    if settings.processes is not None:
        return settings.processes
    small = subject.device.type == "cpu" and small_enough(subject.model)
    return usable_cores() if small and settings.threads is None else 1


class _Bench:
    """The measurements of one run, as they come in."""

    def __init__(
        self,
        settings: BenchSettings,
        subject: Subject,
        load: Load,
        threads: int,
        processes: int,
        watch: Watch,
    ) -> None:
        self.settings, self.subject, self.load, self.watch = settings, subject, load, watch
        self.processes = processes
        names = [n for n in NAMES if n in settings.contenders and (processes > 1 or n != "peft_parallel")]
        self.contenders = {
            name: make_contender(name, subject, load, trainer_steps=settings.trainer_steps) for name in names
        }
        given = {
            "model": settings.model,
            "shape": settings.shape,
            "device": str(subject.device),
            "dtype": str(subject.dtype).removeprefix("torch."),
        }
        self.spread = {
            name: Spread(self.contenders[name], load, given, processes, name=name)
            for name in ("engine", "peft_parallel")
            if name in names and processes > 1
        }
        self.threads = dict.fromkeys(names, threads) | dict.fromkeys(self.spread, 1)
        self.engine_threads = threads
        self.measurements: list[Measurement] = []
        self.products: list[ProductTimes] = []
        self.peaks: list[Peak] = []
        self.profile: Mapping[str, Any] | None = None
        self._done, self._total = 0, len(settings.adapters) * (settings.rounds + 1) + settings.profile

    def close(self) -> None:
        for spread in self.spread.values():
            spread.close()

    def run(self) -> None:
        counts = tuple(sorted(set(self.settings.adapters)))
        tasks = make_tasks(
            max(*counts, self.processes, self.settings.baseline_self_edits),
            self.load,
            vocabulary=self.subject.vocabulary,
            seed=self.settings.seed,
        )
        self._set_threads("engine", counts[-1])
        self.need = counted_need(self.subject, tasks, self.load)
        for n in counts:
            self._warm_up(n, tasks)
            for index in range(self.settings.rounds):
                self._round(n, index, tasks)
        if self.settings.profile:
            self._tell("profiling the engine")
            self._set_threads("engine", counts[-1])
            own = tasks[: max(1, counts[-1] // self.processes)]
            self.profile = profile_engine(self.subject, self.load, [_short(task, self.load) for task in own])

    def _warm_up(self, n: int, tasks: Sequence[TrainingTask]) -> None:
        """The first run of each contender at this number, on one epoch: its memory, and its best threads.

        Memory is that of one process, which has all adapters.
        """
        first = True
        for name, contender in self.contenders.items():
            if name == "peft_parallel" or (
                not contender.at_once and any(peak.contender == name for peak in self.peaks)
            ):
                continue  # one at a time takes the same memory at every number
            self._tell(f"{_adapters(n)}: memory, {name}", step=first)
            first = False
            own = [_short(task, self.load) for task in tasks[: n if contender.at_once else 1]]
            self._set_threads(name, n)
            if not self.peaks:
                contender.learn(own[:1])  # what libraries take once is nobody's memory
                contender.examine(own[:1])
            learned, _ = peak_bytes(self.subject.device, lambda c=contender, o=own: c.learn(o))
            exam, _ = peak_bytes(self.subject.device, lambda c=contender, o=own: c.examine(o))
            self.peaks.append(Peak(name, len(own), learned, exam))
            if not contender.at_once:
                self._choose_threads(contender, own)
        for spread in self.spread.values():
            if n >= self.processes:
                spread.do([_short(task, self.load) for task in tasks[: self.processes]])

    def _choose_threads(self, contender: Contender, own: Sequence[TrainingTask]) -> None:
        """A contender with small products may be faster with one thread: it gets what is better for it."""
        set_already = self.settings.threads is not None or "OMP_NUM_THREADS" in os.environ
        most = torch.get_num_threads() if set_already else max(self.engine_threads, usable_cores())
        if set_already or most == 1 or self.subject.device.type != "cpu":
            return
        times = {}
        for n in (most, 1):
            torch.set_num_threads(n)
            times[n] = contender.learn(own).seconds
        self.threads[contender.name] = min(times, key=lambda n: times[n])

    def _set_threads(self, name: str, n: int) -> None:
        if self.subject.device.type == "cpu":
            alone = name == "engine" and n < self.processes
            torch.set_num_threads(self.engine_threads if alone else self.threads[name])

    def _round(self, n: int, index: int, tasks: Sequence[TrainingTask]) -> None:
        where = f"{_adapters(n)}, round {index + 1} of {self.settings.rounds}"
        first = True
        for name, contender in self.contenders.items():
            if name == "peft_parallel" and n < self.processes:
                continue
            self._tell(f"{where}: {name}", step=first)
            first = False
            self._set_threads(name, n)
            most = n if contender.at_once else min(n, self.settings.baseline_self_edits)
            if name == "peft_parallel":
                most = max(most, self.processes)
            self.measurements.append(self._measure(name, n, index, tasks[:most]))
        if "engine" in self.contenders:
            self._tell(f"{where}: matrix products by themselves", step=False)
            self._set_threads("engine", n)
            self.products.append(self._time_products(n, index, tasks[:n]))

    def _measure(self, name: str, n: int, index: int, tasks: Sequence[TrainingTask]) -> Measurement:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        spread = self.spread.get(name)
        shared = spread is not None and len(tasks) >= self.processes
        done = spread.do(tasks) if spread is not None and shared else do(self.contenders[name], tasks)
        assert [len(one) for one in done.answers] == [self.load.n_questions] * len(tasks)
        return Measurement(
            name,
            n,
            index,
            len(tasks),
            done.train_s,
            done.exam_s,
            trained_tokens=sum(task.plan.n_tokens for task in tasks),
            written_tokens=len(tasks) * self.load.n_questions * self.load.answer_tokens,
            scaled_from_steps=done.scaled_from_steps,
            cores_busy=(time.process_time() - cpu_s) / (time.perf_counter() - wall_s),
            processes=self.processes if shared else 1,
            threads=1 if shared else torch.get_num_threads(),
        )

    def _time_products(self, n: int, index: int, tasks: Sequence[TrainingTask]) -> ProductTimes:
        engine, spread = self.contenders["engine"], self.spread.get("engine")
        assert isinstance(engine, Engine)
        quick = self.settings.quick
        if spread is not None and n >= self.processes:
            products = spread.products(tasks, quick=quick)
        else:
            products = time_products(engine, tasks, quick)
        return ProductTimes(adapters=n, round=index, **asdict(products))

    def _tell(self, stage: str, *, step: bool = True) -> None:
        self.watch.progress(stage, self._done, self._total)
        self._done += step


def _short(task: TrainingTask, load: Load) -> TrainingTask:
    """One epoch of a task."""
    return replace(task, plan=replace(task.plan, steps=task.plan.steps[: load.n_examples]))


def _adapters(n: int) -> str:
    return f"{n} adapter{'s' if n > 1 else ''}"
