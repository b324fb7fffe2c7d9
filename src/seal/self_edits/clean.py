"""Line by line: what in a model's writing is decoration, talk or repetition rather than content.

Knows markers (numbering, bullets, labels, Markdown), preambles, closings, signs that the model has gone on
to another prompt, and loops. Knows nothing about the formats, which put these pieces together.
Every pattern here was met in, or checked against, self-edits that base models really wrote.
"""

from __future__ import annotations

import re
from typing import Final

from seal.text import letters_alone

_LABELS: Final = (
    r"(?:implication|rewrit(?:e|ing|ten (?:passage|version|text))|version|passage|paraphrase|variation"
    r"|alternative|option|fact|statement)"
)
_NUMBER: Final = re.compile(
    r"\A\(?(\d{1,3})(?:\.\d{1,2})*(?:[.)、](?:\s+|(?=[^\W\d_]|[\"“*(\[]))|\s?[:：]\s+)|\[(\d{1,3})\]\s+"
)
_BARE_NUMBER: Final = re.compile(r"\(?(\d{1,3})[.):]")
_BULLET: Final = re.compile(r"(?:[-*+–—·]\s+|[•●▪◦‣]\s*)(?=\S)")
_HASHES: Final = re.compile(r"\A(?:#{1,6}|>+)\s+")
_LABEL: Final = re.compile(
    rf"{_LABELS}\s*#?\d{{1,3}}\s*[:：.)–—-]+\s*(?=\S)|implication\s*[:：]\s+(?=\S)", re.I
)
_BARE_LABEL: Final = re.compile(rf"{_LABELS}s?\s*#?\d{{0,3}}\s*[:：.]?", re.I)
_BOLD: Final = re.compile(r"(\*\*|__)(?=\S)([^*_\n]+)(?<=\S)\1")
_WHOLLY_BOLD: Final = re.compile(r"\*\*[^*\n]+\*\*[:：]?")
_PREAMBLE: Final = re.compile(
    r"(?:(?:sure|certainly|of course|absolutely|okay|ok|great)(?: thing)?\s*[,!.:]\s*)?"
    r"(?:here(?:'s|’s| is| are)|below (?:is|are)|the following (?:is|are))\b[^:：\n]{0,160}"
    r"\b(?:implications?|rewrit\w*|versions?|passages?|lists?|questions?|ways?|paraphras\w*|facts?|text)\b"
    r"[^:：\n]{0,160}[:：]\s*"
    r"|(?:sure|certainly|of course|absolutely|okay|ok)(?: thing)?\s*[!.,:]*$",
    re.I,
)
_CLOSING: Final = re.compile(
    r"(?:i hope (?:this|these|that|it)\b|(?:please )?let me know\b|please feel free\b|feel free to\b"
    r"|(?:sure|certainly|of course|absolutely)[,!.] i(?:(?:'|’)(?:d|ll)| would| will| can)\b"
    r"|would you like me to\b|is there anything else\b|please write in\b|note that (?:these|the above)\b"
    r"|note: (?:these|the above|this)\b)",
    re.I,
)
# From such a line on, a base model no longer answers the prompt: it writes the next one, or another speaker.
_DRIFT: Final = re.compile(
    r"\A(?:you are an? (?:ai\b|helpful\b|[\w\s]{0,30}\b(?:assistant|teacher|tutor|chatbot|language model)\b)"
    r"|you will be given an?\b"
    r"|(?:now,? |great,? (?:now )?)?let(?:'|’)?s "
    r"|as an ai\b|i apologi[sz]e\b|i(?:'|’)m sorry, but\b"
    r"|(?:human|user|assistant|system)\s*[:：]|\W*(?:instructions?|input|output)\s*[:：]\s*$"
    r"|<\|?(?:endoftext|im_start|im_end|eot_id|end_of_text|/s)\b|https?://\S+$)",
    re.I,
)
_TERMINAL: Final = re.compile(r"[.!?…。！？][\"'”’»)\]*`_]*\s*$")
_HEADING_WORDS: Final = 25  # a longer line is content even if it ends in a colon
_CONTROLS: Final = re.compile("\x1b\\[[0-9;?]{0,20}[A-Za-z]|[\x00-\x08\x0e-\x1f\x7f]")
_MIN_LOOP: Final = 12  # words
_MAX_PERIOD: Final = 40  # words
_MOST_MARKERS: Final = 64  # before a line: more are a loop, and each takes a pass over the line


def ends_sentence(text: str) -> bool:
    """Whether `text` ends in sentence punctuation, quotes and brackets after it aside."""
    return _TERMINAL.search(text) is not None


def has_letters(text: str) -> bool:
    """Whether there is a letter of any script in `text`."""
    return any(character.isalpha() for character in text)


def is_drift(line: str) -> bool:
    """Whether from this line on the model no longer answers its prompt."""
    return _DRIFT.match(_unmarked(line)) is not None


