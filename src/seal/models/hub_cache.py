"""Where the hub's client keeps the models that it fetched. Imports nothing of it, and fetches nothing."""

from __future__ import annotations

import os
from pathlib import Path


def hub_cache() -> Path:
    """The folder, as the hub's client says itself."""
    if own := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(own).expanduser()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("HF_HOME") or cache / "huggingface").expanduser() / "hub"


def snapshot_of(repository: Path) -> Path | None:
    """The folder of the revision that was fetched last; None if there is none with a configuration."""
    try:
        revision = (repository / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    folder = repository / "snapshots" / revision
    return folder if (folder / "config.json").is_file() else None


def fetched(name: str) -> Path | None:
    """The same of a model by its name, owner/name."""
    return snapshot_of(hub_cache() / f"models--{name.replace('/', '--')}")
