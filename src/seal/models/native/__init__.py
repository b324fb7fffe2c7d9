"""`block.cpp`: decoder layers in C++, built on this machine when first wanted.

With gradients a layer is one call (`seal.training.block`), without two (`seal.models.native_layers`).
Without a C++ compiler, or with SEAL_NATIVE=0, there is no library, and layers go the general way: the same
arithmetic, more slowly. What was built is kept in the user's cache folder (`seal.files.cache_folder`) under a
name made from the sources, the compiler and the processor's instructions.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, Structure, c_double, c_int64, c_void_p
from pathlib import Path
from typing import Any

import torch

from seal.files import cache_folder

SOURCE = Path(__file__).with_name("block.cpp")
"""What is compiled; the headers beside it are parts of it."""
_FLAGS = "-std=c++17 -O3 -march=native -fno-math-errno -fno-trapping-math -shared -fPIC".split()
_THREADS = "-fopenmp", "-fopenmp-simd"
"""With threads; where the compiler has none, without: all is then done by one."""
_log = logging.getLogger(__name__)


class Module(Structure):
    _fields_ = [
        ("weight", c_void_p),
        ("bias", c_void_p),
        ("width", c_int64),
        ("b", c_int64),
        ("scale", c_int64),
    ]


class Fan(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("n_in", "n_out", "n_modules", "n_adapted", "a")),
        ("modules", Module * 3),
    ]


class Norm(Structure):
    _fields_ = [("weight", c_void_p), ("epsilon", c_double), ("shift", c_double)]


class Block(Structure):
    _fields_ = [
        *((name, Fan) for name in ("attention_in", "attention_out", "feed_in", "feed_out")),
        *((name, Norm) for name in ("attention_norm", "feed_norm", "attended_norm", "fed_norm")),
        *((name, Norm) for name in ("query_norm", "key_norm")),
        *((name, c_double) for name in ("gate_slope", "gate_cube")),
        *((name, c_int64) for name in ("n_q", "n_kv", "head_width")),
        ("scaling", c_double),
        ("half", c_int64),
    ]


class Bank(Structure):
    _fields_ = [
        *((name, c_void_p) for name in ("weights", "gradients", "scales")),
        *((name, c_int64) for name in ("n_slots", "n_parameters", "rank")),
    ]


class Pass(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("n_tokens", "n_own", "n_groups", "n_texts", "n_threads")),
        *((name, POINTER(c_int64)) for name in ("slots", "sizes", "prefixes", "texts", "lengths")),
        *((name, c_void_p) for name in ("cos", "sin")),
        ("fresh", c_int64),
    ]


class Cached(Structure):
    _fields_ = [*((name, c_void_p) for name in ("keys", "values", "cos", "sin")), ("window", c_int64)]


class Lookup(Structure):
    _fields_ = [
        *((name, c_void_p) for name in ("query", "keys", "values", "mask", "out")),
        *((name, POINTER(c_int64)) for name in ("rows", "seen")),
        *((name, c_int64) for name in ("n_tokens", "n_q", "n_kv", "width")),
        *((name, c_int64) for name in ("query_stride", "row_stride", "head_stride", "mask_stride")),
        ("scaling", c_double),
    ]


@functools.cache
def library() -> ctypes.CDLL | None:
    """The built library; None where there is none to be had, for the reason that is logged."""
    if os.environ.get("SEAL_NATIVE") == "0":
        return None
    try:
        blas = ctypes.CDLL(str(_torch_library()))
        products = blas.sgemm_
        built = ctypes.CDLL(str(_build()))
    except (OSError, AttributeError, subprocess.SubprocessError) as error:
        _log.info("layers are computed operator by operator, without native code: %s", error)
        return None
    arguments = {
        "use_blas": [c_void_p],
        "use_blas_of_halves": [c_void_p],
        "time_parts": [POINTER(c_double)],
        "kept_bytes": [POINTER(Block), c_int64, c_int64],
        "scratch_bytes": [POINTER(Block), POINTER(Pass), c_int64],
        "block_forward": [POINTER(Block), POINTER(Bank), POINTER(Pass), *[c_void_p] * 4],
        "block_backward": [POINTER(Block), POINTER(Bank), POINTER(Pass), *[c_void_p] * 5],
        "block_enter": [POINTER(Block), POINTER(Bank), POINTER(Pass), *[c_void_p] * 4],
        "block_leave": [POINTER(Block), POINTER(Bank), POINTER(Pass), *[c_void_p] * 5],
        "look_up_tokens": [POINTER(Lookup), c_int64],
        "layers_step": [
            *(POINTER(c_void_p), POINTER(Cached), c_int64),
            *(POINTER(Bank), POINTER(Pass), POINTER(Lookup)),
            *[c_void_p] * 5,
        ],
        "most_few_rows": [],
        "few_products": [*[c_int64] * 4, *[c_void_p] * 4],
        "head_floats": [c_int64],
        "head_losses": [*[c_int64] * 3, *[c_void_p] * 7],
        "log_probabilities_of_halves": [*[c_int64] * 3, *[c_void_p] * 3],
        "head_losses_of_halves": [*[c_int64] * 3, *[c_void_p] * 4],
        "head_divergences_of_halves": [*[c_int64] * 3, *[c_void_p] * 4],
    }
    for name, kinds in arguments.items():
        call = built[name]
        call.argtypes = kinds
        call.restype = c_int64 if name.endswith(("_bytes", "_floats", "_rows")) else None
        setattr(built, name, call)
    built.use_blas(ctypes.cast(products, c_void_p))
    if halves := _product_of_halves(blas):
        built.use_blas_of_halves(ctypes.cast(halves, c_void_p))
    return built


def loaded() -> ctypes.CDLL:
    """The library, for those who know that there is one."""
    found = library()
    assert found is not None
    return found


@functools.cache
def multiplies_halves() -> bool:
    """Whether torch's library has a product of bf16 that is summed up in fp32, as MKL has."""
    return _product_of_halves(ctypes.CDLL(str(_torch_library()))) is not None


