"""Whether a text makes a line likely, measured against the same lines with a name or number exchanged.

Knows the prompts by which a model is asked, and which tokens count: a pair is read with the skills on, a
statement by the bare base. Knows nothing about documents or drafts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from seal.learner.skills import Skills
from seal.models import score_answers
from seal.models.score import AnswerScore
from seal.models.tokens import decode_completion, encode_completion
from seal.seeds import derive_seed
from seal.self_edits.exchanges import exchanged
from seal.self_edits.name_words import FUNCTION_WORDS, WIDE_FUNCTION
from seal.self_edits.pair_lines import question_of

_ANSWER: Final = "\nAnswer:"
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_WIDE: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_WIDE_NUMERALS: Final = frozenset("零一二三四五六七八九两十百千万")
_CUT: Final = "\ufffd"  # what a piece of a character is decoded to
_FEWEST: Final = 8  # false lines; a level that fewer give says little


@dataclass(frozen=True)
class ShownLine:
    """A line, the text that may support it, and that text's title."""

    title: str
    text: str
    line: str


@dataclass(frozen=True)
class TokenSupport:
    """A token of a line that tells something: its log-probability with the text in view, and without."""

    log_with: float
    log_without: float

    @property
    def gain(self) -> float:
        return self.log_with - self.log_without


def unlikely(
    skills: Skills, lines: Sequence[ShownLine], texts: Sequence[str], false_kept: float, seed: object
) -> list[bool]:
    """Which of some lines about a document are no likelier than most false ones: than the same lines with one
    of their names or numbers exchanged for another of the document's `texts`, of which the share `false_kept`
    is likelier than the level. Where too few can be exchanged, none is."""
    others = [
        exchanged(one.line, [*one.text.splitlines(), *texts], derive_seed("exchanged", seed, one.line))
        for one in lines
    ]
    false = [replace(one, line=other) for one, other in zip(lines, others, strict=True) if other]
    if len(false) < _FEWEST:
        return [False] * len(lines)
    supports = [support_of(tokens) for tokens in token_supports(skills, [*lines, *false])]
    level = level_of(supports[len(lines) :], false_kept)
    return [support < level for support in supports[: len(lines)]]


def support_of(tokens: Sequence[TokenSupport]) -> float:
    """How much likelier the text makes a line's telling tokens, in the mean. That the worst of them decides
    keeps no more of what is true, and more of what is not (recipes/grounding)."""
    return sum(token.gain for token in tokens) / len(tokens) if tokens else 0.0


def level_of(false_supports: Sequence[float], false_kept: float) -> float:
    """The level that at most this share of the false lines reaches."""
    ordered = sorted(false_supports, reverse=True)
    return math.nextafter(ordered[min(int(false_kept * len(ordered)), len(ordered) - 1)], math.inf)


def token_supports(skills: Skills, lines: Sequence[ShownLine]) -> list[tuple[TokenSupport, ...]]:
    """The tokens of each line but those of function words."""
    supports: dict[int, tuple[TokenSupport, ...]] = {}
    for is_pair in (True, False):
        members = [i for i, one in enumerate(lines) if (question_of(one.line) is not None) == is_pair]
        texts = [_completion(lines[i].line) for i in members]
        seen, unseen = (
            _scores(
                skills,
                [(_prompt(lines[i], in_view), text) for i, text in zip(members, texts, strict=True)],
                with_skills=is_pair,
            )
            for in_view in (True, False)
        )
        for i, text, one, other in zip(members, texts, seen, unseen, strict=True):
            supports[i] = tuple(
                TokenSupport(one.token_logs[n], other.token_logs[n])
                for n in _telling(skills.base.tokenizer, text)
            )
    return [supports[i] for i in range(len(lines))]


def _scores(skills: Skills, pairs: Sequence[tuple[str, str]], *, with_skills: bool) -> list[AnswerScore]:
    model, tokenizer = skills.base.model, skills.base.tokenizer
    if not with_skills:
        return score_answers(model, tokenizer, pairs)
    with skills.on() as bank:
        return score_answers(model, tokenizer, pairs, adapters=bank, slots=[0] * len(pairs))


def _prompt(shown: ShownLine, in_view: bool) -> str:
    """As `practice.reading_prompt` begins."""
    title = f"Title: {shown.title}\n" if shown.title else ""
    text = f"{shown.text}\n" if in_view else ""
    return f"{title}{text}\n{'Question' if question_of(shown.line) else 'Fact'}:"


def _completion(line: str) -> str:
    pair = question_of(line)
    return f" {pair[0]}{_ANSWER} {pair[1]}\n" if pair else f" {line}\n"


def _telling(tokenizer: Any, text: str) -> Iterator[int]:
    """The tokens of a completion that belong to a telling word."""
    label = text.rfind(_ANSWER)
    places = set(_telling_places(text)) - set(range(label, label + len(_ANSWER)) if label >= 0 else ())
    ids = encode_completion(tokenizer, text, append_eos=False)
    start = 0
    for n in range(len(ids)):
        stop = len(decode_completion(tokenizer, ids[: n + 1]).rstrip(_CUT))
        if not places.isdisjoint(range(start, max(stop, start + 1))):
            yield n
        start = max(start, stop)


def _telling_places(text: str) -> Iterator[int]:
    """The places of the characters of all words but function words."""
    for match in _WORD.finditer(text):
        word = match[0]
        if _WIDE.search(word):
            yield from (
                match.start() + n
                for n, char in enumerate(word)
                if char not in WIDE_FUNCTION or char in _WIDE_NUMERALS
            )
        elif word.casefold() not in FUNCTION_WORDS:
            yield from range(*match.span())
