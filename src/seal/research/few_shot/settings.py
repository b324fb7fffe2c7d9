"""What can be set of the experiment on few-shot tasks. Knows nothing about how it is used."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FewShotConfig(BaseModel):
    """The experiment on few-shot tasks: how many copies vote, and how several directives are tried."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    votes: int = Field(
        default=8,
        ge=1,
        description="Copies of a task, flipped or in other colours, that vote on its solution.",
    )
    choose_from: int = Field(
        default=4,
        ge=1,
        description="Directives of a task where several are tried: one is chosen, or all answer together.",
    )
    choose_by: int = Field(
        default=2,
        ge=1,
        description="Demonstrations that are left out, one after the other, to choose or to weigh by.",
    )
    choose_fixed: bool = Field(
        default=False,
        description="Also let the model choose one among its own, and do both with the best fixed ones.",
    )
    fixed_search: int = Field(
        default=0,
        ge=0,
        description="Trainings for the search of the best fixed directive; 0: as many as the rounds have.",
    )
