"""From a document to lines and an exam, with a writer and a reader that say what the test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from seal.learner import drafting
from seal.learner.drafting import (
    AMBIGUOUS,
    ENOUGH,
    IN_QUESTION,
    NO_QUESTION,
    NOT_STATED,
    READ_NOWHERE,
    UNLIKELY,
    UNSURE,
    Drafter,
)
from seal.learner.settings import UnitsConfig
from seal.learner.skills import ReadAnswer
from seal.learner.writing import FOR_EXAM, READ_OTHERWISE, SourceDocument
from seal.models.generate import Generation
from seal.registry import Line
from seal.self_edits.pair_lines import question_of

TEXT = "The mill was built in 1844 by Tom Reed. It has three floors and stands in Tove."


class Scripted:
    """Writes by the sentence it is shown, and reads by the question."""

    def __init__(self, writes: Callable[[str, int], str], reads: Callable[[str], tuple[str, float]]) -> None:
        self.writes, self.reads = writes, reads
        self.asked: list[str] = []
        self.rounds = 0
        self.base = SimpleNamespace(model=None)  # which has a context without end

    @contextmanager
    def on(self) -> Iterator[None]:
        yield

    def write(self, prompts: list[str], **_: Any) -> list[Generation]:
        self.rounds += 1
        self.asked += prompts
        return [Generation(self.writes(p, self.rounds), 5, False) for p in prompts]

    def read(self, prompts: list[str], _on_progress: Any = None) -> list[ReadAnswer]:
        questions = [p.rpartition("\nQuestion: ")[2].removesuffix("\nAnswer:") for p in prompts]
        return [ReadAnswer(*self.reads(question)) for question in questions]


def draft(writes, reads, text: str = TEXT, title: str = "Alder Mill", **config):
    skills: Any = Scripted(writes, reads)
    drafter = Drafter(UnitsConfig(**{"samples": 1, "attempts": 1, "enough": 0, **config}), skills, 0)
    lines, exam = drafter.draft(SourceDocument("d" * 64, title, text))
    return lines, exam, skills


def reasons(lines: tuple[Line, ...]) -> dict[str, str]:
    return {pair[0]: line.reason for line in lines if (pair := question_of(line.text))}


def test_a_question_that_is_answered_so_again_is_kept_with_its_sentence():
    lines, _, _ = draft(
        lambda p, _: "When was Alder Mill built? | in 1844\n" if "1844" in p.split("Sentence:")[1] else "",
        lambda _: ("1844", 0.9),
    )
    [line] = [line for line in lines if question_of(line.text)]
    assert line.kept and line.sentence == "The mill was built in 1844 by Tom Reed."


def test_every_sentence_is_written_about_and_is_a_line_of_its_own():
    lines, _, skills = draft(lambda *_: "", lambda _: ("", 0.0))
    assert [line.text for line in lines] == [
        "The mill was built in 1844 by Tom Reed.",
        "It has three floors and stands in Tove.",
    ]
    assert all(line.kept for line in lines)
    assert len(skills.asked) == 2 and "Before: The mill was built in 1844 by Tom Reed." in skills.asked[1]


def test_each_fault_has_its_reason():
    written = [
        "The mill | 1844",  # no question
        "Was it built in 1844 by Tom Reed? | Tom Reed",  # the question gives it
        "What colour is Alder Mill? | white",  # not stated
        "When was Alder Mill finished? | in 1845",  # a wrong number
        "Who built Alder Mill? | Tom Reed",
        "Where is Alder Mill? | in Tove",
        "How many floors has Alder Mill? | three",
    ]
    answers = {
        "Who built Alder Mill?": ("1844", 0.9),
        "Where is Alder Mill?": ("", 0.9),
        "How many floors has Alder Mill?": ("three", 0.001),
    }
    lines, _, _ = draft(
        lambda p, _: "\n".join(written) + "\n" if "1844" in p.split("Sentence:")[1] else "",
        lambda q: answers[q],
    )
    told = reasons(lines)
    assert told["The mill"] == NO_QUESTION
    assert told["Was it built in 1844 by Tom Reed?"] == IN_QUESTION
    assert told["What colour is Alder Mill?"] == NOT_STATED
    assert "number" in told["When was Alder Mill finished?"]
    assert told["Who built Alder Mill?"] == READ_OTHERWISE
    assert told["Where is Alder Mill?"] == READ_NOWHERE
    assert told["How many floors has Alder Mill?"] == UNSURE


def test_what_is_no_likelier_than_false_lines_is_dropped_if_that_is_wanted(monkeypatch):
    asked: list[Any] = []

    def scripted(_skills: Any, lines: Any, texts: Any, false_kept: float, _seed: object) -> list[bool]:
        asked.append(([one.line for one in lines], lines[0].text if lines else "", texts, false_kept))
        return ["Who built" in one.line for one in lines]

    monkeypatch.setattr(drafting, "unlikely", scripted)
    written = (
        "When was Alder Mill built? | in 1844\nWho built Alder Mill? | Tom Reed\nWhere is it? | in Tove\n"
    )

    def told(**config: Any) -> dict[str, str]:
        lines, _, _ = draft(
            lambda p, _: written if "1844" in p.split("Sentence:")[1] else "",
            lambda q: {"When": ("1844", 0.9), "Who ": ("Tom Reed", 0.9), "Wher": ("", 0.9)}[q[:4]],
            **config,
        )
        return reasons(lines)

    assert UNLIKELY not in told().values() and asked == []
    found = told(false_kept=0.5)
    assert found == {
        "When was Alder Mill built?": "",
        "Who built Alder Mill?": UNLIKELY,
        "Where is it?": READ_NOWHERE,  # what is dropped already is not asked about
    }
    [(lines, text, texts, false_kept)] = asked
    assert lines == [
        "Question: When was Alder Mill built?\nAnswer: in 1844",
        "Question: Who built Alder Mill?\nAnswer: Tom Reed",
    ]
    assert text == TEXT.replace(". It", ".\nIt") and texts == text.splitlines() and false_kept == 0.5


def test_a_question_with_two_answers_is_dropped():
    text = "The white room costs 40 euros. The black room costs 60 euros."
    answers = iter([("40 euros", 0.9), ("60 euros", 0.9)])
    lines, _, _ = draft(
        lambda p, _: (
            f"What does a room cost? | {'40' if 'white' in p.split('Sentence:')[1] else '60'} euros\n"
        ),
        lambda _: next(answers),
        text=text,
        title="Inn",
    )
    assert [line.reason for line in lines if question_of(line.text)] == [AMBIGUOUS, AMBIGUOUS]


def test_a_wording_that_is_left_over_is_the_exam_and_is_not_learned():
    wordings = ["When was Alder Mill built?", "In which year was Alder Mill built?"]
    lines, exam, _ = draft(
        lambda p, _: (
            "".join(f"{w} | in 1844\n" for w in wordings) if "1844" in p.split("Sentence:")[1] else ""
        ),
        lambda q: ("in 1844", 0.9 if q == wordings[0] else 0.5),
        per_unit=1,
    )
    assert [q.text for q in exam] == [wordings[1]]
    assert reasons(lines) == {wordings[0]: "", wordings[1]: FOR_EXAM}


def test_what_no_other_line_tells_is_not_examined():
    lines, exam, _ = draft(
        lambda p, _: (
            "When was Alder Mill built? | in 1844\nWho built Alder Mill? | Tom Reed\n"
            if "1844" in p.split("Sentence:")[1]
            else ""
        ),
        lambda q: ("in 1844" if q.startswith("When") else "Tom Reed", 0.9 if q.startswith("When") else 0.5),
        per_unit=1,
        enough=6,
    )
    assert exam == ()
    assert reasons(lines)["Who built Alder Mill?"] == ENOUGH


def test_only_sentences_of_which_too_little_is_kept_are_written_about_again():
    _, _, skills = draft(
        lambda p, _: (
            "When was Alder Mill built? | in 1844\nWho built Alder Mill? | Tom Reed\n"
            if "1844" in p.split("Sentence:")[1]
            else ""
        ),
        lambda q: ("in 1844" if q.startswith("When") else "Tom Reed", 0.9),
        attempts=3,
    )
    assert skills.rounds == 3
    assert sum("Sentence: The mill" in p for p in skills.asked) == 1
    assert sum("Sentence: It has" in p for p in skills.asked) == 3


def test_each_cell_of_a_row_is_asked_for_without_a_writer():
    text = (
        "| Colour | Price | Delivery |\n|---|---|---|\n| White | £79 | 2 days |\n| Black | £85 | 9 days |\n"
    )
    lines, _, _ = draft(lambda *_: "", lambda _: ("", 0.0), text=text, title="Kettle")
    pairs = {pair for line in lines if line.kept and (pair := question_of(line.text))}
    assert pairs == {
        ("Kettle, White: Price?", "£79"),
        ("Kettle, White: Delivery?", "2 days"),
        ("Kettle, Black: Price?", "£85"),
        ("Kettle, Black: Delivery?", "9 days"),
    }


def test_an_exam_that_is_too_short_asks_for_facts_of_which_only_the_sentence_tells():
    pairs = {
        "Who built Alder Mill?": "Tom Reed",
        "When was Alder Mill built?": "in 1844",
        "How many floors has Alder Mill?": "three",
        "Where does Alder Mill stand?": "in Tove",
    }

    def writes(prompt: str, _: int) -> str:
        sentence = prompt.split("Sentence:")[1]
        return "".join(f"{q} | {a}\n" for q, a in pairs.items() if a.split()[-1] in sentence)

    lines, exam, _ = draft(writes, lambda q: (pairs[q], 0.5 if q.startswith("Who") else 0.4), enough=8)
    assert [q.text for q in exam] == ["Who built Alder Mill?"]  # a quarter of four
    assert sorted(reasons(lines).values()) == ["", "", "", FOR_EXAM]
    del pairs["Where does Alder Mill stand?"]
    assert draft(writes, lambda q: (pairs[q], 0.5), enough=8)[1] == (), "a quarter of three is none"
