"""One text for one value, and the digest of it: what content addresses and the ledger's hashes stand on.

Knows nothing about what the values mean. Also says which texts can be stored at all.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from seal.errors import InputError


def canonical(value: Any) -> str:
    """`value` as JSON with one way to be written: sorted keys, no spaces, ASCII only. Raises InputError."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"a value cannot be recorded as JSON: {error}",
            "Give text, whole or finite numbers, true, false, null, and lists and tables of these.",
        ) from error


def digest_of(value: Any) -> str:
    """The sha256, in hexadecimal, of a value's canonical JSON."""
    return sha256(canonical(value).encode("ascii"))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def is_digest(text: str) -> bool:
    return len(text) == 64 and all(c in "0123456789abcdef" for c in text)


def storable(text: str, what: str, *, empty: bool = False) -> str:
    """`text` if every database can hold it. Raises InputError that names `what` otherwise."""
    if "\0" in text:
        raise InputError(f"{what} has a NUL character at position {text.index(chr(0))}", "Remove it.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{what} has half of a surrogate pair at position {error.start}, which is no character",
            "Decode the text with the encoding that it was written in.",
        ) from error
    if not empty and not text.strip():
        raise InputError(f"{what} is empty", "Give it at least one character that can be seen.")
    return text