def bare_number(line: str) -> int | None:
    """Return the number of a line that holds nothing but it ("2."), None for any other line."""
    match = _BARE_NUMBER.fullmatch(line.strip())
    return int(match.group(1)) if match else None


def is_fence(line: str) -> bool:
    """Whether the line opens or closes a code block, or is a rule."""
    bare = line.strip()
    return bare.startswith(("```", "~~~")) or (len(bare) >= 3 and not bare.strip("-*_=# "))


def is_label(line: str, title: str = "") -> bool:
    """Whether a line is only a label ("Version 2", "Passage:") or only the title of the passage."""
    bare = _unmarked(line).strip("*_ ")
    name = title.strip().casefold()
    rest = re.sub(r"^(?:passage|title)\s*[:：]\s*", "", bare, flags=re.I)
    named = bool(name) and rest.rstrip(":：").strip("*_ ").casefold() == name
    return named or _BARE_LABEL.fullmatch(bare) is not None


def is_heading(line: str) -> bool:
    """Whether a line announces what follows: it is short and ends in a colon, or is a Markdown heading."""
    bare = line.strip()
    if bare.rstrip("*_` ").endswith((":", "：")) and len(bare.split()) <= _HEADING_WORDS:
        return True
    unmarked, _, _ = split_marker(bare)
    return not ends_sentence(bare) and (
        bare.startswith("#") or _WHOLLY_BOLD.fullmatch(unmarked.strip()) is not None
    )


def is_talk(line: str) -> bool:
    """Whether a line is the model's talk to its reader, not content."""
    return _CLOSING.match(_unmarked(line)) is not None


def split_marker(line: str) -> tuple[str, int | None, bool]:
    """Return the line without its first list marker, the marker's number, and whether it had a marker."""
    bare = line.strip()
    hashes = _HASHES.match(bare)
    bare = bare[hashes.end() :] if hashes else bare
    if bold := re.match(r"\*\*(?=\(?\d{1,3}[.)])", bare):  # "**1. Title**"
        rest = bare[bold.end() :]
        if number := _NUMBER.match(rest):
            return f"**{rest[number.end() :]}", _value(number), True
    if number := _NUMBER.match(bare):
        return bare[number.end() :], _value(number), True
    if bullet := _BULLET.match(bare):
        return bare[bullet.end() :], None, True
    return bare, None, False


def clean_line(line: str) -> str:
    """Return the content of a line: no marker, label, preamble or Markdown emphasis, no loop at its end."""
    text = line
    for _ in range(_MOST_MARKERS):
        before = text
        text = text.strip()
        for pattern in (_HASHES, _NUMBER, _BULLET, _LABEL, _PREAMBLE):
            if match := pattern.match(text):
                text = text[match.end() :]
        text = _BOLD.sub(r"\2", text)
        if text.count("**") == 1:
            text = text.removeprefix("**").removesuffix("**")
        if text == before:
            break
    return cut_loop(text)


def cut_loop(text: str) -> str:
    """Return `text` up to where it begins to repeat the same words over and over."""
    words = text.split()
    for period in range(1, min(_MAX_PERIOD, len(words) // 4) + 1):
        run = 0
        for index in range(period, len(words)):
            run = run + 1 if words[index] == words[index - period] else 0
            if run >= max(3 * period, _MIN_LOOP - period):
                return " ".join(words[: index - run + 1])
    return text


def shorten(text: str, limit_chars: int) -> str:
    """Return `text` cut to `limit_chars`, at the end of a sentence if there is one, or else of a word."""
    if len(text) <= limit_chars:
        return text
    head = text[:limit_chars]
    # Not seal.text: a line that is cut elsewhere is another training line, and makes another version.
    ends = [match.end() for match in re.finditer(r"[.!?][\"'”’)]*(?=\s)|[。！？]", head)]
    return head[: ends[-1]].strip() if ends else (head.rpartition(" ")[0] or head).strip()


def drop_truncated(text: str) -> str:
    """Return the text without its last line, if that was broken off in the middle of a sentence."""
    if not text or text[-1].isspace() or ends_sentence(text):
        return text
    return "".join(text.splitlines(keepends=True)[:-1])


def plain_signs(text: str) -> str:
    """The text without the codes that colour a terminal, and without other characters that are no text."""
    return _CONTROLS.sub("", text)


def unique(lines: list[str]) -> list[str]:
    """Return the lines without repetitions; case, spacing and punctuation do not make a difference."""
    first: dict[str, str] = {}
    for line in lines:
        first.setdefault(letters_alone(line), line)
    return list(first.values())


def _unmarked(line: str) -> str:
    text, _, _ = split_marker(line)
    return text.lstrip("*_ ")


def _value(match: re.Match[str]) -> int:
    return int(match.group(1) or match.group(2))
