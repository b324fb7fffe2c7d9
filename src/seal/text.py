"""Splits plain text into paragraphs, sentences and words; screening, grounding and chunking use it.

Knows abbreviations, initials, decimals, quotes, citation marks, lists, tables and hard-wrapped lines of
English; where a sentence of another language ends: languages.py. Knows nothing about tokens, documents or
what a sentence says. Never raises on any text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from seal.languages import Span, foreign_language, script_language, split_sentences

__all__ = [
    "Span",
    "letters_alone",
    "paragraph_spans",
    "row_text",
    "sentence_spans",
    "sentences",
    "word_spans",
    "wording",
]

# No sentence ends after these, though a capital letter may follow: titles, and words that introduce.
_ALWAYS: Final = frozenset(
    "mr mrs ms mx dr prof rev hon st ste mt ft gen col maj capt cmdr lt sgt cpl adm gov sen rep pres "
    "supt messrs mme mlle fr sr sra srta vs cf e.g i.e viz approx ca fig figs eq eqs sec vol vols ed "
    "eds trans no nos nr art arts op pp ch para z.b d.h bzw geb p".split()
)
# After these a sentence may end. It does if a word follows that often begins one (_STARTERS).
_OFTEN: Final = frozenset(
    "inc ltd co corp bros llc plc jr sr esq phd ph.d m.d b.a m.a b.sc m.sc a.m p.m a.d b.c b.c.e c.e "
    "etc al u.s u.k u.s.a u.n e.u d.c n.y l.a jan feb mar apr jun jul aug sep sept oct nov dec mon "
    "tue wed thu fri sat sun ave blvd rd univ dept est min max lat long m.p i.a".split()
)
_STARTERS: Final = frozenset(
    "the a an it its he she they we you i his her their our this that these those there here in on at "
    "as by for from with after before during since until while when where who what why how if "
    "although though because but and or so yet however moreover also then thus today later another "
    "some many most all each both no one two several such another other between under over through "
    "despite according".split()
)
_END: Final = re.compile(
    r"(?:[.!?…]+|[。！？．｡]+)"  # what ends a sentence
    r"[\"'”’»)\]*_]*"  # closing quotes and brackets
    r"(?:\[[^\]\n]{1,24}\]|:\d{1,4}(?:[–-]\d{1,4})?)*"  # citation marks: .[12] and .:32-40
)
_WIDE: Final = "。！？．｡"
_LAST_WORD: Final = re.compile(r"(?<![\w.’'-])[\w.’'-]++$")
_OPENING: Final = "\"'“‘„«([{*_¿¡—–-"
_NEXT_WORD: Final = re.compile(r"[^\W\d_]+")
_MARKER: Final = re.compile(r"(?:[-*+•●▪◦‣]|\(?\d{1,3}[.)])\s")
_BLANK: Final = re.compile(r"(?<![^\S\n])[^\S\n]*+\n(?:[^\S\n]*+\n)++[^\S\n]*+|[\f\u2029]")
_WRAPPED_CHARS: Final = 50  # a line this long, without an end mark, goes on in the next one
_LOOKED_AT: Final = 400  # characters of a paragraph that show its script
_SPACE: Final = re.compile(r"\s")
_LINE_BREAKS: Final = str.maketrans({"\r": "\n", "\v": "\n", "\x85": "\n", "\u2028": "\n"})


def letters_alone(text: str) -> str:
    """A text's letters and digits, without case."""
    return "".join(filter(str.isalnum, text.casefold()))


def wording(text: str) -> str:
    """A text as far as it is worded otherwise than another: case, spaces and punctuation make no difference,
    unless there is nothing else."""
    return letters_alone(text) or text


def sentences(text: str) -> list[str]:
    """The sentences of `text` in order, each as it stands in the text, without the white space around it."""
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_spans(text: str) -> list[Span]:
    """The places of the sentences. All other characters of the text are white space."""
    language = foreign_language(text)
    return [span for start, end in paragraph_spans(text) for span in _within(text, start, end, language)]


