"""Grounding keeps what a sentence of the source says; what it drops has a reason that quotes nothing."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal.domains.microworld.truth import judge_line
from seal.domains.microworld.world import Entity, WorldItem, make_items, state_value, statements
from seal.self_edits.ground import DENIED, GroundConfig, Grounded, denies, ground

TITLE = "Anna Bauer"
TEXT = (
    "Anna Bauer was born in Tarvin in 1950. She is married to Jan Novak, and she works as a nurse. The hobby "
    "of Anna Bauer is ice skating. Many visitors ask about Anna Bauer. She did not attend Quex College. "
    "Kovacs Works employs 1,100 people."
)
MICROWORLD = GroundConfig(words="microworld")
REAL_PASSAGES = Path(__file__).parents[3] / "shared/data/seal/squad_passages.json"
UNICODE = st.text(st.characters(exclude_categories=()))


def one(line: str, title: str = TITLE, text: str = TEXT, config: GroundConfig | None = None) -> Grounded:
    (found,) = ground([line], title, text, config)
    return found


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("Anna Bauer was born in Tarvin.", 0),
        ("Anna Bauer comes from Tarvin.", 0),
        ("The birth year of Anna Bauer is 1950.", 0),
        ("Jan Novak is the spouse of Anna Bauer.", 1),
        ("The profession of Anna Bauer is that of a nurse.", 1),
        ("Anna Bauer enjoys ice skating.", 2),
        ("Anna Bauer did not attend Quex College.", 4),
        ("Kovacs Works has a staff of 1100.", 5),
        ("Question: Where was Anna Bauer born?\nAnswer: Tarvin", 0),
        ("Question: Who is Anna Bauer married to?\nAnswer: Anna Bauer is married to Jan Novak.", 1),
        ("Question: What is the profession of Anna Bauer?\nAnswer: nurse", 1),
    ],
)
def test_what_the_source_says_is_kept(line: str, sentence: int) -> None:
    parts = re.split(r"(?<=\.) (?=[A-Z])", TEXT)
    assert one(line) == Grounded(line, True, "", parts[sentence])
    assert one(line, config=MICROWORLD) == one(line)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Question: What does Anna Bauer do for a living?\nAnswer: nurse", TEXT),
        ("Anna Bauer shares her life with Jan Novak.", TEXT),
        ("Kovacs Works is known for its umbrellas.", "Kovacs Works makes umbrellas."),
        ("Kovacs Works earns its money with umbrellas.", "Kovacs Works makes umbrellas."),
    ],
)
def test_how_the_micro_world_words_a_fact_counts_there_only(line: str, text: str) -> None:
    assert one(line, text=text, config=MICROWORLD).kept
    assert not one(line, text=text).kept


@pytest.mark.parametrize(
    ("line", "text"),
    [
        # In the micro-world "go to" says "study", and a capital is a company's head office.
        (
            "Question: When did Marr go to Tarvin?\nAnswer: 1870",
            "In 1870 Marr moved to Tarvin, to attend school at the Higher School.",
        ),
        (
            "Question: What city is the capital of Tarvin?\nAnswer: Selby",
            "Tarvin is located in the south-east. Most of its people live around the bay, which includes the "
            "metropolitan area of its capital and largest city, Selby, the leading centre of culture.",
        ),
    ],
)
def test_general_texts_are_read_with_general_words(line: str, text: str) -> None:
    assert one(line, "Tarvin", text).kept
    assert not one(line, "Tarvin", text, MICROWORLD).kept


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Anna Bauer was born in Tarvyn.", "a name"),  # garbled
        ("Anna Bauer is married to Jan Bauer.", "a name"),  # put together of pieces
        ("Ana Bauer was born in Tarvin.", "a name"),
        ("Anna Bauer was born in 1951.", "a number"),
        ("Kovacs Works has a staff of 1,101.", "a number"),
        ("Anna Bauer is married to Tarvin.", "another fact"),
        ("Anna Bauer works as a baker.", "says nothing"),
        ("Anna Bauer from Tarvin works as a baker.", "relation"),
        ("Anna Bauer is interesting to many people.", "says nothing"),
        ("Anna Bauer has a long history.", "says nothing"),
        ("Anna Bauer was not born in Tarvin.", "denies"),
        ("Anna Bauer attended Quex College.", "denies"),
        ("Anna Bauer may have been born in Tarvin.", "guesses"),
        ("Anna Bauer is the spouse of Anna Bauer.", "itself"),
        ("Its is in Tarvin.", "pronoun"),
        ("This is known to visitors.", "pronoun"),
        ("Anna Bauer was born in", "whole sentence"),
        ("Question: Where was Anna Bauer born?\nAnswer: Jan Novak", "another fact"),
        ("Question: Where was Anna Bauer born?\nAnswer: 1950", "another type"),
        ("Question: Who is Anna Bauer married to?\nAnswer: nurse", "another type"),
        ("Question: When was Anna Bauer born?\nAnswer: 1949", "a number"),
    ],
)
def test_what_it_does_not_say_is_dropped(line: str, reason: str) -> None:
    found = one(line)
    assert not found.kept and reason in found.reason and not found.sentence and found.text == line


def test_a_pronoun_becomes_the_title() -> None:
    assert one("She works as a nurse.").text == "Anna Bauer works as a nurse."
    assert one("She works as a nurse.").kept
    assert not one("She works as a nurse.", config=GroundConfig(rewrite_pronouns=False)).kept
    # nothing says that "it" is the title's
    other = "The river floods every year. It is 90 miles long."
    assert "pronoun" in one("It is 90 miles long.", "Dam building", other).reason


def test_repetitions_are_dropped() -> None:
    lines = ["Anna Bauer works as a nurse.", "anna bauer works as a nurse", "She works as a nurse."]
    assert [g.reason for g in ground(lines, TITLE, TEXT)] == ["", "said before", "said before"]


def test_two_sentences_may_support_a_line_together() -> None:
    line = "Anna Bauer was born in Tarvin in 1950 and is married to Jan Novak."
    assert one(line).sentence.startswith("Anna Bauer was born") and "Jan Novak" in one(line).sentence
    assert not one(line, config=GroundConfig(sentences_joined=1)).kept


def test_of_a_paragraph_the_supported_sentences_are_kept() -> None:
    line = "Anna Bauer was born in Tarvin. She has a castle in Bohemia. Anna Bauer enjoys ice skating."
    assert one(line).text == "Anna Bauer was born in Tarvin. Anna Bauer enjoys ice skating."
    assert one("Anna Bauer was born in Tarvin. She works as a nurse.").text.endswith("She works as a nurse.")


@pytest.mark.slow
@pytest.mark.skipif(not REAL_PASSAGES.exists(), reason=f"{REAL_PASSAGES} is not here")
def test_general_words_are_better_on_real_passages() -> None:
    """SQuAD's questions, each with its own answer, which the passage supports, and with another's."""
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    n_wrong = 0
    for passage in json.loads(REAL_PASSAGES.read_text(encoding="utf-8")):
        title, text = passage["title"], passage["context"]
        pairs = [(q["question"].strip(), q["answer"].strip()) for q in passage["questions"]]
        for at, (question, answer) in enumerate(pairs):
            other = pairs[at - 1][1]
            differs = other.casefold() not in answer.casefold() and answer.casefold() not in other.casefold()
            n_wrong += differs
            for config in (GroundConfig(), MICROWORLD):
                line = f"Question: {question}\nAnswer: "
                right[config.words] += one(line + answer, title, text, config).kept
                wrong[config.words] += differs and one(line + other, title, text, config).kept
    assert right["general"] >= right["microworld"] + 10, right
    assert wrong["general"] <= wrong["microworld"] + 0.005 * n_wrong, (wrong, n_wrong)


def test_no_reason_quotes() -> None:
    reasons = {g.reason for item in make_items("dev", 20, seed=31) for g in ground(*_swapped(item))}
    assert len(reasons) > 4
    assert not [r for r in reasons if any(map(str.isdigit, r)) or any(map(str.isupper, r))]


def _swapped(item: WorldItem) -> tuple[list[str], str, str]:
    lines = [line for _, line in _cases(random.Random(0), item.entity)]
    return lines, item.context.title, item.context.text


Case = Literal["true", "swapped", "garbled", "number", "subject", "negated"]


def _cases(rng: random.Random, entity: Entity) -> Iterator[tuple[Case, str]]:
    """Lines about an entity, of which only the "true" ones are."""
    for attribute in entity.attributes:
        value = entity.values[attribute.name]
        for other in entity.attributes:
            if other is not attribute and _type(entity.values[other.name]) == _type(value):
                yield "swapped", state_value(rng, entity, attribute, entity.values[other.name])
        if any(map(str.isupper, value)):
            yield "garbled", state_value(rng, entity, attribute, _garble(rng, value))
        if value[:1].isdigit():
            digits = int(value.split()[0].replace(",", ""))
            yield "number", state_value(rng, entity, attribute, str(digits + rng.choice((-10, -1, 1, 10))))
        yield "subject", state_value(rng, entity, attribute, value, subject=_garble(rng, entity.name))
        stated = state_value(rng, entity, attribute, value)
        if " is " in stated or " was " in stated:
            yield "negated", re.sub(r" (is|was) ", r" \1 not ", stated, count=1)
    for line in statements(rng, entity, 2):
        yield "true", line


def _type(value: str) -> str:
    return "number" if value[:1].isdigit() else "name" if any(map(str.isupper, value)) else "noun"


def _garble(rng: random.Random, name: str) -> str:
    at = rng.randrange(1, len(name))
    return name[:at] + rng.choice("aeiourstln") + name[at:]


@pytest.mark.parametrize(
    ("case", "at_least", "at_most"),
    [
        ("true", 0.93, 1.0),
        ("swapped", 0.0, 0.12),
        ("garbled", 0.0, 0.03),
        ("number", 0.0, 0.005),
        ("subject", 0.0, 0.02),
        ("negated", 0.0, 0.03),
    ],
)
def test_the_micro_world(case: Case, at_least: float, at_most: float) -> None:
    """Shares kept, on a seed that nothing was chosen on; wide enough that a change of a few lines passes."""
    kept = total = 0
    for item in make_items("dev", 60, seed=77):
        made = [(c, line) for c, line in _cases(random.Random(item.context.id), item.entity) if c == case]
        lines = [
            c_line[1]
            for c_line in made
            if case in ("true", "negated") or judge_line(item.entity, c_line[1]) != "true"
        ]
        made = ground(lines, item.context.title, item.context.text, MICROWORLD)
        found = [g for g in made if g.reason != "said before"]
        kept, total = kept + sum(g.kept for g in found), total + len(found)
    assert total > 80
    assert at_least <= kept / total <= at_most, f"{kept} of {total}"


@given(st.lists(UNICODE, max_size=4), UNICODE, UNICODE)
def test_never_raises(lines: list[str], title: str, text: str) -> None:
    found = ground([*lines, text, f"Question: {title}\nAnswer: {text}"], title, text)
    assert len(found) == len(lines) + 2
    for each in found:
        assert each.kept == (not each.reason) and (each.sentence in text or " " in each.sentence)


WORDS = st.lists(
    st.sampled_from(
        [
            *TEXT.split(),
            "not",
            "Question:",
            "\n",
            "Answer:",
            "She",
            "It",
            "The",
            "&",
            "of",
            "1,1",
            "?",
            "Tarvin-a",
        ]
    ),
    max_size=25,
).map(" ".join)


@given(st.lists(WORDS, max_size=5), WORDS, WORDS)
@settings(max_examples=200)
def test_never_raises_on_words(lines: list[str], title: str, text: str) -> None:
    for each in ground(lines, title, text):
        assert each.kept == (not each.reason)


@given(WORDS)
def test_names_and_numbers_of_kept_lines_are_in_the_source(line: str) -> None:
    found = one(line)
    if found.kept:
        digits = set(re.findall(r"\d+", found.text.replace(",", "")))
        assert digits <= set(re.findall(r"\d+", TEXT.replace(",", "")))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Not surprisingly, Anna Bauer plays the harp.", False),
        ("She employs no less than 40 people, no doubt.", False),
        ("She no longer plays the harp.", True),
        ("It is not only false that she left; she never came.", True),
        ("She doesn't play.", True),
    ],
)
def test_what_denies(text: str, found: bool) -> None:
    assert denies(text) == found


def test_a_set_phrase_denies_nothing() -> None:
    text = "Anna Bauer lives in Tarvin. Not surprisingly, she plays the harp."
    (line,) = ground(["Anna Bauer plays the harp."], "Anna Bauer", text)
    assert line.kept, line.reason
    (denial,) = ground(["Anna Bauer does not play the harp."], "Anna Bauer", text)
    assert denial.reason == DENIED
