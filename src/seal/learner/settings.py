"""How a learner learns: its settings, with a preset for the embedded model. Knows nothing about how they are
used.

They stand in `learner.toml` in the workspace's folder; whoever changes them there changes what is learned
from then on. What was built before keeps the recipe it was built by.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seal.config import EngineConfig, GradingConfig, InnerConfig, ModelConfig, SelfEditConfig, TrainConfig
from seal.domains.knowledge import KnowledgeConfig
from seal.domains.knowledge.screen import ScreenConfig
from seal.endpoint.address import EndpointConfig
from seal.errors import ConfigError, InputFileError
from seal.gates import GateConfig
from seal.gates.decide import Autonomy
from seal.learner.agreement import Judging
from seal.learner.rollout_evidence import RolloutConfig
from seal.learner.settings_errors import check_names, explained
from seal.learner.ways import WaysConfig
from seal.models.at_hand import parameters_at
from seal.models.model_names import BUILTIN
from seal.retention import RouterConfig
from seal.self_edits.ground import GroundConfig

FILE = "learner.toml"
_HEADER = """\
# How this workspace's model learns. What each setting means: docs/reference/learner.md
# A change holds for what is learned from now on; what was built before stays as it is.
"""
_WORDS_IF_NOT_STATED = "microworld"
"""Of a recipe, see `LearnerConfig.recipe`. A settings file leaves it to the model's preset."""


# Of an endpoint's settings. A build's recipe names these: not the variable with the key, and not how
# patiently the endpoint was asked.
_DECIDES_WHAT_IS_WRITTEN = {"base_url", "model", "temperature", "max_tokens", "extra_body"}


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WritingConfig(_Config):
    """How self-edits are written: several samples in each format, of which the grounded lines are kept."""

    formats: tuple[str, ...] = Field(
        default=("implications-long", "self-qa"),
        min_length=1,
        description="Formats to write in. Questions with answers come from those that give them (self-qa).",
    )
    samples: int = Field(default=4, ge=1, description="Self-edits a format and piece of a document.")
    attempts: int = Field(
        default=3, ge=1, description="How often so many are written at most, until the exam is long enough."
    )
    temperature: float = Field(default=1.0, ge=0, description="Sampling temperature; 0 is greedy.")
    top_p: float = Field(default=0.95, gt=0, le=1, description="Nucleus sampling's probability mass.")
    max_new_tokens: int = Field(default=1024, ge=1, description="Longest self-edit in tokens.")


class ExamConfig(_Config):
    """How a document's exam is written, where none is given."""

    max_questions: int = Field(default=14, ge=1, description="Questions an exam has at most.")
    enough: int = Field(
        default=8, ge=1, description="Fewer questions than this, and more is written about the document."
    )
    per_fact: int = Field(default=2, ge=1, description="Wordings of one fact's question in an exam, at most.")


class WriterEndpointConfig(EndpointConfig):
    """A model behind an OpenAI-compatible endpoint that writes the questions about sentences and rows, in
    place of the base with its skills. All that is to be written about is sent to this address, and to nowhere
    else: a document's title, headings and sentences. What it writes is checked by the base as the base's own
    lines are. Address, model, temperature, max_tokens and extra_body stand in the record of what was built.
    """

    model: str = Field(min_length=1, description="The writer's model name, as the endpoint knows it.")
    api_key_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable with the API key (never the key itself); none is sent without it.",
    )
    concurrency: int = Field(default=4, ge=1, description="Requests in flight at once.")
    timeout_s: float = Field(
        default=300.0, gt=0, description="Longest wait for one reply, that in the endpoint's queue included."
    )


def is_address(writer: str) -> bool:
    """Whether a writer's name is the address of an endpoint."""
    return writer.startswith(("http://", "https://"))


class UnitsConfig(_Config):
    """How a real model is taught: by questions about each sentence and each row of a document."""

    samples: int = Field(default=2, ge=1, description="Times that each sentence is written about at once.")
    attempts: int = Field(
        default=2,
        ge=1,
        description="How often at most sentences are written about of which too little is kept.",
    )
    temperature: float = Field(default=0.6, ge=0, description="Sampling temperature; 0 is greedy.")
    top_p: float = Field(default=0.95, gt=0, le=1, description="Nucleus sampling's probability mass.")
    max_new_tokens: int = Field(default=96, ge=1, description="Longest writing about a sentence in tokens.")
    cues: int = Field(
        default=6, ge=0, description="How often a sentence is learned after some of its own words."
    )
    per_unit: int = Field(default=8, ge=1, description="Questions that are learned of a sentence, at most.")
    min_probability: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="A question is dropped if its answer, read again in the text, is less probable.",
    )
    false_kept: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="A question is kept if its text makes it as likely as no more than this share of false "
        "ones, which are the same with a name or number exchanged; 1: this is not checked.",
    )
    max_questions: int = Field(default=24, ge=1, description="Questions an exam has at most.")
    enough: int = Field(
        default=8,
        ge=0,
        description="With fewer questions left over than this, or than a quarter of those to learn, an exam "
        "takes some that would be learned.",
    )
    anchors: int = Field(
        default=16, ge=0, description="Neutral texts on which a cell is held to the base while it is trained."
    )
    anchor_weight: float = Field(default=4.0, gt=0, description="How much a token of these counts.")
    least_steps: int = Field(
        default=42, ge=1, description="Optimiser steps of a cell at least, however short its document."
    )
    most_steps: int = Field(
        default=160, ge=1, description="Optimiser steps of a cell at most, however long its document."
    )
    endpoint: WriterEndpointConfig | None = Field(
        default=None, description="A writer behind an endpoint; none: the base with its skills writes."
    )


