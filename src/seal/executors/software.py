"""What a process computes with, as far as results follow from it: to be compared between machines."""

from __future__ import annotations

import functools
import hashlib
import platform
from importlib.metadata import version
from pathlib import Path

_CODE = (".py", ".cpp", ".h", ".toml")


@functools.cache
def software() -> dict[str, str]:
    """Names and versions. seal's is followed by a digest of its code, which tells checkouts apart."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in _CODE:
            digest.update(f"{path.relative_to(package).as_posix()}\0".encode() + path.read_bytes())
    libraries = {name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy")}
    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "seal": f"{version('seal-lm')} ({digest.hexdigest()[:12]})",
        **libraries,
    }


def unlike(here: dict[str, str], there: dict[str, str]) -> str:
    """What differs between two machines, in words; empty if nothing does."""
    return "; ".join(
        f"{name} {there.get(name, '(none)')} there and {own} here"
        for name, own in here.items()
        if there.get(name) != own
    )
