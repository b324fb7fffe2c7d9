"""The ways in which a question can be answered, as those who ask name them. Knows nothing about how each is
done."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from seal.errors import InputError, StateError
from seal.hints import did_you_mean

if TYPE_CHECKING:
    from seal.learner.answering import Answer

By: TypeAlias = Literal["auto", "weights", "reading"]


def checked_way(by: str) -> By:
    """`by` if there is such a way. Raises InputError."""
    for way in get_args(By):
        if by == way:
            return way
    raise InputError(f"there is no way {by!r} to answer", did_you_mean(by, get_args(By)))


def answered(mind: Any, questions: Sequence[str], by: By) -> list[Answer]:
    """The answers of a mind by one way. Raises StateError for one that this mind does not have."""
    if "by" in inspect.signature(mind.ask).parameters:
        return mind.ask(questions, by=by)
    if by == "reading":
        raise StateError("this learner answers from what was learned only", "Leave --by reading out.")
    return mind.ask(questions)
