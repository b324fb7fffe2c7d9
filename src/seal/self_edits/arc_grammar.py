"""The directives that a model chooses from: all of them in order, and a grammar that lets it write no other.

Knows a finite set of values and the canonical text of a directive. Knows nothing about tokens or models: a
constrained decoder asks which continuations are allowed, as texts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from typing import Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

from seal.errors import ConfigError
from seal.protocols import WriterGrammar
from seal.types import Directive, LossStrategy

AUGMENTATIONS: Final = (
    "use_basic_augmentations",
    "use_size_augmentations",
    "use_chain_augmentations",
    "use_repeat_augmentations",
)
STRATEGIES: Final[tuple[LossStrategy, ...]] = ("train_using_all_tokens", "train_using_output_tokens")

GrammarState: TypeAlias = frozenset[tuple[int, int, int]]
"""Where a text may stand in the grammar: (segment, option, characters of it written)."""


class DirectiveSpace(BaseModel):
    """The values that each field of a directive may take. The default has good and bad ones: a writer that
    has learned nothing yet draws from all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    use_basic_augmentations: tuple[bool, ...] = Field(
        default=(False, True), description="Values of use_basic_augmentations."
    )
    use_size_augmentations: tuple[bool, ...] = Field(
        default=(False, True), description="Values of use_size_augmentations."
    )
    use_chain_augmentations: tuple[bool, ...] = Field(
        default=(False, True), description="Values of use_chain_augmentations."
    )
    use_repeat_augmentations: tuple[bool, ...] = Field(
        default=(False, True), description="Values of use_repeat_augmentations."
    )
    strategy: tuple[LossStrategy, ...] = Field(
        default=STRATEGIES, description="Values of strategy: which tokens are trained."
    )
    learning_rate: tuple[float, ...] = Field(
        default=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2), description="Values of learning_rate."
    )
    num_train_epochs: tuple[int, ...] = Field(default=(1, 2, 4, 8), description="Values of num_train_epochs.")

    @field_validator("*")
    @classmethod
    def _has_values(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        if not values or len(set(values)) < len(values):
            raise ValueError("give at least one value, and each once")
        return values

    @field_validator("learning_rate", "num_train_epochs")
    @classmethod
    def _is_positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < value < float("inf") for value in values):
            raise ValueError("give finite values above 0")
        return values


def directives(space: DirectiveSpace | None = None) -> tuple[Directive, ...]:
    """Every directive of the space, in a fixed order: for a draw that favours none, and for search."""
    space = space or DirectiveSpace()
    names = list(DirectiveSpace.model_fields)
    choices = product(*(getattr(space, name) for name in names))
    return tuple(Directive(**dict(zip(names, values, strict=True))) for values in choices)


def render(directive: Directive) -> str:
    """The canonical text of a directive: SEAL's JSON on one line. Parsing it gives the directive back."""
    training = {
        "strategy": directive.strategy,
        "learning_rate": float(directive.learning_rate),
        "num_train_epochs": directive.num_train_epochs,
    }
    generation = {name: getattr(directive, name) for name in AUGMENTATIONS}
    return json.dumps({"data_generation": generation, "training": training}, allow_nan=False)


class DirectiveGrammar:
    """An automaton whose language is `render(d)` for every directive d of the space, and nothing else.

    It is pure: a state is a value, and `advance` gives the next one. `allowed_next`, `is_complete` and
    `allows` do the same from a whole text.
    """

    def __init__(self, space: DirectiveSpace | None = None) -> None:
        self.space = space or DirectiveSpace()
        opening = '{"data_generation": {'
        self._segments: list[tuple[str, ...]] = []
        for name in AUGMENTATIONS:
            self._segments += [(f'{opening}"{name}": ',), _texts(getattr(self.space, name))]
            opening = ", "
        opening = '}, "training": {'
        for name in ("strategy", "learning_rate", "num_train_epochs"):
            self._segments += [(f'{opening}"{name}": ',), _texts(getattr(self.space, name))]
            opening = ", "
        self._segments.append(("}}",))
        self.start: Final[GrammarState] = self._enter(0)

    def advance(self, state: GrammarState, text: str) -> GrammarState:
        """The state after `text`; the empty state if it is not allowed."""
        for character in text:
            if not state:
                return state
            moved: set[tuple[int, int, int]] = set()
            for segment, option, written in state:
                if segment == len(self._segments):
                    continue
                whole = self._segments[segment][option]
                if whole[written] != character:
                    continue
                if written + 1 == len(whole):
                    moved |= self._enter(segment + 1)
                else:
                    moved.add((segment, option, written + 1))
            state = frozenset(moved)
        return state

    def continuations(self, state: GrammarState) -> tuple[str, ...]:
        """The texts of which one comes next, each up to the end of its literal or value; none at the end."""
        rests = {
            self._segments[segment][option][written:]
            for segment, option, written in state
            if segment < len(self._segments)
        }
        return tuple(sorted(rests))

    def ends(self, state: GrammarState) -> bool:
        """Whether the text may end here."""
        return any(segment == len(self._segments) for segment, _, _ in state)

    def allowed_next(self, prefix: str) -> tuple[str, ...]:
        """The continuations after `prefix`; none if it is a whole directive, or the beginning of no one."""
        return self.continuations(self.advance(self.start, prefix))

    def is_complete(self, text: str) -> bool:
        """Whether `text` is a whole directive of the space, in canonical form."""
        return self.ends(self.advance(self.start, text))

    def allows(self, prefix: str) -> bool:
        """Whether `prefix` is the beginning of a directive, or a whole one."""
        return bool(self.advance(self.start, prefix))

    def _enter(self, segment: int) -> GrammarState:
        if segment == len(self._segments):
            return frozenset({(segment, 0, 0)})
        return frozenset((segment, option, 0) for option in range(len(self._segments[segment])))


class GrammarConstraint:
    """The grammar over a tokenizer's tokens: which ids may come next, the end only after a whole directive.

    `texts[id]` is what a token adds to the text. States are those of the grammar.
    """

    def __init__(self, grammar: WriterGrammar, texts: Sequence[str], end: int) -> None:
        self.grammar, self.texts, self.end = grammar, texts, end
        self.start = grammar.start
        self._by_first: dict[str, list[int]] = {}
        for index, text in enumerate(texts):
            if text and index != end:
                self._by_first.setdefault(text[0], []).append(index)
        self._allowed: dict[GrammarState, list[int]] = {}

    def allowed(self, state: GrammarState) -> list[int]:
        """The ids that may come next.

        Raises:
            ConfigError: no token of this tokenizer goes on from here.
        """
        if state not in self._allowed:
            firsts = {text[0] for text in self.grammar.continuations(state)}
            candidates = [index for first in firsts for index in self._by_first.get(first, ())]
            tokens = [index for index in candidates if self.grammar.advance(state, self.texts[index])]
            if self.grammar.ends(state):
                tokens.append(self.end)
            if not tokens:
                raise ConfigError(
                    "this tokenizer has no token with which a directive could go on.",
                    "Set self_edit.constrained = false.",
                )
            self._allowed[state] = sorted(tokens)
        return self._allowed[state]

    def advance(self, state: GrammarState, token: int) -> GrammarState:
        """The state after an allowed token."""
        return state if token == self.end else self.grammar.advance(state, self.texts[token])


def _texts(values: tuple[object, ...]) -> tuple[str, ...]:
    """The values as `render` writes them."""
    return tuple(json.dumps(value) for value in values)
