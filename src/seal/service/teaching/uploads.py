"""A file that was sent: its documents, read as every file is.

The file's name says how it is read, and what it is called where it does not say so itself. It names no place:
what was sent is written to a folder of its own, under a name of ours.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seal.domains.knowledge.load import SUFFIXES
from seal.errors import InputError
from seal.learner import Text, load_documents

_MOST_CHARS = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def bare_name(name: str | None) -> str:
    """The last part of a file's name, on any system, without signs that cannot be seen; may be empty."""
    last = re.split(r"[/\\]", name or "")[-1]
    plain = " ".join(_CONTROL.sub("", last).encode("utf-8", "ignore").decode().split())
    return "" if plain.strip(".") == "" else plain[-_MOST_CHARS:]


def documents_of_upload(
    raw: bytes, name: str | None, *, title: str | None = None, trust: float | None = None
) -> list[Text]:
    """The documents in a file; `title` is that of the only one. Raises InputError for a file that cannot be
    read, or is of a kind that is not known."""
    shown = bare_name(name)
    suffix = Path(shown).suffix.lower()
    if suffix not in SUFFIXES:
        known = " ".join(sorted(SUFFIXES))
        raise InputError(
            f"a file of the kind {suffix or shown or '(no name)'!r} is not read", f"Known: {known}"
        )
    with tempfile.TemporaryDirectory(prefix="seal-upload-") as folder:
        path = Path(folder) / f"document{suffix}"
        path.write_bytes(raw)
        try:
            found = load_documents(path, trust=trust)
        except InputError as error:  # whoever sent it is told the name that it was sent by
            told = error.message.replace(str(path), shown).replace(path.name, shown)
            raise InputError(told, error.hint.replace(str(path), shown)) from error
    if title is not None and len(found) != 1:
        raise InputError(
            f"{shown} has {len(found)} documents, and one title is given", "Leave the title out."
        )
    return _titled(found, title, Path(shown).stem)


def _titled(found: Sequence[Text], title: str | None, stem: str) -> list[Text]:
    """The documents without a trace of where they lay."""
    plain = [replace(one, source="") for one in found]
    if title is not None:
        return [replace(plain[0], title=title, titled=True, corrects=True)]
    return [one if one.titled else replace(one, title=stem) for one in plain]
