"""What a model's name means: one that the package carries, a folder, or a hub name.

Imports without torch, so that a wrong name is told at once. Knows nothing about what a model is.
"""

from __future__ import annotations

from pathlib import Path

from seal.errors import InputFileError, UnknownNameError
from seal.hints import nearest

BUILTIN = ("tiny", "tiny-grid")


def builtin_path(name: str) -> Path:
    """The folder of a model that comes with the package. Raises UnknownNameError for any other name."""
    if name not in BUILTIN:
        near = nearest(name, BUILTIN, cutoff=0.4)
        hint = f"did you mean {near!r}? " if near else ""
        raise UnknownNameError(
            f"there is no model {name!r}",
            f"{hint}built in: {', '.join(BUILTIN)}; otherwise give a folder or a hub name such as owner/name",
        )
    return Path(__file__).parent / name


def resolve(name_or_path: str | Path) -> str:
    """What transformers is to load: a folder, or a hub name (owner/name)."""
    text = str(name_or_path)
    if text in BUILTIN:
        return str(builtin_path(text))
    if Path(text).is_dir():
        return text
    if Path(text).exists():
        raise InputFileError(
            f"{text} is a file, not a model's folder", "give the folder that holds config.json"
        )
    if text.count("/") == 1 and not text.startswith((".", "/", "~")):
        return text
    if "/" in text or "\\" in text:
        raise InputFileError(
            f"there is no folder {text}", "give a folder that holds config.json, or a hub name"
        )
    return str(builtin_path(text))
