"""Whether every name of a line stands in its source, and every word in scripts that show no names.

Knows the look of names: capitals, digits, symbols; Chinese surnames; katakana. Tables: name_words.py.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from seal.grading import number_words, tongues
from seal.self_edits.name_words import (
    ASKED_AFTER,
    COMMON_NOUNS,
    FUNCTION_WORDS,
    PEOPLES,
    STARTERS,
    WIDE_FUNCTION,
    WIDE_KINDS,
    WIDE_QUESTION,
)
from seal.self_edits.quantities import guess_language
from seal.self_edits.source_facts import (
    WIDE_RUN,
    NameToken,
    SourceFacts,
    forms_of,
    letters_of,
    squeezed,
    tokens_of,
)
from seal.self_edits.wide_words import without_common_words, without_units

__all__ = ["against_names", "against_words"]

NO_NAME: Final = "a name in it is not in the source"
NOT_ONE_NAME: Final = "the words of a name in it do not stand together in the source"
NO_WORD: Final = "a word in it is not in the source"

_WITHOUT_CAPITALS: Final = (
    "ARABIC",
    "BENGALI",
    "DEVANAGARI",
    "GUJARATI",
    "HANGUL",
    "HEBREW",
    "TAMIL",
    "TELUGU",
)
_KATAKANA: Final = re.compile("[\u30a1-\u30fa\u30fc]{2,}")
_ENDINGS: Final = ("s", "es", "n", "an", "ian", "ese", "ish", "ic", "i")
_APART: Final = 3  # words of one name stand at most so far from one another
_ANSWER_WORDS: Final = 6
_WIDE_SHARE: Final = 0.6  # of the pairs of characters that must stand in the source
_WIDE_CHARS: Final = 0.8  # or of the characters, in another order
_FEWEST: Final = 3


def against_names(part: str, source: SourceFacts, *, is_question: bool, is_answer: bool) -> str:
    """The reason if a name of the part does not stand in the source, or its words not together."""
    tokens = list(tokens_of(part))
    words = {token.folded for token in tokens}
    language = guess_language(words) if len(tokens) > 4 else source.language
    nouns_have_capitals = language == "de"
    short = is_answer and len(tokens) <= _ANSWER_WORDS
    run: list[NameToken] = []
    for at, token in enumerate(tokens):
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if _is_unit(tokens, at) or not _is_name(token, following, source, short=short):
            run = []
            continue
        if nouns_have_capitals and is_question and _is_asked_noun(tokens, at):
            continue
        if not _has(token.folded, source, is_german=nouns_have_capitals):
            return NO_NAME
        run = [*run, token] if run and token.follows else [token]
        if not nouns_have_capitals and not _stands_together(run, source):
            return NOT_ONE_NAME
    return "" if _has_letters(part, source) else NO_NAME


def _is_unit(tokens: list[NameToken], at: int) -> bool:
    """Whether a word is a scale ("Mio."), behind a number a unit ("Meter") or the country of a currency
    ("Canadian dollars"), or before one the code of a currency: read with the number."""
    key = tokens[at].folded
    if key in number_words.MULTIPLIERS:
        return True
    before = tokens[at - 1].folded if at else ""
    after = tokens[at + 1].folded if at + 1 < len(tokens) else ""
    if key in tongues.BEFORE_AMOUNT and after[:1].isdigit():
        return True
    noun = tongues.UNITS.get(after)
    if noun and (key, noun[0]) in tongues.OF_COUNTRIES:
        return True
    if (after, "dollar") in tongues.OF_COUNTRIES and key in ("hong", "new"):
        return True
    return key in tongues.UNITS and (before[:1].isdigit() or before in number_words.MULTIPLIERS)


def _has_letters(part: str, source: SourceFacts) -> bool:
    """Whether the letters that stand alone in a part stand in the source too, none with another sign
    there."""
    return all(
        letter in source.letters
        or (
            len(letter) == 1
            and letter.lower() in source.words
            and not any(o[0] == letter for o in source.letters)
        )
        for letter in letters_of(part)
    )


def _is_name(token: NameToken, following: NameToken | None, source: SourceFacts, *, short: bool) -> bool:
    """Whether a word has to stand in the source as it is written: a name, a symbol, a word with digits."""
    text, folded = token.text, token.folded
    letters = "".join(char for char in text if char.upper() != char.lower())
    if not letters or folded in ("i", "us$", "e.g", "i.e", "z.b", "d.h", "a.m", "p.m", "q", "a"):
        return False
    if _is_measure(text):
        return False
    if any(map(str.isdigit, text)) or not text[-1].isalnum() or text[0] == "." or "." in text[1:-1]:
        return True
    if any(map(str.isupper, letters[1:])):
        return True
    if not text[0].isupper():
        return False
    if folded in FUNCTION_WORDS or folded in COMMON_NOUNS or (token.begins and folded in _NUMBER_WORDS):
        return False
    if not token.begins:
        return True
    if folded in STARTERS or folded.endswith(("ly", "ing")):
        return False
    if short or following is None:
        return True
    follows = following.text
    if follows[0].isupper() and following.follows:
        return True
    # "Berta lives", "Greece was": a subject without an article is a name, unless it is in the plural
    is_verb = follows in _AUXILIARIES or (follows.endswith(("ed", "s")) and not follows.endswith("ss"))
    is_common = folded.endswith(("s", "ion", "ment", "ness", "ity", "ism", *_OF_ADJECTIVES))
    return is_verb and not is_common and following.follows


_NUMBER_WORDS: Final = frozenset(number_words.NUMBER_WORDS) | number_words.NUMBER_WORDS_DE.keys()
_OF_ADJECTIVES: Final = ("al", "ive", "ous", "ful", "ic", "ble", "ent", "ary", "ult")
_OF_PEOPLES: Final = ("ish", "ese", "ian", "ean", "can")
_AUXILIARIES: Final = frozenset(
    "is was has had does did will can could would may might must ist war hat wurde wird est "
    "était a fut es era "
    "fue ha became wrote won built made led".split()
)


def _is_measure(text: str) -> bool:
    """Whether a word is a number with its unit or ending ("5mg", "3rd", "1990s", "2pm")."""
    return re.fullmatch(r"(?<![\d.,])[\d.,]++(?:[^\W\d_]{1,3}|millionen?)", text) is not None


def _is_asked_noun(tokens: list[NameToken], at: int) -> bool:
    """ "In welchem Jahr": what a question asks for need not stand in the source."""
    return any(token.folded.startswith(ASKED_AFTER) for token in tokens[max(0, at - 2) : at])


def _has(folded: str, source: SourceFacts, *, is_german: bool) -> bool:
    """Whether a word of a name stands in the source, as it is or inflected."""
    if any(form in source.words for form in forms_of(folded)):
        return True
    if month := tongues.MONTHS.get(folded):
        return any(one.kind == "date" and one.value[1] == month for one in source.measures.amounts)
    if any(form.upper() in source.initials for form in forms_of(folded)):
        return True
    if any(map(str.isdigit, folded)) or not folded[-1].isalnum():
        return False
    if any(one in source.words for one in PEOPLES.get(folded, ())):
        return True
    if not folded.isascii() and not is_german and not unicodedata.name(folded[0], "").startswith("LATIN"):
        return folded[: max(_FEWEST, len(folded) - 3)] in source.stems  # Cyrillic, Greek: cases
    if is_german:
        bare = folded[: max(4, len(folded) - 3)]
        return len(bare) >= 4 and bare in source.stems
    for end in _ENDINGS:
        if folded.endswith(end) and len(folded) - len(end) >= 3 and folded[: -len(end)] in source.words:
            return True
        if folded + end in source.words or (len(folded) >= 5 and folded[:-1] + end in source.words):
            return True
        if folded.endswith(end) and len(folded) - len(end) >= 3:
            bare = folded[: -len(end)]
            if any(bare + vowel in source.words for vowel in "aeoy"):
                return True
    return False


def _stands_together(run: list[NameToken], source: SourceFacts) -> bool:
    """Whether the last two words of a name stand near one another in the source. A word that the source has
    without a capital too ("the president") may stand anywhere, and so may that of a people."""
    if len(run) < 2:
        return True
    first, second = (
        {at for form in forms_of(one.folded) for at in source.words.get(form, ())} for one in run[-2:]
    )
    if run[-2].folded in PEOPLES or run[-2].folded.endswith(_OF_PEOPLES):
        return True  # "British Prime Minister"
    if not first or not second or run[-1].folded in source.lower or run[-2].folded in source.lower:
        return True
    return any(at + step in second for at in first for step in range(-_APART, _APART + 1) if step)


def against_words(part: str, source: SourceFacts, *, is_question: bool = False) -> str:
    """The reason if a word in a script without capitals does not stand in the source."""
    for match in _KATAKANA.finditer(part):
        if match[0] not in source.text and squeezed(match[0]) not in source.squeezed:
            return NO_NAME
    is_chinese = source.language_of_script == "zh"
    told = without_common_words(without_units(part), source.text) if is_chinese else part
    runs = WIDE_RUN.findall(WIDE_QUESTION.sub(" ", told))
    if reason := _against_runs(runs, source):
        return reason
    if is_chinese and _has_new_character(runs, source):
        return NO_WORD
    known = new = 0
    for token in tokens_of(part):
        name = unicodedata.name(token.text[0], "")
        if name.startswith(_WITHOUT_CAPITALS) and not _is_minor(token.folded, name):
            has = _has_stem(token.folded, source, name)
            known, new = known + has, new + (not has)
    # a question may use a word of its own to say what it asks for
    return NO_WORD if new > (is_question and known >= _KNOWN_ASKED) else ""


def _is_minor(folded: str, script: str) -> bool:
    """Whether a word only joins others or asks, with the particle that is joined to it."""
    if folded in _MINOR:
        return True
    return script.startswith("HANGUL") and any(folded.startswith(one) for one in _HANGUL_ASKED)


_MINOR: Final = FUNCTION_WORDS.union(*(tongues.FUNCTION_WORDS[name] for name in tongues.UNCASED))
_HANGUL_ASKED: Final = ("어디", "누구", "무엇", "언제", "어떻", "얼마", "어느", "어떤", "무슨")
_KNOWN_ASKED: Final = 2
_HANGUL_VERB: Final = re.compile("(?<=.)(?:했|하였|됐)?(?:습니다|입니다|합니다|됩니다|한다|이다|였다|했다)$")
_HANGUL_PARTICLE: Final = re.compile(f"(?<=..)(?:{'|'.join(tongues.KOREAN_PARTICLES)})$")
_HANGUL_VERB_ENDS: Final = "다요고며서지면게"


def _against_runs(runs: list[str], source: SourceFacts) -> str:
    pairs = [run[at : at + 2] for run in runs for at in range(len(run) - 1)]
    counted = [pair for pair in pairs if not set(pair) & WIDE_FUNCTION]
    chars = [char for pair in counted for char in pair]
    known_pairs, known_chars = (sum(one in source.pairs for one in some) for some in (counted, chars))
    if known_pairs < _WIDE_SHARE * len(counted) and known_chars < _WIDE_CHARS * len(chars):
        return NO_WORD
    for run in runs:
        known = [False] * len(run)
        for at in range(len(run) - 1):
            if run[at : at + 2] in source.pairs:
                known[at] = known[at + 1] = True
        if any(_is_exchanged(run, at, source) for at in range(len(run))):
            return NO_NAME
        if any(_is_other_of_its_kind(run, at, source) for at in range(len(run))):
            return NO_WORD
        gap = ""
        for char, is_known in zip(run + "的", [*known, True]):
            if not is_known and char not in WIDE_FUNCTION:
                gap += char
            else:
                is_name = len(gap) >= 2 and (
                    gap[0] in tongues.CHINESE_SURNAMES or gap[-1] in "市県省县县国州路街区岛山河湖"
                )
                if is_name or len(gap) >= 4 or sum(one not in source.pairs for one in gap) >= 2:
                    return NO_WORD
                gap = ""
    return ""


def _has_new_character(runs: list[str], source: SourceFacts) -> bool:
    """Whether a character that says something stands nowhere in the source."""
    return any(char not in source.pairs and char not in WIDE_FUNCTION for run in runs for char in run)


def _is_exchanged(run: str, at: int, source: SourceFacts) -> bool:
    """Whether a character that the source does not have stands where the source goes on with another: the
    last of 陈国强 for 陈国华, the first of 王雪梅 for 李雪梅."""
    if run[at] in source.pairs or run[at] in WIDE_FUNCTION:
        return False
    before, after = run[max(0, at - 2) : at], run[at + 1 : at + 3]
    if (
        len(before) == 2
        and before in source.pairs
        and before[0] in tongues.CHINESE_SURNAMES | set("村田山川本藤井")
    ):
        return True
    return len(after) == 2 and after in source.pairs and run[at] in tongues.CHINESE_SURNAMES


def _is_other_of_its_kind(run: str, at: int, source: SourceFacts) -> bool:
    """Whether the source has another character of a closed kind where a line has this one: 市の文化財 for
    国の文化財."""
    kind = WIDE_KINDS.get(run[at], "")
    before, after = run[max(0, at - 2) : at], run[at + 1 : at + 3]
    for here, there in ((before, ""), ("", after)):
        if not kind or len(here + there) != 2 or f"{here}{run[at]}{there}" in source.squeezed:
            continue
        if any(f"{here}{other}{there}" in source.squeezed for other in kind if other != run[at]):
            return True
    return False


def _has_stem(folded: str, source: SourceFacts, script: str) -> bool:
    letters = "".join(char for char in folded if unicodedata.category(char)[0] in "LM")
    if len(letters) < _FEWEST or letters in FUNCTION_WORDS:
        return True
    if script.startswith("HANGUL"):
        if polite := _HANGUL_VERB.search(letters):
            return letters[: polite.start()][:2] in source.squeezed
        bare = _HANGUL_PARTICLE.sub("", letters)
        return bare[: 2 if letters[-1] in _HANGUL_VERB_ENDS else 3] in source.squeezed
    tried = [letters]
    if script.startswith(("ARABIC", "HEBREW")):
        prefixes = (
            "وال",
            "بال",
            "كال",
            "فال",
            "لل",
            "ال",
            "و",
            "ب",
            "ل",
            "ك",
            "ف",
            "ה",
            "ו",
            "ב",
            "ל",
            "מ",
            "ש",
            "כ",
        )
        tried += [letters.removeprefix(prefix) for prefix in prefixes if letters.startswith(prefix)]
    for word in tried:
        if len(word) >= 2 and word[: max(_FEWEST, round(0.7 * len(word)))] in source.squeezed:
            return True
    return False
