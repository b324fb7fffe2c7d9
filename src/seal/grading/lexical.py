"""Grading by shared words: token F1 and recall as SQuAD measures them, and a grader for answers in sentences.

Knows nothing about meaning: a paraphrase without the gold answer's words is wrong, a denial with them right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from seal.grading.exact import GoldGrader, comparable
from seal.grading.recital import MAX_EXTRA_WORDS, no_answer
from seal.signs import MARKS, folded, in_one_form
from seal.types import Graded, Question

_NUMBER_WORDS: dict[str, str] = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty".split()
    )
}
_FUNCTION_WORDS = frozenset(
    "a an the of to in and or for on at by with from as is was were are be been being it its their his her "
    "they he she that this these those who which what when where how not into than then also had "
    "has have".split()
)
_WORD = re.compile(
    rf"(?:(?<![^\s(])-)?\d+(?:[.,:/^]\d+)*[\w{MARKS}]*|\w[\w{MARKS}]*(?:\+{{1,2}}(?![\w+])|\#(?![\w#]))?"
)
_POSSESSIVE = re.compile(r"'s\b", re.IGNORECASE)


def token_f1(gold: str, answer: str) -> float:
    """F1 of the token multisets after SQuAD v1.1 normalisation, in [0, 1] (arXiv 1606.05250)."""
    shared, n_gold, n_answer = _overlap(gold, answer)
    if not n_gold or not n_answer:
        return float(n_gold == n_answer)
    return 2 * shared / (n_gold + n_answer)


def token_recall(gold: str, answer: str) -> float:
    """Share of the gold answer's tokens found in the answer, after SQuAD v1.1 normalisation, in [0, 1].

    A blank gold answer has recall 1 in a blank answer and 0 in any other.
    """
    shared, n_gold, n_answer = _overlap(gold, answer)
    return shared / n_gold if n_gold else float(not n_answer)


def _overlap(gold: str, answer: str) -> tuple[int, int, int]:
    in_gold, in_answer = Counter(comparable(gold).split()), Counter(comparable(answer).split())
    return (in_gold & in_answer).total(), in_gold.total(), in_answer.total()


def words(text: str) -> list[str]:
    """The words without case, accents, possessive 's and punctuation; small number words as digits.

    Hyphens separate words; a comma inside a number is dropped, and a point, colon or minus kept.
    """
    matches = [match[0] for match in _WORD.finditer(folded(_POSSESSIVE.sub("", in_one_form(text))))]
    return [_NUMBER_WORDS.get(word, word.replace(",", "")) for word in matches]


def _is_number(word: str) -> bool:
    return word.removeprefix("-")[:1].isdigit()


@lru_cache(maxsize=1 << 16)
def same_word(one: str, other: str) -> bool:
    """Whether two words are equal or forms of one stem; numbers must be equal.

    Forms of one stem: the common prefix has at least 4 letters, 80 % of the shorter word and 55 % of the
    longer, as in "yeoman" and "yeomanry".
    """
    if one == other:
        return True
    if _is_number(one) or _is_number(other):
        return False
    shorter, longer = sorted((one, other), key=len)
    prefix = next((i for i, char in enumerate(shorter) if char != longer[i]), len(shorter))
    return prefix >= 4 and prefix >= 0.8 * len(shorter) and prefix >= 0.55 * len(longer)


def content_recall(question: str, gold: str, answer: str, *, number_weight: float = 1.0) -> float:
    """Weighted share of the gold answer's telling words that the answer has, in [0, 1].

    Telling words are those that are neither function words nor in the question already; where none is left,
    the question's words count, and then all. A word counts 1, a number `number_weight`.
    """
    telling = _telling(words(gold), words(question))
    if not telling:
        return token_recall(gold, answer)
    given = set(words(answer))
    weights = {word: number_weight if _is_number(word) else 1.0 for word in telling}
    return sum(w for word, w in weights.items() if _contains(given, word)) / sum(weights.values())


def _telling(gold: Sequence[str], question: Sequence[str]) -> list[str]:
    content = [word for word in gold if word not in _FUNCTION_WORDS] or list(gold)
    asked = set(question)
    return list(dict.fromkeys([word for word in content if not _contains(asked, word)] or content))


def _contains(given: Collection[str], word: str) -> bool:
    return word in given or any(same_word(word, other) for other in given)


class LexicalConfig(BaseModel):
    """The lexical grader's settings.

    An answer is one sentence, or at most `max_extra_words` longer than the gold answer. The defaults were
    chosen on half of the questions of 26,617 answers that Qwen2.5-7B gave to SQuAD questions and GPT-4.1
    graded (SEAL's released runs, arXiv 2506.10943). On the other half (13,169 answers to 358 questions, not
    used for any choice) it agrees with GPT-4.1 on 88.5 % [86.5, 90.3] of such answers, κ 0.76 [0.72, 0.80],
    and calls 40 % right where GPT-4.1 calls 44 %: it misses paraphrases. Of the others, a fifth, GPT-4.1
    calls every second right; they are wrong here, because so is a recital. A passage's first 60 words, where
    they hold the gold answer, are right in 12 % of the cases (99 % without this rule), two sentences of it in
    none (77 %), one sentence in 95 %.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        default=0.6, gt=0, le=1, description="Least recall of the gold answer's telling words, in [0, 1]."
    )
    number_weight: float = Field(
        default=2.0, gt=0, description="A number in the gold answer counts as much as this many words."
    )
    max_answer_words: int = Field(default=64, ge=1, description="Longer answers are wrong.")
    max_extra_words: int = Field(
        default=MAX_EXTRA_WORDS,
        ge=0,
        description="An answer of several sentences may be at most so many words longer than the gold one: "
        "who recites a passage that holds the answer has not answered.",
    )


class Lexical(GoldGrader):
    """Right iff the answer has enough of a gold answer's telling words, and neither recites nor lists.

    The score is the best `content_recall` over the gold answers, 0 for a recital or a list. Words of one stem
    are the same to it ("Russia" and "Russian"), so for made-up names that differ in their ends use `exact`.
    """

    Config = LexicalConfig
    tables: ClassVar[Mapping[str, type[BaseModel]]] = {"grading.lexical": LexicalConfig}
    name: str = "lexical"

    def __init__(self, config: LexicalConfig | None = None) -> None:
        self.config = config or LexicalConfig()

    def one(self, question: Question, accepted: Sequence[str], answer: str) -> Graded:
        n_words = len(answer.split())
        if n_words > self.config.max_answer_words:
            reason = f"{n_words} words, more than max_answer_words = {self.config.max_answer_words}"
            return Graded(question.text, question.answers, answer, "wrong", 0.0, reason)
        weight, least = self.config.number_weight, self.config.threshold
        recalls = {
            gold: content_recall(question.text, gold, answer, number_weight=weight) for gold in accepted
        }
        found = [gold for gold in accepted if recalls[gold] >= least]
        if found and (reason := no_answer(question.text, found, answer, self.config.max_extra_words)):
            return Graded(question.text, question.answers, answer, "wrong", 0.0, reason)
        outcome = "right" if found else "wrong"
        return Graded(question.text, question.answers, answer, outcome, max(recalls.values()))
