"""What was meant by a name that is not known. Knows nothing about what the names stand for."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name that is most like this one, upper and lower case being the same; None if none is."""
    by_folded = {one.casefold(): one for one in sorted(known)}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=cutoff)
    return by_folded[near[0]] if near else None


def guess(name: str, known: Iterable[str], *, cutoff: float = 0.6, shown: Callable[[str], str] = repr) -> str:
    """A sentence to add to an error, " Did you mean ...?" with the nearest known name; empty if none is."""
    near = nearest(name, known, cutoff=cutoff)
    return "" if near is None else f" Did you mean {shown(near)}?"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """One line for an error's hint: the nearest known name, if one is near, and all known names."""
    names = sorted(known)
    return f"{guess(name, names)} Known: {', '.join(names) or 'none'}.".lstrip()
