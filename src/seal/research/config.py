"""The settings of the research door: the engine's, and those of data, outer loop and experiments.

Knows every setting that only experiments have, its default and its help text. Knows nothing about how a
setting is used. The defaults are those of the paper (SEAL, arXiv 2506.10943); `docs/paper_index.md` says
which is from where.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from seal.algorithms import ALGORITHMS
from seal.config import EngineConfig, TrainConfig
from seal.domains import GENERATORS
from seal.engine.parts import build_domain, build_format, check_parts
from seal.errors import ConfigError
from seal.part_tables import builtin_as, dump_config, load_as, parse_as, value_in
from seal.plugins import Registry

__all__ = [
    "DataConfig",
    "FewShotConfig",
    "OuterConfig",
    "RunConfig",
    "builtin_config",
    "check_names",
    "dump_config",
    "load_config",
    "parse_config",
]


class DataConfig(BaseModel):
    """What is learned: a file or folder that the domain reads; "microworld/" (passages) or "microgrid/"
    (tasks) with rl, dev or eval; "microgrid/rl+pretrain" takes tasks of both by turns. Such a generator
    has its own table, `[microworld]` or `[microgrid]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: str = Field(default="microworld/rl", description="Contexts of the outer loop.")
    evaluation: str = Field(
        default="microworld/eval", description="Held-out contexts, for the final figures only."
    )
    n_train: int = Field(
        default=50, ge=1, description="Contexts of the outer loop, each round (the first n)."
    )
    fresh: bool = Field(
        default=False,
        description="Every round has n_train contexts of its own, instead of the same: what a policy was "
        "taught to write about a passage it repeats, which leaves a reward little to choose from.",
    )
    n_evaluation: int = Field(default=200, ge=1, description="Held-out contexts (the first n).")


class RacingConfig(BaseModel):
    """A race among the samples of a context: those that are behind leave before they are trained to their
    end (successive halving)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stops: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(),
        description="Shares of the training after which samples sit their exam and the worse ones leave, "
        "such as [0.25, 0.5]; none: all are trained to their end.",
    )
    keep: float = Field(
        default=0.4, gt=0, lt=1, description="The share of the samples that goes on after each stop."
    )

    @field_validator("stops")
    @classmethod
    def _in_order(cls, stops: tuple[float, ...]) -> tuple[float, ...]:
        if list(stops) != sorted(set(stops)):
            raise ValueError("must rise")
        return stops


class OuterConfig(TrainConfig):
    """The outer loop: reinforcement learning of the writer (paper, section 3.1). Settings of an algorithm's
    own stand in its table, such as `[grpo]`."""

    rank: int = Field(default=64, ge=1, description="LoRA rank of the policy update.")
    alpha: float = Field(default=128.0, gt=0, description="LoRA alpha of the policy update.")
    learning_rate: float = Field(default=3e-4, gt=0, description="Peak learning rate of AdamW.")
    epochs: int = Field(default=2, ge=1, description="Passes over the kept self-edits.")
    batch_size: int = Field(default=10, ge=0, description="Examples a step; 0: all.")
    algorithm: str = Field(default="best_of_k", description="What is learned from scored self-edits.")
    rounds: int = Field(default=2, ge=0, description="Rounds of reinforcement learning.")
    control: bool = Field(
        default=True,
        description="Also train the control arm: as many rounds on as many own samples, chosen by chance.",
    )
    reward_with_passage: bool = Field(
        default=True,
        description="Train on the passage beside the self-edit when rewarding it, as published. Without, the "
        "reward is what the self-edit teaches by itself, which tells good from bad far better.",
    )
    racing: RacingConfig = RacingConfig()
    joined: int = Field(
        default=0,
        ge=0,
        description="Of the samples of a context so many are not written but joined, one after the other: "
        "the best one so far, with what the next best says that it does not.",
    )
    check_contexts: int = Field(
        default=0,
        ge=0,
        description="Contexts, after those of the rounds, that train nothing: a round's policy is taken over "
        "only if it is shown to earn more on them than the one before; 0: every policy is taken over.",
    )
    check_error: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="The probability, at most, that any round takes over a policy that is no better.",
    )
    reward: Literal["accuracy", "likelihood", "own_exam", "sentences"] = Field(
        default="accuracy",
        description='"accuracy" of the answers, as published, or "likelihood", the mean probability of the '
        'gold answers, which is steadier. Without labels: "own_exam", the same of questions that the base '
        'writes itself, or "sentences", the mean probability of the passage\'s own words.',
    )

    @property
    def labelled(self) -> bool:
        """Whether the reward needs questions with answers."""
        return self.reward in ("accuracy", "likelihood")


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


class RunConfig(EngineConfig):
    """One run of an experiment, whole. Stored beside its results as `config.toml`."""

    moved: ClassVar[Mapping[str, str]] = {
        **EngineConfig.moved,
        "data.cells": "microgrid.cells",
        "data.reward_wordings": "microworld.reward_wordings",
        "outer.fixed_search": "few_shot.fixed_search",
        "arc.votes": "few_shot.votes",
        "arc.choose_from": "few_shot.choose_from",
        "arc.choose_by": "few_shot.choose_by",
        "arc.choose_fixed": "few_shot.choose_fixed",
    }

    data: DataConfig = DataConfig()
    outer: OuterConfig = OuterConfig()
    few_shot: FewShotConfig = FewShotConfig()
    passage_best: TrainConfig | None = Field(
        default=None,
        description="Own best setting for training on the passage alone, found on development data.",
    )

    @classmethod
    def registries(cls) -> list[Registry[Any]]:
        return [*super().registries(), ALGORITHMS, GENERATORS]

    @classmethod
    def parts(cls, data: Mapping[str, Any]) -> list[tuple[Registry[Any], str]]:
        """Also the algorithm, and the generators that `data.train` and `data.evaluation` name."""
        names = {generator_of(value_in(cls, data, key))[0] for key in ("data.train", "data.evaluation")}
        generators = [(GENERATORS, name) for name in sorted(names) if name]
        return [*super().parts(data), (ALGORITHMS, value_in(cls, data, "outer.algorithm")), *generators]


def generator_of(name: str) -> tuple[str, str]:
    """The generator of contexts that a name of data asks for, and which part of it; two empty texts
    where the domain loads the data itself."""
    generator, _, part = name.partition("/")
    return (generator, part) if part and generator in GENERATORS.names() else ("", "")


def load_config(path: Path | None, overrides: Mapping[str, Any] | None = None) -> RunConfig:
    """The configuration in a TOML file, with `overrides`; see `seal.part_tables.load_as`."""
    return load_as(RunConfig, path, overrides)


def builtin_config(package: str, name: str, overrides: Mapping[str, Any]) -> RunConfig:
    """The configuration in a TOML file that comes with a package; see `seal.part_tables.builtin_as`."""
    return builtin_as(RunConfig, package, name, overrides)


def parse_config(data: Mapping[str, Any], *, where: str) -> RunConfig:
    """The configuration in plain data; see `seal.part_tables.parse_as`."""
    return parse_as(RunConfig, data, where=where)


def check_names(config: RunConfig) -> None:
    """Raises UnknownNameError if the configuration names a part that does not exist, ConfigError if two of
    them do not go together."""
    check_parts(config)
    algorithm = ALGORITHMS.get(config.outer.algorithm)
    _check_joining(config)
    if config.outer.racing.stops and not algorithm.best_alone:
        raise ConfigError(
            f"outer.racing.stops: {config.outer.algorithm!r} learns from all samples of a context, and in a "
            "race most of them leave before their reward is known",
            "Leave it empty, or choose an algorithm that learns from the best, such as best_of_k.",
        )
    if not config.outer.labelled and build_domain(config).few_shot:
        raise ConfigError(
            f'outer.reward = "{config.outer.reward}" is about passages, and the domain {config.domain!r} has '
            "tasks",
            'Set outer.reward to "accuracy" or "likelihood": a task shows its own labels.',
        )


def _check_joining(config: RunConfig) -> None:
    written = config.self_edit.samples - config.outer.joined
    if config.outer.joined and written < 2:
        raise ConfigError(
            f"outer.joined = {config.outer.joined} leaves {max(0, written)} of {config.self_edit.samples} "
            "samples to be written, and it takes two to join",
            f"Set it to {max(0, config.self_edit.samples - 2)} at most, or self_edit.samples higher.",
        )
    if config.outer.joined and not build_format(config).joins:
        raise ConfigError(
            f"outer.joined = {config.outer.joined}: self-edits of the format {config.self_edit.format!r} "
            "cannot be joined",
            "Set it to 0, or choose a format whose self-edits are lines.",
        )
