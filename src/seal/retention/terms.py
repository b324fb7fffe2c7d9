"""A text as the terms that a search compares: word stems, exact numbers, pairs of letters where no spaces
are.

Knows how words of several languages are spelt and which say nothing. Knows nothing about documents, questions
or how often a term occurs.
"""

from __future__ import annotations

import re
from functools import lru_cache

from seal.retention.spelling import STOP, bare, is_uncased
from seal.signs import MARKS, UNSPACED, folded, in_one_form, simplified

_TOKEN = re.compile(
    rf"\d+(?:[.,]\d+)*(?![^\W_])|[{UNSPACED}][{UNSPACED}{MARKS}]*"
    rf"|[^\W_{UNSPACED}](?:[^\W_{UNSPACED}]|[{MARKS}]|'(?=[^\W_{UNSPACED}]))*(?:\+{{1,2}}(?![\w+])|\#(?![\w#]))?"
    r"|%|[$€£¥](?=\d)"
)
_IS_WIDE = re.compile(f"[{UNSPACED}]")
_THOUSANDS = re.compile(r"[.,](?=\d{3}(?!\d))")
_ORDINAL = re.compile(r"(?<!\d)(\d++)(?:st|nd|rd|th)")
_POSSESSIVE = re.compile(r"'s?$")
# Function words and question words. English ones are the router's; a few that only a search must leave out.
_ENGLISH = (
    "also am because both each did done during else had just more most no nor not off only other out over "
    "own same since so such too under until up very was way were while i'm it's don't"
)
_GERMAN = (
    "aber alle als am an auch auf aus bei bin bis bist da damit dann das dass dem den der des die dies diese "
    "diesem diesen dieser dieses doch du durch ein eine einem einen einer eines er es etwa fur gegen hat "
    "habe haben hatte hatten ich ihr ihre ihrem ihren ihrer im in ist ja jede jeder jedes kann kein keine "
    "konnen man mehr mein meine mit muss mussen nach nicht noch nur ob oder ohne sehr sein seine seinem "
    "seinen seiner seit sich sie sind so soll sollen sowie uber um und uns unser unter viel viele vielen vom "
    "von vor wann war waren warum was weil welche welchem welchen welcher welches wem wen wenn wer werden "
    "wessen wie wieviel wieviele wird wo wofur woher wohin womit worden wurde wurden zu zum zur zwischen"
)
_FRENCH_SPANISH = (
    "au aux avec ce ces cette combien comment dans de des du elle en est et il ils je la le les leur leurs "
    "nous ou par pas plus pour pourquoi quand que quel quelle quelles quels qui quoi sa se ses son sont sur "
    "un une vous al como con cual cuales cuando cuanto cuanta cuantos cuantas del donde el ella es esta "
    "este los las lo mas para por porque quien quienes sin son su sus una y"
)
SILENT = STOP | frozenset(f"{_ENGLISH} {_GERMAN} {_FRENCH_SPANISH}".split())
"""Words that say nothing about what a text is about."""
# Longest first: what is left between them is what is asked.
_WIDE_SILENT = re.compile(
    "为什么|為什麼|什么时候|什麼時候|是什么|是什麼|有多少|多少|哪一年|哪里|哪裡|哪个|哪個|哪些|什么|什麼|怎么|怎麼|怎样|如何|"
    "何时|几个|是谁|以及|或者|因为|所以|可以|我们|他们|[的了是吗呢吧和与及在有被把于对从到将会就也都而其之以为由向个這这那哪谁几何]|"
    "です|ます|ました|でした|ですか|いつ|どこ|なに|なぜ|だれ|[はがをにでとのもへや]"
)


def terms_in(text: str) -> list[str]:
    """The terms of a text in order, each as often as it occurs; words that say nothing are left out."""
    found: list[str] = []
    for token in _TOKEN.findall(simplified(in_one_form(text))):
        found += _terms_of_token(token)
    return found


def words_by_term(text: str) -> dict[str, str]:
    """The terms of a text in order, each with the word that it was cut from."""
    return {
        term: term if _IS_WIDE.match(token) else token
        for token in reversed(_TOKEN.findall(simplified(in_one_form(text))))
        for term in reversed(_terms_of_token(token))
    }


@lru_cache(maxsize=200_000)
def _terms_of_token(token: str) -> tuple[str, ...]:
    if token[0].isdigit():
        if token[-1].isdigit():
            return (_THOUSANDS.sub("", token).replace(",", "."),)
        if ordinal := _ORDINAL.fullmatch(token.lower()):
            return (ordinal[1],)
    if _IS_WIDE.match(token):
        return tuple(pair for run in _WIDE_SILENT.split(token) for pair in _pairs(run))
    word = _POSSESSIVE.sub("", folded(token))
    if word and is_uncased(word):
        return () if word in SILENT else (bare(word),)
    return () if not word or word in SILENT else (stem(word),)


def _pairs(run: str) -> list[str]:
    return [*run, *(run[i : i + 2] for i in range(len(run) - 1))]


def stem(word: str) -> str:
    """The word without its commonest endings, those of English first; a few of them are German ones too.

    Light on purpose: what a heavier stemmer merges wrongly is lost, and what this one keeps apart is found by
    the letters that words share.
    """
    if len(word) < 4 or any(letter.isdigit() for letter in word):
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if (
            word.endswith(ending)
            and len(word) - len(ending) >= 3
            and re.search("[aeiouy]", word[: -len(ending)])
        ):
            word = word[: -len(ending)]
            if word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word
