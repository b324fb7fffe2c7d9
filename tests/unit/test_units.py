"""Units: every sentence, row and item of a document, in order, with what stands above it."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seal.domains.knowledge.units import units_of
from seal.languages import language_of, split_sentences


def told(text: str, title: str = "") -> list[str]:
    return [unit.text for unit in units_of(title, text)]


def shown(text: str, title: str = "") -> list[tuple[str, str, str]]:
    return [(unit.kind, unit.heading, unit.text) for unit in units_of(title, text)]


FAQ = """---
title: Lumora FAQ
tags: [lamp]
---
# Lumora FAQ

Lumora is a lamp. It has
a battery of 3.5 Ah and runs, e.g. at night, for 12 hours.

## What does it cost?

It costs $45. Two cost $80.

**Can I return it?**

Yes, within 30 days.

**Is it safe?** Yes. It meets EN 60598.
"""


def test_an_answer_has_its_question_above_it() -> None:
    assert shown(FAQ, "Lumora FAQ") == [
        ("sentence", "", "Lumora is a lamp."),
        ("sentence", "", "It has a battery of 3.5 Ah and runs, e.g. at night, for 12 hours."),
        ("sentence", "What does it cost?", "It costs $45."),
        ("sentence", "What does it cost?", "Two cost $80."),
        ("sentence", "Can I return it?", "Yes, within 30 days."),
        ("sentence", "Is it safe?", "Yes."),
        ("sentence", "Is it safe?", "It meets EN 60598."),
    ]


def test_questions_and_answers_of_a_plain_text() -> None:
    text = "Q: Who may borrow?\nA: Everyone.\nQ: For how long?\nA: 3 weeks.\n\nThe desk is on the left."
    assert shown(text) == [
        ("sentence", "Who may borrow?", "Everyone."),
        ("sentence", "For how long?", "3 weeks."),
        ("sentence", "", "The desk is on the left."),
    ]


TABLES = {
    "Markdown": "| Plan | Price | Users |\n|---|---:|---|\n| Standard | $45 | 10 |\n| **Pro** | $120 | 50 |",
    "pipes": "Plan | Price | Users\nStandard | $45 | 10\nPro | $120 | 50",
    "tabs": "Plan\tPrice\tUsers\nStandard\t$45\t10\nPro\t$120\t50",
    "spaces": "Plan       Price  Users\nStandard   $45       10\nPro        $120      50",
    "a rule": "Plan      Price  Users\n--------  -----  ----\nStandard  $45       10\nPro       $120      50",
    "HTML": "<table>\n<tr><th>Plan</th><th>Price</th><th>Users</th></tr>\n"
    "<tr><td>Standard</td><td>$45</td><td>10</td></tr>\n<tr><td>Pro</td><td>$120</td><td>50</td></tr>\n</table>",
}


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_a_row_is_a_sentence_about_its_headings(text: str) -> None:
    rows = [
        ("row", "", "Plan: Standard; Price: $45; Users: 10"),
        ("row", "", "Plan: Pro; Price: $120; Users: 50"),
    ]
    assert shown(f"Our plans are these ones.\n\n{text}\n\nAsk us.")[1:-1] == rows


def test_a_row_of_a_table_without_headings_is_about_its_first_cell() -> None:
    assert told("Monday\t9-17\nTuesday\t10-18") == ["Monday: 9-17", "Tuesday: 10-18"]


def test_a_mark_in_a_column_is_no_markup() -> None:
    assert told("#\tName\tPoints\n1.\tAnna\t12\n2.\tBen\t9") == [
        "#: 1.; Name: Anna; Points: 12",
        "#: 2.; Name: Ben; Points: 9",
    ]


def test_a_cell_beyond_the_headings_is_not_lost() -> None:
    assert told("| a | b |\n|---|---|\n| 1 | 2 | 3 |") == ["a: 1; b: 2; 3"]


def test_two_spaces_behind_a_full_stop_are_no_table() -> None:
    lines = ["It was built.  Then it fell.", "He was old.  He slept a lot.", "So it was.  All is well now."]
    assert {unit.kind for unit in units_of("", "\n".join(lines))} == {"sentence"}


def test_a_list_keeps_what_it_belongs_to() -> None:
    text = "The plan includes:\n\n- Backups\n  - daily\n- Support:\n  1. by phone\n  2. by mail\n"
    text += "- [x] Sign it\n- [ ] Pay"
    assert shown(text) == [
        ("item", "The plan includes", "Backups"),
        ("item", "The plan includes > Backups", "daily"),
        ("item", "The plan includes > Support", "by phone"),
        ("item", "The plan includes > Support", "by mail"),
        ("item", "The plan includes", "Done: Sign it"),
        ("item", "The plan includes", "To do: Pay"),
    ]


def test_a_change_log_keeps_the_version() -> None:
    text = "# Changes\n\n## 2.3.1 - 2024-05-02\n\n### Fixed\n\n- A crash. Thanks.\n\n## 2.3.0\n\n- First."
    assert shown(text, "Changes") == [
        ("item", "2.3.1 - 2024-05-02 > Fixed", "A crash. Thanks."),
        ("item", "2.3.0", "First."),
    ]


def test_values_are_items_of_their_own() -> None:
    text = "Opening hours: 9-17\nPhone: 0123 456 789\nAddress: 12 Mill Lane,\n  Ashford"
    assert [(unit.kind, unit.text) for unit in units_of("", text)] == [
        ("item", "Opening hours: 9-17"),
        ("item", "Phone: 0123 456 789"),
        ("item", "Address: 12 Mill Lane, Ashford"),
    ]


def test_a_plain_text_with_hard_wrapped_lines() -> None:
    text = (
        "Riverside Library\n\nThe library opens on 3 March 1874 and is full of infor-\nmation. It was "
        "founded by\nJ. R. Smith.\n\n    It is closed\n    on Monday.\n"
    )
    assert told(text, "Riverside Library") == [
        "The library opens on 3 March 1874 and is full of information.",
        "It was founded by J. R. Smith.",
        "It is closed on Monday.",
    ]


def test_a_short_line_above_a_text_is_its_heading() -> None:
    text = "OPENING HOURS\n\nThe library is open from nine to five on all days but Monday, when it is closed."
    assert [unit.heading for unit in units_of("", text)] == ["OPENING HOURS"]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("`\n`\none\ntwo 1 2", ["one two 1 2"]),
        ("...\nA line.", ["...", "A line."]),
        ("5*3*2 is 30.", ["5×3×2 is 30."]),
        ("1874. That was the year.", ["1874. That was the year."]),
        ("Er kam am\n1. März an. Er blieb.", ["Er kam am 1. März an.", "Er blieb."]),
        ("A line of a letter.\n---\nAnother.", ["A line of a letter.", "Another."]),
        ("```\nnever closed. Really.", ["never closed.", "Really."]),
        ("```\nseal init\nseal learn\n```", ["seal init seal learn"]),
        ("See [the page](https://a.org/x.html) &amp; ask.", ["See the page & ask."]),
        ("[text][x] is here.\n\n[x]: https://a.org", ["text is here."]),
        ("[Phone]: 123", ["[Phone]: 123"]),
        ("H<sub>2</sub>O is <b>water</b>.<br>Drink it.", ["H2O is water.", "Drink it."]),
        ("a < b and c > d.", ["a < b and c > d."]),
        ("<!-- no -->Yes.", ["Yes."]),
        ("## Closed on Monday", ["Closed on Monday"]),
    ],
)
def test_markup_and_what_only_looks_like_it(text: str, units: list[str]) -> None:
    assert told(text) == units


SENTENCES = {
    "en": [
        "Dr. Smith met him.|He left.",
        "Use fruit, e.g. apples.|It is 3.5 m long.",
        "See No. 7 on the list.|It is old.",
        "He lives in the U.S. Army base.|It is big.",
        "He lives in the U.S.|He likes it.",
        "The book is 87 pages long.|Set in Rome, it tells of war.",
        "J. R. Smith founded it.|It grew.",
        "Well... he said so.|Then he left.",
        "See https://a.org/x.html?q=1.|It helps.|Version 2.3.1 is out.",
        'He said "Stop. Now."|She left.',
        '"Stop!" he cried.|Then he ran.',
        "It costs $4.50.|Open 9 a.m. to 5 p.m. on Monday.|Call Mr. Lee.",
        "(It was late.)|He slept.",
        "It has 5 m.|It was built in 1874.|No. 3 is best.",
    ],
    "de": [
        "Am 3. März kam er.|Dann ging er.",
        "Das Haus, z. B. das alte, steht.|Es ist d.h. alt.|Der 2. Weltkrieg begann.",
        "Dr. Meier wohnt in der Hauptstr. 5.|Er ist ca. 40 Jahre alt.",
        "Sie wurde am 12. 4. 1874 geboren.|Ihr Vater war Arzt.",
    ],
    "fr": ["M. Dupont est né en 1874.|Il vit à Paris."],
    "es": ["El Sr. Ruiz nació en 1874.|¿Dónde vive?|Vive en EE. UU. desde 1900."],
    "zh": ["他生于1874年。|他是医生。|“你好！”他说。"],
    "ja": ["彼は医者です。|「こんにちは。」と言った。"],
    "hi": ["वह डॉक्टर है।|वह दिल्ली में रहता है।|क्या वह आएगा?"],
    "ar": ["أين يعيش؟|يعيش في القاهرة.|ولد عام 1874."],
    "ru": ["Он родился в 1874 г. в Москве.|Завод им. Ленина стоит."],
}


@pytest.mark.parametrize(
    ("language", "marked"), [(language, case) for language, cases in SENTENCES.items() for case in cases]
)
def test_sentences(language: str, marked: str) -> None:
    sentences = marked.split("|")
    text = ("" if language in ("zh", "ja") else " ").join(sentences)
    assert [text[start:end] for start, end in split_sentences(text, language)] == sentences


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The house was built in 1874 by the river."),
        ("de", "Das Haus wurde 1874 am Fluss gebaut und ist alt."),
        ("fr", "La maison est dans une rue de la ville et elle est vieille."),
        ("es", "La casa es de los años veinte y está en el centro."),
        ("zh", "房子建于1874年。"),
        ("ja", "家は1874年に建てられた。"),
        ("hi", "घर 1874 में बना था।"),
        ("ar", "بني البيت عام 1874."),
    ],
)
def test_the_language_of_a_text(language: str, text: str) -> None:
    assert language_of(text) == language


# ----- any text

WORDS = st.text(st.sampled_from("abcdeABCDE12äé他し。.,!«»-'\"()%$"), min_size=1, max_size=9)
LINES = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
MARKED = st.lists(
    st.one_of(
        LINES,
        st.sampled_from("# a|## b|- c|  - d|1. e|> f|```||a | b|---|- [x] g|a: b|**h?**|**i**".split("|")),
        st.sampled_from(["\t", "<br>", "<td>", "[x]: /y", "*", "_", "`", "a  b", "|", "|a|b|", "|---|---|"]),
        st.text(max_size=20),
    ),
    max_size=20,
).map("\n".join)


@settings(max_examples=200, deadline=None)
@given(MARKED)
def test_units_are_in_order_and_do_not_overlap(text: str) -> None:
    units = units_of("t", text)
    assert all(0 <= unit.start < unit.stop <= len(text) and unit.text.strip() for unit in units)
    assert all(one.stop <= other.start for one, other in pairwise(units))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(WORDS, min_size=9, max_size=30).map(" ".join), min_size=1, max_size=5))
def test_every_character_of_a_paragraph_is_in_one_unit(paragraphs: list[str]) -> None:
    text = "\n\n".join(f"Word {paragraph}" for paragraph in paragraphs)
    units = units_of("", text)
    covered = {at for unit in units for at in range(unit.start, unit.stop)}
    assert [char for at, char in enumerate(text) if at not in covered and not char.isspace()] == []
    assert sum(unit.stop - unit.start for unit in units) == len(covered)


CELLS = st.text(st.sampled_from("abcDE12.äé他 $%"), min_size=1, max_size=12).map(str.strip).filter(bool)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(2, 5).flatmap(
        lambda columns: st.lists(st.lists(CELLS, min_size=columns, max_size=columns), min_size=2, max_size=6)
    ),
    st.sampled_from(["|", "\t"]),
)
def test_every_cell_of_a_table_is_in_its_row(rows: list[list[str]], between: str) -> None:
    # "1." and a tab or a space begin a list if there is but one more column
    assume(between == "|" or len(rows[0]) > 2 or not any("." in row[0].split(" ")[0] for row in rows))
    if between == "|":
        lines = [f"| {' | '.join(row)} |" for row in rows]
        lines.insert(1, "|" + "---|" * len(rows[0]))
    else:
        lines = ["\t".join(row) for row in rows]
    units = units_of("", "\n".join(lines))
    found = [unit.text for unit in units if unit.kind == "row"]
    for row, unit in zip(rows[-len(found) :], found):
        assert all(" ".join(cell.split()) in unit for cell in row)
    assert len(rows) - len(found) in (0, 1)


@pytest.mark.parametrize(
    "piece",
    [
        "a?\n\n",
        "- a\n",
        "a|b\n-|-\na|b\n",
        "“a. “",
        "[a](",
        "![[",
        "<!--",
        "<b ",
        "```\n",
        "A. ",
        "a: b\n",
        "*a",
        "1874. a\n\n",
    ],
)
def test_time_grows_with_the_length_of_the_text(piece: str) -> None:
    text = piece * (60_000 // len(piece))

    def seconds(part: str) -> float:
        start = time.process_time()
        units_of("t", part)
        return time.process_time() - start

    short = min(seconds(text[:6_000]) for _ in range(3))
    # The least of some: other programs make single times longer, never shorter.
    assert any(seconds(text) < 40 * short + 0.1 for _ in range(4))  # 100 times, if it were quadratic
