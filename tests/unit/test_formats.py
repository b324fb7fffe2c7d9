"""Parsing what models write. The samples are made up after the manner of real ones."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal.errors import ConfigError
from seal.self_edits import FORMATS, FormatConfig
from seal.types import Context

CONTEXT = Context("c1", "Tamsin Bay", "Orlen Vask built the lighthouse in 1871.")
LIST = "implications"
A, B, C = "Vask built it.", "It burned down in 1880.", "The bay {was} dark after that."


def parse(name: str, text: str, *, truncated: bool = False) -> tuple[str, ...]:
    return FORMATS.get(name)().parse(CONTEXT, text, truncated=truncated).lines


def pair(question: str, answer: str) -> str:
    return f"Question: {question}\nAnswer: {answer}"


@pytest.mark.parametrize(
    "text",
    [
        f"1. {A}\n2. {B}\n3. {C}",
        f"1) {A}\n2) {B}\n\n3) {C}\n",
        f"(1) {A}\n(2) {B}\n(3) {C}",
        f"[1] {A}\n[2] {B}\n[3] {C}",
        f"1: {A}\n2: {B}\n3: {C}",
        f"- {A}\n- {B}\n- {C}",
        f"* {A}\n• {B}\n– {C}",
        f"Implication 1: {A}\nImplication 2: {B}\n**Implication 3:** {C}",
        f"**1. {A}**\n**2. {B}**\n**3. {C}**",
        f"1. - {A}\n2. - {B}\n3. 3. {C}",
        f"{A}\n{B}\n{C}",
        f"{A}\r\n\r\n{B}\r\n{C}",
        f"Sure! Here is the list of implications:\n\n1. {A}\n2. {B}\n3. {C}\n\nI hope this helps!",
        f"Certainly.\nHere are some implications of the passage:\n- {A}\n- {B}\n- {C}\n\nLet me know if not.",
        f"Implications:\n1. {A}\n2. {B}\n\nAdditional implications:\n\n3. {C}",
        f"```\n1. {A}\n2. {B}\n3. {C}\n```",
        f"Tamsin Bay\n1. {A}\n2. {B}\n3. {C}",
        f"## What follows\n1. {A}\n2. {B}\n**Later**\n1. {C}",
        f"1. {A}\n2. {B}\n3. {C}\n\nThese implications show how much hung on one lamp.",
        f"1. {A}\n2. {B}\n3. {C}\nYou are an AI assistant. You will be handed a task.",
        f"1. {A}\n2. {B}\n3. {C}\n\nLet's read this.\n\nPassage:\nFish\n\nImplications:\n1. No.",
        f"1. {A}\n2. {B}\n3. {C}\n\nPassage:\nFish\nFish swim.\n\nImplications:\n1. Fish are wet.",
        f"1. {A}\n2. {B}\n3. {C}\n\nHow many boats sank?\n\n1. Four of them.",
        f"1. {A}\n2. {B}\n3. {C}\n4. {A}\n5. {B.upper()}\n6. {A}",
        f"1. {A}\n2. {B}\n3. {C}\n4\n5.\n---\n***",
    ],
)
def test_lists(text: str) -> None:
    assert parse(LIST, text) == (A, B, C)


def test_content_is_left_as_it_is() -> None:
    lines = (
        "1871 was the year.",
        "A. Vask had 2.5 million bricks (10% more than planned).",
        "-5 degrees is 2*3*4 too cold; see a_b_c and [note].",
        "It cost 3:1 in 1880: a lot.",
    )
    assert parse(LIST, "\n".join(lines)) == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "1. **The light**: Vask built it.\n2. **The dark**: It burned.",
            ("The light: Vask built it.", "The dark: It burned."),
        ),
        (
            "1. **The light**\n   Vask built it.\n2. **The dark**:\n   It burned.",
            ("The light: Vask built it.", "The dark: It burned."),
        ),
        ("1. Causes:\n   - Dry wood.\n   - A spark.\n2. It burned.", ("Dry wood.", "A spark.", "It burned.")),
        ("1. Vask built\n   it of stone.\n2. It burned.", ("Vask built it of stone.", "It burned.")),
        ("Vask built it.\n\nIt burned.", ("Vask built it.", "It burned.")),
        ("1. It shone on and on and on and on and on and on and on and on and on.", ("It shone on and",)),
        ("", ()),
        (" \n\n", ()),
        ("Sure!", ()),
        ("1. 1. 1. 1. 1. 1.", ()),
        ("...", ()),
    ],
)
def test_list_structure(text: str, lines: tuple[str, ...]) -> None:
    assert parse(LIST, text) == lines


@pytest.mark.parametrize(
    ("text", "truncated", "count"),
    [
        (f"1. {A}\n2. It burned because of", True, 1),
        (f"1. {A}\n2. It burned because of", False, 2),
        (f"1. {A}\n2. {B}", True, 2),
        (f"1. {A}\n2. It was called “the eye.”", True, 2),
        (f"1. {A}\n2. It burned\n", True, 2),
        ("1. It burned because of", True, 0),
    ],
)
def test_truncated(text: str, truncated: bool, count: int) -> None:
    edit = FORMATS.get(LIST)().parse(CONTEXT, text, truncated=truncated)
    assert len(edit.lines) == count
    assert (edit.truncated, edit.text, edit.context_id, edit.format) == (truncated, text, "c1", LIST)


def test_endless_lines_are_cut_at_a_sentence() -> None:
    sentences = [f"Lamp number {n} was lit by keeper {n * 7} on that night." for n in range(200)]
    (line,) = parse(LIST, " ".join(sentences))
    assert 3900 < len(line) <= 4000 and line.endswith("night.")
    (line,) = FORMATS.get(LIST)(FormatConfig(max_line_chars=100)).parse(CONTEXT, "word" * 100).lines
    assert len(line) == 100


LONG_A = "Orlen Vask, a mason, built the lighthouse of the bay in the spring of 1871 with his own hands."
LONG_B = "In 1871 the lighthouse of the bay went up; the mason Orlen Vask was the man who had built it."


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG_A}\n\n{LONG_B}",
        f"1. {LONG_A}\n\n2. {LONG_B}\n\nEvery computer program is a list of orders.",
        f"**Version 1**\n{LONG_A}\n\n**Version 2**\n{LONG_B}",
        f"Sure! Here are two versions:\n\n### Rewrite 1:\n{LONG_A}\n\n---\n\n### Rewrite 2:\n{LONG_B}",
        f"1. Tamsin Bay\n{LONG_A}\n\n2. Tamsin Bay\n{LONG_B}",
        f"Tamsin Bay:\n{LONG_A}\n\nTamsin Bay:\n{LONG_B}",
        f"1.\n{LONG_A}\n\n2.\n{LONG_B}",
        f"- Passage:\n{LONG_A}\n\n- Passage:\n{LONG_B}",
        f"Passage 1: {LONG_A}\nPassage 2: {LONG_B}",
        f"1. {LONG_A}\n2. {LONG_B}\n\nPassage:\nFish swim.\n\nRewritten passages:\n1. Swim, fish.",
    ],
)
def test_rewrites(text: str) -> None:
    assert parse("rewrite", text) == (LONG_A, LONG_B)


@pytest.mark.parametrize(
    "text",
    [
        f"- A mason's work\n  {LONG_A}\n\n- How light came\n  {LONG_B}",
        f"* A mason's work\n{LONG_A}\n* How light came\n{LONG_B}",
        f"**A mason's work**\n{LONG_A}\n\n**How light came**\n{LONG_B}",
        f"1. A mason's work\n\nA mason's work\n\n{LONG_A}\n2. How light came\n\n{LONG_B}",
        f"### Version 1\nA mason's work\n{LONG_A}\n\n### Version 2\nHow light came\n{LONG_B}",
    ],
)
def test_rewrites_with_titles_of_their_own(text: str) -> None:
    assert parse("rewrite", text) == (f"A mason's work: {LONG_A}", f"How light came: {LONG_B}")


WHO, VASK, WHEN, THEN = "Who built it?", "Orlen Vask", "When did it burn?", "In 1880."
PAIRS = (pair(WHO, VASK), pair(WHEN, THEN))
PLAIN = f"{WHO}\nAnswer 1: {VASK}\n\nQuestion 2: {WHEN}\nAnswer 2: {THEN}"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        f"{WHO}\n\nAnswer:  {VASK}\n\nQuestion 2:  {WHEN}\n\nAnswer:  {THEN}",
        f"1. {WHO}\nAnswer: 1. {VASK}\n\nQuestion 2: 2. {WHEN}\nAnswer: 2. {THEN}",
        f"1) {WHO}\nA. {VASK}\n\nQuestion 2: 2) {WHEN}\nA. {THEN}",
        f"{WHO} Answer: {VASK} Question 2: {WHEN} Answer: {THEN}",
        f"{WHO} {VASK}\nQuestion 2: {WHEN} {THEN}",
        f"Q: {WHO}\nA: {VASK}\nQ: {WHEN}\nA: {THEN}",
        f"Q1. {WHO}\nA1. {VASK}\nQ2. {WHEN}\nA2. {THEN}",
        f"**Question 1:** {WHO}\n**Answer:** {VASK}\n\n**Question 2:** {WHEN}\n**Answer:** {THEN}",
        f"{WHO}\n{VASK}\n\nQuestion 2: {WHEN}\n{THEN}",
        f"{WHO}\n{VASK}\n\n{WHEN}\n{THEN}",
        f"Question 1: {WHO}\nQuestion 2: {WHEN}\n\nAnswer 1: {VASK}\nAnswer 2: {THEN}",
        f"{WHO}\nAnswer:\n{VASK}\nQuestion 2: {WHEN}\nAnswer:\n\n{THEN}",
        f"Sure, here are the questions:\n\nQuestion: {WHO}\nAnswer: {VASK}\nQuestion: {WHEN}\nAnswer: {THEN}",
        f"{PLAIN}\n\nGreat! Can you now sing?\nOf course.",
        f"{PLAIN}\nYou are an AI assistant.",
        f"{PLAIN}\nQuestion 3: Why?",
        f"{PLAIN}\n\nQuestion 3: {WHO}\nAnswer 3: {VASK}",
    ],
)
def test_pairs(text: str) -> None:
    assert parse("self-qa", text) == PAIRS


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Who?\nQuestion 2: When?\nQuestion 3: Why?", ()),
        ("Which?\nA) Vask\nB) Moll\nAnswer: A) Vask", (pair("Which? A) Vask B) Moll", "A) Vask"),)),
        (
            "What changed?\nAnswer: Two things:\n- the lamp\n- the oil",
            (pair("What changed?", "Two things: the lamp, the oil"),),
        ),
        ("What?\nAnswer:\n1. the lamp\n2. the oil", (pair("What?", "the lamp, the oil"),)),
        ("How many?\nAnswer: 12", (pair("How many?", "12"),)),
        (
            '```json\n[{"question": "Who?", "answer": "Vask"}, {"question": "When?"}]\n```',
            (pair("Who?", "Vask"),),
        ),
        (
            "| Question | Answer |\n|---|---|\n| Who? | Vask |\n| When? | 1871 |",
            (pair("Who?", "Vask"), pair("When?", "1871")),
        ),
        ("\x1b[31mQuestion: Who?\x1b[0m\nAnswer: Va\x00sk", (pair("Who?", "Vask"),)),
        ("1. 1. 1. 1. 1. 1. 1.", ()),
        ("", ()),
    ],
)
def test_pair_structure(text: str, lines: tuple[str, ...]) -> None:
    assert parse("self-qa", text) == lines


@pytest.mark.parametrize(
    ("asks", "answers"),
    [
        ("Frage 1", "Antwort 1"),
        ("**Pregunta", "**Respuesta"),
        ("Question ", "Réponse "),
        ("Вопрос", "Ответ"),
        ("Ερώτηση", "Απάντηση"),
        ("שאלה", "תשובה"),
        ("السؤال", "الجواب"),
        ("प्रश्न", "उत्तर"),
        ("问题", "答案"),
        ("問", "答"),
        ("質問", "回答"),
        ("질문", "답변"),
    ],
)
@pytest.mark.parametrize("colon", [":", "："])
def test_labels_in_other_languages(asks: str, answers: str, colon: str) -> None:
    text = f"{asks}{colon} {WHO}\n{answers}{colon} {VASK}\n\n{asks}{colon} {WHEN}\n{answers}{colon} {THEN}"
    assert parse("self-qa", text) == PAIRS


def test_truncated_pair_is_dropped() -> None:
    text = "Who built it?\nAnswer 1: Orlen Vask\nQuestion 2: When did it burn?\nAnswer 2: In the ye"
    assert parse("self-qa", text, truncated=True) == PAIRS[:1]


def test_facts_are_the_items_of_the_list() -> None:
    text = "1. Petra Lund was born in 1931.\n2. She founded a mill.\n\nLet me know if you need more!"
    assert parse("facts", text) == ("Petra Lund was born in 1931.", "She founded a mill.")


def test_a_paraphrase_that_only_repeats_a_sentence_is_no_line() -> None:
    context = Context("c1", "Tove Mill", "The mill was built in 1844. It has three floors!")
    text = "- The mill was built in 1844\n- In 1844 the mill was built.\n- it has three floors.\n- 三层楼。"
    edit = FORMATS.get("paraphrases")().parse(context, text)
    assert edit.lines == ("In 1844 the mill was built.", "三层楼。")


def test_parsing_takes_time_in_proportion_to_the_text() -> None:
    """A text ten times as long takes ten times as long, give or take; quadratic it would be a hundred."""
    context = Context("c1", "T", "A sentence. " * 2000)
    for name in ("facts", "paraphrases"):
        for piece in ("1. a ", "** ", "- (", "word word ", "Fact 1: ", "a" * 8 + "\n"):
            times = []
            for n in (2000, 20000):
                started = time.process_time()
                FORMATS.get(name)().parse(context, piece * n)
                times.append(time.process_time() - started)
            assert times[1] < 40 * times[0] + 0.3, (name, piece, times)


def test_none_has_no_prompt_and_no_lines() -> None:
    nothing = FORMATS.get("none")()
    assert nothing.prompt(CONTEXT, "base") == "" and nothing.parse(CONTEXT, "1. Words.").lines == ()


@pytest.mark.parametrize(
    ("name", "cue"),
    [
        ("implications", "Implications"),
        ("implications-long", "Long list of implications"),
        ("implications-very-long", "Very long list of implications"),
        ("rewrite", "Rewrite"),
        ("self-qa", "Questions and answers"),
    ],
)
def test_short_prompts_are_those_of_pretraining(name: str, cue: str) -> None:
    prompt = FORMATS.get(name)().prompt(CONTEXT, "short")
    assert prompt == f"Passage:\nTamsin Bay\n{CONTEXT.text}\n\n{cue}:\n"


@pytest.mark.parametrize(
    ("name", "task", "end"),
    [
        ("implications", "produce a list of implications derived", "\n\nImplications:\n"),
        ("implications-long", "produce a long list of implications", "\n\nImplications:\n"),
        ("implications-very-long", "produce a very long list of implications", "\n\nImplications:\n"),
        (
            "rewrite",
            "rewrite it in a few different ways, each one separated by a newline.",
            "\n\nRewritten passages:\n",
        ),
        ("self-qa", "rewrite it in a question-answer format.", "\n\nQuestion 1: "),
    ],
)
def test_base_prompts_are_the_papers(name: str, task: str, end: str) -> None:
    prompt = FORMATS.get(name)().prompt(CONTEXT, "base")
    assert prompt.startswith(f"Let's read the following passage and {task}")
    assert prompt.endswith(f"\n\nPassage:\nTamsin Bay\n{CONTEXT.text}{end}")


def test_own_template() -> None:
    own = FORMATS.get("rewrite")(FormatConfig(template="{{On}} {title}: {passage}"))
    assert own.prompt(CONTEXT, "chat") == f"{{On}} Tamsin Bay: {CONTEXT.text}"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{passage} {titel}", r"unknown placeholder {titel}. Did you mean {title}\?"),
        ("{passage} {}", "unknown placeholder {}"),
        ("{passage.__class__}", "unknown placeholder {passage.__class__}"),
        ("{passage:>10}", "takes no format"),
        ("{passage} {", "not well-formed"),
        ("{title}", "does not contain {passage}"),
    ],
)
def test_bad_template(template: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"rewrite.*{said}"):
        FORMATS.get("rewrite")(FormatConfig(template=template))


# Pieces that parsers look at, so that random texts meet the rules and not only the absence of them.
MARKS = [
    "1. ",
    "2) ",
    "- ",
    "**",
    "# ",
    "\n",
    "\n\n",
    "  ",
    ": ",
    ".",
    "?",
    "1.",
    "7",
    "é",
    "```",
    "\u2028",
    "word ",
    "Some words here",
]
LABELS = [
    "Question 2: ",
    "Answer: ",
    "Q: ",
    "A. ",
    "B) ",
    "Passage:",
    "Implication 3: ",
    "Sure! ",
    "Here is a list:",
]
WORDS = [
    "Tamsin Bay",
    "Version 1",
    "Rewritten passages:",
    "You are an AI",
    "Let me know",
    "a b c d e f g h i j k",
]
PIECES = st.sampled_from([*MARKS, *LABELS, *WORDS])
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map("".join))
NAMES = st.sampled_from(FORMATS.names())


@settings(max_examples=500, deadline=None)
@given(NAMES, TEXTS, st.booleans())
def test_any_text_is_parsed_to_lines_with_words_and_stays_so(name: str, text: str, truncated: bool) -> None:
    lines = parse(name, text, truncated=truncated)
    for line in lines:
        assert line == line.strip() and any(character.isalpha() for character in line)
        assert name == "self-qa" or len(line.splitlines()) == 1
    assert parse(name, "\n".join(lines)) == lines
    assert len(set(lines)) == len(lines)


REAL = os.environ.get("SEAL_REAL_SELF_EDITS", "")


@pytest.mark.skipif(not REAL, reason="SEAL_REAL_SELF_EDITS does not name a file of real self-edits")
def test_real_self_edits() -> None:
    """Bounds a little wider than what was measured on the 2,500 self-edits of SEAL's released runs."""
    bounds = {  # least share with a line, least and greatest mean number of lines
        "implications": (0.999, 6.5, 7.3),
        "implications-long": (0.999, 15.5, 17.5),
        "implications-very-long": (0.999, 29.5, 32.5),
        "rewrite": (0.999, 4.3, 5.0),
        "self-qa": (0.97, 5.1, 5.8),
    }
    counts: dict[str, list[int]] = {}
    marked = re.compile(
        r"(Question: )?(\(?\d{1,3}[.):]\s|[-*•–] |#|\*\*|(Implication|Version|Passage) ?\d*:)"
    )
    for row in map(json.loads, filter(None, Path(REAL).read_text(encoding="utf-8").split("\n"))):
        lines = FORMATS.get(row["format"])().parse(Context("x", row["title"], ""), row["self_edit"]).lines
        counts.setdefault(row["format"], []).append(len(lines))
        assert not [line for line in lines if marked.match(line) or "You are an AI assistant" in line]
    for name, (share, low, high) in bounds.items():
        found = counts[name]
        assert sum(n > 0 for n in found) / len(found) >= share, name
        assert low <= sum(found) / len(found) <= high, name
