"""Which way an answer comes: the rule alone, with a mind and a reader that say what the test wants."""

from __future__ import annotations

from typing import Any

import pytest

from seal.errors import InputError
from seal.learner.answer_ways import UNKNOWN, Answerer
from seal.learner.answering import Answer
from seal.learner.skills import ReadAnswer
from seal.learner.ways import WaysConfig, checked_way
from seal.retention import DocumentPage, Finder, PageText

TEXT = "Alder Mill was built in 1844 by Tom Reed. It has three floors."
PAGES = [(DocumentPage("mill", "Alder Mill", (TEXT,), 0), PageText("mill", "Alder Mill", TEXT))]
BUILT = "When was Alder Mill built?"
GENERAL = "What is the capital of France?"


class FakeMind:
    """A cell that answers everything about the mill alike, and a base."""

    def __init__(self, said: str, probability: float, recited: str = "", stated: bool = True) -> None:
        self.finder = Finder(PAGES)
        self.said = Answer("", said, probability, "mill", ("mill",), stated, "weights", recited)

    def route(self, questions: list[str]) -> list[tuple[str, ...]]:
        return [("mill",) if "Alder" in question or "1844" in question else () for question in questions]

    def ask(self, questions: list[str]) -> list[Answer]:
        routes = self.route(questions)
        return [self.said if route else base(q) for q, route in zip(questions, routes, strict=True)]

    def answer(self, documents: list[None], questions: list[str]) -> list[Answer]:
        return [base(question) for question in questions]


def base(question: str) -> Answer:
    return Answer(question, "Paris", 0.9)


class FakeSkills:
    def __init__(self, text: str, probability: float) -> None:
        self.answer, self.prompts = ReadAnswer(text, probability), []

    def read(self, prompts: list[str], told: object = None) -> list[ReadAnswer]:
        self.prompts += prompts
        return [self.answer for _ in prompts]


def answerer(
    cell: tuple[Any, ...] = ("1844", 0.95), read: tuple[str, float] = ("in 1844", 0.9), **config: Any
):
    mind: Any = FakeMind(*cell)
    skills: Any = FakeSkills(*read)
    return Answerer(mind, skills, WaysConfig(**config)), skills


def test_a_sure_cell_whose_passage_says_so_is_believed_unread():
    ways, skills = answerer()
    [answer] = ways.ask([BUILT], "auto")
    assert (answer.text, answer.way, skills.prompts) == ("1844", "weights", [])


def test_an_unsure_cell_is_read_for():
    ways, skills = answerer(cell=("1944", 0.3))
    [answer] = ways.ask([BUILT], "auto")
    assert (answer.text, answer.way, answer.document) == ("in 1844", "reading", "mill")
    assert "built in 1844" in answer.passage and len(skills.prompts) == 1


def test_a_sure_cell_whose_passage_says_otherwise_is_read_for():
    ways, _ = answerer(cell=("1944", 0.99))
    [answer] = ways.ask([BUILT], "auto")
    assert (answer.text, answer.way) == ("in 1844", "reading")


def test_where_both_say_the_same_the_cell_gave_the_answer():
    ways, _ = answerer(cell=("1844", 0.3))
    [answer] = ways.ask([BUILT], "auto")
    assert (answer.text, answer.way) == ("1844", "weights")


@pytest.mark.parametrize(
    ("cell", "way"),
    [
        (("three", 0.7, "It has three floors.", True), "weights"),  # its own sentence, and much surer
        (("three", 0.5, "It has three floors.", True), "reading"),
        (("three", 0.7, "It has three tall floors.", False), "reading"),  # no sentence of the document
        (("three", 0.7), "reading"),  # nothing recited
    ],
)
def test_of_two_answers_the_cell_s_if_it_recited_its_document_and_is_much_surer(
    cell: tuple[Any, ...], way: str
) -> None:
    ways, _ = answerer(cell=cell, read=("in 1844", 0.08))
    assert ways.ask([BUILT], "auto")[0].way == way


def test_where_nothing_is_read_a_recited_sentence_is_the_answer_s_source():
    ways, _ = answerer(cell=("three", 0.15, "It has three floors.", True), read=("", 0.0))
    [answer] = ways.ask([BUILT], "auto")
    assert (answer.text, answer.way, answer.passage) == ("three", "weights", "It has three floors.")
    ways, _ = answerer(cell=("three", 0.05, "It has three floors.", True), read=("", 0.0))
    assert ways.ask([BUILT], "auto")[0].way == "unknown"


def test_where_nothing_is_read_a_cell_may_guess_and_an_unsure_one_may_not():
    ways, _ = answerer(cell=("1944", 0.7), read=("", 0.9))
    assert ways.ask([BUILT], "auto")[0].way == "weights"
    ways, _ = answerer(cell=("1944", 0.2), read=("", 0.9))
    [answer] = ways.ask([BUILT], "auto")
    assert (answer.text, answer.way) == (UNKNOWN, "unknown")


def test_a_question_about_no_document_is_the_base_s():
    for by in ("auto", "reading", "weights"):
        ways, skills = answerer()
        [answer] = ways.ask([GENERAL], by)
        assert (answer.text, answer.way, answer.document, skills.prompts) == ("Paris", "base", None, [])


def test_by_reading_the_cell_is_not_asked():
    ways, _ = answerer(cell=("1844", 0.99), read=("in the year 1844", 0.9))
    [answer] = ways.ask([BUILT], "reading")
    assert (answer.text, answer.way) == ("in the year 1844", "reading")


def test_a_question_without_a_name_is_read_where_the_words_fit():
    ways, _ = answerer(cell=("four", 0.3), read=("three", 0.9))
    [answer] = ways.ask(["How many floors has what was built in 1844?"], "auto")
    assert (answer.text, answer.way, answer.document) == ("three", "reading", "mill")


class ReadsApart:
    """Finds "three" where floors are spoken of, and a year elsewhere, with less trust."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def read(self, prompts: list[str], told: object = None) -> list[ReadAnswer]:
        self.prompts += prompts
        return [
            ReadAnswer("three", 0.4) if "It has floors." in prompt else ReadAnswer("1844", 0.3)
            for prompt in prompts
        ]


def test_passages_that_are_read_apart_give_the_likeliest_answer():
    texts = {"mill": "Alder Mill was built in 1844 by Tom Reed.", "more": "It has floors."}
    pages = [
        (DocumentPage(key, "Alder Mill", (text,), n), PageText(key, "Alder Mill", text))
        for n, (key, text) in enumerate(texts.items())
    ]
    mind: Any = FakeMind("1944", 0.1)
    mind.finder = Finder(pages)
    skills: Any = ReadsApart()
    ways = Answerer(mind, skills, WaysConfig(apart=True))
    [answer] = ways.ask(["How many floors has Alder Mill?"], "reading")
    assert len(skills.prompts) == 2
    assert not any(all(text in prompt for text in texts.values()) for prompt in skills.prompts)
    assert (answer.text, answer.document, answer.passage) == ("three", "more", texts["more"])
    assert set(answer.candidates) == set(texts)


def test_answers_keep_the_order_of_their_questions():
    ways, _ = answerer(cell=("1944", 0.3))
    told = ways.ask([GENERAL, BUILT, GENERAL], "auto")
    assert [one.text for one in told] == ["Paris", "in 1844", "Paris"]


def test_a_way_that_there_is_not_is_told():
    assert checked_way("reading") == "reading"
    with pytest.raises(InputError, match="no way 'wieghts'"):
        checked_way("wieghts")
