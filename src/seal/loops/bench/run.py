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

from seal.errors import ConfigError
from seal.loops.bench.clock import peak_bytes
from seal.loops.bench.contender import Contender
from seal.loops.bench.contenders import (
    EXAM_ROWS,
    NAMES,
    Engine,
    check_names,
    make_contenders,
)
from seal.loops.bench.figures import Measurement, Peak, ProductTimes, summarise
from seal.loops.bench.machine import describe
from seal.loops.bench.memory import counted_need
from seal.loops.bench.operations import Anatomy, Product, products_of, total
from seal.loops.bench.profile import profile_engine
from seal.loops.bench.rates import peak_rate, products_s
from seal.loops.bench.shapes import Subject, load_subject
from seal.loops.bench.trainer_loop import padded_tokens
from seal.loops.bench.workload import QUICK, IdTokenizer, Load, Task, make_tasks
from seal.loops.start import Watch
from seal.loops.threads import choose_threads
from seal.models.host import keep_freed_memory


@dataclass(frozen=True)
class Settings:
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
            "--contenders": bool(self.contenders),
            "--example-tokens": self.example_tokens is None or self.example_tokens[0] > 1,
        }
        for flag, holds in rules.items():
            if not holds:
                raise ConfigError(f"{flag} has too small a value, or none", "see --help")
        if self.example_tokens and self.example_tokens[0] > self.example_tokens[1]:
            raise ConfigError("--example-tokens ends before it begins", "for instance 20-60")
        check_names(self.contenders)


