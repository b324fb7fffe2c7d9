"""Records that outlive a kill: one JSON object a line, on the disk before the next piece of work begins.

A last line that was cut off is dropped when the file is next opened, and its work is done again. Knows
nothing about what is recorded.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seal.files import write_durably


class Records:
    """The records of one file, those of earlier runs first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.all: list[dict[str, Any]] = []
        if path.exists():
            raw = path.read_bytes()
            whole = raw[: raw.rfind(b"\n") + 1]
            self.all = [json.loads(line) for line in whole.splitlines() if line.strip()]
            if whole != raw:
                with path.open("r+b") as file:
                    file.truncate(len(whole))

    def add(self, record: Mapping[str, Any]) -> None:
        """Appends a record, durably."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.all.append(dict(record))


def write_json(path: Path, value: object) -> None:
    """The whole file, or the one that was there before."""
    write_durably(path, [(json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()])


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """What a JSON file holds; made and written if it is not there."""
    if not path.exists():
        write_json(path, make())
    return json.loads(path.read_text(encoding="utf-8"))


def peak_memory() -> dict[str, int]:
    """The most memory that this process and any one of its children have taken, and CUDA's allocator."""
    unit = 1 if sys.platform == "darwin" else 1024
    own, children = (
        resource.getrusage(who).ru_maxrss * unit for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    found = {"process_bytes": own, "child_bytes": children}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        found["cuda_bytes"] = torch.cuda.max_memory_allocated()
    return found
