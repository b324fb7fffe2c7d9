"""What the host machine needs to run at speed. Knows nothing about models.

By default glibc gives a freed block above a threshold back to the kernel, so that every activation of
every step is mapped, zeroed and faulted in anew. Measured on one core (fp32, [1024, 128] x [128, 128]):
88 GFLOP/s with the default, 165 GFLOP/s with blocks kept.

Gradients through a sharp softmax hold numbers below the smallest normal one, which a CPU computes with many
times more slowly: taken as zero, training 16 adapters at once took 14 % less time.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEEP_BELOW_bytes = 2**31 - 1  # a table of logits of a large vocabulary is above 1 GiB


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Inside, this thread takes numbers below the smallest normal one as zero, Python's own included."""
    smallest = sys.float_info.min
    before = smallest / 2 == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


@functools.cache
def keep_freed_memory() -> bool:
    """Makes this process keep freed blocks for reuse; returns whether the C library could be told.

    Memory is given back when the process ends, or by `give_back_freed_memory`. Source: mallopt(3).
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl and others have no mallopt
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _KEEP_BELOW_bytes)) and bool(mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))


def give_back_freed_memory() -> None:
    """Gives what is kept back to the system, where the C library can: between kinds of work, whose blocks are
    of other sizes and would come to lie beside those that are kept. Source: malloc_trim(3)."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
