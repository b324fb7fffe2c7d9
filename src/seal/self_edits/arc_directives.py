"""The self-edit format of few-shot tasks: a JSON object that configures the model's own training.

Knows how it is asked for, and parses it strictly, with a reason for each rejection and limits on what it may
ask. Knows nothing about grids or training: a domain realises it.
Source: SEAL (arXiv 2506.10943), appendix A, for the prompt, the fields and the limit of steps.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from seal.hints import did_you_mean
from seal.protocols import SelfEditFormat
from seal.self_edits.arc_grammar import AUGMENTATIONS, STRATEGIES, DirectiveGrammar, DirectiveSpace
from seal.self_edits.prompts import check_style, check_template, fill
from seal.types import Context, Directive, SelfEdit

_TRAINING: Final = ("strategy", "learning_rate", "num_train_epochs")
_SECTIONS: Final = {"data_generation": AUGMENTATIONS, "training": _TRAINING}
_SHOWN: Final = 40
_FENCED: Final = re.compile(r"```[A-Za-z]*\s*\{")
_NAMES: Final = {dict: "an object", list: "a list", str: "a text", type(None): "null"}

_ASKED: Final = """\
You are configuring a model training pipeline by selecting from predefined tools.

You must make two decisions:

1. Data Generation Tools: for each of the following, choose true or false:
- use_basic_augmentations
- use_size_augmentations
- use_chain_augmentations
- use_repeat_augmentations

2. Training Configuration: choose one of:
- "train_using_all_tokens"
- "train_using_output_tokens"

Also specify:
- learning_rate (float)
- num_train_epochs (integer)

Output Format

Respond with a valid JSON object. Do not include any explanation, markdown, or extra text. Use lowercase \
true/false for booleans and ensure correct JSON syntax.

Example output:
{{
  "data_generation": {{
    "use_basic_augmentations": ...,
    "use_size_augmentations": ...,
    "use_chain_augmentations": ...,
    "use_repeat_augmentations": ...
  }},
  "training": {{
    "strategy": ...,
    "learning_rate": ...,
    "num_train_epochs": ...
  }}
}}
"""
TEMPLATES: Final = {
    "base": f"{{title}}{{passage}}{_ASKED}\n",
    "chat": f"{{title}}{{passage}}{_ASKED}",
    "short": "{title}{passage}Directive: ",
}


class ArcDirectivesConfig(BaseModel):
    """How directives are asked for and what one may ask."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str | None = Field(
        default=None,
        description="A prompt of your own, with the placeholders {title} and {passage} (the demonstrations), "
        "used in every style. Without it the style's own prompt is used.",
    )
    beyond: Literal["refuse", "clip"] = Field(
        default="refuse",
        description='What happens to a directive beyond a limit: "refuse" as published, or "clip" to the '
        "limit. It is recorded in both cases.",
    )
    min_learning_rate: float = Field(default=1e-6, gt=0, description="Lowest learning rate.")
    max_learning_rate: float = Field(default=1e-1, gt=0, description="Highest learning rate.")
    max_epochs: int = Field(default=50, ge=1, description="Most epochs.")
    max_steps: int = Field(default=375, ge=1, description="Most optimiser steps of one training.")
    max_tokens: int = Field(
        default=0, ge=0, description="Most training tokens, all epochs together; 0: no limit."
    )

    @model_validator(mode="after")
    def _ordered(self) -> ArcDirectivesConfig:
        if self.min_learning_rate > self.max_learning_rate:
            raise ValueError("min_learning_rate is above max_learning_rate")
        return self


@dataclass(frozen=True)
class ParsedDirective:
    """A directive, or None with the reason why there is none. `clipped` says what a limit changed."""

    directive: Directive | None
    reason: str = ""
    clipped: tuple[str, ...] = ()


