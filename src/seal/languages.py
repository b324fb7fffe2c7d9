"""Which language a text is written in, and where its sentences end, in many languages.

The rules are those of the library sentencex; what it does not know is mended here: German ordinals, units of
measurement, quotes and brackets, fragments. Knows nothing about lines, markup or documents. Never raises on
any text.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import Final

import sentencex

__all__ = ["Span", "foreign_language", "language_of", "script_language", "split_sentences"]

Span = tuple[int, int]

_SCRIPTS: Final = (
    ("ja", "\u3040-\u30ff"),
    ("zh", "\u3400-\u9fff"),
    ("ko", "\uac00-\ud7af\u1100-\u11ff"),
    ("hi", "\u0900-\u097f"),
    ("bn", "\u0980-\u09ff"),
    ("pa", "\u0a00-\u0a7f"),
    ("gu", "\u0a80-\u0aff"),
    ("ta", "\u0b80-\u0bff"),
    ("te", "\u0c00-\u0c7f"),
    ("kn", "\u0c80-\u0cff"),
    ("ml", "\u0d00-\u0d7f"),
    ("th", "\u0e00-\u0e7f"),
    ("my", "\u1000-\u109f"),
    ("am", "\u1200-\u137f"),
    ("hy", "\u0530-\u058f"),
    ("el", "\u0370-\u03ff"),
    ("ar", "\u0600-\u06ff"),
    ("he", "\u0590-\u05ff"),
    ("ru", "\u0400-\u04ff"),
)
_SCRIPT_PATTERNS: Final = [(name, re.compile(f"[{chars}]")) for name, chars in _SCRIPTS]
# Words that are frequent in one of these languages, and rare or none in the others.
_STOP_WORDS: Final[dict[str, frozenset[str]]] = {
    "en": frozenset(
        "the of and to in is was for that with on as by at from are were be it this which has".split()
    ),
    "de": frozenset(
        "der die das und ist nicht mit von zu den ein eine im am auf für wird wurde sich dem des".split()
    ),
    "fr": frozenset(
        "le la les des et est dans une un du pour que qui sur au aux avec par pas il elle été".split()
    ),
    "es": frozenset("el la los las de y en que un una es por con del se para como fue su al más".split()),
    "it": frozenset("il lo la gli di che e è un una per con del della nel nella sono da si alla dei".split()),
    "pt": frozenset("o a os as de e que em um uma do da para com não no na por foi se dos das".split()),
    "nl": frozenset("de het een en van is op dat te in voor met zijn niet aan werd ook door bij".split()),
    "pl": frozenset("w i na z się nie do jest to że o jak przez był za od po oraz jego są".split()),
    "sv": frozenset("och att det i en som är på av för med den till ett inte var har om de från".split()),
    "da": frozenset("og at det i en som er på af for med den til et ikke var har om de fra".split()),
    "fi": frozenset("ja on ei se että hän oli joka mutta tai kun myös ovat sen hänen".split()),
    "cs": frozenset("a v se na je že s z do o byl jako pro za od po jeho jsou nebo také".split()),
    "tr": frozenset("ve bir bu da de için ile olarak çok daha olan en gibi kadar ise".split()),
    "hu": frozenset("a az és hogy nem egy is volt ez meg csak már vagy mint el".split()),
    "ro": frozenset("și de la în a cu nu pe din un o este că pentru au mai".split()),
}
_WORD: Final = re.compile(r"[^\W\d_]+")
_HALF: Final = re.compile("[\ud800-\udfff]")
_LOOKED_AT: Final = 20_000  # characters
_PLAINLY: Final = 4  # so many small words more than English ones

_MOST_CHARS: Final = 4_000  # what is longer is given to the library in parts
_END_MARK: Final = re.compile(r"[.!?…。！？｡।॥؟۔]+[\"'”’»)\]」』]*\s*")
_BRACKET_END: Final = re.compile(r"[.!?…][)\]”»\"’](?=\s+[\"“„«(\[]?[^\W\d_a-z])")
_MEASURE_END: Final = re.compile(
    r"\d\s?(?:mm|cm|m|km|ha|mg|g|kg|t|ml|l|s|h|min|kW|kWh|MW|GB|MB|TB|Hz|°C|°F|%)\.(?=\s+[^\W\d_a-z])"
)
_BEFORE_DIGIT: Final = re.compile(r"[。！？｡](?=\d)")
_NUMBER_ALONE: Final = re.compile(r"(?:^|\s)\d{1,2}\.\s*$")
_ORDINAL: Final = re.compile(
    r"\b(?:am|um|vom|zum|zur|der|dem|den|des|die|das|bis|und|im|beim|seit|ab|ihr\w{0,2}|sein\w{0,2}|Karl|Ludwig|Friedrich|"
    r"Wilhelm|Heinrich|Otto)\s+(?:\d{1,2}\.\s*){1,2}$",
    re.I,
)
_MARKER: Final = re.compile(r"\(?\d{1,4}[.)]")
_MONTH: Final = re.compile(
    r"(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jahrhundert|Jh)\b"
)
_STREET: Final = re.compile(r"(?:str|Nr|Str|Tel|Art|Abs|Kap|Bd|Aufl|Mio|Mrd|Std|Min|Sek)\.\s*$")
_ABBREVIATION: Final = re.compile(r"(?<![^\s(])(?:[^\W\d_]{1,2}\.\s{0,9}){1,9}$")
_FRENCH_TITLE: Final = re.compile(r"(?:^|\s)(?:M|MM|Me|Mlle|Mme|Dr|Pr|St|Ste|art|n°|p|env|av|apr)\.\s*$")
_RUSSIAN: Final = re.compile(r"(?:^|\s)(?:им|ул|г|гг|т|д|пр|обл|стр|рис|см|напр|св|ок|проф|акад)\.\s*$", re.I)
_FEW_LETTERS: Final = 5
_OPENS: Final = "「『“«„‘(（["


def language_of(text: str) -> str:
    """The language a text is most probably in, as its ISO code, by its script or its small words; "en" where
    nothing speaks for another."""
    return _probable(text[:_LOOKED_AT], more_words=1)


def foreign_language(text: str) -> str:
    """The language of a text that is plainly not English; empty for any other: a few small words of another
    language may stand in an English name."""
    found = _probable(text[:_LOOKED_AT], more_words=_PLAINLY)
    return "" if found == "en" else found


@lru_cache(maxsize=1 << 12)
def _probable(text: str, *, more_words: int) -> str:
    if script := script_language(text):
        return script
    words = Counter(word.casefold() for word in _WORD.findall(text))
    counts = {name: sum(words[word] for word in known) for name, known in _STOP_WORDS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= counts["en"] + more_words else "en"


def script_language(text: str) -> str:
    """The language that a text's script speaks for; empty where the script is Latin or there is none."""
    if text.isascii():
        return ""
    letters = sum(map(str.isalpha, text))
    for name, pattern in _SCRIPT_PATTERNS:
        share = 0.05 if name == "ja" else 0.3
        if letters and len(pattern.findall(text)) > share * letters:
            return name
    return ""


