"""Numbers, signs, names and scripts as the world writes them: what tells two things apart is never lost."""

from __future__ import annotations

import unicodedata
from typing import Literal, NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seal.grading.exact import comparable
from seal.grading.lexical import words
from seal.grading.meaning import same_answer
from seal.languages import language_of
from seal.learner.conflicts import _may_mean
from seal.learner.library import KnownDocument
from seal.registry import Document
from seal.retention import CellRouter, DocumentPage
from seal.retention.terms import terms_in
from seal.self_edits.ground import ground
from seal.self_edits.pairs import parse_pairs
from seal.signs import folded, in_one_form
from seal.text import sentences
from seal.thoughts import without_thoughts

PLANS = "The Standard plan costs $45 a month. The Team plan costs $120 a month."
BOOK = "Ines Calloway wrote Ember Coast. Ember Coast was first printed in 2013. She lives in Norwich."
TABLES = (
    "Model\tPrice\tWeight\nLumora Go\t€119\t1.2 kg\nLumora Pro\t€199\t1.5 kg\n",
    "| Model | Price | Weight |\n|---|---|---|\n| Lumora Go | €119 | 1.2 kg |\n| Lumora Pro | "
    "€199 | 1.5 kg |\n",
)


def kept(line: str, title: str, text: str) -> bool:
    return ground([line], title, text)[0].kept


# ----- numbers


@pytest.mark.parametrize(
    ("line", "title", "text"),
    [
        ("Halden Tower is 75 metres high.", "Halden Tower", "Halden Tower is 12.75 metres high."),
        ("The dose is 5 mg.", "Medicor", "The dose is 2.5 mg a day."),
        ("The tower has 500 steps.", "The tower", "The tower has 1.500 steps."),
        ("The tool needs Python 10.", "The tool", "The tool needs Python 3.10."),
        ("Ines Calloway was first printed in 2013.", "Ines Calloway", BOOK),
        ("Question: When was Ines Calloway first printed?\nAnswer: 2013", "Ines Calloway", BOOK),
        ("The Standard plan costs $120.", "Plans", PLANS),
        ("The Standard plan costs $120.", "Plans", "The Standard plan costs $45 a month."),
        (
            "The Standard plan costs $120.",
            "Plans",
            "| Plan | Price |\n|---|---|\n| Standard | $45 |\n| Team | $120 |",
        ),
        ("Question: What does the Standard plan cost?\nAnswer: $120", "Plans", PLANS),
        (
            "The Basic ticket costs €30.",
            "Tickets",
            "The Basic ticket costs €10 and the Gold ticket costs €30.",
        ),
        ("The bridge opened at 30 on 3 May.", "The bridge", "The bridge opened at 9:30 on 3 May."),
        ("The score was 2.", "Match", "The score was 2:1."),
        ("The trip is 5 km long.", "Trip", "The trip is 3-5 km long."),
        ("The fee is €10.", "Fee", "The fee is $10."),
        ("The tool is written in C.", "Tool", "The tool is written in C++."),
        ("The patient has blood group A.", "Patient", "The patient has blood group A+."),
        ("The building has 12 floors.", "Building", "The building has 12½ floors."),
        ("The star is 105 km away.", "Star", "The star is 10⁵ km away."),
        *(("The Lumora Pro costs €119.", "Lumora", table) for table in TABLES),
    ],
)
def test_another_number_or_another_things_number_is_dropped(line: str, title: str, text: str) -> None:
    assert not kept(line, title, text)


@pytest.mark.parametrize(
    ("line", "title", "text"),
    [
        *(("The Lumora Go costs €119.", "Lumora", table) for table in TABLES),
        *(
            ("Question: What is the price of the Lumora Go?\nAnswer: €119", "Lumora", table)
            for table in TABLES
        ),
        *(("The weight of the Lumora Pro is 1.5 kg.", "Lumora", table) for table in TABLES),
        (
            "Her husband was the photographer Owen Pryce.",
            "Ines Calloway",
            BOOK + " Her husband was the photographer Owen Pryce.",
        ),
        ("His works are kept in Lund.", "Olof Berg", "Olof Berg was a painter. His works are kept in Lund."),
        ("Question: What does the Team plan cost?\nAnswer: $120 a month", "Plans", PLANS),
        ("Question: When was Ember Coast first printed?\nAnswer: 2013", "Ines Calloway", BOOK),
        ("The town has 12,500 people.", "Town", "The town has 12 500 people."),
        ("The building has 12.5 floors.", "Building", "The building has 12½ floors."),
        ("The photographer lived in Hull.", "Hull", "The photo-\ngrapher lived in Hull."),
        ("Café Noir opened in 1920.", "Cafés", "Cafe\u0301 Noir opened in １９２０."),
    ],
)
def test_what_the_source_says_is_kept_however_it_is_written(line: str, title: str, text: str) -> None:
    assert kept(line, title, text)