def _product_of_halves(blas: ctypes.CDLL) -> Any:
    return getattr(blas, "gemm_bf16bf16f32_", None)


@contextmanager
def timed() -> Iterator[ctypes.Array[c_double]]:
    """Yields the seconds that native code spends inside: in matrix products, in attention, in all."""
    spent = (c_double * 3)()
    built = library()
    if built is not None:
        built.time_parts(spent)
    try:
        yield spent
    finally:
        if built is not None:
            built.time_parts(None)


def _torch_library() -> Path:
    """The library of torch's operators on a CPU; the BLAS in it, or behind it, is the one that torch uses."""
    folder = Path(torch.__file__).parent / "lib"
    return next((path for path in folder.glob("libtorch_cpu.*") if path.suffix in (".so", ".dylib")), folder)


def _build() -> Path:
    compiler = shlex.split(os.environ.get("CXX", "")) or [_first("c++", "g++", "clang++")]
    machine = subprocess.run(
        [*compiler, "-march=native", "-dM", "-E", "-x", "c++", os.devnull],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    texts = [path.read_bytes() for path in (SOURCE, *sorted(SOURCE.parent.glob("*.h")))]
    key = hashlib.sha256(b"\0".join([*texts, *map(str.encode, _FLAGS + compiler), machine]))
    cache = cache_folder()
    built = cache / f"block-{key.hexdigest()[:16]}.so"
    if not built.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as beside:
            made = Path(beside) / built.name
            failed = ""
            for threads in _THREADS:
                command = [*compiler, *_FLAGS, threads, str(SOURCE), "-o", str(made)]
                done = subprocess.run(command, capture_output=True, text=True, timeout=300)
                if not done.returncode:
                    made.replace(built)
                    return built
                failed = f"{shlex.join(command)}: {done.stderr[-2000:]}"
            raise OSError(failed)
    return built


def _first(*names: str) -> str:
    for name in names:
        if path := shutil.which(name):
            return path
    raise OSError(f"no C++ compiler ({', '.join(names)}) is on the PATH")
