"""Whether two answers to one question say the same, and whether a text states an answer.

Strict where one sign makes another answer: numbers, units, dates, names, negations. Lenient where it does
not: order, inflection, function words, words that the question has already. Texts without spaces between
words are compared by their characters. Knows no synonyms and no facts: what is said in other words is another
answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from seal.grading import tongues
from seal.grading.refusals import is_refusal
from seal.grading.said import Said, ToldWord, read_all
from seal.grading.stated_amounts import StatedAmount, is_year, same_amount
from seal.text import sentences

LEAST_WORDS: Final = 0.6
"""Least share of an answer's telling words that the other must have."""


def same_answer(question: str, one: str, other: str) -> bool:
    """Whether two answers to the question say the same. Symmetric.

    The shorter may be contained in the longer: a name in a sentence, a year in a date. Two refusals agree
    with each other and with nothing else.
    """
    declined = is_refusal(one), is_refusal(other)
    if any(declined):
        return all(declined)
    first, second, asked = read_all(question, one, other)
    if first.verdict or second.verdict:
        settled = _verdicts(question, first, second)
        if settled is not None:
            return settled
    first, second = _unasked(first, second, asked)
    short, long = sorted((first, second), key=lambda said: (said.size, [piece.raw for piece in said.pieces]))
    return _covers(short, long, asked, least=LEAST_WORDS)


def contains_answer(text: str, answer: str) -> bool:
    """Whether one sentence of the text states the answer: all its numbers and names, nearly all its words.

    A yes or no, and a refusal, is stated by no text: that depends on the question.
    """
    if is_refusal(answer):
        return False
    for sentence in sentences(text) or [text]:
        said, stated, nothing = read_all("", sentence, answer)
        if stated.size and _covers(stated, said, nothing, least=0.8):
            return True
    return False


def _verdicts(question: str, first: Said, second: Said) -> bool | None:
    """Whether two answers agree of which one at least says yes or no; None if their other words decide."""
    if first.verdict and second.verdict:
        if first.verdict != second.verdict:
            return False
        return True if first.bare or second.bare else None
    said, statement = (first, second) if first.verdict else (second, first)
    if not said.bare:
        return None
    asks = question.split()[0].casefold().strip("¿") in tongues.YES_NO_STARTS if question.split() else False
    asks = (
        asks
        or question.rstrip("?？ ").endswith(("吗", "嗎", "か", "까", "나요"))
        or question.startswith(("هل", "क्या"))
    )
    return asks and bool(statement.size) and (said.verdict < 0) == statement.denies


def _unasked(first: Said, second: Said, asked: Said) -> tuple[Said, Said]:
    """Both answers without what the question says already, unless nothing would be left of one."""
    a, b = _without(first, asked), _without(second, asked)
    return (a, b) if a.size and b.size else (first, second)


def _without(said: Said, asked: Said) -> Said:
    words = tuple(word for word in said.words if not any(same_form(word, other) for other in asked.words))
    kept = [
        (amount, denied)
        for amount, denied in zip(said.amounts, said.denied_amounts, strict=True)
        if not any(same_amount(amount, other) and amount.unit == other.unit for other in asked.amounts)
    ]
    pairs = {asked.chars[i : i + 2] for i in range(len(asked.chars) - 1)}
    covered = [False] * (len(said.chars) + 1)
    for i in range(len(said.chars) - 1):
        if said.chars[i : i + 2] in pairs:
            covered[i] = covered[i + 1] = True
    chars = "".join(char for char, known in zip(said.chars, covered, strict=False) if not known)
    return Said(
        said.pieces,
        tuple(amount for amount, _ in kept),
        tuple(denied for _, denied in kept),
        words,
        chars,
        said.denies,
        said.verdict,
    )


def _covers(short: Said, long: Said, asked: Said, *, least: float) -> bool:
    """Whether `long` says all that `short` says, and nothing against it."""
    if not short.size:
        return _signs(short) == _signs(long) if not long.size else False
    return _spaced_agree(short, long, least) and _chars_agree(short, long, least)


def _signs(said: Said) -> str:
    return "".join(piece.raw for piece in said.pieces).casefold()


