"""What a tokenizer does to a text besides cutting it into tokens: found out by trying, once a tokenizer.

Which special tokens it puts before a text; whether the tokens of a text depend on whether the text comes
first (sentencepiece puts a space before one that does); which tokens are marks that no text may become. Knows
nothing about prompts, templates or models.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from seal.signs import in_characters

Tokenizer = Any  # transformers' tokenizers have no common typed base

_ANCHORS: Final = (":", "\n", ".", "?", "{", "。", "!")
"""Texts after which another may go on; none is a letter or a digit, with which it could become one word."""
_PROBES: Final = ("x", "1", "(")
_MARK: Final = re.compile(
    r"<\|[^\n]*\|>|</?(?:bos|eos|pad|unk|s|sep|cls|mask)>|<(?:start|end|begin)_of_\w+>|\[/?[A-Z_]+\]"
)
"""What a special token looks like, for those that are not stored as one."""
_OF_THOUGHTS: Final = re.compile(
    "think|thought|reason|reflection|scratchpad|channel|message|tool", re.IGNORECASE
)
"""Marks within what a model writes, which whoever reads it needs."""
_SPACED: Final = "x . x n't"
_rows: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


@dataclass(frozen=True)
class TokenizerTraits:
    """`start`: the special tokens before a text. `controls`: ids that only a template writes, with their
    texts. `unwritten`: ids that are no part of what a model says. `anchors`: after which a text that does not
    come first is tokenised; none where that makes no difference. `reading_anchor`: the same for reading ids.
    `exact`: ids are read with all spaces as they were. `unknown`: the id of what the tokenizer does not know.
    """

    start: tuple[int, ...]
    controls: dict[int, str]
    unwritten: frozenset[int]
    anchors: tuple[str, ...]
    reading_anchor: str
    exact: bool
    unknown: int | None


def raw_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of a text as the tokenizer has it, in which the text of a special token becomes that token.
    Half of a surrogate pair, which is no character, is replaced."""
    return list(tokenizer(in_characters(text), add_special_tokens=False, verbose=False)["input_ids"])


def ids_after(tokenizer: Tokenizer, anchor: str, text: str) -> list[int] | None:
    """The ids of a text that goes on after `anchor`; None if the two become tokens that belong to both."""
    head, whole = raw_ids(tokenizer, anchor), raw_ids(tokenizer, anchor + text)
    return whole[len(head) :] if whole[: len(head)] == head else None


def limit_rows(tokenizer: Tokenizer, rows: int) -> None:
    """Says that the model has an embedding for the ids below `rows` only: no text becomes an added token
    beyond them."""
    _rows[tokenizer] = rows


def traits_of(tokenizer: Tokenizer) -> TokenizerTraits:
    """What was found out about a tokenizer; anew where its template or special tokens were changed."""
    template = getattr(tokenizer, "chat_template", None)
    return _found_out(
        tokenizer,
        template if isinstance(template, str) else repr(template),
        _rows.get(tokenizer) if _rows else None,
        tokenizer.bos_token_id,
        tokenizer.eos_token_id,
        tokenizer.pad_token_id,
    )


@functools.lru_cache(maxsize=8)
def _found_out(
    tokenizer: Tokenizer, template: str, rows: int | None, *_special: int | None
) -> TokenizerTraits:
    named = set(getattr(tokenizer, "all_special_ids", ()))
    added = getattr(tokenizer, "added_tokens_decoder", {})
    flagged = {id for id, token in added.items() if token.special}
    shaped = {id for id, token in added.items() if _MARK.fullmatch(token.content)}
    templates = {
        id for id, token in added.items() if _is_sign(token.content[:1]) and token.content in template
    }
    outside = {id for id in added if rows is not None and id >= rows}
    texts = {id: token.content for id, token in added.items()}
    texts |= {id: tokenizer.decode([id], skip_special_tokens=False) for id in named - texts.keys()}
    # A line end or a single sign as a special token is what texts are made of.
    marks = {id for id in named | flagged | shaped | templates if len(texts[id].strip()) > 1}
    anchors = tuple(text for text in _ANCHORS if _can_anchor(tokenizer, text))
    return TokenizerTraits(
        start=_start(tokenizer),
        controls={id: texts[id] for id in sorted(marks | outside)},
        unwritten=frozenset(named | flagged | {id for id in shaped if not _OF_THOUGHTS.search(texts[id])}),
        anchors=() if _is_alike_anywhere(tokenizer, anchors) else anchors,
        reading_anchor="" if _reads_alike_anywhere(tokenizer, anchors) else anchors[0],
        exact=tokenizer.decode(raw_ids(tokenizer, _SPACED), clean_up_tokenization_spaces=False).lstrip()
        == _SPACED,
        unknown=getattr(tokenizer, "unk_token_id", None),
    )


def _is_sign(char: str) -> bool:
    return bool(char) and not char.isalnum() and not char.isspace()


def _start(tokenizer: Tokenizer) -> tuple[int, ...]:
    """What the tokenizer puts before a text; what it puts after one would end a prompt."""
    for probe in ("x", "1", "."):
        plain, whole = raw_ids(tokenizer, probe), list(tokenizer(probe)["input_ids"])
        for at in range(len(whole) - len(plain) + 1) if plain else ():
            if whole[at : at + len(plain)] == plain:
                return tuple(whole[:at])
    return ()


def _can_anchor(tokenizer: Tokenizer, text: str) -> bool:
    ids = raw_ids(tokenizer, text)
    return bool(ids) and text in tokenizer.decode(ids, skip_special_tokens=False)


def _is_alike_anywhere(tokenizer: Tokenizer, anchors: tuple[str, ...]) -> bool:
    """Whether a text has the same tokens after another as where it comes first."""
    return all(
        not anchors
        or any(
            raw_ids(tokenizer, anchor + text) == raw_ids(tokenizer, anchor) + raw_ids(tokenizer, text)
            for anchor in anchors
        )
        for text in _PROBES
    )


def _reads_alike_anywhere(tokenizer: Tokenizer, anchors: tuple[str, ...]) -> bool:
    """Whether ids have the same text after others as where they come first: there a space may be left out."""
    for text in (" x", "x", " ("):
        for anchor in anchors:
            if (ids := ids_after(tokenizer, anchor, text)) is None:
                continue
            head = raw_ids(tokenizer, anchor)
            whole, before, alone = (tokenizer.decode(each) for each in (head + ids, head, ids))
            if whole != before + alone:
                return False
            break
    return True
