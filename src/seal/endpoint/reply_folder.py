"""Replies that are kept under the digest of what was asked: one small file each, put in place whole, so that
readers and writers need no lock. Knows nothing about what is in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seal.files import write_durably


@dataclass(frozen=True)
class ReplyFolder:
    """A folder of replies."""

    path: Path

    def read(self, key: str) -> dict[str, Any] | None:
        """None for what is not there; a file that cannot be read or understood is as good as none."""
        try:
            stored = json.loads(self._place(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return stored if isinstance(stored, dict) else None

    def write(self, key: str, reply: Mapping[str, Any]) -> None:
        """Raises OutputError if the system does not let it."""
        write_durably(self._place(key), [json.dumps(dict(reply)).encode()])

    def _place(self, key: str) -> Path:
        return self.path / key[:2] / f"{key[2:]}.json"