def _spaced_agree(short: Said, long: Said, least: float) -> bool:
    """Whether all amounts and enough words of `short` are in `long`, none of them denied or replaced."""
    ours, theirs = _items(short), _items(long)
    matched: dict[int, int] = {}
    for i, (item, denied) in enumerate(ours):
        forms = [j for j, (other, _) in enumerate(theirs) if _same_item(item, other)]
        agreeing = [j for j in forms if theirs[j][1] == denied]
        if not agreeing and (forms or isinstance(item, StatedAmount)):
            return False
        if agreeing:
            after = matched.get(i - 1, -2) + 1
            matched[i] = after if after in agreeing else agreeing[0]
    used = set(matched.values())
    if any(_half_a_range(i, j, ours, theirs, matched) for i, j in matched.items()):
        return False
    if any(_renamed(j, theirs, used) for j in used) or _only_belongs(ours, theirs, matched, used, long):
        return False
    if any(_replaced(i, ours, theirs, matched, used) for i in range(len(ours)) if i not in matched):
        return False
    missing = [item for i, (item, _) in enumerate(ours) if i not in matched and isinstance(item, ToldWord)]
    spare = [item for j, (item, _) in enumerate(theirs) if j not in used and isinstance(item, ToldWord)]
    if any(_opposite(word, other) for word in missing for other in spare):
        return False
    counted = [theirs[j][0] for j in used]
    if any(_alternative(long, other, counted) for other in long.amounts if other not in counted):
        return False
    weight = sum(_weight(item) for item, _ in ours)
    return sum(_weight(ours[i][0]) for i in matched) >= least * weight


def _half_a_range(
    i: int, j: int, ours: list[tuple[_Item, bool]], theirs: list[tuple[_Item, bool]], matched: dict[int, int]
) -> bool:
    """Whether the amount `i` is but one end of "3 to 5 days". One end of a span of time is an answer."""
    one, other = ours[i][0], theirs[j][0]
    if not (isinstance(one, StatedAmount) and isinstance(other, StatedAmount)) or one.ranged == other.ranged:
        return False
    if one.kind != "number" or is_year(one):
        return False
    ends = [k for k, (item, _) in enumerate(theirs) if isinstance(item, StatedAmount) and item.ranged]
    return other.ranged and not all(k in matched.values() for k in ends if abs(k - j) == 1)


_Item = StatedAmount | ToldWord


def _items(said: Said) -> list[tuple[_Item, bool]]:
    """The amounts and words in the order they stand, each with whether it is denied."""
    made: list[tuple[_Item, bool]] = [(word, word.denied) for word in said.words]
    made += zip(said.amounts, said.denied_amounts, strict=True)
    return sorted(made, key=lambda pair: pair[0].at)


def _weight(item: _Item) -> int:
    return 2 if isinstance(item, StatedAmount) else 1


def _same_item(one: _Item, other: _Item) -> bool:
    if isinstance(one, StatedAmount):
        return isinstance(other, StatedAmount) and same_amount(one, other)
    return isinstance(other, ToldWord) and same_form(one, other)


def _replaced(
    i: int,
    ours: list[tuple[_Item, bool]],
    theirs: list[tuple[_Item, bool]],
    matched: dict[int, int],
    used: set[int],
) -> bool:
    """Whether another name, or another thing counted, stands where the missing word `i` should."""
    word = ours[i][0]
    assert isinstance(word, ToldWord)
    for step in (-1, 1):
        beside = matched.get(i + step)
        if beside is None:
            continue
        j = beside - step
        if not 0 <= j < len(theirs) or j in used:
            continue
        other, anchor = theirs[j][0], theirs[beside][0]
        near = abs(_gap(word, ours[i + step][0])) <= 2 and abs(_gap(other, anchor)) <= 2
        if not near or not isinstance(other, ToldWord):
            continue
        if word.name and other.name and not isinstance(anchor, StatedAmount):
            return True
        if step == -1 and isinstance(anchor, StatedAmount) and not word.name and not other.name:
            return True
    return False


def _renamed(j: int, theirs: list[tuple[_Item, bool]], used: set[int]) -> bool:
    """Whether the word before makes another thing of what was matched: "New York", "deputy director"."""
    if j == 0 or j - 1 in used:
        return False
    before, word = theirs[j - 1][0], theirs[j][0]
    if not (isinstance(before, ToldWord) and isinstance(word, ToldWord)) or word.at - before.at > 2:
        return False
    return before.key in _OFFICES or (before.key in _PLACES and before.name and word.name)


_OFFICES: Final = frozenset(
    "vice deputy assistant co ex anti pre post sub semi step pseudo stellvertretender".split()
)
_PLACES: Final = frozenset("new north south east west san santa saint st los las upper lower".split())