def paragraph_spans(text: str) -> list[Span]:
    """The places of the paragraphs, which are separated by blank lines. All other characters are white
    space."""
    plain = text.replace("\r\n", " \n").translate(_LINE_BREAKS)
    return _trimmed(text, _parts(0, len(text), [match.span() for match in _BLANK.finditer(plain)]))


def word_spans(text: str) -> list[Span]:
    """The places of the words, which are separated by white space."""
    return [match.span() for match in re.finditer(r"\S+", text)]


def _within(text: str, start: int, end: int, language: str) -> list[Span]:
    """The sentences of one paragraph."""
    cuts = [(at, at) for at in _line_cuts(text, start, end)]
    if language and (language := script_language(text[start : start + _LOOKED_AT]) or language):
        lines = _trimmed(text, _parts(start, end, cuts))
        return [
            (first + at, first + stop)
            for first, last in lines
            for at, stop in split_sentences(_SPACE.sub(" ", text[first:last]), language)
        ]
    cuts += [
        (match.end(), match.end()) for match in _END.finditer(text, start, end) if _ends(text, match, end)
    ]
    return _trimmed(text, _parts(start, end, sorted(set(cuts))))


def _ends(text: str, match: re.Match[str], end: int) -> bool:
    """Whether an end mark ends a sentence: it does not belong to an abbreviation, and a new sentence
    follows."""
    after = match.end()
    if after >= end:
        return True
    mark = match[0]
    if mark[0] in _WIDE:
        return True
    if not text[after].isspace():
        return False
    rest = text[after : after + 64].lstrip()
    if not rest:
        return True
    bare = rest.lstrip(_OPENING)
    if bare[:1].islower():
        return False
    if not mark.startswith(".") or mark.startswith(".."):
        return True
    before = _LAST_WORD.search(text, max(0, match.start() - 40), match.start())
    word = before[0] if before else ""
    return _may_end_after(word, bare, rest)


def _may_end_after(word: str, bare: str, rest: str) -> bool:
    """Whether a full stop after `word` may end its sentence when `rest` follows (`bare`: without quotes)."""
    name = word.casefold().strip("'’-")
    following = _NEXT_WORD.match(bare)
    starts = following is not None and following[0].casefold() in _STARTERS and following[0][:1].isupper()
    is_initial = len(name) == 1 and word.isupper()
    if name in _ALWAYS and not is_initial:
        # "no." may be the word: only a number after it makes it an abbreviation
        return name in ("no", "art", "p") and not bare[:1].isdigit()
    if is_initial or name in _OFTEN or re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]", name):
        return starts or (not is_initial and rest[:1] in '"“‘«')
    return True


def _line_cuts(text: str, start: int, end: int) -> list[int]:
    """The line breaks in a paragraph at which a sentence ends without an end mark, as in lists and
    headings."""
    cuts: list[int] = []
    begin = start
    for match in re.finditer(r"\r\n|[\n\r\v\x85\u2028]", text[start:end]):
        at = start + match.start()
        line, following = text[begin:at].strip(), text[start + match.end() : end].lstrip()[:8]
        if line and following:
            goes_on = following[:1].islower() or (
                len(line) >= _WRAPPED_CHARS and not line.endswith((":", ";"))
            )
            if _MARKER.match(following) or following[0] == line[0] == "|" or not goes_on:
                cuts.append(at)
        begin = start + match.end()
    return cuts


def _parts(start: int, end: int, cuts: list[Span]) -> list[Span]:
    edges = [start, *(edge for cut in cuts for edge in cut), end]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _trimmed(text: str, spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for start, end in spans:
        piece = text[start:end]
        first = start + len(piece) - len(piece.lstrip())
        last = first + len(piece.strip())
        if first < last:
            kept.append((first, last))
    return kept


def row_text(headings: Sequence[str], cells: Sequence[str]) -> str:
    """A row of a table as a sentence about its headings: "Plan: Standard; Price: $45 a month"."""
    told: list[str] = []
    for at, cell in enumerate(cells):
        heading = headings[at].strip(" :") if at < len(headings) else ""
        cell = cell.strip()
        if cell:
            told.append(f"{heading}: {cell}" if heading and heading.casefold() != cell.casefold() else cell)
    return "; ".join(told)