def run_benchmark(settings: Settings, watch: Watch) -> dict[str, Any]:
    """All measurements and what follows from them, ready for JSON. Raises what `Settings.check` and
    `load_subject` do."""
    settings.check()
    started = time.perf_counter()
    load = _load(settings)
    watch.progress(f"loading {settings.shape or settings.model or 'tiny'}", 0, 1)
    subject = load_subject(settings.model, settings.shape, device=settings.device, dtype=settings.dtype)
    _check_fit(subject, load)
    keep_freed_memory()
    threads, why = _threads(subject, settings, watch)
    bench = _Bench(settings, subject, load, threads, watch)
    bench.run()
    padded = padded_tokens(subject.model, load)
    return {
        "format": 1,
        "machine": describe(subject.device),
        "threads": {"engine": threads, **bench.threads, "why": why},
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
    context = getattr(subject.model.config, "max_position_embeddings", None)
    if context is not None and load.example_tokens[1] > context:
        raise ConfigError(
            f"examples of {load.example_tokens[1]} tokens do not fit the model's context of {context}",
            "set --example-tokens to shorter ones",
        )


def _load(settings: Settings) -> Load:
    load = QUICK if settings.quick else Load()
    return replace(load, example_tokens=settings.example_tokens) if settings.example_tokens else load


def _threads(subject: Subject, settings: Settings, watch: Watch) -> tuple[int, str]:
    """Sets the number of threads, and says which and why."""
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
        found = settings.threads, "--threads says so"
    else:
        watch.progress("choosing threads", 0, 1)
        found = choose_threads(subject.model, IdTokenizer())
    watch.notice(f"{found[0]} thread{'s' if found[0] > 1 else ''} ({found[1]})")
    return found


class _Bench:
    """The measurements of one run, as they come in."""

    def __init__(self, settings: Settings, subject: Subject, load: Load, threads: int, watch: Watch) -> None:
        self.settings, self.subject, self.load, self.watch = settings, subject, load, watch
        self.contenders = make_contenders(
            settings.contenders, subject, load, trainer_steps=settings.trainer_steps
        )
        self.anatomy = Anatomy.of(subject.model, load.hyperparameters.targets)
        self.threads = dict.fromkeys(settings.contenders, threads)
        self.engine_threads = threads
        self.measurements: list[Measurement] = []
        self.products: list[ProductTimes] = []
        self.peaks: list[Peak] = []
        self.profile: Mapping[str, Any] | None = None
        self._done, self._total = 0, len(settings.adapters) * (settings.rounds + 1) + settings.profile

    def run(self) -> None:
        counts = tuple(sorted(set(self.settings.adapters)))
        tasks = make_tasks(
            max(*counts, self.settings.baseline_self_edits),
            self.load,
            vocabulary=self.subject.vocabulary,
            seed=self.settings.seed,
        )
        self.need = counted_need(self.subject.model, tasks, self.load)
        for n in counts:
            self._warm_up(n, tasks)
            for index in range(self.settings.rounds):
                self._round(n, index, tasks)
        if self.settings.profile:
            self._tell("profiling the engine")
            short = [_short(task, self.load) for task in tasks[: counts[-1]]]
            self.profile = profile_engine(self.subject, self.load, short)

    def _warm_up(self, n: int, tasks: Sequence[Task]) -> None:
        """The first run of each contender at this number, on one epoch: its memory, and its best threads."""
        for contender in self.contenders:
            if not contender.at_once and any(peak.contender == contender.name for peak in self.peaks):
                continue  # one at a time takes the same memory at every number
            self._tell(f"{_adapters(n)}: memory, {contender.name}", step=contender is self.contenders[0])
            own = [_short(task, self.load) for task in tasks[: n if contender.at_once else 1]]
            self._set_threads(contender.name)
            if not self.peaks:
                contender.learn(own[:1])  # what libraries take once is nobody's memory
                contender.examine(own[:1])
            learned, _ = peak_bytes(self.subject.device, lambda c=contender, o=own: c.learn(o))
            exam, _ = peak_bytes(self.subject.device, lambda c=contender, o=own: c.examine(o))
            self.peaks.append(Peak(contender.name, len(own), learned, exam))
            if not contender.at_once:
                self._choose_threads(contender, own)

    def _choose_threads(self, contender: Contender, own: Sequence[Task]) -> None:
        """A contender with small products may be faster with one thread: it gets what is better for it."""
        set_already = self.settings.threads is not None or "OMP_NUM_THREADS" in os.environ
        if set_already or self.engine_threads == 1 or self.subject.device.type != "cpu":
            return
        times = {}
        for n in (self.engine_threads, 1):
            torch.set_num_threads(n)
            times[n] = contender.learn(own).seconds
        self.threads[contender.name] = min(times, key=lambda n: times[n])

    def _set_threads(self, name: str) -> None:
        if self.subject.device.type == "cpu":
            torch.set_num_threads(self.threads.get(name, self.engine_threads))

    def _round(self, n: int, index: int, tasks: Sequence[Task]) -> None:
        where = f"{_adapters(n)}, round {index + 1} of {self.settings.rounds}"
        for contender in self.contenders:
            self._tell(f"{where}: {contender.name}", step=contender is self.contenders[0])
            self._set_threads(contender.name)
            most = n if contender.at_once else min(n, self.settings.baseline_self_edits)
            self.measurements.append(self._measure(contender, n, index, tasks[:most]))
        if "engine" in self.settings.contenders:
            self._tell(f"{where}: matrix products by themselves", step=False)
            self._set_threads("engine")
            self.products.append(self._time_products(n, index, tasks[:n]))

    def _measure(self, contender: Contender, n: int, index: int, tasks: Sequence[Task]) -> Measurement:
        train_s = exam_s = 0.0
        scaled = 0
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        for own in [tasks] if contender.at_once else [[task] for task in tasks]:
            learned = contender.learn(own)
            seconds, answers = contender.examine(own)
            assert [len(one) for one in answers] == [self.load.n_questions] * len(own)
            train_s, exam_s, scaled = train_s + learned.seconds, exam_s + seconds, learned.scaled_from_steps
        return Measurement(
            contender.name,
            n,
            index,
            len(tasks),
            train_s,
            exam_s,
            trained_tokens=sum(task.plan.n_tokens for task in tasks),
            written_tokens=len(tasks) * self.load.n_questions * self.load.answer_tokens,
            scaled_from_steps=scaled,
            cores_busy=(time.process_time() - cpu_s) / (time.perf_counter() - wall_s),
        )

    def _time_products(self, n: int, index: int, tasks: Sequence[Task]) -> ProductTimes:
        [engine] = [contender for contender in self.contenders if isinstance(contender, Engine)]
        slots, _ = engine.room(n)
        found = products_of(self.anatomy, tasks, self.load, slots=slots, exam_rows=EXAM_ROWS)
        device, dtype = self.subject.device, self.subject.dtype

        def seconds(products: Sequence[Product]) -> float:
            return products_s(products, device, dtype, budget_s=0.001 if self.settings.quick else 0.02)

        return ProductTimes(
            adapters=n,
            round=index,
            train_operations=total(found["train"]),
            exam_operations=total(found["exam"]),
            train_s=seconds(found["train"]),
            exam_s=seconds(found["exam"]),
            peak_operations_per_s=peak_rate(device, dtype, quick=self.settings.quick),
        )

    def _tell(self, stage: str, *, step: bool = True) -> None:
        self.watch.progress(stage, self._done, self._total)
        self._done += step


def _short(task: Task, load: Load) -> Task:
    """One epoch of a task."""
    return replace(task, plan=replace(task.plan, steps=task.plan.steps[: load.n_examples]))


def _adapters(n: int) -> str:
    return f"{n} adapter{'s' if n > 1 else ''}"
