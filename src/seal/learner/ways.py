"""The ways in which a question can be answered, as those who ask name them. Knows nothing about how each is
done (answer_ways.py).
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from seal.errors import InputError
from seal.hints import did_you_mean

By: TypeAlias = Literal["auto", "weights", "reading"]


def checked_way(by: str) -> By:
    """`by` if there is such a way. Raises InputError."""
    for way in get_args(By):
        if by == way:
            return way
    raise InputError(f"there is no way {by!r} to answer", did_you_mean(by, get_args(By)))
