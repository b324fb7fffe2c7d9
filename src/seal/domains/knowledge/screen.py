"""Screens a document before a model writes about it: what must not be learned without a person seeing it.

Knows what broken text, gibberish, secrets, personal data, text that speaks to the model, and copies look
like. Knows nothing about truth or meaning, so it misses a good part of what is harmful. The rest has to be
contained by other means: a writer that can do nothing but write, grounded lines, gates. Never raises on any
text. A reason never quotes the document, because reasons stay in the ledger after the document is erased.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from seal.domains.knowledge.contacts import speaks_as_firm
from seal.domains.knowledge.copies import shared, shingles
from seal.domains.knowledge.gibberish import gibberish
from seal.domains.knowledge.instructions import COMMAND, hidden, instructions, spoken
from seal.domains.knowledge.private_data import personal, secrets
from seal.text import sentences

FlagKind = Literal[
    "empty",
    "too-long",
    "binary",
    "gibberish",
    "secret",
    "personal",
    "instruction",
    "duplicate",
    "near-duplicate",
]
Action = Literal["reject", "hold"]

_NO_DOCUMENTS: Final[Mapping[str, str]] = MappingProxyType({})
_LISTED: Final = 3  # places named in a reason


class ScreenConfig(BaseModel):
    """What is screened for, and what follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_chars: int = Field(default=200_000, ge=1, description="A longer document is rejected.")
    min_letters: int = Field(default=8, ge=1, description="A document with fewer letters is empty.")
    near_duplicate: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Least share of word triples in common (Jaccard) that makes a near-duplicate.",
    )
    contained: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Least share of the shorter document's word triples found in the other one that makes a "
        "near-duplicate of documents of different length.",
    )
    hold_spoken: bool = Field(
        default=True,
        description="Take a sentence that speaks to its reader (you, commands) for an instruction. Right for "
        "texts that tell something, as encyclopedias and news do; set it false for manuals and letters.",
    )
    hold_commands: bool = Field(
        default=True,
        description="Take a command about answering, asking, rules or words for an instruction to the model. "
        "Handbooks and policies give such commands to people; what speaks to a model plainly is held all the "
        "same.",
    )
    hold: frozenset[FlagKind] = Field(
        default=frozenset({"personal", "instruction", "near-duplicate"}),
        description="Kinds of finding for which a person is asked; any other kind rejects the document.",
    )


@dataclass(frozen=True)
class Flag:
    """One reason not to learn a document without asking a person. `reason` says where, and quotes nothing."""

    kind: FlagKind
    action: Action
    reason: str


def screen(
    title: str, text: str, config: ScreenConfig | None = None, *, known: Mapping[str, str] = _NO_DOCUMENTS
) -> tuple[Flag, ...]:
    """What speaks against learning the document: nothing, if it may be learned without a person.

    `known` has the texts of the documents already known, by id.
    """
    config = config or ScreenConfig()

    def flags(kind: FlagKind, reasons: Iterable[str]) -> list[Flag]:
        action: Action = "hold" if kind in config.hold else "reject"
        return [Flag(kind, action, reason) for reason in reasons]

    if len(text) + len(title) > config.max_chars:
        reason = (
            f"the document has {len(text) + len(title)} characters, more than max_chars = {config.max_chars}"
        )
        return tuple(flags("too-long", [reason]))
    n_letters = sum(map(str.isalpha, text))
    if n_letters < config.min_letters:
        reason = f"the text has {n_letters} letters, fewer than min_letters = {config.min_letters}"
        return tuple(flags("empty", [reason]) + flags("binary", _binary(title, text)))
    parts = [("the title", title), *((f"sentence {n}", one) for n, one in enumerate(sentences(text), 1))]
    flagged = flags("binary", _binary(title, text))
    flagged += flags("gibberish", gibberish(text))
    firm = speaks_as_firm(text)
    flagged += flags("secret", _reasons(parts, lambda part: secrets(part, firm=firm)))
    flagged += flags("personal", _reasons(parts, lambda part: personal(part, firm=firm)))
    found = _reasons(parts, instructions)
    flagged += flags("instruction", [r for r in found if config.hold_commands or not r.endswith(COMMAND)])
    flagged += flags("instruction", _reasons(parts, hidden))
    if config.hold_spoken and not any(flag.kind == "instruction" for flag in flagged):
        flagged += flags("instruction", _reasons(parts[1:], spoken))
    copy, near = _copies(text, known, config)
    return tuple(flagged + flags("duplicate", copy) + flags("near-duplicate", near))


def _reasons(parts: list[tuple[str, str]], find: Callable[[str], Iterator[str]]) -> list[str]:
    """One reason for each kind of thing that `find` sees in the parts, with the places where it is."""
    places: dict[str, list[str]] = {}
    for place, part in parts:
        for what in find(part):
            places.setdefault(what, []).append(place)
    return [f"{_listed(at)} {what}" for what, at in places.items()]


def _listed(places: list[str]) -> str:
    more = len(places) - _LISTED
    return ", ".join(places[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _binary(title: str, text: str) -> list[str]:
    """Characters that do not belong in text: control characters, single surrogates, the marks of a wrong
    encoding."""
    reasons = []
    for place, part in (("the title", title), ("the text", text)):
        at = [index for index, character in enumerate(part) if _is_binary(character)]
        if at:
            line = 1 + part.count("\n", 0, at[0])
            number = f"U+{ord(part[at[0]]):04X}"
            reasons.append(
                f"{place} has {len(at)} characters that are no text, the first in line {line} ({number}); "
                "save it as UTF-8 text"
            )
    return reasons


def _is_binary(character: str) -> bool:
    if character in "\t\n\r\f\v\x85":
        return False
    if character == "\ufffd" or (ord(character) & 0xFFFE) == 0xFFFE or "\ufdd0" <= character <= "\ufdef":
        return True
    return unicodedata.category(character) in ("Cc", "Cs", "Co")


def _copies(text: str, known: Mapping[str, str], config: ScreenConfig) -> tuple[list[str], list[str]]:
    """Reasons for the documents that this one repeats, and for those that it nearly repeats."""
    copies, near = [], []
    mine, plain = shingles(text), _plain(text)
    for id, other in known.items():
        if _plain(other) == plain:
            copies.append(f"the text is that of document {id}")
            continue
        jaccard, contained = shared(mine, shingles(other))
        if jaccard >= config.near_duplicate or contained >= config.contained:
            near.append(
                f"the text nearly repeats document {id}: {jaccard:.0%} of their word triples are in common, "
                f"{contained:.0%} of the shorter one's"
            )
    return copies, near


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip().casefold()