class ArcDirectives(SelfEditFormat):
    """Asks for a directive and parses it.

    The context is a task: its text is the demonstrations.
    """

    Config = ArcDirectivesConfig
    tables: ClassVar[Mapping[str, type[BaseModel]]] = {
        "directives": ArcDirectivesConfig,
        "directive_space": DirectiveSpace,
    }
    name: str = "arc-directives"
    yields: str = "directives"

    def __init__(
        self, config: ArcDirectivesConfig | None = None, space: DirectiveSpace | None = None
    ) -> None:
        self.config = config or ArcDirectivesConfig()
        self.space = space or DirectiveSpace()
        if self.config.template is not None:
            check_template(self.config.template, f"self-edit format {self.name}")

    def prompt(self, context: Context, style: str) -> str:
        """Return the text shown to the writer; in the "chat" style it is the user's message.

        Raises:
            ConfigError: the style is unknown.
        """
        template = TEMPLATES[check_style(style)]
        if self.config.template is not None:
            return fill(self.config.template, context)
        return template.format(title=f"{context.title}\n" if context.title else "", passage=context.text)

    def parse(self, context: Context, text: str, *, truncated: bool = False) -> SelfEdit:
        """Return what the model wrote. Never raises: `directives` then holds the reason under "rejected".

        Otherwise it holds the fields of the directive and, where a limit changed one, "clipped".
        """
        parsed = parse_directive(text, self.config, truncated=truncated)
        return SelfEdit(context.id, self.name, text, (), truncated, _recorded(parsed))

    def limited(
        self, self_edit: SelfEdit, *, n_examples: int, batch_size: int, tokens_an_epoch: int
    ) -> SelfEdit:
        """Return the self-edit with the epochs that the limits of work allow; see `limit_work`."""
        parsed = ParsedDirective(
            Directive.of(self_edit),
            self_edit.directives.get("rejected", ""),
            self_edit.directives.get("clipped", ()),
        )
        within_limits = limit_work(
            parsed,
            n_examples=n_examples,
            batch_size=batch_size,
            tokens_an_epoch=tokens_an_epoch,
            config=self.config,
        )
        return replace(self_edit, directives=_recorded(within_limits))

    def grammar(self) -> DirectiveGrammar:
        """Return the grammar of the directives that the configuration gives to choose from."""
        return DirectiveGrammar(self.space)


def _recorded(parsed: ParsedDirective) -> Mapping[str, Any]:
    if parsed.directive is None:
        return {"rejected": parsed.reason}
    return asdict(parsed.directive) | ({"clipped": parsed.clipped} if parsed.clipped else {})


def parse_directive(
    text: str, config: ArcDirectivesConfig | None = None, *, truncated: bool = False
) -> ParsedDirective:
    """Return the directive in a text: one JSON object, alone, after a preamble, or in a fenced block.

    Nothing is guessed: a key too many or too few, a value of another type, or words after the object make it
    no directive. Never raises on any text.
    """
    try:
        directive = _checked(_object(text, truncated))
    except _Rejected as rejected:
        return ParsedDirective(None, str(rejected))
    return _limited(directive, config or ArcDirectivesConfig())


def limit_work(
    parsed: ParsedDirective,
    *,
    n_examples: int,
    batch_size: int = 1,
    tokens_an_epoch: int = 0,
    config: ArcDirectivesConfig | None = None,
) -> ParsedDirective:
    """Hold a directive to the limits of steps and tokens, which only show once its examples are known."""
    config = config or ArcDirectivesConfig()
    directive = parsed.directive
    if directive is None:
        return parsed
    steps_an_epoch = max(1, math.ceil(n_examples / (batch_size or n_examples or 1)))
    for unit, each, limit in (
        ("steps", steps_an_epoch, config.max_steps),
        ("tokens", tokens_an_epoch, config.max_tokens),
    ):
        asked = directive.num_train_epochs
        most = limit // each if each and limit else asked
        if asked <= most:
            continue
        what = f"{asked} epochs of {each} {unit} are above the limit of {limit} {unit}"
        if config.beyond == "refuse" or most < 1:
            return ParsedDirective(None, what)
        directive = replace(directive, num_train_epochs=most)
        parsed = ParsedDirective(directive, "", (*parsed.clipped, f"{what}: {most} epochs"))
    return parsed


class _Rejected(Exception):
    """Why a text is no directive."""


