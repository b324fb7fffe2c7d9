"""How fast this machine multiplies matrices, in each type of numbers, and how much memory it has.

A measurement of less than a second. Where other programs are at work, it says what the machine does without
them: a processor's own time is counted, not that of waiting for it. Knows nothing about models.

Which type of numbers is faster is what a model is loaded by, at each start; so that is remembered.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from seal.models.remembered import keep, place_of

if TYPE_CHECKING:
    import torch

_SIZE = {"cpu": 768, "cuda": 4096}
_TRIALS = 3


@dataclass(frozen=True)
class Speed:
    """Operations a second of a square matrix product, the best of a few, and memory in bytes."""

    device: str
    threads: int
    float32_flops: float
    bfloat16_flops: float
    memory_bytes: int
    free_bytes: int

    @property
    def best_flops(self) -> float:
        return max(self.float32_flops, self.bfloat16_flops)


def measure_speed(device: str = "auto") -> Speed:
    """Measures this machine, with as many threads as torch has; "auto" takes CUDA where there is one."""
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    rates = [_product_rate(torch.device(device), kind) for kind in (torch.float32, torch.bfloat16)]
    return Speed(device, torch.get_num_threads(), rates[0], rates[1], *memory_of(device))


def bfloat16_gain() -> float:
    """How many times as fast a processor multiplies in bfloat16 as in float32; measured once on a machine."""
    path = place_of("machine", f"bfloat16-{_machine()}.json")
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads(path.read_text(encoding="utf-8"))["times"])
    speed = measure_speed("cpu")
    times = speed.bfloat16_flops / speed.float32_flops
    keep(path, json.dumps({"times": times, **asdict(speed)}))
    return times


def _machine() -> str:
    """Names the processor and what multiplies on it: another may be faster in another type."""
    import torch

    kind = ""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        kind = next((line for line in file if line.startswith("model name")), "")
    facts = [torch.__version__, torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()]
    told = json.dumps([kind.strip(), platform.machine(), platform.node(), *facts])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def memory_of(device: str = "cpu") -> tuple[int, int]:
    """The memory of a device and how much of it is free, in bytes; by what the process may take of it, where
    a container bounds that."""
    if device.startswith("cuda"):
        import torch

        free, total = torch.cuda.mem_get_info(torch.device(device))
        return total, free
    import psutil

    memory = psutil.virtual_memory()
    bound = _bound_of_container()
    return min(memory.total, bound), min(memory.available, bound)


def _bound_of_container() -> int:
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:
            told = file.read().strip()
    except OSError:
        return 1 << 62
    return int(told) if told.isdigit() else 1 << 62


def usable_processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def programs_at_work() -> float:
    """How many programs run or wait to run, of late; 0 where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _product_rate(device: torch.device, kind: torch.dtype) -> float:
    import torch

    n = _SIZE.get(device.type, _SIZE["cpu"])
    a, b = (torch.ones(n, n, device=device, dtype=kind) for _ in range(2))
    times: list[float] = []
    for _ in range(1 + _TRIALS):
        started, cpu_started = time.perf_counter(), time.process_time()
        float(torch.mm(a, b)[0, 0])  # waits for an accelerator
        passed, worked = time.perf_counter() - started, time.process_time() - cpu_started
        times.append(min(passed, worked / torch.get_num_threads()) if device.type == "cpu" else passed)
    return 2.0 * n**3 / min(times[1:])
