"""The ways in which a question can be answered, as those who ask name them. Knows nothing about how each is
done (answer_ways.py).
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field

from seal.errors import InputError
from seal.hints import did_you_mean

By: TypeAlias = Literal["auto", "weights", "reading"]


class WaysConfig(BaseModel):
    """When the weights are believed, and when the text is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    meaning: bool = Field(
        default=False,
        description="Whether questions that name no document are also compared with passages by meaning; "
        "`seal init` says yes where the model for it is installed.",
    )
    reranked: bool = Field(
        default=False,
        description="Whether the passages that words and meaning find are ranked, and questions that name "
        "nothing are sent to documents, by how likely the model would ask the question of each.",
    )
    passages: int = Field(default=3, ge=1, description="Passages that a question is read in, at most.")
    apart: bool = Field(
        default=False,
        description="Whether each passage is read by itself, and the answer is told that is likeliest, a "
        "worse match counting less; else all are read at once.",
    )
    sure: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="Probability from which on a cell's answer that its document states is given unread.",
    )
    guess: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Probability from which on a cell's answer is given where reading finds none.",
    )
    guess_recited: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="The same of an answer with a sentence of its document that the cell recited for it.",
    )
    surer: float = Field(
        default=8.0,
        ge=1,
        description="How many times as likely as what is read a cell's answer has to be, with such a "
        "sentence, to be given in its place: cells were trained to be sure.",
    )


def checked_way(by: str) -> By:
    """`by` if there is such a way. Raises InputError."""
    for way in get_args(By):
        if by == way:
            return way
    raise InputError(f"there is no way {by!r} to answer", did_you_mean(by, get_args(By)))
