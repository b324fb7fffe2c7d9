"""From the bytes of a file to its text, and the encoding that they were in.

UTF-8 and what says of itself what it is (a byte order mark, a declaration) come first. Of the others the
common ones the one is taken whose text looks most like a language: the letters of windows-1250 for those of
windows-1252 are no mistake that a reader would see in time. What is in none of these is left to the library
charset-normalizer, and refused if that is not sure. Knows nothing about what the text says.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from seal.errors import InputFileError
from seal.languages import language_of

__all__ = ["Decoded", "decoded"]

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE: Final = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_KINDS: Final = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"PK\x03\x04", "a zip archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF-", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x7fELF", "a program"),
    (b"SQLite format", "a database"),
    (b"PAR1", "a Parquet file"),
)
_LOOKED_AT: Final = 200_000  # bytes, for the choice of an encoding
_SURE: Final = 0.75  # least likeness to a language at which an encoding is taken
_CHAOS: Final = (
    0.1  # most disorder, and least likeness to a language, at which charset-normalizer is believed
)
_COHERENCE: Final = 0.3
_ACCENTS: Final = 0.5  # of the letters of a text in a Latin script, more than these have no accents
_BROKEN_UTF8: Final = 0.5  # share of UTF-8's sequences among what is not ASCII, from which a file is UTF-8
_SEQUENCE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH: Final = re.compile(rb"[\x80-\xff]")
_SIGNS: Final = frozenset("“”‘’„‚«»‹›–—…€£¥§°²³½¼¾±×÷·•©®™¿¡ªº†‡‰\u00a0\u00ad")

_WEST: Final = "àâäáãåæçéèêëíìîïñóòôöõøœúùûüÿýß"
_ALPHABETS: Final = {
    "en": _WEST,
    "de": "äöüßéèàçñ",
    "fr": "àâæçéèêëîïôœùûüÿñ",
    "es": "áéíñóúüç",
    "it": "àèéìíîòóùú",
    "pt": "àáâãçéêíóôõúü",
    "nl": "áéíóúëïöüèêç",
    "sv": "åäöéèü",
    "da": "æøåéö",
    "fi": "äöåšžé",
    "pl": "ąćęłńóśźż",
    "cs": "áčďéěíňóřšťúůýžľĺŕäô",
    "hu": "áéíóöőúüű",
    "ro": "ăâîșțşţ",
    "tr": "çğıöşüâîûİ",
}
# The letters that are frequent in a language, and all of it that a text in it is made of.
_FREQUENT: Final = {
    "ru": ("\u0400-\u045f\u0490\u0491", "оеаинтсрвлкмдпуіяый"),
    "el": ("\u0370-\u03ff", "αοιετσνηυρπκμλςάίόέή"),
    "he": ("\u05b0-\u05ea", "יוהלאתרבשמנדםקח"),
    "ar": ("\u060c-\u06d3", "اليمونتربةعدسفهكقح"),
    "th": ("\u0e00-\u0e7f", "านรอกเงมยลวดทสตะปบคห่้ี"),
}
_KANA: Final = re.compile("[\u3041-\u309f\u30a1-\u30ff]")
_HAN: Final = re.compile("[\u4e00-\u9fff]")
_HANGUL: Final = re.compile("[\uac00-\ud7a3]")
_WIDE_SIGNS: Final = re.compile("[\u3000-\u3020\uff01-\uff5e]")
_COMMON_HAN: Final = frozenset(
    "的一是不了人我在有他这這中大来來上个個国國到说說们們为為子和你地出道也时時年得就那要下以生会會自着著去之过過家学學对對可她里裡后後小么"
    "心多天而能好都然没沒日于於起还還发發成事只作当當想看文无無开開手十用主行方又如前所本见見经經头頭面公同三已老从從动動两兩长長知民样樣现現分"
    "由建市京北位计計设設第二四五六七八九月号號区區部高新东東西南门門名城山水海州省县縣业業"
)
# Each with the languages that are written in it, the likelier before the others.
_CANDIDATES: Final = (
    ("cp1252", "west"),
    ("cp1250", "central"),
    ("iso8859_2", "central"),
    ("iso8859_15", "west"),
    ("cp1254", "tr"),
    ("mac_roman", "west"),
    ("cp850", "west"),
    ("cp852", "central"),
    ("cp1251", "ru"),
    ("koi8_u", "ru"),
    ("cp866", "ru"),
    ("iso8859_5", "ru"),
    ("mac_cyrillic", "ru"),
    ("cp1253", "el"),
    ("iso8859_7", "el"),
    ("cp1255", "he"),
    ("cp1256", "ar"),
    ("iso8859_6", "ar"),
    ("cp874", "th"),
    ("cp932", "ja"),
    ("euc_jp", "ja"),
    ("gb18030", "zh"),
    ("big5hkscs", "zh"),
    ("cp949", "ko"),
    *((f"utf_16_{order}", language) for order in ("le", "be") for language in ("zh", "ja", "ko")),
)
_CENTRAL: Final = frozenset({"pl", "cs", "hu", "ro"})
_NAMES: Final = {
    "cp1252": "windows-1252",
    "cp1250": "windows-1250",
    "cp1251": "windows-1251",
    "cp1253": "windows-1253",
    "cp1254": "windows-1254",
    "cp1255": "windows-1255",
    "cp1256": "windows-1256",
    "cp932": "Shift_JIS",
    "cp949": "EUC-KR",
    "big5hkscs": "Big5",
    "euc_jp": "EUC-JP",
    "koi8_u": "KOI8",
    "gb18030": "GB18030",
    "mac_roman": "Macintosh",
}


@dataclass(frozen=True)
class Decoded:
    """A text, and the encoding that it was in; `found`: that it was not declared and is not UTF-8."""

    text: str
    encoding: str
    found: bool = False


def decoded(raw: bytes, where: str, *, declared: str = "") -> Decoded:
    """The text in `raw`, without a byte order mark. `declared` is what the file says of itself.

    Raises InputFileError if it is no text, or in no encoding that can be told.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return Decoded(_strictly(raw[len(mark) :], encoding, where), encoding)
    kind = next((what for start, what in _KINDS if raw.startswith(start)), "")
    if kind:
        raise InputFileError(
            f"{where}: this is no text but {kind}.", "Give it the suffix of its kind, or take it out."
        )
    if b"\0" in raw:
        return Decoded(*_of_wide_characters(raw, where), found=True)
    try:
        text = raw.decode("utf-8")
        if "\x1b" not in text:
            return Decoded(text, "utf-8")
    except UnicodeDecodeError as error:
        _refuse_broken_utf8(raw, error, where)
    if declared and (text := _decoded(raw, declared)) is not None:
        return Decoded(text, declared)
    encoding = _encoding_of(raw)
    text = None if encoding is None else _decoded(raw, encoding)
    if encoding is None or text is None:
        raise InputFileError(
            f"{where}: the file is not UTF-8, and no other encoding that is known fits it.",
            "Save it as UTF-8.",
        )
    return Decoded(text, _NAMES.get(encoding, encoding.replace("_", "-")), found=encoding != "utf-8")


