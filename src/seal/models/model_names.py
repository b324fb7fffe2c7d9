"""What a model's name means: one that this package or another one carries, a folder, an adapter's folder, a
GGUF file, or a hub name.

Imports without torch, so that a wrong name is told at once. Knows nothing about what a model is.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seal.errors import InputFileError, UnknownNameError
from seal.hints import nearest
from seal.models.packaged import PACKAGED

BUILTIN = ("tiny", "tiny-grid")
ADAPTER_CONFIG = "adapter_config.json"

SourceKind = Literal["built-in", "package", "folder", "adapter", "gguf", "hub"]


@dataclass(frozen=True)
class ModelSource:
    """Where a model is to be had. `place` is a folder, a file, or, of the hub, owner/name; of a model that
    another package carries it is the first file."""

    kind: SourceKind
    place: str


def builtin_path(name: str) -> Path:
    """The folder of a model that comes with this package. Raises UnknownNameError for any other name."""
    if name not in BUILTIN:
        known = (*BUILTIN, *PACKAGED)
        near = nearest(name, known, cutoff=0.4)
        hint = f"did you mean {near!r}? " if near else ""
        raise UnknownNameError(
            f"there is no model {name!r}",
            f"{hint}by name: {', '.join(known)}; otherwise give a folder, a GGUF file or a hub name such as "
            "owner/name",
        )
    return Path(__file__).parent / name


def find_model(name_or_path: str | Path) -> ModelSource:
    """What a name stands for. Whether a hub name exists is not asked.

    Raises UnknownNameError; InputFileError for a path where no model is.
    """
    text = os.path.expanduser(str(name_or_path))
    path = Path(text)
    if text in BUILTIN:
        return ModelSource("built-in", str(builtin_path(text)))
    if text in PACKAGED:
        return ModelSource("package", str(PACKAGED[text].files()[0]))
    if path.is_dir():
        return ModelSource("adapter" if _is_adapter(path) else "folder", text)
    if path.exists():
        if not is_gguf(path):
            raise InputFileError(
                f"{text} is a file, not a model's folder",
                "give the folder that holds config.json, or a GGUF file",
            )
        return ModelSource("gguf", text)
    if text.endswith(".gguf"):
        raise InputFileError(f"there is no file {text}", "give a GGUF file that is here")
    if text.count("/") == 1 and not text.startswith((".", "/")):
        return ModelSource("hub", text)
    if "/" in text or "\\" in text:
        raise InputFileError(
            f"there is no folder {text}", "give a folder that holds config.json, or a hub name"
        )
    return ModelSource("built-in", str(builtin_path(text)))


def held_from_anywhere(name_or_path: str | Path) -> str:
    """The name as it means the same from any folder: a path that exists becomes absolute."""
    source = find_model(name_or_path)
    return (
        os.path.abspath(source.place) if source.kind in ("folder", "adapter", "gguf") else str(name_or_path)
    )


def base_of_adapter(folder: str | Path) -> str:
    """The name of the model that an adapter's folder says it belongs to; a path beside or below that folder
    is found from there. Raises InputFileError."""
    path = Path(folder) / ADAPTER_CONFIG
    try:
        name = json.loads(path.read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputFileError(f"{path} cannot be read: {error}", "give an adapter in PEFT's format") from error
    if not isinstance(name, str) or not name:
        raise InputFileError(f"{path} names no base model", "set base_model_name_or_path in it")
    beside = Path(folder) / name
    if name in BUILTIN or name in PACKAGED or not beside.exists():
        return name
    if beside.samefile(folder):
        raise InputFileError(f"{path} names its own folder as the base", "set base_model_name_or_path in it")
    return str(beside)


def check_folder(folder: str) -> None:
    """Raises InputFileError if a folder holds no model."""
    if not (Path(folder) / "config.json").is_file():
        within = sorted(path.name for path in Path(folder).glob("*.gguf"))
        raise InputFileError(
            f"{folder} holds no model: config.json is missing",
            f"there is a GGUF file in it: give {Path(folder) / within[0]}"
            if within
            else "give a Hugging Face model folder",
        )


def is_gguf(path: Path) -> bool:
    """Whether a file begins as a GGUF file does, whatever its name is."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError:
        return False


def _is_adapter(folder: Path) -> bool:
    return (folder / ADAPTER_CONFIG).is_file() and not (folder / "config.json").is_file()