class LearnerConfig(_Config):
    """All settings of a learner."""

    seed: int = Field(default=0, ge=0, description="Every random choice follows from it and the document.")
    autonomy: Autonomy = Field(
        default="auto",
        description='"auto": what passes every gate goes live; "ask": it is held for `seal approve`; '
        '"canary": it is held, and tried beside the live version, which promotes or reverts it.',
    )
    trust: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Trust in a document if none is given. What contradicts a more trusted one is held.",
    )
    dtype: str = Field(
        default="float32",
        description='Type of the base weights; "auto": bfloat16 on CUDA and on processors that are faster in '
        "it, else float32.",
    )
    device: str = Field(default="auto", description='"auto", "cpu", "cuda" or "cuda:1".')
    prompt_style: str = Field(default="auto", description='"auto", "base", "chat" or "short".')
    judging: Judging = Field(
        default="words",
        description='How answers are compared: "words" for the embedded model, which answers with nothing '
        'but the answer; "meaning" for models that answer in sentences.',
    )
    sure: float = Field(
        default=0.9,
        gt=0,
        lt=1,
        description="Probability from which on the base counts as sure of an answer: of a token in the mean, "
        'or, judging by "words", of the whole answer.',
    )
    refusals: int = Field(
        default=0,
        ge=0,
        description="Private questions about its subject that a document's cell learns to refuse as the "
        "base does.",
    )
    grader: str = Field(default="lexical", description='The grader: "exact", "lexical", "meaning".')
    max_answer_tokens: int = Field(default=64, ge=1, description="Longest answer in tokens.")
    processes: int = Field(
        default=0, ge=0, description="Processes that study documents side by side; 0: one a core."
    )
    study_documents: int = Field(
        default=32, ge=1, description="Documents that are studied together, at most; they are one version."
    )
    method: Literal["pieces", "units"] = Field(
        default="pieces",
        description='How documents are written about: in pieces, as the embedded model does, or by "units", '
        "sentence by sentence and row by row, with skills that a base practises once.",
    )
    instruction: bool = Field(
        default=True,
        description="A question to a chat model begins with the wish for a direct and concise answer.",
    )
    writing: WritingConfig = WritingConfig()
    units: UnitsConfig = UnitsConfig()
    cell: TrainConfig = Field(default=TrainConfig(), description="How a document's adapter is trained.")
    consolidated: TrainConfig = Field(
        default=TrainConfig(rank=64, alpha=128.0),
        description="How one adapter is trained on many documents together, for `seal export`.",
    )
    exam: ExamConfig = ExamConfig()
    screen: ScreenConfig = ScreenConfig()
    ground: GroundConfig = GroundConfig()
    router: RouterConfig = RouterConfig()
    gates: GateConfig = GateConfig()
    ways: WaysConfig = WaysConfig()
    rollout: RolloutConfig = RolloutConfig()

    def engine_config(self, model: str) -> EngineConfig:
        """The same as the engine has it, for a model of this name."""
        writing = self.writing.model_dump(exclude={"formats", "attempts"})
        config = EngineConfig(
            seed=self.seed,
            model=ModelConfig.model_validate(
                {"name": model, "dtype": self.dtype, "device": self.device, "prompt_style": self.prompt_style}
            ),
            self_edit=SelfEditConfig(format=self.writing.formats[0], **writing),
            inner=InnerConfig(**self.cell.model_dump(), seeds=1, learner="base"),
            grading=GradingConfig(grader=self.grader, max_new_tokens=self.max_answer_tokens),
        )
        return config.with_table(KnowledgeConfig(include_passage=False, instruction=self.instruction))

    def recipe(self) -> dict[str, Any]:
        """What decides, beside the models and the document, what is built of it.

        A recipe without `words` was built with the micro-world's: there were no others when the first
        versions were built, and their digests must stay what they are.
        """
        recipe = self.model_dump(
            mode="json", include={"seed", "dtype", "writing", "cell", "refusals", "exam", "ground"}
        )
        if recipe["ground"]["words"] == _WORDS_IF_NOT_STATED:
            del recipe["ground"]["words"]
        if self.method != "pieces":
            recipe |= self.model_dump(mode="json", include={"method", "units", "instruction"})
            del recipe["units"]["endpoint"]  # which the first recipes of this method did not have
            endpoint = self.units.endpoint
            if endpoint is not None:
                recipe["units"]["endpoint"] = endpoint.model_dump(
                    mode="json", include=_DECIDES_WHAT_IS_WRITTEN, exclude_none=True
                )
        return recipe

    def with_recipe(self, recipe: Mapping[str, Any]) -> LearnerConfig:
        """These settings with those of a recipe in their place, to build as it was built then."""
        built: dict[str, Any] = {"method": "pieces"} | {
            name: recipe[name] for name in self.recipe() if name in recipe
        }
        built["ground"] = {"words": _WORDS_IF_NOT_STATED, **built["ground"]}
        return LearnerConfig.model_validate(self.model_dump(mode="json") | built)


