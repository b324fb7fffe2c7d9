"""The practice set: its files, and the texts that a base practises on."""

from seal.learner.practice import (
    NOT_THERE,
    practice_documents,
    read_answer,
    skills_name,
    writing_prompt,
    written_pairs,
)
from seal.learner.practice_texts import practice_examples

DOCUMENTS = practice_documents()


def test_every_question_has_an_answer_and_nearly_every_sentence_questions():
    units = [unit for document in DOCUMENTS for unit in document.units]
    assert len(DOCUMENTS) >= 250
    assert all(document.title and document.units for document in DOCUMENTS)
    assert sum(bool(unit.pairs) for unit in units) > 0.95 * len(units)
    for unit in units:
        assert all(question[-1] in "?？" for question, _ in unit.pairs), unit.pairs
        for question, answer in [*unit.pairs, *unit.beside]:
            assert question and answer and " | " not in answer, question


def test_a_question_that_is_not_answered_is_no_question_of_a_sentence():
    for document in DOCUMENTS:
        asked = {question for unit in document.units for question, _ in unit.pairs}
        assert asked.isdisjoint(document.unanswered)


def test_each_round_writes_of_every_sentence_and_reads_every_question():
    few = DOCUMENTS[:60]
    examples = practice_examples(few, seed=1, rounds=2)
    writing = [e for e in examples if e.prompt.endswith("Questions:\n")]
    reading = [e for e in examples if e.prompt.endswith("Answer:") and NOT_THERE not in e.completion]
    units = [unit for document in few for unit in document.units]
    assert len(writing) == 2 * sum(bool(unit.pairs) for unit in units)
    assert len(reading) == 2 * sum(len(unit.pairs) + len(unit.beside) for unit in units)


def test_some_questions_are_not_answered_by_the_text_beside_them():
    examples = practice_examples(DOCUMENTS[:60], seed=1, rounds=1)
    strange = [e for e in examples if e.completion == f" {NOT_THERE}\n"]
    assert len(strange) >= 0.1 * len(examples)


def test_the_text_beside_a_question_has_the_sentence_that_answers_it():
    sentence_of = {q: u.text for document in DOCUMENTS[:2] for u in document.units for q, _ in u.pairs}
    read = [e for e in practice_examples(DOCUMENTS[:2], seed=3, rounds=4) if "\nQuestion: " in e.prompt]
    answered = [e for e in read if NOT_THERE not in e.completion]
    assert answered
    for example in answered:
        question = example.prompt.rpartition("\nQuestion: ")[2].removesuffix("\nAnswer:")
        assert sentence_of[question] in example.prompt


def test_the_seed_alone_decides():
    few = DOCUMENTS[:9]
    assert practice_examples(few, 5, 1) == practice_examples(few, 5, 1)
    assert practice_examples(few, 5, 1) != practice_examples(few, 6, 1)


def test_a_writing_prompt_leaves_out_what_there_is_not():
    assert writing_prompt("", "", "", "It rains.") == "Sentence: It rains.\nQuestions:\n"
    full = writing_prompt("Weather", "Today", "It is cold.", "It rains.")
    assert full == "Title: Weather\nSection: Today\nBefore: It is cold.\nSentence: It rains.\nQuestions:\n"


def test_what_was_written_is_read_line_by_line():
    assert written_pairs("Who? | Ann\nnothing here\nWhen? |\nWhere? | in Bath\n") == [
        ("Who?", "Ann"),
        ("Where?", "in Bath"),
    ]
    assert written_pairs("Who? | Ann\nWhere? | in Ba", truncated=True) == [("Who?", "Ann")]
    assert written_pairs("") == []


def test_an_answer_that_is_not_there_is_empty():
    assert read_answer(" in Bath\nmore") == "in Bath"
    assert read_answer(" Not in the text.\n") == ""
    assert read_answer("") == ""


def test_skills_are_named_for_the_base_and_the_practice_set():
    assert skills_name("a" * 64) != skills_name("b" * 64)
    assert skills_name("a" * 64) == skills_name("a" * 64)
