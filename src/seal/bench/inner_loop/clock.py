"""Wall time and peak memory of a piece of work. Knows nothing about what is measured."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psutil
import torch

T = TypeVar("T")
_SAMPLE_EVERY_S = 0.002


def timed(device: torch.device, work: Callable[[], T]) -> tuple[float, T]:
    """(seconds, what `work` returned), with everything that was queued on the device done."""
    _wait(device)
    started = time.perf_counter()
    result = work()
    _wait(device)
    return time.perf_counter() - started, result


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_bytes(device: torch.device, work: Callable[[], T]) -> tuple[int, T]:
    """(memory taken at its peak beyond what was taken before, what `work` returned).

    On CUDA what the allocator counts. Elsewhere the process's resident memory, sampled: before, all freed
    memory is given back to the system, since otherwise a small piece of work after a large one would seem
    to need none. So this is no place to take times.
    """
    give_back(device)
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        result = work()
        return torch.cuda.max_memory_allocated(device) - before, result
    with _Sampler() as sampler:
        result = work()
    return sampler.peak - sampler.before, result


def give_back(device: torch.device) -> None:
    """Hands memory that is no longer used back to the system, so that what is free can be told."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl does not
        if trim is not None:
            trim(0)


class _Sampler:
    """Resident memory at its highest while the block runs; a thread looks every two milliseconds."""

    def __enter__(self) -> _Sampler:
        self._process = psutil.Process()
        self.before = self.peak = self._process.memory_info().rss
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._ended.wait(_SAMPLE_EVERY_S):
            self._look()

    def _look(self) -> None:
        self.peak = max(self.peak, self._process.memory_info().rss)

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()