def _object(text: str, truncated: bool) -> Any:
    fenced = _FENCED.search(text)
    start = fenced.end() - 1 if fenced else text.find("{")
    if start < 0:
        raise _Rejected("there is no JSON object in the text")
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
    try:
        value, end = decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        if truncated or error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
            raise _Rejected("the text ends before the JSON object does") from error
        at = f"line {error.lineno}, column {error.colno}"
        raise _Rejected(f"broken JSON at {at}: {error.msg}") from error
    except RecursionError as error:
        raise _Rejected("the JSON is nested too deeply") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise _Rejected("a number has too many digits to be read") from error
    rest = text[end:].strip()
    if fenced or text[:start].rstrip().endswith("```"):
        rest = rest.removeprefix("```").strip()
    if rest:
        raise _Rejected(f"there is text after the JSON object: {_shown(rest)}")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Rejected(f"the key {_shown(next(k for k in keys if keys.count(k) > 1))} stands twice")
    return fields


def _no_constant(name: str) -> Any:
    raise _Rejected(f"{name} is no number in JSON")


def _checked(value: Any) -> Directive:
    sections = _section("the object", value, tuple(_SECTIONS))
    generation = _section("data_generation", sections["data_generation"], AUGMENTATIONS)
    training = _section("training", sections["training"], _TRAINING)
    for key, chosen in generation.items():
        if not isinstance(chosen, bool):
            raise _Rejected(f"{key} must be true or false, found {_name(chosen)}")
    strategy, rate, epochs = (training[key] for key in _TRAINING)
    if not isinstance(strategy, str):
        raise _Rejected(f"strategy must be a text, found {_name(strategy)}")
    if strategy not in STRATEGIES:
        raise _Rejected(f"unknown strategy {_shown(strategy)}. {did_you_mean(strategy, STRATEGIES)}")
    if isinstance(rate, bool) or not isinstance(rate, int | float):
        raise _Rejected(f"learning_rate must be a number, found {_name(rate)}")
    if isinstance(epochs, bool) or not isinstance(epochs, int):
        raise _Rejected(f"num_train_epochs must be a whole number, found {_name(epochs)}")
    try:
        rate = float(rate)
    except OverflowError:
        rate = math.inf
    if not 0 < rate < math.inf:
        raise _Rejected("learning_rate must be above 0 and finite")
    if epochs < 1:
        raise _Rejected("num_train_epochs must be 1 or more")
    return Directive(**generation, strategy=strategy, learning_rate=rate, num_train_epochs=epochs)


def _section(where: str, value: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Rejected(f"{where} must be an object, found {_name(value)}")
    for key in value:
        if key in keys:
            continue
        home = next((section for section, inner in _SECTIONS.items() if key in inner), "")
        hint = f'it belongs into "{home}"' if home else did_you_mean(key, keys)
        raise _Rejected(f"unknown key {_shown(key)} in {where}: {hint}")
    for key in keys:
        if key not in value:
            raise _Rejected(f'the key "{key}" is missing in {where}')
    return value


def _limited(directive: Directive, config: ArcDirectivesConfig) -> ParsedDirective:
    clipped: list[str] = []
    for key, low, high in (
        ("learning_rate", config.min_learning_rate, config.max_learning_rate),
        ("num_train_epochs", 1, config.max_epochs),
    ):
        asked = getattr(directive, key)
        if low <= asked <= high:
            continue
        limit, side = (low, "below") if asked < low else (high, "above")
        shown = f"{asked:g}" if isinstance(asked, float) else _digits(asked)
        clipped.append(f"{key} {shown} is {side} the limit of {limit:g}")
        directive = replace(directive, **{key: limit})
    if clipped and config.beyond == "refuse":
        return ParsedDirective(None, "; ".join(clipped))
    return ParsedDirective(directive, "", tuple(clipped))


def _digits(number: int) -> str:
    return str(number) if number < 10**12 else "of more than 12 digits"


def _shown(text: str) -> str:
    """A piece of the text in a reason: short, and without what cannot be printed."""
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}...")


def _name(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {_shown(value)}"
    return (
        "a number with a fraction" if isinstance(value, float) else _NAMES.get(type(value), "a whole number")
    )
