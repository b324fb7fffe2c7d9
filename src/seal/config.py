"""The engine's settings: what is needed to write, train and examine.

Knows every setting of the engine, its default and its help text. Knows nothing about how a setting is used,
about the tables of single parts (seal/part_tables.py), or about what a door adds (research/config.py,
learner/settings.py). The defaults are those of the paper (SEAL, arXiv 2506.10943); `docs/paper_index.md` says
which is from where.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from seal.domains import DOMAINS
from seal.endpoint.address import EndpointConfig
from seal.grading import GRADERS
from seal.part_tables import PartedConfig
from seal.plugins import Registry
from seal.self_edits import FORMATS
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
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="float32",
        description='Type of the base weights; "auto": bfloat16 on CUDA and on processors that are faster in '
        "it, else float32.",
    )
    device: str = Field(default="auto", description='"auto", "cpu", "cuda" or "cuda:1".')
    prompt_style: Literal["auto", "base", "chat", "short"] = Field(
        default="auto",
        description='"base" for models without a chat template, "chat" with one, "short" for the embedded '
        'model; "auto" chooses.',
    )


class SamplingEndpointConfig(EndpointConfig):
    """The model behind an endpoint that samples the self-edits, in place of the one that is loaded. It should
    be the same one; sampling is as `self_edit` says."""

    adapters: Literal["none", "vllm"] = Field(
        default="none",
        description="The kind of server, if the policy of a round is to be loaded into it, as an adapter, to "
        'write the next self-edits; "none" allows one round.',
    )
    seen_as: tuple[str, str] | None = Field(
        default=None,
        description="A folder above the run's, and what it is called where the server sees it: "
        '["runs", "/mnt/runs"].',
    )

    @model_validator(mode="after")
    def _sampled_as_self_edits(self) -> Self:
        if self.temperature is not None or self.max_tokens is not None:
            raise ValueError("takes no temperature and max_tokens; set those of self_edit")
        return self


class SelfEditConfig(_Config):
    """How self-edits are sampled."""

    format: str = Field(default="implications", description="Name of the self-edit format.")
    samples: int = Field(default=5, ge=1, description="Self-edits sampled for each context and round.")
    temperature: float = Field(default=1.0, ge=0, description="Sampling temperature; 0 is greedy.")
    top_p: float = Field(default=0.95, gt=0, le=1, description="Nucleus sampling's probability mass.")
    max_new_tokens: int = Field(default=1024, ge=1, description="Longest self-edit in tokens.")
    constrained: bool = Field(
        default=False,
        description="Let the writer write nothing but what the format's grammar has; only for formats with "
        "one, such as arc-directives (a directive of [directive_space]).",
    )
    endpoint: SamplingEndpointConfig | None = Field(
        default=None, description="Who samples the self-edits, if not the model itself."
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


class AsReleasedConfig(_Config):
    """Faults of the released code of SEAL, to compare with it. Leave them off otherwise."""

    faithful_length: int = Field(
        default=0,
        ge=0,
        description="If above 0, pad every example to so many tokens, with loss on the padding.",
    )


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
    chunk_trials: int = Field(
        default=96,
        ge=1,
        description="Adapters between two records in a run's folder: what a kill can lose; a few for a large "
        "model. Results depend on it in their last bits.",
    )
    learner: Literal["base", "policy"] = Field(
        default="policy",
        description='Whose weights the adapters are trained on: "policy" as published, each round\'s policy; '
        '"base", the frozen base in every round, so that rounds differ in what was written and nothing else.',
    )
    questions: Literal["document", "exam"] = Field(
        default="document",
        description='How a question with its answer is trained on: as the "document" that it is, as '
        'published, or as the "exam" asks it, with the loss on the answer. A chat model answers what it was '
        "taught so.",
    )
    as_released: AsReleasedConfig = AsReleasedConfig()


class GradingConfig(_Config):
    """How answers are graded. A grader with settings has a table of its own."""

    grader: str = Field(
        default="exact",
        description='Grader: "exact", "lexical", "meaning", "grid", "judge", or one of a plug-in.',
    )
    max_new_tokens: int = Field(default=64, ge=1, description="Longest answer in tokens.")
    likelihood: Literal["answer", "token"] = Field(
        default="answer",
        description='What is measured of the gold answer: the probability of the whole "answer", or of a '
        '"token" of it on average. No whole answer is probable to a model that answers in its own words.',
    )


class EngineConfig(PartedConfig):
    """What the engine needs: a model, how it writes, trains and is examined; and its parts' own tables.

    The configuration of a door inherits from this one and adds what that door needs.
    """

    moved: ClassVar[Mapping[str, str]] = {"inner.faithful_length": "inner.as_released.faithful_length"}
    part_keys: ClassVar[tuple[tuple[Registry[Any], str], ...]] = (
        (DOMAINS, "domain"),
        (FORMATS, "self_edit.format"),
        (GRADERS, "grading.grader"),
    )

    seed: int = Field(default=0, ge=0, description="Every random choice of the run follows from it.")
    domain: str = Field(
        default="knowledge",
        description='What is learned: "knowledge" (passages), "arc_agi" (few-shot tasks on grids), or the '
        "domain of a plug-in.",
    )
    model: ModelConfig = ModelConfig()
    self_edit: SelfEditConfig = SelfEditConfig()
    inner: InnerConfig = InnerConfig()
    grading: GradingConfig = GradingConfig()

    def engine(self) -> EngineConfig:
        """What the engine reads of a door's configuration."""
        own = {name: getattr(self, name) for name in EngineConfig.model_fields}
        kinds = EngineConfig.kinds(own)
        return EngineConfig.model_validate(own | {place: self.at(place, kinds[place]) for place in kinds})
