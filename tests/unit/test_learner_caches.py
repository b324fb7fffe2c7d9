"""What a long-lived learner remembers stays within its bounds, and what it answers does not depend on it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from learners import Gates, begin, fake, learn_all, reopened
from seal.learner import speaking
from seal.learner.answering import Answer, Cell, Mind
from seal.learner.caches import ANSWERS, QUESTIONS, AnswerKey, GivenAnswers, RecentlyUsed, SureText
from seal.retention import DocumentPage, RouterConfig

TITLE = "Ada Okoro"
PAGE = DocumentPage("d", TITLE, (f"{TITLE} was born in Lunfeld.", f"Question: Who is {TITLE}?"), 1)


def test_what_was_used_longest_ago_is_dropped() -> None:
    table: RecentlyUsed[str, int] = RecentlyUsed(2)
    for name in "ab":
        table.put(name, ord(name))
    assert table.get("a") == 97
    table.put("c", 99)
    assert table.items() == {"a": 97, "c": 99} and table.get("b") is None and len(table) == 2
    table.put("a", 1)
    assert table.items() == {"c": 99, "a": 1}
    table.drop(["c", "never there"])
    assert table.items() == {"a": 1} and table.total == 1
    table.clear()
    assert len(table) == table.total == 0


def test_entries_may_have_weights() -> None:
    table: RecentlyUsed[str, str] = RecentlyUsed(10, len)
    for text in ("four", "five!", "sixsix"):
        table.put(text, text)
    assert list(table.items()) == ["sixsix"] and table.total == 6
    table.put("long", "x" * 30)
    assert list(table.items()) == ["long"] and table.total == 30, "one alone may exceed the bound"
    table.put("long", "x")
    assert table.total == 1


class Reader:
    """A model that answers every prompt by a word of its own, and counts what it was asked."""

    def __init__(self) -> None:
        self.model = self.tokenizer = None
        self.asked: list[str] = []

    def exam_prompt(self, shown: Any, question: Any) -> str:
        return question.text

    def answer(self, prompts: list[str], bank: Any = None, **_: Any) -> list[str]:
        self.asked += prompts
        return [f"{'cell' if bank else 'base'} says {sum(map(ord, prompt))}" for prompt in prompts]


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setattr(speaking, "AdapterBank", SimpleNamespace(of=lambda model, cells: nullcontext(cells)))
    monkeypatch.setattr(
        speaking,
        "sure_answers",
        lambda model, prompts, bank=None, *_, **how: [
            (text, len(p) / 100) for p, text in zip(prompts, model.answer(prompts, bank=bank), strict=True)
        ],
    )
    return Reader()


def mind_of(reader: Reader, known: GivenAnswers | None = None) -> Mind:
    cell = Cell("d", "object", lambda: "adapter", PAGE)  # type: ignore[arg-type, return-value]
    return Mind(reader, {"d": cell}, RouterConfig(), known or GivenAnswers())  # type: ignore[arg-type]


def test_ten_thousand_questions_stay_within_the_bounds(reader: Reader) -> None:
    kept: dict[AnswerKey, SureText] = {(None, f"reference {i}"): ("kept", 1.0) for i in range(300)}
    mind = mind_of(reader, GivenAnswers(kept))
    questions = [f"What is number {i}{f' of {TITLE.lower()}' if i % 5 == 0 else ''}?" for i in range(10_000)]
    assert max(ANSWERS, QUESTIONS) < len(questions)
    answers: list[Answer] = []
    for at in range(0, len(questions), 500):
        answers += mind.ask(questions[at : at + 500])
        assert len(mind._routes) <= QUESTIONS and len(mind._wordings) <= QUESTIONS
        assert len(mind.known.recent) <= ANSWERS
    assert len(mind._routes) == len(mind._wordings) == QUESTIONS
    assert len(mind.known.recent) == ANSWERS
    assert sum(a.document == "d" for a in answers) == 2_000
    assert mind.known.kept == kept
    mind.answer([None] * 300, [f"reference {i}" for i in range(300)])
    assert not any(prompt.startswith("reference") for prompt in reader.asked)
    before = len(reader.asked)
    assert mind.ask(questions[-1000:]) == answers[-1000:]
    assert len(reader.asked) == before, "what is remembered is not asked again"
    assert mind.ask(questions[:1000]) == answers[:1000]
    assert len(reader.asked) == before + 1000, "what was dropped is"
    assert mind_of(Reader()).ask(questions[:500]) == answers[:500]


def test_one_call_may_have_more_questions_than_are_remembered(reader: Reader) -> None:
    mind = mind_of(reader, GivenAnswers(bound=3))
    mind._routes.bound = mind._wordings.bound = 3
    questions = [f"What is number {i} of {TITLE.lower()}?" for i in range(20)]
    answers = mind.ask([*questions, *questions])
    assert answers[:20] == answers[20:] and [a.question for a in answers[:20]] == questions
    assert all(prompt.endswith(f"of {TITLE}?") for prompt in reader.asked) and len(reader.asked) == 20
    assert len(mind.known.recent) == len(mind._routes) == len(mind._wordings) == 3


def test_the_wording_of_a_question_does_not_hang_on_what_is_remembered(reader: Reader) -> None:
    mind = mind_of(reader)
    asked, in_full = "who is ada okoro?", f"who is {TITLE}?"
    assert mind.worded(asked, "d") == in_full
    mind._wordings.clear()
    assert mind.worded(asked, "d") == in_full and mind.worded(asked, None) == asked
    assert mind.worded("Who is it?", "d") == "Who is it?"


def test_what_cells_answered_is_forgotten_with_them() -> None:
    given = GivenAnswers({(None, "a"): ("kept", 1.0)})
    given.put((None, "b"), ("base", 0.5))
    given.put(("object", "c"), ("cell", 0.5))
    given.drop_cells()
    assert given.get((None, "a")) == ("kept", 1.0) and given.get((None, "b")) == ("base", 0.5)
    assert given.get(("object", "c")) is None


def test_versions_and_adapters_that_were_dropped_answer_the_same(
    tmp_path: Path, toy: Path, gates: Gates
) -> None:
    learner = begin(tmp_path / "w", toy)
    documents = [fake(f"caches {i}") for i in range(4)]
    for one in documents:
        learn_all(learner, [one])
    asked = [one.question(next(iter(one.values))) for one in documents]
    versions = [version.id for version in learner.versions()]
    expected = [learner.ask(asked, version=version) for version in versions]
    assert len({answer.document for answer in expected[-1]}) == 4
    small = reopened(learner.path, adaptation=learner.parts.adaptation)
    small.parts.minds.bound = 2
    small.parts.library._adapters.bound = 1  # a byte: one adapter alone
    small.parts.answers.recent.bound = 1
    for _ in range(2):
        for version, answers in zip(versions, expected, strict=True):
            for question, answer in zip(asked, answers, strict=True):
                said = small.ask(question, version=version)
                assert (said.text, said.document) == (answer.text, answer.document)
                assert said.probability == pytest.approx(answer.probability, rel=1e-4)
                assert len(small.parts.minds) <= 2 and len(small.parts.library._adapters) <= 1
                assert len(small.parts.answers.recent) == 1
    assert len(small.parts.answers.kept) == len(small.parts.reference)
