"""The self-edit formats: each asks a writer for training data in its own way and parses what it wrote.

Knows prompts and parsing. Knows nothing about how the lines are trained on: that is the domain's.
Source of the formats: SEAL (arXiv 2506.10943), knowledge incorporation; facts and paraphrases are this
project's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from seal.protocols import SelfEditFormat
from seal.self_edits.pair_lines import question_of
from seal.self_edits.pairs import parse_pairs
from seal.self_edits.parse import parse_lines
from seal.self_edits.prompts import TEMPLATES, check_style, check_template, fill
from seal.text import sentences, wording
from seal.types import Context, SelfEdit


class FormatConfig(BaseModel):
    """What can be set in the formats whose self-edits are lines of text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str | None = Field(
        default=None,
        description="A prompt of your own, with the placeholders {title} and {passage}, used in every style. "
        "Without it the style's own prompt is used.",
    )
    max_line_chars: int = Field(
        default=4000,
        ge=100,
        description="Longer lines are cut at the end of a sentence: a model that does not stop is in a loop.",
    )


class _Format(SelfEditFormat):
    """What the formats have in common: the prompt, and how two self-edits become one."""

    joins = True
    line_break: ClassVar[str] = "\n"
    Config = FormatConfig
    tables: ClassVar[Mapping[str, type[BaseModel]]] = {"lines": FormatConfig}

    def __init__(self, config: FormatConfig | None = None) -> None:
        self.config = config or FormatConfig()
        if self.config.template is not None:
            check_template(self.config.template, f"self-edit format {self.name}")

    def prompt(self, context: Context, style: str) -> str:
        """Return the text shown to the writer; in the "chat" style it is the user's message.

        Raises:
            ConfigError: the style is unknown.
        """
        template = TEMPLATES[self.name][check_style(style)]
        return fill(template if self.config.template is None else self.config.template, context)

    def parse(self, context: Context, text: str, *, truncated: bool = False) -> SelfEdit:
        """Return what the model wrote, parsed. Never raises: unusable text gives no lines."""
        return SelfEdit(context.id, self.name, text, self._lines(context, text, truncated), truncated)

    def joined(
        self, context: Context, first: SelfEdit, second: SelfEdit, fits: Callable[[str], bool]
    ) -> SelfEdit | None:
        text = self.line_break.join(first.lines) if first.truncated else first.text.rstrip("\n")
        said = {self._said(line) for line in first.lines}
        for line in second.lines:
            longer = f"{text}{self.line_break}{line}" if text else line
            if self._said(line) not in said and fits(f"{longer}\n"):
                text = longer
                said.add(self._said(line))
        both = self.parse(context, f"{text}\n")
        return both if len(both.lines) > len(first.lines) else None

    def _said(self, line: str) -> str:
        """What a line says, whatever its signs and capitals."""
        return wording(line)

    def _lines(self, context: Context, text: str, truncated: bool) -> tuple[str, ...]:
        raise NotImplementedError


class Implications(_Format):
    """A list of statements that follow from the passage."""

    name: str = "implications"

    def _lines(self, context: Context, text: str, truncated: bool) -> tuple[str, ...]:
        limit = self.config.max_line_chars
        return parse_lines(text, title=context.title, truncated=truncated, max_chars=limit)


class ImplicationsLong(Implications):
    """The same, asked for a long list."""

    name: str = "implications-long"


class ImplicationsVeryLong(Implications):
    """The same, asked for a very long list."""

    name: str = "implications-very-long"


class Facts(Implications):
    """The facts that the passage states, each as a short sentence: nothing that only follows from it."""

    name: str = "facts"


class Paraphrases(Implications):
    """The sentences of the passage in other words; what only repeats a sentence of it is no line."""

    name: str = "paraphrases"

    def _lines(self, context: Context, text: str, truncated: bool) -> tuple[str, ...]:
        said = {wording(sentence) for sentence in sentences(context.text)}
        return tuple(line for line in super()._lines(context, text, truncated) if wording(line) not in said)


class Rewrite(_Format):
    """The passage in other words, several times; a line is a paragraph."""

    name: str = "rewrite"
    line_break = "\n\n"

    def _lines(self, context: Context, text: str, truncated: bool) -> tuple[str, ...]:
        limit = self.config.max_line_chars
        return parse_lines(text, title=context.title, paragraphs=True, truncated=truncated, max_chars=limit)


class SelfQA(_Format):
    """Questions about the passage with their answers; a line is "Question: ...\\nAnswer: ..."."""

    name: str = "self-qa"

    def _lines(self, context: Context, text: str, truncated: bool) -> tuple[str, ...]:
        return parse_pairs(text, truncated=truncated, max_chars=self.config.max_line_chars)

    def _said(self, line: str) -> str:
        """The answer: another question about what is answered already says nothing new."""
        pair = question_of(line)
        return wording(pair[1] if pair else line)


class NoSelfEdit(_Format):
    """No self-edit: nothing is asked and nothing parsed, so that the passage alone is trained on."""

    name: str = "none"
    yields: str = ""
    joins = False
    tables: ClassVar[Mapping[str, type[BaseModel]]] = {}

    def prompt(self, context: Context, style: str) -> str:
        """Return the empty text.

        Raises:
            ConfigError: the style is unknown.
        """
        check_style(style)
        return ""

    def _lines(self, context: Context, text: str, truncated: bool) -> tuple[str, ...]:
        return ()
