"""Whether a line denies what its source says, or says what its source denies.

Knows the words of negation in several languages, and set phrases that deny nothing. Compares a line with the
one clause that it has most words in common with. Knows nothing of what is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from seal.self_edits.name_words import WIDE_FUNCTION

__all__ = ["DENIED", "denial_between"]

DENIED: Final = "it denies what the source says, or says what the source denies"

_NEGATION: Final = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|nowhere|neither|nor|cannot|without|\w+n't"
    r"|nicht|kein\w{0,2}|nie|niemals|ohne|weder|niemand|nichts"
    r"|pas|jamais|aucune?|sans|n'[^\W\d_]+|nunca|jamás|ningún|ninguna?|sin|tampoco|nadie"
    r"|non|senza|mai|não|nem|sem|не|нет|никогда|без|ни|niet|geen|nooit|zonder)\b"
    r"|(?:^|\s)(?:नहीं|ना|मत|बिना|لا|لم|لن|ليس|ليست|غير|بدون|دون)(?=\s|$|[।.,?!])"
    r"|不|没有|沒有|未|无法|無法|并非|ない|ません|なかった",
    re.I,
)
# "no" alone is a number's word in "No. 7", and nothing is denied in these
_NO_NEGATION: Final = re.compile(
    r"\b(?:not (?:only|just|merely|least|always|necessarily|entirely|surprisingly|unexpectedly)"
    r"|no (?:doubt|wonder|less|fewer|sooner|later)(?: than)?"
    r"|no\. ?\d+|nicht (?:nur|zuletzt)|non seulement"
    r"|pas seulement|no s[oó]lo|no solamente|why not|whether or not)\b"
    r"|不仅|不但|不只|不过|不同|不断|不少|不久|不列颠|不得不|未来",
    re.I,
)
# Words that may stand for a negation in other words.
_SOFT: Final = re.compile(
    r"\b(?:fail\w*|lack\w*|refus\w*|den(?:y|ie[sd]|ying|ial)|reject\w*|absen\w+|unable|prevent\w*|stop\w*|ceas\w+|hardly|"
    r"rare(?:ly)?|barely|few|little|unlike|avoid\w*|except\w*|declin\w+|forb\w+|ban\w{0,4}|prohibit\w*|oppos\w+|los[et]\w*|"
    r"unknown|impossible|unwilling|uncertain|unclear|free|instead|rather|only|exclud\w+|end(?:ed|s)?|remov\w+|miss\w*|"
    r"cancel\w*|clos\w+|un\w{4,}|in(?:valid|complete|eligible|dependent\w*|correct)|dis\w{4,}|less|too|"
    r"verb\w+|fehl\w*|abgelehnt|un\w{4,}|nur|interdit\w*|seulement|manqu\w+|s[oó]lo|prohib\w+|falt\w+)\b"
    r"|禁止|拒绝|缺|失败|仅|只|闭|閉|停|休|أقل|फेल|मना",
    re.I,
)
_CLAUSE_END: Final = re.compile(
    r"(?<![.!?;:])[.!?;:]++(?=\s|$)|[。！？；।؟…]|,\s|[,;!?](?=[\u3040-\u30ff\u3400-\u9fff])|，|、|\s-\s|\s(?:but|and|although|though|while|whereas|because|"
    r"so that|aber|und|obwohl|sondern|weil|mais|et|pero|y|sino|और|लेकिन)\s|但|而",
    re.I,
)
_SENTENCE_END: Final = re.compile(
    r"(?<![.!?])[.!?]++(?=\s|$)|[。！？；।؟]|[;!?](?=[\u3040-\u30ff\u3400-\u9fff])"
)
_WORD: Final = re.compile("[^\\W\\d_][\\w\u0900-\u0963]*|\\d+")
_WIDE: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_MINOR: Final = frozenset(
    "the and for was were are has had that this with from its his her their der die das den dem und ist war "
    "mit les des "
    "est une pour que los las del por con".split()
)
_MOST_OF_IT: Final = 0.7
_MOST_OF_WIDE: Final = 0.6  # where one new character makes two new pairs
_ALL_BUT_ALL: Final = 0.5


def denial_between(parts: Sequence[str], source: str) -> str:
    """The reason if the line, a statement or a question and its answer, and the clause of the source that is
    nearest to it differ in whether they deny; empty if not."""
    line = ". ".join(parts)
    words = _stems(line)
    if len(words) < 2 or (len(parts) == 1 and line.rstrip().endswith("?")):
        return ""
    denies = _denies(line)
    best, clauses = 0.0, []
    for text, stems in _clauses(source):
        share = len(words & stems) / len(words)
        if share > best + 1e-9:
            best, clauses = share, [text]
        elif best and abs(share - best) <= 1e-9:
            clauses.append(text)
    if not clauses:
        return ""
    if denies:
        sentences = [
            text for text, stems in _sentences(source) if len(words & stems) >= 0.5 * len(words)
        ] + clauses
        # what it denies is said somewhere, and nothing near it denies anything
        if best >= _ALL_BUT_ALL and not any(_denies(text) or _SOFT.search(text) for text in sentences):
            return DENIED
        return ""
    most = _MOST_OF_WIDE if _WIDE.search(line) else _MOST_OF_IT
    if best >= most and not _SOFT.search(line) and all(_denies(text) for text in clauses):
        return DENIED
    return ""


def _denies(text: str) -> bool:
    return _NEGATION.search(_NO_NEGATION.sub(" ", text)) is not None


@lru_cache(maxsize=64)
def _clauses(source: str) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple((text, _stems(text)) for text in _pieces(source, _CLAUSE_END) if text.strip())


@lru_cache(maxsize=64)
def _sentences(source: str) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple((text, _stems(text)) for text in _pieces(source, _SENTENCE_END) if text.strip())


def _pieces(source: str, ends: re.Pattern[str]) -> Iterable[str]:
    at = 0
    for match in ends.finditer(source):
        yield source[at : match.start()]
        at = match.end()
    yield source[at:]


def _stems(text: str) -> frozenset[str]:
    """The words of a text by their first letters; of scripts without spaces, pairs of characters."""
    text = _NEGATION.sub(" ", text).casefold()
    stems: set[str] = set()
    for word in _WORD.findall(text):
        if _WIDE.match(word):
            pairs = {word[at : at + 2] for at in range(len(word) - 1)}
            stems |= {pair for pair in pairs if WIDE_FUNCTION.isdisjoint(pair)} or pairs
        elif len(word) > 2 and word not in _MINOR:
            stems.add(word[:5])
    return frozenset(stems)
