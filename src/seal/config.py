"""The run's configuration, made of the parts' own Config classes; read from TOML, overridden by flags.

Knows every setting, its default and its help text. Knows nothing about how a setting is used. The
defaults are those of the paper (SEAL, arXiv 2506.10943); `docs/paper_index.md` says which is from where.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seal.domains.arc_agi import ArcConfig
from seal.domains.knowledge import KnowledgeConfig
from seal.errors import ConfigError, InputFileError
from seal.plugins import did_you_mean
from seal.self_edits.arc_directives import ArcDirectivesConfig
from seal.self_edits.arc_grammar import DirectiveSpace
from seal.types import Hyperparameters


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelConfig(_Config):
    """The base model."""

    name: str = Field(
        default="tiny", description='A built-in name ("tiny"), a folder, or a Hugging Face hub name.'
    )
    writer: str = Field(
        default="",
        description="The model that writes the self-edits, for instance a policy that was trained here; "
        "empty: the model itself. `seal eval` only.",
    )
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="Type of the base weights."
    )
    device: str = Field(default="auto", description='"auto", "cpu", "cuda" or "cuda:1".')
    prompt_style: Literal["auto", "base", "chat", "short"] = Field(
        default="auto",
        description='"base" for models without a chat template, "chat" with one, "short" for the embedded '
        'model; "auto" chooses.',
    )


class DataConfig(_Config):
    """What is learned: a file or folder of passages or tasks; "microworld/" (passages) or "microgrid/"
    (tasks) with rl, dev or eval; "microgrid/rl+pretrain" takes tasks of both by turns."""

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
    cells: tuple[int, int] = Field(
        default=(8, 16), description="Shortest and longest row of generated grid tasks; microgrid only."
    )
    reward_wordings: int = Field(
        default=1,
        ge=1,
        le=3,
        description="Exam questions an attribute in training contexts; micro-world only.",
    )


class SelfEditConfig(_Config):
    """How self-edits are sampled."""

    format: str = Field(default="implications", description="Name of the self-edit format.")
    samples: int = Field(default=5, ge=1, description="Self-edits sampled for each context and round.")
    temperature: float = Field(default=1.0, ge=0, description="Sampling temperature; 0 is greedy.")
    top_p: float = Field(default=0.95, gt=0, le=1, description="Nucleus sampling's probability mass.")
    max_new_tokens: int = Field(default=1024, ge=1, description="Longest self-edit in tokens.")
    constrained: bool = Field(
        default=False,
        description="Let the writer write nothing but a directive of [directive_space]; only for "
        "arc-directives.",
    )
    template: str = Field(
        default="", description="Own prompt with {title} and {passage}; empty: the format's own wording."
    )


class TrainConfig(_Config):
    """How an adapter is trained."""

    rank: int = Field(default=32, ge=1, description="LoRA rank.")
    alpha: float = Field(default=64.0, gt=0, description="LoRA alpha; the update is scaled by alpha / rank.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout on the adapter's input.")
    targets: str | tuple[str, ...] = Field(
        default="all-linear",
        description='Adapted modules: "all-linear", or names as in PEFT\'s target_modules.',
    )
    learning_rate: float = Field(default=1e-3, gt=0, description="Peak learning rate of AdamW.")
    schedule: Literal["constant", "linear", "cosine"] = Field(
        default="constant", description="Course of the rate."
    )
    final_lr_fraction: float = Field(
        default=0.0, ge=0, le=1, description="Share of the rate left at the end."
    )
    warmup_steps: int = Field(default=0, ge=0, description="Steps of linear warm-up.")
    epochs: int = Field(default=10, ge=1, description="Passes over the examples.")
    max_steps: int = Field(
        default=0,
        ge=0,
        description="If above 0, exactly this many optimiser steps, in as many epochs as it takes.",
    )
    batch_size: int = Field(default=1, ge=0, description="Examples a step; 0: all.")
    batch_tokens: int = Field(
        default=0,
        ge=0,
        description="If above 0, examples of like length share a step of up to so many tokens.",
    )
    weight_decay: float = Field(default=0.0, ge=0, description="AdamW's weight decay.")
    max_grad_norm: float = Field(
        default=1.0, ge=0, description="Each adapter's gradient is clipped to it; 0: not."
    )

    def hyperparameters(self) -> Hyperparameters:
        fields = self.model_dump(include=set(Hyperparameters.__dataclass_fields__))
        return Hyperparameters(**fields)


class InnerConfig(TrainConfig):
    """The inner loop: an adapter trained on one self-edit, then examined (paper, section 4.2)."""

    seeds: int = Field(
        default=3, ge=1, description="Adapters trained on each self-edit, each with its own seed."
    )
    workers: int = Field(
        default=1,
        ge=0,
        description="Processes that share the adapters on a frozen base, one thread each (with learner "
        '"policy", one process works). 0: as many as there are cores if the model is small and on the CPU.',
    )
    slots: int = Field(default=0, ge=0, description="Adapters in the bank at once; 0: by free memory.")
    learner: Literal["base", "policy"] = Field(
        default="policy",
        description='Whose weights the adapters are trained on: "policy" as published, each round\'s policy; '
        '"base", the frozen base in every round, so that rounds differ in what was written and nothing else.',
    )
    faithful_length: int = Field(
        default=0, ge=0, description="If above 0, pad to it with loss on padding: the released code's fault."
    )


class OuterConfig(TrainConfig):
    """The outer loop: ReST-EM on the writer (arXiv 2312.06585; paper, section 3.1)."""

    rank: int = Field(default=64, ge=1, description="LoRA rank of the policy update.")
    alpha: float = Field(default=128.0, gt=0, description="LoRA alpha of the policy update.")
    learning_rate: float = Field(default=3e-4, gt=0, description="Peak learning rate of AdamW.")
    epochs: int = Field(default=2, ge=1, description="Passes over the kept self-edits.")
    batch_size: int = Field(default=10, ge=0, description="Examples a step; 0: all.")
    algorithm: str = Field(default="best_of_k", description="Which scored self-edits are learned from.")
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
    fixed_search: int = Field(
        default=0,
        ge=0,
        description="Trainings for the search of the best fixed directive; 0: as many as the rounds have.",
    )
    reward: Literal["accuracy", "likelihood"] = Field(
        default="accuracy",
        description='"accuracy" of the answers, as published, or "likelihood", the mean probability of the '
        "gold answers, which is steadier.",
    )


class GradingConfig(_Config):
    """How answers are graded. A judge has its own table, [grading.judge]."""

    grader: str = Field(
        default="exact", description='Name of the grader: "exact", "lexical", "grid" or "judge".'
    )
    max_new_tokens: int = Field(default=64, ge=1, description="Longest answer in tokens.")
    judge: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the judge: base_url, model, ..."
    )


class RunConfig(_Config):
    """One run, whole. Stored beside its results as `config.toml`."""

    seed: int = Field(default=0, ge=0, description="Every random choice of the run follows from it.")
    domain: str = Field(default="knowledge", description='What is learned: "knowledge" or "arc_agi".')
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    self_edit: SelfEditConfig = SelfEditConfig()
    knowledge: KnowledgeConfig = KnowledgeConfig()
    arc: ArcConfig = ArcConfig()
    directives: ArcDirectivesConfig = ArcDirectivesConfig()
    directive_space: DirectiveSpace = DirectiveSpace()
    inner: InnerConfig = InnerConfig()
    outer: OuterConfig = OuterConfig()
    grading: GradingConfig = GradingConfig()
    passage_best: TrainConfig | None = Field(
        default=None,
        description="Own best setting for training on the passage alone, found on development data.",
    )


def load_config(path: Path | None, overrides: Mapping[str, Any] | None = None) -> RunConfig:
    """The configuration in a TOML file (the defaults if None), with `overrides` as {"inner.rank": 16}.

    Raises InputFileError if the file cannot be read, ConfigError for broken TOML (with its line) and for
    unknown keys and wrong values (with their place).
    """
    data: dict[str, Any] = {}
    if path is not None:
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputFileError(
                f"{path}: {error.strerror}", "Name a recipe, for instance a run.toml."
            ) from error
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"{path}: not UTF-8 at byte {error.start}", "Save the file as UTF-8."
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path}: broken TOML: {error}", "Correct the file at that place.") from error
    return parse_config(_overridden(data, overrides or {}), where=str(path) if path else "the configuration")


def builtin_config(package: str, name: str, overrides: Mapping[str, Any]) -> RunConfig:
    """The configuration in a TOML file that comes with a package, with `overrides` as for `load_config`."""
    data = tomllib.loads((files(package) / name).read_text(encoding="utf-8"))
    return parse_config(_overridden(data, overrides), where=name)


def _overridden(data: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in overrides.items():
        table = data
        *parents, last = key.split(".")
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise ConfigError(
                    f"{key}: {parent} is a value and holds no keys", "Leave out what follows it."
                )
        table[last] = value
    return data


def parse_config(data: Mapping[str, Any], *, where: str) -> RunConfig:
    """Check plain data against the configuration. Raises ConfigError naming every wrong key and value."""
    try:
        return RunConfig.model_validate(data)
    except ValidationError as error:
        problems, hints = [], []
        for problem in error.errors():
            place = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "extra_forbidden":
                problems.append(f"{place}: there is no such key")
                hints.append(did_you_mean(str(problem["loc"][-1]), _keys(problem["loc"][:-1])))
            else:
                problems.append(f"{place}: {problem['msg']} (it is {problem['input']!r})")
        raise ConfigError(
            f"{where}: " + "; ".join(problems), " ".join(hints) or "Correct these values."
        ) from error


def _keys(place: tuple[int | str, ...]) -> list[str]:
    fields = RunConfig.model_fields
    for part in place:
        model = table_of(fields[str(part)].annotation) if str(part) in fields else None
        fields = model.model_fields if model else {}
    return list(fields)


def table_of(annotation: Any) -> type[BaseModel] | None:
    """The Config class that a field holds, also where it may be absent; None for a plain value."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def dump_config(config: RunConfig) -> str:
    """The whole configuration as TOML; `load_config` gives back an equal one."""
    return tomli_w.dumps(config.model_dump(mode="json", exclude_none=True))
