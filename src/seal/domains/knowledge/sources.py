"""One file as its readers see it: its bytes, what to call it, and whom to tell what a person should know.

Knows nothing about what is in a file.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from seal.domains.knowledge.encodings import decoded
from seal.errors import InputFileError
from seal.types import Context

__all__ = ["Notice", "Reader", "Source", "empty", "libraries", "silent", "stem_of"]

Notice: TypeAlias = Callable[[str], None]
"""Takes one sentence for the user: an encoding that was found, questions that were left out."""


def silent(_text: str) -> None:
    """Tells nobody."""


def stem_of(path: Path) -> str:
    """A file's name as a title: on one line, without its suffix, codes and bytes that are no text."""
    name = path.stem.encode("utf-8", "replace").decode("utf-8")
    return " ".join(_CONTROLS.sub(" ", name).split()) or "untitled"


_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Source:
    """A file, or what came on the standard input. `stem` is the title where nothing else gives one."""

    raw: bytes
    where: str
    stem: str
    notice: Notice = silent

    @classmethod
    def of_file(cls, path: Path, notice: Notice = silent) -> Source:
        """Raises InputFileError if it is no regular file or cannot be read."""
        if not path.is_file():  # a pipe or a device could block for ever
            raise InputFileError(f"{path}: this is not a regular file.", "Give a file or a folder.")
        try:
            return cls(path.read_bytes(), f"{path}", stem_of(path), notice)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise InputFileError(
                f"{path}: the file cannot be read: {reason}.", "Check its permissions."
            ) from error

    def text(self, *, declared: str = "") -> str:
        """What is written in it; an encoding that had to be found out is told. Raises InputFileError."""
        told = decoded(self.raw, self.where, declared=declared)
        if told.found:
            self.notice(
                f"{self.where}: read as {told.encoding}, since it is not UTF-8; if letters are wrong, "
                "save it as UTF-8"
            )
        if not told.text.strip():
            raise empty(self.where)
        return told.text


Reader: TypeAlias = Callable[[Source], Iterable[Context]]
"""From a file to what is in it. The ids of the contexts are left empty."""


def empty(where: str) -> InputFileError:
    return InputFileError(f"{where}: the file is empty.", "Put at least one passage in it.")


def libraries(where: str, kind: str, extra: str, *names: str) -> list[Any]:
    """The modules that read a kind of file. Raises InputFileError where one is not installed."""
    try:
        return [importlib.import_module(name) for name in names]
    except ImportError as error:
        raise InputFileError(
            f"{where}: reading {kind} needs the package {error.name}, which cannot be imported: {error}.",
            f"Install it: pip install 'seal-lm[{extra}]'. Or save the file as text (.txt, .md).",
        ) from error