def _strictly(raw: bytes, encoding: str, where: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputFileError(
            f"{where}: the file says that it is {encoding.upper()}, and is broken at byte {error.start}.",
            "Save it as UTF-8.",
        ) from error


def _of_wide_characters(raw: bytes, where: str) -> tuple[str, str]:
    """UTF-16 or UTF-32 without a mark: the zeros stand in every second or fourth place of plain letters."""
    for encoding in _WIDE:
        width = 2 if "16" in encoding else 4
        last = len(raw) - len(raw) % width
        text = _decoded(raw[:last], encoding) if last == len(raw) else None
        if not text or "\0" in text:
            continue
        is_plain = sum(c < "\u3000" for c in text) > 0.7 * len(text)
        if is_plain or max(_likeness(text, language) for language in ("zh", "ja", "ko")) >= _SURE:
            return text, encoding
    raise InputFileError(
        f"{where}: this is no text: it holds the byte 0x00, first at offset {raw.index(0)}.",
        "Give a text, or the suffix that the file's kind has.",
    )


def _refuse_broken_utf8(raw: bytes, error: UnicodeDecodeError, where: str) -> None:
    """What is UTF-8 but for a few bytes is not read as something else: every other letter would be wrong."""
    n_high = len(_HIGH.findall(raw))
    within = sum(len(match) for match in _SEQUENCE.findall(raw))
    if within > _BROKEN_UTF8 * n_high:
        line = 1 + raw.count(b"\n", 0, error.start)
        raise InputFileError(
            f"{where}: the file is UTF-8, but not at byte 0x{raw[error.start]:02x} at offset {error.start} "
            f"(line {line}).",
            "Correct it there, and save it as UTF-8.",
        )


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _encoding_of(raw: bytes) -> str | None:
    """The encoding in which a text looks most like a language; None if it does in none."""
    part = raw[:_LOOKED_AT]
    while part is not raw and len(part) > _LOOKED_AT - 4 and part[-1] > 0x7F:
        part = part[:-1]  # not in the middle of a character
    best, most = None, 0.0
    for encoding, languages in _CANDIDATES:
        text = _decoded(part, encoding)
        if text is None or any((c < " " and c not in "\t\n\r\f\v") or "\x7f" <= c <= "\x9f" for c in text):
            continue
        likeness = _likeness(text, languages)
        if likeness > most + 1e-9:
            best, most = encoding, likeness
    if most >= _SURE:
        return best
    from charset_normalizer import from_bytes

    match = from_bytes(part).best()
    if match is None or match.chaos > _CHAOS:
        return None
    is_sure = match.coherence >= _COHERENCE or match.encoding.startswith("iso2022")
    return match.encoding if is_sure else None


def _likeness(text: str, languages: str) -> float:
    """How much of what is not ASCII in a text belongs to the languages, from 0 to 1."""
    high = [c for c in text if c > "\x7f" and c not in _SIGNS]
    if not high:
        return 0.95 if languages == "west" else 0.0  # signs alone: quotes, dashes, degrees
    if languages in ("west", "central", "tr"):
        return _latin_likeness(text, high, languages)
    if languages in _FREQUENT:
        span, frequent = _FREQUENT[languages]
        own = re.findall(f"[{span}]", text)
        told = sum(c.lower() in frequent for c in own)
        # a capital behind a small letter is the mark of a wrong encoding; of Russian about 0.85 are frequent
        wrong = sum(a.islower() and b.isupper() for a, b in pairwise(text))
        fit = max(0, len(own) - 2 * wrong) / len(high)
        capitals = 2 * sum(c.isupper() for c in own) > len(own)
        return fit * min(1.0, told / max(1, len(own)) / 0.8) * (0.8 if capitals else 1.0)
    kana, han = len(_KANA.findall(text)), _HAN.findall(text)
    hangul, signs = len(_HANGUL.findall(text)), len(_WIDE_SIGNS.findall(text))
    n_high = max(1, len(high))
    common = sum(c in _COMMON_HAN for c in han) / max(1, len(han))
    if languages == "ko":
        return (hangul + 0.5 * signs) / n_high
    if languages == "ja":
        return (kana + len(han) + signs) / n_high if kana > 0.2 * n_high else 0.0
    return (len(han) + signs) / n_high * min(1.0, 0.5 + 2 * common) if not kana else 0.0


def _latin_likeness(text: str, high: list[str], languages: str) -> float:
    language = language_of(text)
    if (language in _CENTRAL) != (languages == "central") or (language == "tr") != (languages == "tr"):
        return 0.0
    alphabet = _ALPHABETS.get(language, _WEST)
    within = sum(c.lower() in alphabet or c in alphabet for c in high)
    # a capital in the middle of a word is the mark of a wrong encoding, and so are words of accents
    inner = len(re.findall(r"(?<=[a-zà-ÿ])[À-ÖØ-Þ](?=[a-zà-ÿ])", text))
    told = within + 0.5 * (len(high) - within) * (language == "en") - inner
    accents = len(high) / max(1, sum(map(str.isalpha, text)))
    return max(0.0, told / len(high)) * (0.5 if accents > _ACCENTS else 1.0)
