"""A run's own folder: its configuration, its records, and where it was when it stopped.

Knows nothing about what the records mean. Records are appended line by line and flushed to the disk; whole
files are written beside and renamed. So a run that was killed at any moment loses at most the work since
its last record, and a folder never holds half of a file.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from seal.errors import ConfigError, InputError, OutputError
from seal.files import write_beside, writing
from seal.research.config import RunConfig, dump_config, parse_config

CONFIG = "config.toml"
_HEADER = "# The whole configuration of a run of "


class RunFolder:
    """A folder that belongs to one run, identified by its configuration."""

    def __init__(self, path: Path, config: RunConfig) -> None:
        self.path, self.config = path, config

    @classmethod
    def open(cls, path: Path, config: RunConfig, *, command: str = "seal demo") -> RunFolder:
        """Claims an empty folder for the run, or takes up the run that it holds.

        Raises OutputError if the folder holds another run or other files, or cannot be written.
        """
        if not cls.check(path, config, command=command):
            text = f"{_HEADER}{command}\n\n{dump_config(config)}"
            write_beside(path / CONFIG, lambda beside: beside.write_text(text, encoding="utf-8"))
        return cls(path, config)

    @classmethod
    def check(cls, path: Path, config: RunConfig, *, command: str = "seal demo") -> bool:
        """Whether the folder holds this very run already; False if it is free. Writes nothing.

        Raises OutputError if the folder holds another run or other files.
        """
        stored = path / CONFIG
        elsewhere = f"Choose another folder with --out, or remove {path}."
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path} is not a folder", elsewhere)
        if stored.exists():
            try:
                text = _read_text(stored)
                other = parse_config(tomllib.loads(text), where=str(stored))
            except (ConfigError, InputError, tomllib.TOMLDecodeError) as error:
                raise OutputError(f"{path} holds a run that cannot be read: {error}", elsewhere) from error
            first = text.splitlines()[0] if text else ""
            if first.startswith(_HEADER) and first != _HEADER + command:
                raise OutputError(f"{path} holds another run, of `{first.removeprefix(_HEADER)}`", elsewhere)
            if other != config:
                raise OutputError(
                    f"{path} holds another run, with other settings: {_unlike(other, config)}", elsewhere
                )
            return True
        if path.is_dir() and any(p for p in path.iterdir() if not p.name.startswith(".")):
            raise OutputError(f"{path} holds files that are not of a run", elsewhere)
        return False

    @contextlib.contextmanager
    def session(self, **facts: Any) -> Iterator[None]:
        """One sitting of the run: metrics.jsonl says with which software it began, how it ended and how long
        it took. A sitting that was killed outright has a beginning only."""
        libraries = {name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy")}
        software = {"seal": version("seal-lm"), "python": platform.python_version(), **libraries}
        self.metric(event="started", software=software, machine=platform.machine(), **facts)
        started, event = time.perf_counter(), "interrupted"
        try:
            yield
            event = "finished"
        finally:
            wall_s = round(time.perf_counter() - started, 3)
            if event == "finished":
                self.metric(event=event, wall_s=wall_s)
            else:  # what cut the run short is the error to be told, not a full disk on top of it
                with contextlib.suppress(OutputError):
                    self.metric(event=event, wall_s=wall_s)

    def wall_s(self) -> float:
        """How long all sittings took together, without those that were killed outright."""
        events = [r for r in self.records("metrics.jsonl") if r["event"] in ("finished", "interrupted")]
        return round(sum(r["wall_s"] for r in events), 1)

    def pin(self, name: str, value: dict[str, Any]) -> None:
        """Writes down what the run began with. Raises OutputError if it began with something else."""
        stored = self.read_json(name)
        if stored is None:
            self.write_json(name, value)
        elif stored != value:
            changed = ", ".join(key for key in value if stored.get(key) != value[key])
            raise OutputError(
                f"{self.path} holds a run that began with other inputs: {changed} changed since",
                "Put the inputs back as they were, or choose another folder with --out.",
            )

    def write_json(self, name: str, value: Any) -> None:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        self.write_text(name, text)

    def write_text(self, name: str, text: str) -> None:
        write_beside(self.path / name, lambda beside: beside.write_text(text, encoding="utf-8"))

    def read_json(self, name: str) -> Any | None:
        """The stored value; None if it was never written."""
        path = self.path / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def append(self, name: str, records: Sequence[dict[str, Any]]) -> None:
        """Adds records to a JSON-lines file, durably."""
        path = self.path / name
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        _whole_lines(path)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())

    def records(self, name: str) -> list[dict[str, Any]]:
        """The records of a JSON-lines file. A last line that a kill cut short is removed, with the work it
        stood for still to do."""
        return [json.loads(line) for line in _whole_lines(self.path / name).splitlines()]

    def metric(self, **fields: Any) -> None:
        """One line in metrics.jsonl, with the time in seconds since the epoch."""
        self.append("metrics.jsonl", [{"time": round(time.time(), 3), **fields}])


def _whole_lines(path: Path) -> bytes:
    """What the file holds, after a last line that was cut short has been removed from it."""
    if not path.is_file():
        return b""
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        write_beside(path, lambda beside: beside.write_bytes(whole))
    return whole


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: {error}") from error


def _unlike(there: RunConfig, here: RunConfig) -> str:
    """The first few settings in which two configurations differ."""
    a, b = _flat(there.model_dump()), _flat(here.model_dump())
    found = [f"{k} is {a.get(k)!r} there and {b.get(k)!r} here" for k in {**a, **b} if a.get(k) != b.get(k)]
    return "; ".join(found[:3]) + (f"; and {len(found) - 3} more" if len(found) > 3 else "")


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
