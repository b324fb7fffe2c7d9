"""Servers of others, each a process that answers OpenAI's completions: how they are prepared and started.

Knows `transformers serve`, with and without its continuous batching, and llama.cpp's `llama-server`. Knows
nothing about what is measured. A rival that cannot do something says so (`Cannot`), and is left out there.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx
import psutil

from seal.files import write_durably

_START_S = 900.0


class Cannot(Exception):
    """A server has no such thing."""


class Server(Protocol):
    """What is compared. `body` is what continues a prompt by adapter k of n, or by the base (None)."""

    name: str

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def body(self, adapter: int | None) -> dict[str, Any]: ...

    @property
    def url(self) -> str: ...

    @property
    def headers(self) -> dict[str, str]: ...

    @property
    def pid(self) -> int: ...


class Rival:
    """A process with an address. Whoever inherits says by which command it is started."""

    name = ""
    health = "/health"

    def __init__(self, folder: Path) -> None:
        self.folder, self.headers = folder, dict[str, str]()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        """Raises RuntimeError if it does not come up."""
        environment = os.environ | {"HF_HUB_OFFLINE": "1"}
        with (self.folder / f"{type(self).__name__}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, env=environment, start_new_session=True
            )
        until = time.monotonic() + _START_S
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}{self.health}", timeout=10).status_code == 200:
                    return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"{self.name} did not come up: see {self.folder}")

    def stop(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class TransformersServe(Rival):
    """Each adapter is a model of its own there, loaded whole with its base: it has no shared one."""

    def __init__(
        self, folder: Path, model: Path, adapters: Sequence[Path], *, dtype: str, batching: bool
    ) -> None:
        super().__init__(folder)
        self.name = "transformers serve" + (", continuous batching" if batching else "")
        self.dtype, self.batching = dtype, batching
        self.model = endless(model, folder / "model")
        self.adapters = [endless_adapter(one, self.model, folder / one.name) for one in adapters]

    def command(self) -> list[str]:
        program = "from transformers.cli.transformers import main; main()"
        # By itself its cache takes most of the memory that is free.
        batching = ["--continuous-batching", "--cb-max-memory-percent", "0.1"] if self.batching else []
        how = ["--device", "cpu", "--dtype", self.dtype, "--port", str(self.port), "--model-timeout", "36000"]
        return [sys.executable, "-c", program, "serve", *how, *batching]

    def body(self, adapter: int | None) -> dict[str, Any]:
        if adapter is not None and self.batching:
            raise Cannot("it batches one model at a time")
        return {"model": str(self.model if adapter is None else self.adapters[adapter])}


class LlamaServer(Rival):
    """Of a checkout of llama.cpp in which it was built. It has as many places as there are callers at most;
    adapters are loaded at the start and chosen in the request."""

    name = "llama.cpp"

    def __init__(
        self,
        folder: Path,
        checkout: Path,
        model: Path,
        adapters: Sequence[Path],
        *,
        dtype: str,
        places: int,
        context: int,
    ) -> None:
        super().__init__(folder)
        self.program, self.places, self.context = checkout / "build" / "bin" / "llama-server", places, context
        kind = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}[dtype]
        self.model = _converted(checkout / "convert_hf_to_gguf.py", model, folder / "model.gguf", kind)
        convert, on = checkout / "convert_lora_to_gguf.py", ("--base", str(model))
        self.adapters = [_converted(convert, one, folder / f"{one.name}.gguf", kind, *on) for one in adapters]

    def command(self) -> list[str]:
        cores = str(len(os.sched_getaffinity(0)))
        adapters = ["--lora", ",".join(map(str, self.adapters)), "--lora-init-without-apply"]
        return [
            str(self.program), "--model", str(self.model), "--host", "127.0.0.1", "--port", str(self.port),
            "--threads", cores, "--parallel", str(self.places), "--ctx-size", str(self.places * self.context),
            "--no-webui", *(adapters if self.adapters else []),
        ]  # fmt: skip

    def body(self, adapter: int | None) -> dict[str, Any]:
        chosen = [] if adapter is None else [{"id": adapter, "scale": 1.0}]
        return {"ignore_eos": True, "lora": chosen}


def _converted(script: Path, given: Path, made: Path, kind: str, *more: str) -> Path:
    """In llama.cpp's format, by its own script."""
    if not made.exists():
        command = [sys.executable, str(script), *more, "--outtype", kind, "--outfile", str(made), str(given)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Cannot(f"{script.name} cannot convert {given.name}: {done.stderr.strip()[-200:]}")
    return made


def endless(model: Path, folder: Path) -> Path:
    """A model whose texts have no end, for a server that cannot be asked to go on after it."""
    if not folder.exists():
        folder.mkdir(parents=True)
        for file in model.iterdir():
            if file.is_file() and file.name not in ("config.json", "generation_config.json"):
                (folder / file.name).symlink_to(file.resolve())
        config = json.loads((model / "config.json").read_text())
        write_durably(folder / "config.json", [json.dumps({**config, "eos_token_id": None}).encode()])
        write_durably(folder / "generation_config.json", [b"{}"])
    return folder


def endless_adapter(adapter: Path, model: Path, folder: Path) -> Path:
    """An adapter's folder as a model's: with all that its base's has."""
    if not folder.exists():
        shutil.copytree(adapter, folder)
        told = json.loads((folder / "adapter_config.json").read_text())
        changed = {**told, "base_model_name_or_path": str(model)}
        write_durably(folder / "adapter_config.json", [json.dumps(changed).encode()])
        for file in model.iterdir():
            if not (folder / file.name).exists():
                (folder / file.name).symlink_to(file.resolve())
    return folder


def processor_s(pid: int) -> float:
    """Seconds that a process and its children have computed."""
    whole = psutil.Process(pid)
    total = 0.0
    for one in [whole, *whole.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            used = one.cpu_times()
            total += used.user + used.system
    return total
