"""The exact and the lexical grader: normalisation, recall, verdicts, agreement on real answers."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import seal.domains  # noqa: F401  a domain may register a grader of its own
from seal.errors import InputError
from seal.grading import GRADERS, Exact, Lexical
from seal.grading.exact import comparable, normalise
from seal.grading.lexical import LexicalConfig, content_recall, same_word, token_f1, token_recall, words
from seal.grading.recital import recites
from seal.grading.statistics import agreement
from seal.protocols import Grader
from seal.text import sentences
from seal.types import Question

REAL_ANSWERS = Path(__file__).parents[3] / "shared/data/seal/graded_answers.jsonl"
REAL_PASSAGES = REAL_ANSWERS.with_name("squad_passages.json")
WORDS = st.text(st.sampled_from("abcdefgh 0123,.-'’ÉßΣİ"), max_size=30)


def outcome(grader: Grader, gold: str | tuple[str, ...], answer: str, question: str = "") -> str:
    answers = (gold,) if isinstance(gold, str) else gold
    return grader.grade([Question(question, answers)], [answer])[0].outcome


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Beatles!", "beatles"),
        ("a cat, an owl & the dog", "cat owl dog"),
        ("U.S.A.", "usa"),
        ("theatre", "theatre"),
        ("  tab\tand\nline ", "tab and line"),
        ("The", ""),
        ("", ""),
    ],
)
def test_normalisation_is_squads(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(st.one_of(st.text(), WORDS))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    assert comparable(comparable(text)) == comparable(text)


@given(st.text())
def test_only_blank_texts_compare_as_nothing(text: str) -> None:
    assert bool(comparable(text)) == bool(text.strip())


@given(WORDS, WORDS)
def test_f1_is_symmetric_and_between_zero_and_one(one: str, other: str) -> None:
    assert token_f1(one, other) == token_f1(other, one)
    assert 0 <= token_f1(one, other) <= 1
    assert token_f1(one, one) == 1


@given(WORDS, WORDS, WORDS)
def test_recall_never_falls_when_the_answer_grows(gold: str, answer: str, more: str) -> None:
    if comparable(gold) and comparable(answer) == normalise(answer) and comparable(more) == normalise(more):
        assert token_recall(gold, f"{answer} {more}") >= token_recall(gold, answer)


@given(WORDS, WORDS, WORDS)
def test_content_recall_is_between_zero_and_one_and_full_for_the_gold_itself(
    q: str, gold: str, a: str
) -> None:
    assert 0 <= content_recall(q, gold, a, number_weight=2) <= 1
    assert content_recall(q, gold, gold, number_weight=2) == 1
    if words(gold):
        assert content_recall(q, gold, f"{a} {gold} {a}") == 1


@given(WORDS)
def test_words_of_words_are_the_same(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)


def test_f1_and_recall_by_hand() -> None:
    assert token_f1("the red fox", "a red dog") == pytest.approx(0.5)
    assert token_recall("red red fox", "red dog") == pytest.approx(1 / 3)
    assert token_recall("red fox", "") == 0 and token_f1("red fox", "") == 0
    assert token_f1("", "") == 1 and token_recall("", "") == 1 and token_recall("", "red") == 0


def test_words_and_their_forms() -> None:
    assert words("Twenty-five of Kraków’s 1,854 cafés: 49.3%") == "20 5 of krakow 1854 cafes 49.3".split()
    assert same_word("yeoman", "yeomanry") and same_word("russia", "russian")
    assert (
        not same_word("1854", "18540")
        and not same_word("over", "overwhelming")
        and not same_word("cat", "cats")
    )


@given(st.text("abcd", min_size=1), st.text("abcd", min_size=1))
def test_sameness_of_words_is_symmetric(one: str, other: str) -> None:
    assert same_word(one, other) == same_word(other, one)


def test_exact_accepts_any_gold_answer_and_nothing_around_it() -> None:
    assert outcome(Exact(), ("1854", "the year 1854"), "The year 1854.") == "right"
    assert outcome(Exact(), "1854", "It was in 1854.") == "wrong"
    assert outcome(Exact(), "1854", "") == "wrong"


@pytest.mark.parametrize(
    ("gold", "answer", "expected"), [("A", "a.", "right"), ("+", "+", "right"), ("A", "+", "wrong")]
)
def test_golds_of_articles_or_signs_alone_can_be_met(gold: str, answer: str, expected: str) -> None:
    assert outcome(Exact(), gold, answer) == expected
    assert outcome(Lexical(), gold, answer) == expected


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        ("King Otto of Greece", "It was King Otto, of Greece, who saw it.", "right"),
        ("Greek port at Piraeus", "They blockaded Piraeus.", "right"),  # "port" stands in the question
        ("14 February 2005", "on 14 February 2000", "right"),  # a weakness: 3 of 5 points, known
        ("1854", "The Epirus Revolt took place in 1821.", "wrong"),
        ("seventeen", "17 countries", "right"),
        ("three", "Two of them", "wrong"),
        ("snowboarder and sailor", "He likes sailing.", "wrong"),
    ],
)
def test_lexical_verdicts(gold: str, answer: str, expected: str) -> None:
    assert outcome(Lexical(), gold, answer, "What Greek port did the British lock down?") == expected


def test_lexical_refuses_to_be_flooded() -> None:
    flood = " ".join(str(year) for year in range(1800, 1900))
    graded = Lexical().grade([Question("When?", ("1854",))], [flood])[0]
    assert (graded.outcome, graded.score) == ("wrong", 0.0)
    assert "max_answer_words" in graded.reason
    assert outcome(Lexical(LexicalConfig(max_answer_words=100)), "1854", flood) == "right"


HISTORY = (
    "The mill stands in Leeds. It was founded by Edwin Harrow in 1874, who came from York. "
    "Two hundred people worked there before the fire. It was rebuilt in 1902."
)


@pytest.mark.parametrize("name", ["lexical", "meaning"])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Edwin Harrow", "right"),
        ("It was founded by Edwin Harrow in 1874, who came from York.", "right"),
        ("Edwin Harrow. He founded it in 1874.", "right"),
        ("Edwin Harrow, founder", "right"),
        (HISTORY, "wrong"),
        (" ".join(HISTORY.split()[:30]), "wrong"),
        ("Edwin Harrow or James Lund", "wrong"),
        ("Anna Berg, Edwin Harrow, James Lund", "wrong"),
        ("Edwin Harrow, James Lund and Anna Berg", "wrong"),
        ("James Lund", "wrong"),
    ],
)
def test_who_recites_or_lists_has_not_answered(name: str, answer: str, expected: str) -> None:
    assert outcome(GRADERS.get(name)(), "Edwin Harrow", answer, "Who founded the mill?") == expected


@pytest.mark.parametrize("name", ["lexical", "meaning"])
def test_a_gold_list_may_be_listed(name: str) -> None:
    grader = GRADERS.get(name)()
    assert outcome(grader, "oats, wheat and rye", "wheat, oats and rye", "What was milled?") == "right"


def test_a_recital_in_a_script_without_spaces_is_none_either() -> None:
    story = (
        "这家工厂位于上海。它由李明于1945年创办，曾有二百名工人。"
        "一九六零年发生了火灾。后来工厂得到了重建，现在是一座博物馆。"
    )
    grader = GRADERS.get("meaning")()
    assert outcome(grader, "李明", "它由李明于1945年创办。", "谁创办了这家工厂?") == "right"
    assert outcome(grader, "李明", story, "谁创办了这家工厂?") == "wrong"


def test_a_reason_says_why_what_was_found_is_no_answer() -> None:
    question = Question("Who founded the mill?", ("Edwin Harrow",))
    recited, listed = GRADERS.get("meaning")().grade([question] * 2, [HISTORY, "Edwin Harrow or James Lund"])
    assert "recites" in recited.reason and "lists" in listed.reason


@pytest.mark.parametrize("name", ["exact", "lexical", "meaning"])
@pytest.mark.parametrize("golds", [(), ("",), ("  ", "\n")])
def test_without_a_gold_answer_nothing_is_graded(name: str, golds: tuple[str, ...]) -> None:
    graded = GRADERS.get(name)().grade([Question("q", golds)], ["an answer"])[0]
    assert graded.outcome == "ungraded" and graded.score is None and graded.reason


@pytest.mark.parametrize("name", ["exact", "lexical", "meaning"])
def test_blank_gold_answers_beside_others_are_passed_over(name: str) -> None:
    grader = GRADERS.get(name)()
    assert outcome(grader, ("", "Rome"), "Rome") == "right"
    assert outcome(grader, ("", "Rome"), "") == "wrong"


@pytest.mark.parametrize("name", ["exact", "lexical", "meaning"])
def test_one_answer_a_question(name: str) -> None:
    with pytest.raises(InputError, match="1 answers for 2 questions"):
        GRADERS.get(name)().grade([Question("q", ("g",))] * 2, ["a"])
    assert GRADERS.get(name)().grade([], []) == []


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=5), st.sampled_from(["exact", "lexical", "meaning"]))
def test_grades_keep_order_and_scores_fit_outcomes(cases: list[tuple[str, str, str]], name: str) -> None:
    graded = GRADERS.get(name)().grade([Question(q, (g,)) for q, g, _ in cases], [a for _, _, a in cases])
    assert [(one.question, one.gold, one.answer) for one in graded] == [(q, (g,), a) for q, g, a in cases]
    for one in graded:
        assert (one.score is None) == (one.outcome == "ungraded")
        assert one.score is None or 0 <= one.score <= 1


def test_the_graders_are_registered_by_name_and_meet_the_protocol() -> None:
    assert GRADERS.names() == ["exact", "grid", "judge", "lexical", "meaning"]
    for name in ("exact", "lexical", "meaning"):
        grader = GRADERS.get(name)()
        assert isinstance(grader, Grader) and grader.name == name


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValidationError):
        LexicalConfig(treshold=0.5)  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        LexicalConfig(threshold=0)


def test_grading_needs_neither_torch_nor_an_http_client() -> None:
    code = "import sys, seal.grading; assert not {'torch', 'httpx', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not REAL_ANSWERS.exists(), reason="the real graded answers are not part of the project")
def test_the_lexical_grader_agrees_with_the_judge_on_real_answers() -> None:
    with REAL_ANSWERS.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    # The half of the questions that the defaults were not chosen on.
    rows = [row for row in rows if int(hashlib.sha256(row["question"].encode()).hexdigest(), 16) % 2]
    assert len(rows) == 13_169
    # Longer answers in several sentences are wrong by the rule, whatever they hold.
    rows = [row for row in rows if not recites(row["gold"], row["answer"])]
    assert len(rows) > 10_000
    graded = Lexical().grade(
        [Question(row["question"], (row["gold"],)) for row in rows], [row["answer"] for row in rows]
    )
    accuracy, kappa = agreement(
        [one.outcome == "right" for one in graded],
        [row["correct"] for row in rows],
        clusters=[row["question"] for row in rows],
        seed=0,
        n_resamples=1_000,
    )
    assert accuracy.low > 0.85 and accuracy.mean > 0.87
    assert kappa.low > 0.69 and kappa.mean > 0.74


@pytest.mark.skipif(not REAL_PASSAGES.exists(), reason="the real passages are not part of the project")
@pytest.mark.parametrize("name", ["lexical", "meaning"])
def test_real_passages_recited_around_the_answer_are_wrong(name: str) -> None:
    passages = json.loads(REAL_PASSAGES.read_text(encoding="utf-8"))[::4]
    questions, alone, recited = [], [], []
    for passage in passages:
        parts = sentences(passage["context"])
        for asked in passage["questions"]:
            at = next((i for i, part in enumerate(parts[:-1]) if asked["answer"] in part), None)
            if at is not None and asked["answer"].strip():
                questions.append(Question(asked["question"], (asked["answer"],)))
                alone.append(parts[at])
                recited.append(" ".join(parts[at : at + 2]))
    assert len(questions) > 100
    right = [
        sum(one.outcome == "right" for one in GRADERS.get(name)().grade(questions, answers)) / len(questions)
        for answers in (alone, recited)
    ]
    assert right[0] > 0.9 and right[1] < 0.05