def _only_belongs(
    ours: list[tuple[_Item, bool]],
    theirs: list[tuple[_Item, bool]],
    matched: dict[int, int],
    used: set[int],
    long: Said,
) -> bool:
    """Whether what was matched only says whose or of what: "Harrow" in "Harrow's brother", "Greece" in "King
    Otto of Greece"."""
    if not used or any(isinstance(item, StatedAmount) for item, _ in ours):
        return False
    first, last = theirs[min(used)][0], theirs[max(used)][0]
    if isinstance(last, ToldWord) and last.owner and max(used) + 1 < len(theirs):
        mine = ours[max(matched)][0]
        if isinstance(mine, ToldWord) and not mine.owner and _gap(last, theirs[max(used) + 1][0]) <= 1:
            return True
    if min(used) == 0 or not isinstance(first, ToldWord) or min(matched) > 0 or len(theirs) > _PHRASE:
        return False
    head = theirs[min(used) - 1][0]
    between = [piece.key for piece in long.pieces[head.at + 1 : first.at]]
    return (
        isinstance(head, ToldWord)
        and bool(between)
        and between[0] in _OF
        and len(between) <= 2
        and head.key not in _LIGHT
    )


_PHRASE: Final = 4
"""An answer of more telling words than these is a sentence rather than a phrase."""
_OF: Final = frozenset("of de von du des vom di del della van".split())
_LIGHT: Final = frozenset(
    "city town village state county province region island kingdom republic country river lake group "
    "number type kind "
    "sort form name body amount sum total year month end beginning start use presence variety series set "
    "pair stadt".split()
)


def _gap(one: _Item, other: _Item) -> int:
    first, second = sorted((one, other), key=lambda item: item.at)
    return second.at - (first.stop if isinstance(first, StatedAmount) else first.at + 1) + 1


_LISTING: Final = (["or"], ["oder"], ["ou"], ["o"], ["and"], ["und"], [","], ["/"], [",", "or"], [",", "and"])


def _alternative(said: Said, amount: StatedAmount, counted: Sequence[_Item]) -> bool:
    """Whether an amount stands beside one that was matched, as another candidate: "7 or 9 days"."""
    for other in counted:
        if (
            not isinstance(other, StatedAmount)
            or amount.ranged
            or amount.kind != other.kind
            or amount.unit != other.unit
        ):
            continue
        if amount.kind == "number" and not amount.unit and is_year(amount) != is_year(other):
            continue
        first, second = sorted((amount, other), key=lambda each: each.at)
        if [piece.key for piece in said.pieces[first.stop : second.at]] in _LISTING:
            return True
    return False


def _opposite(one: ToldWord, other: ToldWord) -> bool:
    sides, others = tongues.OPPOSITES.get(one.key, frozenset()), tongues.OPPOSITES.get(other.key, frozenset())
    rows = {row for row, _ in sides} & {row for row, _ in others}
    return bool(rows) and not sides & others


def _chars_agree(short: Said, long: Said, least: float) -> bool:
    if not short.chars or short.chars in long.chars:
        return _cjk_denials(short) == _cjk_denials(long) if short.chars else True
    if len(short.chars) < 2:
        return False
    pairs = {short.chars[i : i + 2] for i in range(len(short.chars) - 1)}
    present = sum(pair in long.chars for pair in pairs)
    return present >= max(least, 0.6) * len(pairs) and _cjk_denials(short) == _cjk_denials(long)


def _cjk_denials(said: Said) -> bool:
    text = "".join(piece.raw for piece in said.pieces)
    return any(mark in text for mark in tongues.CJK_NEGATIONS)


_NAME_ENDS: Final = frozenset({"", "s", "es", "n", "an", "ian", "ans", "ians", "ish", "ese", "ic", "ns"})
_ENDS_THAT_NAME: Final = frozenset({"a", "e", "y", "o", "i"})


def same_form(one: ToldWord, other: ToldWord) -> bool:
    """Whether two words are forms of one stem. Names are held to more: "Martin" is not "Martina"."""
    if one.key == other.key:
        return True
    if one.key[:3] != other.key[:3]:
        return False
    return _same_form(one.key, other.key, one.name and other.name)


@lru_cache(maxsize=1 << 16)
def _same_form(one: str, other: str, names: bool) -> bool:
    if not (one.isalpha() or not one.isascii()) or not (other.isalpha() or not other.isascii()):
        return False
    short, long = sorted((one, other), key=len)
    prefix = next((i for i, char in enumerate(short) if char != long[i]), len(short))
    ends = short[prefix:], long[prefix:]
    if prefix < 3:
        return False
    if prefix == len(short) and ends[1] in ("s", "es"):
        return True
    if names:
        return prefix >= 4 and ends[0] in _NAME_ENDS | _ENDS_THAT_NAME and ends[1] in _NAME_ENDS
    if prefix == len(short) == 3:
        return ends[1] in ("e", "en", "n", "er", "ed", "d", "ing")
    if prefix >= 3 and ends in (("y", "ies"), ("y", "ied"), ("f", "ves")):
        return True
    return prefix >= 4 and prefix >= 0.75 * len(short) and prefix >= 0.55 * len(long)
