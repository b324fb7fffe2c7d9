"""The engine in other processes and on other machines: what is held there, and how a run comes to have them.

Knows nothing about which work there is (work_chunks.py), nor how workers are run (seal/executors).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from seal.config import EngineConfig
from seal.engine.adapt import Adaptation
from seal.engine.cluster import Act, Cluster
from seal.engine.parts import build_domain, build_format, build_grader, pick_device
from seal.engine.workers import one_thread
from seal.errors import ConfigError
from seal.executors import WorkerNeeds
from seal.models.as_bytes import model_of_bytes
from seal.models.load import hide_progress_bars


@dataclass(frozen=True)
class RayPlace:
    """A Ray cluster, and what each worker takes of it. `gpus` None: one, if the cluster has any and the
    configured device is not the CPU."""

    address: str | None = None
    cpus: int = 1
    gpus: float | None = None

    def needs(self, device: str, *, has_gpus: bool) -> WorkerNeeds:
        """Raises ConfigError for what no worker can take."""
        if self.cpus < 1:
            raise ConfigError(f"--worker-cpus {self.cpus}: a worker takes at least one CPU")
        if self.gpus is not None and self.gpus < 0:
            raise ConfigError(f"--worker-gpus {self.gpus:g}: must not be negative")
        wanted = float(has_gpus and device != "cpu") if self.gpus is None else self.gpus
        return WorkerNeeds(self.cpus, wanted)


@contextmanager
def cluster_at(place: RayPlace | None, notice: Callable[[str], None]) -> Iterator[None]:
    """Inside, this process takes part in the cluster; None: nothing happens. Raises as `connect` does."""
    if place is None:
        yield
        return
    from seal.executors import on_ray

    on_ray.connect(place.address, notice)
    try:
        yield
    finally:
        on_ray.disconnect()


def work_at(adaptation: Adaptation, place: RayPlace, notice: Callable[[str], None]) -> None:
    """Lets the adaptation's chunks be done at the cluster that this process takes part in."""
    from seal.executors import on_ray

    config = adaptation.config
    if config.grading.grader == "judge":
        raise ConfigError(
            'grading.grader is "judge", whose key and cache are on this machine, and answers would be graded '
            "on others",
            "Choose another grader, or run it here: --executor local.",
        )
    needs = place.needs(config.model.device, has_gpus=on_ray.has_gpus())
    made_of = EnginePayload(
        config.model_dump_json(),
        adaptation.tokenizer,
        adaptation.style,
        adaptation.edit_tokens,
        adaptation.answer_tokens,
    )
    adaptation.cluster = Cluster(on_ray.RayExecutor(f"{__name__}:EngineWorker", made_of, needs, notice))
    if next(adaptation.model.parameters()).device.type == "cpu":
        torch.set_num_threads(needs.cpus)  # so that what is done here is as if it were done there
    gpus = f" and {needs.gpus:g} of a GPU" if needs.gpus else ""
    notice(f"work is done by Ray's workers, each with {needs.cpus} CPU{'s' if needs.cpus > 1 else ''}{gpus}")


class EngineProcess:
    """What another process of `Workers` holds: an adaptation of its own, made from the configuration."""

    def __init__(self, payload: tuple[str, int, int]) -> None:
        hide_progress_bars()
        torch.set_num_threads(1)
        config, edit_tokens, answer_tokens = payload
        self.adaptation = Adaptation.load(EngineConfig.model_validate_json(config))
        self.adaptation.edit_tokens, self.adaptation.answer_tokens = edit_tokens, answer_tokens

    def apply(self, act: Callable[[Adaptation, Sequence[Any]], list[Any]], items: Sequence[Any]) -> list[Any]:
        return act(self.adaptation, items)


@dataclass(frozen=True)
class EnginePayload:
    """What an adaptation is made of, besides its model."""

    config: str
    tokenizer: Any
    style: str
    edit_tokens: int
    answer_tokens: int


class EngineWorker:
    """What a worker of `Cluster` holds: an adaptation with the model that is at hand, one at a time."""

    def __init__(self, payload: EnginePayload, threads: int) -> None:
        hide_progress_bars()
        torch.set_num_threads(threads)
        config = EngineConfig.model_validate_json(payload.config)
        parts = build_format(config), build_domain(config), build_grader(config)
        self.device = pick_device(config.model.device)
        self.adaptation = Adaptation(config, None, payload.tokenizer, payload.style, *parts)
        self.adaptation.edit_tokens = payload.edit_tokens
        self.adaptation.answer_tokens = payload.answer_tokens

    def hold(self, model: np.ndarray) -> None:
        """From now on work is done with this model, as `model_as_bytes` has it."""
        self.adaptation.model = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # there may be no room for both
        self.adaptation.model = model_of_bytes(model, self.device)

    def apply(self, act: Act, items: Sequence[Any], alone: bool) -> list[Any]:
        """`alone`: with one thread, as in one of several processes."""
        if alone:
            with one_thread():
                return act(self.adaptation, items)
        return act(self.adaptation, items)