_SMALL_PARAMETERS = 250_000_000
_WRITER_MAX_TOKENS = 2048
"""Of a reply: room for two dozen lines, and for some thinking before them."""
_ADDRESS_FORM = "Write it as URL#MODEL: http://localhost:8000/v1#qwen3-8b"


def preset(model: str) -> LearnerConfig:
    """The settings for a model: the embedded ones have their own; all others share one, in which small ones
    differ by a little."""
    if model in BUILTIN:
        return LearnerConfig.model_validate(_stated("tiny"))
    settings = _stated("real")
    if 0 < parameters_at(model) < _SMALL_PARAMETERS:
        for name, value in _stated("small").items():
            settings[name] = {**settings.get(name, {}), **value} if isinstance(value, dict) else value
    return LearnerConfig.model_validate(settings)


def _stated(preset_name: str) -> dict[str, Any]:
    text = (files("seal.learner") / f"{preset_name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def read_settings(
    folder: Path, model: str, notice: Callable[[str], None] = lambda _text: None
) -> LearnerConfig:
    """The settings of the workspace in `folder`; `notice` is told what in them is read as something else.

    Raises ConfigError, InputFileError.
    """
    path = folder / FILE
    return settings_at(path, model, notice) if path.exists() else preset(model)


def settings_at(path: Path, model: str, notice: Callable[[str], None] = lambda _text: None) -> LearnerConfig:
    """The settings in a file, for a workspace with this model. Raises ConfigError, InputFileError."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
        if settings.get("autonomy") == "observe":  # which was another word for "ask"
            settings["autonomy"] = "ask"
            notice(f'{path}: autonomy = "observe" is read as "ask"; write that')
        config = LearnerConfig.model_validate(_with_words(settings, model))
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror}", "Make it readable.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: broken TOML: {error}", "Correct the file at that place.") from error
    except ValidationError as error:
        raise explained(path, error, LearnerConfig) from error
    if config.units.endpoint is not None and config.method != "units":
        raise ConfigError(
            f'{path}: units.endpoint has an effect with method = "units" only',
            "Take the table out, or begin a workspace with a real model (`seal init DIR --model MODEL`).",
        )
    check_names(
        path,
        prompt_style=config.prompt_style,
        dtype=config.dtype,
        device=config.device,
        grader=config.grader,
        formats=config.writing.formats,
    )
    return config


def _with_words(settings: dict[str, Any], model: str) -> dict[str, Any]:
    """The settings of a file, with the words of the model's preset where it does not state them."""
    ground = settings.get("ground", {})
    if not isinstance(ground, dict):  # a mistake, which validation names
        return settings
    return {**settings, "ground": {"words": preset(model).ground.words, **ground}}


def with_meaning(config: LearnerConfig) -> LearnerConfig:
    """The settings of a new workspace, which compares by meaning if the model for that is installed."""
    from seal.models.sentence_encoder import sentence_model_folder

    if config.method != "units" or sentence_model_folder() is None:
        return config
    return config.model_copy(update={"ways": config.ways.model_copy(update={"meaning": True})})


def with_writer(config: LearnerConfig, writer: str | None, key_env: str | None) -> tuple[LearnerConfig, bool]:
    """The settings with the writer that URL#MODEL names, and whether `writer` is such a name; another one
    changes none. Raises ConfigError."""
    if not writer or not is_address(writer):
        if key_env is not None:
            raise ConfigError("there is a key but no endpoint for it", f"Name the writer. {_ADDRESS_FORM}")
        return config, False
    if config.method != "units":
        raise ConfigError(
            "a model behind an endpoint cannot write for the embedded model, which writes in its own way",
            "Begin the workspace with a real model: seal init DIR --model MODEL.",
        )
    url, _, model = writer.partition("#")
    given = {"base_url": url, "model": model, "api_key_env": key_env, "max_tokens": _WRITER_MAX_TOKENS}
    try:
        endpoint = WriterEndpointConfig.model_validate(given)
    except ValidationError as error:
        # Without its cause, which would show the address and what may be a password in it.
        told = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
        raise ConfigError(f"the writer's address: {told}", _ADDRESS_FORM) from None
    return config.model_copy(update={"units": config.units.model_copy(update={"endpoint": endpoint})}), True


def settings_text(config: LearnerConfig) -> str:
    return _HEADER + "\n" + tomli_w.dumps(config.model_dump(mode="json", exclude_none=True))