DIGITS = st.text("123456789", min_size=1, max_size=3)
BETWEEN = st.sampled_from([".", ":", "/"])


@settings(max_examples=60, deadline=None)
@given(one=DIGITS, other=DIGITS, between=BETWEEN)
def test_a_part_of_a_number_is_another_number(one: str, other: str, between: str) -> None:
    whole = f"{one}{between}{other}"
    assert comparable(whole) not in {comparable(one + other), comparable(one), comparable(other)}
    assert words(whole) not in (words(one + other), words(one), words(other))
    source = f"The value of the Halden scale is {whole} today."
    for wrong in {one, other, one + other}:
        assert not kept(f"The value of the Halden scale is {wrong} today.", "Halden scale", source)
    assert kept(source, "Halden scale", source)


@given(number=st.integers(1, 999), sign=st.sampled_from(["-", "$", "€", "£", "<", "−"]))
def test_a_sign_before_a_number_makes_another_answer(number: int, sign: str) -> None:
    assert comparable(f"{sign}{number}") != comparable(str(number))
    assert comparable(f"it is {sign}{number}.") != comparable(f"it is {number}.")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3.5", "35"),
        ("C++", "C"),
        ("C#", "C"),
        ("9:30", "930"),
        ("375", "37.5"),
        ("F#", "F"),
        (".NET", "NET"),
        ("A+", "A"),
        ("O-", "O+"),
        ("10%", "10"),
        ("2:1", "21"),
        ("1990-95", "199095"),
        ("5'10", "510"),
        ("1e-5", "1e5"),
        ("$5", "€5"),
        ("मीरा", "मारा"),
        ("10⁶", "106"),
        ("1.0", "10"),
        ("v1.2", "v12"),
        ("A*", "A"),
    ],
)
def test_exact_tells_apart(one: str, other: str) -> None:
    assert comparable(one) != comparable(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,000", "1000"),
        ("U.S.", "US"),
        ("the 3.5.", "3.5"),
        ("45 €", "€45"),
        ("10 %", "10 percent"),
        ("１２３", "123"),
        ("Harrow’s", "Harrow's"),
        ("x\u00ad\ny", "xy"),
        ("−5", "-5"),
        ("田中一郎。", "田中一郎"),
        ("**C++**", "C++"),
        ("1'000'000", "1,000,000"),
        ("1990–95", "1990-95"),
        ("“C++”", "C++"),
        ("2½", "2.5"),
        ("AT&T", "ATT"),
    ],
)
def test_exact_takes_for_the_same(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


@given(st.text("ab13.,:-+#$€%*' ½²−–\u00ad\u0301", max_size=12))
def test_comparing_twice_changes_nothing(text: str) -> None:
    assert comparable(comparable(text)) == comparable(text)


# ----- names


def routed(question: str, *titles: str) -> list[str]:
    pages = [DocumentPage(title, title, (f"{title} is known in Hull.",), n) for n, title in enumerate(titles)]
    return [found.key for found in CellRouter(pages).route(question) if found.named]


NAMES = [
    ("Salt Kettle 1.0", "Salt Kettle 10"),
    ("Port Meter C++", "Port Meter C#"),
    ("Halden Frame .NET", "Halden Frame"),
    ("Salt Kettle II", "Salt Kettle III"),
    ("Area 51", "Area 5 1"),
    ("Kettle v1.0", "Kettle v10"),
    ("Lumora Go", "Lumora Pro"),
]


@pytest.mark.parametrize(("one", "other"), [*NAMES, *((other, one) for one, other in NAMES)])
def test_a_name_with_another_number_or_sign_is_another_name(one: str, other: str) -> None:
    assert routed(f"When was {one} released?", one, other)[:1] == [one]
    if not one.startswith(other) and not other.startswith(one):
        assert routed(f"When was {one} released?", other) == []


@settings(deadline=None)
@given(one=DIGITS, other=DIGITS, between=st.sampled_from([".", ""]), apart=st.sampled_from([".", "", " "]))
def test_two_numbers_are_two_names(one: str, other: str, between: str, apart: str) -> None:
    first, second = f"Salt Kettle {one}{between}{other}", f"Salt Kettle {one}{apart}{other}"
    assume(between != apart)
    assert routed(f"When was {first} released?", first, second)[:1] == [first]
    if len(other) < 3:  # "1.234" may be a thousand
        assert terms_in(first) != terms_in(second)


def known(title: str) -> KnownDocument:
    return KnownDocument(Document(title.ljust(64, "-"), 1, title, 1.0, ""), "", (), ())


@pytest.mark.parametrize(
    ("question", "older", "newer", "means"),
    [
        ("When was Salt Kettle released?", "Salt Kettle 1.0", "Salt Kettle 10", False),
        ("When was Salt Kettle released?", "Salt Kettle 1.0", "Salt Kettle 1.0", True),
        ("When was Salt Kettle 1.0 released?", "Salt Kettle 1.0", "Salt Kettle 10", True),
        ("What does the Lumora cost?", "Lumora Go", "Lumora Pro", False),
        ("Where was Okoro born?", "Ada Okoro", "Ben Okoro", False),
        ("Where was Ada born?", "Ada Okoro", "News of May", True),
        ("Who wrote Halden Frame?", "Halden Frame C++", "News of May", False),
    ],
)
def test_a_part_of_a_name_does_not_stand_for_a_variant(
    question: str, older: str, newer: str, means: bool
) -> None:
    assert _may_mean(question, known(older), known(newer)) is means


# ----- scripts


class Script(NamedTuple):
    """A document in a script; `template` has {name} and {year}, `wrong` is a name that it does not have."""

    title: str
    text: str
    asked: str
    answer: str
    wrong: str
    routed: str


SCRIPTS = {
    "ar": Script(
        "شركة النخيل",
        "شركة النخيل شركة لبنانية. أسسها سمير حداد عام 1987 في بيروت. يعمل فيها 250 موظفا.",
        "من أسس الشركة؟",
        "سمير حداد",
        "كريم منصور",
        "من أسس شركة النخيل؟",
    ),
    "he": Script(
        "אורן",
        "החברה אורן נוסדה בחיפה. דוד לוי ייסד את החברה בשנת 1987. בחברה עובדים 250 איש.",
        "מי ייסד את החברה?",
        "דוד לוי",
        "משה כהן",
        "מי ייסד את אורן?",
    ),
    "hi": Script(
        "अरुणोदय",
        "अरुणोदय एक कंपनी है। रमेश शर्मा ने कंपनी की स्थापना 1987 में की। कंपनी में 250 लोग काम करते हैं।",
        "कंपनी की स्थापना किसने की?",
        "रमेश शर्मा",
        "सुरेश वर्मा",
        "अरुणोदय की स्थापना किसने की?",
    ),
    "zh": Script(
        "晨光公司",
        "晨光公司是一家企业。公司由王小明于1987年在上海创立。公司有250名员工。",
        "公司是谁创立的？",
        "王小明",
        "李大伟",
        "晨光公司是谁创立的？",
    ),
    "ja": Script(
        "青空社",
        "青空社は会社です。会社は田中一郎が1987年に東京で設立しました。社員は250人です。",
        "会社を設立したのは誰ですか？",
        "田中一郎",
        "山本太郎",
        "青空社を設立したのは誰ですか？",
    ),
    "ko": Script(
        "한빛",
        "한빛은 회사입니다. 김철수가 1987년에 서울에서 회사를 설립했습니다. 직원은 250명입니다.",
        "회사를 누가 설립했습니까?",
        "김철수",
        "박영희",
        "한빛은 누가 설립했습니까?",
    ),
}


@pytest.mark.parametrize("language", SCRIPTS)
def test_questions_and_pairs_in_scripts_without_capitals(language: str) -> None:
    one = SCRIPTS[language]
    pages = [
        DocumentPage(name, each.title, tuple(sentences(each.text)), n)
        for n, (name, each) in enumerate(SCRIPTS.items())
    ]
    assert [found.key for found in CellRouter(pages).route(one.routed)] == [language]
    assert kept(f"Question: {one.asked}\nAnswer: {one.answer}", one.title, one.text)
    assert not kept(f"Question: {one.asked}\nAnswer: {one.wrong}", one.title, one.text)
    assert language_of(one.text) == language
    assert len(sentences(one.text)) == 3


def _digits(number: int, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in str(number))


ZEROS = {"ar": "٠", "he": "0", "hi": "०", "zh": "０", "ja": "０", "ko": "0"}


@settings(max_examples=40, deadline=None)
@given(
    language=st.sampled_from(list(SCRIPTS)),
    count=st.integers(2, 9999),
    other=st.integers(2, 9999),
    form=st.sampled_from(["NFC", "NFD", "NFKC"]),
)
def test_numbers_hold_in_every_script_and_form(
    language: str, count: int, other: int, form: Literal["NFC", "NFD", "NFKC"]
) -> None:
    assume(other not in (count, 1987))
    one = SCRIPTS[language]
    text = unicodedata.normalize(form, one.text.replace("250", _digits(count, ZEROS[language])))
    last = sentences(one.text)[-1]
    line = unicodedata.normalize("NFC", last)
    assert kept(line.replace("250", str(count)), one.title, text)
    assert not kept(line.replace("250", str(other)), one.title, text)


LETTERS = st.text(st.characters(categories=("Lu", "Ll", "Lo", "Mn", "Mc", "Nd")), min_size=1, max_size=12)


@given(LETTERS)
def test_a_text_has_one_form(text: str) -> None:
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    assert len({in_one_form(one) for one in forms}) == 1
    assert len({folded(one) for one in forms}) == 1
    assert in_one_form(in_one_form(text)) == in_one_form(text)


@given(
    st.text("abc ", min_size=1, max_size=12), st.sampled_from("\u00ad\u200b\u2060\ufeff"), st.integers(0, 12)
)
def test_what_cannot_be_seen_makes_no_other_answer(text: str, hidden: str, at: int) -> None:
    assume(text.strip())
    assert comparable(text[:at] + hidden + text[at:]) == comparable(text)
    assert same_answer("", text[:at] + hidden + text[at:], text) == same_answer("", text, text)


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("今天很好。我们去公园！你来吗？", 3),
        ("यह एक वाक्य है। यह दूसरा है।", 2),
        ("هذه جملة. هذه جملة أخرى؟ نعم.", 3),
        ("これは文です。これも文です。", 2),
        (
            "Das ist der 3. Mai, z. B. ein Tag. Der Zug kam am 4. Juni an und nicht am 5. Juni, wie es hieß.",
            2,
        ),
    ],
)
def test_sentences_end_as_their_language_ends_them(text: str, n: int) -> None:
    assert len(sentences(text)) == n