def split_sentences(text: str, language: str) -> list[Span]:
    """The places of the sentences of a paragraph of one line; all other characters are white space."""
    edges = [0]
    whole = _HALF.sub("\ufffd", text)  # the library is no Python, and takes whole characters only
    for start, end in _portions(text):
        for part in sentencex.segment(language, whole[start:end]):  # pyright: ignore[reportAttributeAccessIssue]
            edges.append(edges[-1] + len(part))
        edges[-1] = end  # should the library ever lose a character
    cuts = {edge for edge in edges if 0 < edge < len(text)}
    cuts |= {
        match.end()
        for pattern in (_BRACKET_END, _MEASURE_END, _BEFORE_DIGIT)
        for match in pattern.finditer(text)
    }
    spans: list[Span] = []
    start = 0
    for end in [*sorted(cuts), len(text)]:
        if end < len(text) and _goes_on(text, start, end, language):
            continue
        spans.append((start, end))
        start = end
    return [span for span in (_stripped(text, *one) for one in spans) if span[0] < span[1]]


def _portions(text: str) -> list[Span]:
    """The text in parts of at most `_MOST_CHARS`, cut behind an end mark or a space where there is one: the
    library's time grows with the square of the number of open quotes."""
    portions: list[Span] = []
    start = 0
    while len(text) - start > _MOST_CHARS:
        end = start + _MOST_CHARS
        marks = list(_END_MARK.finditer(text, start + _MOST_CHARS // 2, end))
        space = text.rfind(" ", start, end) + 1
        end = marks[-1].end() if marks else space or end
        portions.append((start, end))
        start = end
    portions.append((start, len(text)))
    return [portion for portion in portions if portion[0] < portion[1]]


def _stripped(text: str, start: int, end: int) -> Span:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    return start, start + len(part.strip())


def _goes_on(text: str, start: int, end: int, language: str) -> bool:
    """Whether the sentence goes on behind a place where the library ends it."""
    before, after = text[max(start, end - 60) : end], text[end : end + 40].lstrip()
    if not before.strip() or not after:
        return False
    if before[-1] in ".．" and before[-2:-1].isdecimal() and text[end].isdecimal():
        return True  # "３８.５"
    if (
        sum(map(str.isalnum, before)) <= 1
        or _MARKER.fullmatch(text[start:end].strip()[:9])
        or not any(map(str.isalnum, text[end : end + 400]))
    ):
        return True  # a mark alone
    if language in ("zh", "ja") and before.rstrip()[-1:] in "”’」』" and not text[end].isspace():
        return after[0] not in _OPENS  # “…！”他说
    if _ABBREVIATION.search(before) and len(text[start:end].strip()) <= _FEW_LETTERS:
        return True  # "Dr." alone
    if _MONTH.match(after) and _NUMBER_ALONE.search(before):
        return True
    if language == "de":
        if _NUMBER_ALONE.search(before) and _ORDINAL.search(before):
            return True
        return _STREET.search(before) is not None and after[0].isdigit()
    if language == "fr":
        return _FRENCH_TITLE.search(before) is not None
    if language == "ru":
        return _RUSSIAN.search(before) is not None and after[0].isalpha()
    return False
