"""A model's writing to question-and-answer pairs.

Knows labels ("Question 3:", "Q:", "A1.", "Frage:"), their absence, JSON and tables, one-line and several-line
forms, options, and answers listed after their questions. Knows nothing about prompts or training. Never
raises on any text.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from seal.self_edits import clean
from seal.self_edits.json_told import lines_of_json
from seal.self_edits.markup import labelled
from seal.self_edits.pair_lines import line_of
from seal.self_edits.parse import cut_drift, settle
from seal.thoughts import without_thoughts

_QUESTION_WORDS: Final = (
    "question|frage|pregunta|domanda|pergunta|vraag|вопрос|ερώτηση|שאלה|السؤال|سؤال|प्रश्न|सवाल"
    "|问题|問題|问|問|質問|질문"
)
_ANSWER_WORDS: Final = (
    "answer|antwort|respuesta|réponse|risposta|resposta|antwoord|ответ|απάντηση|תשובה"
    "|الجواب|جواب|الإجابة|إجابة"
    "|उत्तर|जवाब|答案|答|回答|답변|정답|답"
)
_LABEL: Final = re.compile(
    r"\A(?:#++\s*+|[-*•]\s++|\d{1,3}[.)]\s++|\*\*|__)*+"
    rf"(?:(?:(?P<asks>{_QUESTION_WORDS})|(?:{_ANSWER_WORDS}))"
    r"(?:\s{0,9}#?(?P<number>\d{1,3}))?"
    r"(?:\s{0,9}(?:\*\*)?\s{0,9}[:：]|(?<=\d)(?:\*\*)?\s{0,9}[.)–-](?=\s|$))"
    r"|(?P<letter>[qa])(?P<digits>\d{0,3})(?:\*\*)?(?:[:：]|(?<=\d)[.)](?=\s|$)))"
    r"(?:\*\*|__)?\s*",
    re.I,
)
# The labels as they stand inside a line: capitals only, or ordinary prose would be torn apart.
_INLINE: Final = re.compile(
    r"(?<=\S)[^\S\n]{1,9}(?=(?:\*\*)?(?:Question|Answer)\s?\d{0,3}\s?[:：])|(?<=\?)[^\S\n]{1,9}(?=A\d{0,3}[:：]\s)"
)
_OPTION: Final = re.compile(r"\(?([A-E])[.)]\s+(?=\S)")
_ANSWERED: Final = re.compile(r"\A([^?？]++[?？])\s++(\S.*)", re.S)
_DASHED: Final = re.compile(
    r"\A((?:\d{1,3}[.)] )?[^?？\n]{3,300}[?？]) {0,3}(?:[–—→]|-{1,2}>?|=>) {0,3}(?=\S)"
)
_QUESTION_END: Final = re.compile(r"[?？][\"'”’»)\]*_]*$")


def parse_pairs(text: str, *, truncated: bool = False, max_chars: int = 4000) -> tuple[str, ...]:
    """Return the pairs in `text`, each as "Question: ...\\nAnswer: ...". Unanswered questions are dropped.

    Args:
        text: the completion as sampled; it may begin in the middle of the first question's line, since the
            prompt of the base style ends with "Question 1: ".
        truncated: the sample ended at its token limit; an unfinished last line is dropped.
        max_chars: longer questions and answers are cut at the end of a sentence.
    """
    text = without_thoughts(text)
    if (told := lines_of_json(text, pairs=True)) is not None:
        text = told
    else:
        text = labelled(clean.drop_truncated(text) if truncated else text)
    return settle(text, lambda current: _pairs_once(current, max_chars))


def _pairs_once(text: str, max_chars: int) -> list[str]:
    lines = [told for line in _INLINE.sub("\n", text).splitlines() for told in _of_row(line)]
    lines = cut_drift(lines)
    reader = _Reader(any(_label(line)[0] == "question" for line in lines))
    after_blank = False
    for index, line in enumerate(lines):
        if not line.strip() or clean.is_fence(line):
            after_blank = True
            continue
        kind, number, rest = _label(line)
        if kind == "question":
            reader.question(number, rest)
        elif kind == "answer" or _is_lettered_answer(lines, index):
            reader.answer(number, rest if kind else _OPTION.sub("", line.strip(), count=1))
        else:
            reader.text(line, after_blank)
        after_blank = False
    pairs = [
        (_content(question, max_chars), _content(answer, max_chars)) for question, answer in reader.done()
    ]
    return clean.unique(
        [line_of(q, a) for q, a in pairs if clean.has_letters(q) and any(map(str.isalnum, a))]
    )


def _of_row(line: str) -> list[str]:
    """The row of a table of questions and answers as two lines, and so a question with its answer behind a
    dash; any other line as it is."""
    if dashed := _DASHED.match(line.strip()):
        return [f"Question: {dashed[1]}", f"Answer: {line.strip()[dashed.end() :]}"]
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.strip()[:1] == "|" else []
    if len(cells) != 2:
        return [line]
    if _QUESTION_END.search(cells[0]):
        return [f"Question: {cells[0]}", f"Answer: {cells[1]}"]
    return []  # the headings, or the rule below them


class _Reader:
    """Puts labelled and unlabelled lines together to pairs."""

    def __init__(self, has_labels: bool) -> None:
        self._has_labels = has_labels
        self._pairs: list[tuple[str, str]] = []
        self._waiting: dict[int, str] = {}  # numbered questions that were not answered yet
        self._question = ""
        self._number: int | None = 1  # the prompt may have ended with "Question 1: "
        self._answer: str | None = None
        self._is_off = False  # in talk or drift, until the next label

    def question(self, number: int | None, text: str) -> None:
        self._close()
        self._question, self._number, self._answer, self._is_off = text, number, None, False

    def answer(self, number: int | None, text: str) -> None:
        others = number is not None and number != self._number and number in self._waiting
        if others or (self._answer and number in self._waiting):
            self._close()
            self._question, self._number = self._waiting.pop(number or 0), number
            self._answer, self._is_off = text, False
        elif self._question and self._answer is None:
            self._answer = text
        else:
            self._close()
            self._question, self._answer, self._is_off = "", None, True

    def text(self, line: str, after_blank: bool) -> None:
        bare = line.strip()
        asks = _QUESTION_END.search(bare) is not None
        if self._is_off and not (asks and not self._has_labels):
            return
        if not self._question:
            if clean.has_letters(clean.clean_line(bare)) and not clean.is_heading(bare):
                self._question = bare
        elif self._answer is None:
            if _OPTION.match(bare):
                self._question = f"{self._question} {bare}"
            elif asks and _QUESTION_END.search(self._question.strip()):
                self.question(clean.split_marker(bare)[1], bare)
            elif not clean.is_talk(bare) and clean.clean_line(bare):
                self._answer = bare
        elif not self._answer:
            self._answer = bare
        elif asks and not self._has_labels:
            self.question(clean.split_marker(bare)[1], bare)
        elif after_blank and not self._answer.rstrip().endswith(":"):
            self._is_off = True
        else:
            is_item = clean.split_marker(bare)[2] and self._answer.rstrip()[-1:] not in ".:;,!?"
            self._answer = f"{self._answer}{',' * is_item} {clean.clean_line(bare)}"

    def done(self) -> list[tuple[str, str]]:
        self._close()
        return self._pairs

    def _close(self) -> None:
        if self._question and self._answer is None:
            self._question, self._answer = _split_answered(self._question)
        if self._question and self._answer:
            self._pairs.append((self._question, self._answer))
        elif self._question and self._number is not None:
            self._waiting[self._number] = self._question
        self._question, self._answer = "", None


def _split_answered(question: str) -> tuple[str, str | None]:
    """Tear "What is it? It is a bird." in two, where no label stands between question and answer."""
    match = _ANSWERED.match(question)
    if match is None or _QUESTION_END.search(question.strip()):
        return question, None
    return match[1], match[2]


def _label(line: str) -> tuple[str, int | None, str]:
    bare = line.strip()
    match = _LABEL.match(bare)
    if match is None:
        return "", None, bare
    kind = "question" if match["asks"] or (match["letter"] or "").lower() == "q" else "answer"
    number = match["number"] or match["digits"]
    return kind, int(number) if number else None, bare[match.end() :]


def _is_lettered_answer(lines: list[str], at: int) -> bool:
    """Whether "A. text" is an answer: it is, unless a "B." after it makes it the first of several options."""
    option = _OPTION.match(lines[at].strip())
    if option is None or option.group(1) != "A":
        return False
    later = (lines[below].strip() for below in range(at + 1, len(lines)))
    following = islice((_OPTION.match(line) for line in later if line), 2)
    return all(one is None or one.group(1) != "B" for one in following)


def _content(text: str, max_chars: int) -> str:
    """Return a question or answer on one line, without the labels and numbers that models put before it."""
    text = " ".join(text.split())
    while True:
        before = text
        text = clean.clean_line(text)
        kind, _, rest = _label(text)
        text = rest if kind else text
        if text == before:
            return clean.shorten(text, max_chars)