# ----- what counts what, and what is written beside a name


@pytest.mark.parametrize(
    ("true", "false", "text"),
    [
        ("The hall has 3 bells.", "The hall has 12 bells.", "The hall has 3 bells and 12 clocks."),
        ("The piece is in F♯ minor.", "The piece is in F minor.", "The piece is in F♯ minor."),
        ("Attendance was 75 %.", "Attendance was 25 %.", "Attendance was three quarters."),
        ("Attendance was one quarter.", "Attendance was one third.", "Attendance was one quarter."),
        ("Attendance was three quarters.", "Attendance was one quarter.", "Attendance was three quarters."),
    ],
)
def test_a_value_of_something_else_is_not_kept(true: str, false: str, text: str) -> None:
    assert kept(true, "Hall", text) and not kept(false, "Hall", text)


@given(st.integers(2, 60), st.integers(2, 60), st.sampled_from(["bells", "clocks", "ships", "lamps"]))
def test_a_number_counts_what_it_counts(n: int, other: int, thing: str) -> None:
    assume(n != other)
    text = f"The hall has {n} {thing} and {other} chairs."
    assert kept(f"The hall has {n} {thing}.", "Hall", text)
    assert not kept(f"The hall has {other} {thing}.", "Hall", text)


@pytest.mark.parametrize("dash", ["–", "—", "-"])
def test_pairs_with_a_dash_are_pairs_of_one_line(dash: str) -> None:
    text = f"Who built it? {dash} Tom Reed\nWhen was it built? {dash} 1844"
    assert parse_pairs(text) == (
        "Question: Who built it?\nAnswer: Tom Reed",
        "Question: When was it built?\nAnswer: 1844",
    )


def test_thoughts_in_other_marks_are_cut() -> None:
    assert without_thoughts("◁think▷ Lyon? No. ◁/think▷ Paris") == "Paris"
