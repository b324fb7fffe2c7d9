"""Whose dollars, which thousand, what share, whose number: in what numbers may differ besides their value."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal.grading.stated_amounts import share_of
from seal.self_edits.exact_checks import unsupported
from seal.self_edits.ground import ground
from seal.self_edits.quantities import normalised, read_measures

QUICK = settings(max_examples=60, deadline=None)
SIGNS = ("$", "C$", "A$", "NZ$", "HK$", "S$", "R$", "J$", "€", "£", "₹")
WHOLE = st.integers(1, 999)


def worth(text: str, language: str = "en") -> list[object]:
    return [amount.value[0] for amount in read_measures(normalised(text), language).amounts]


@QUICK
@given(st.sampled_from(SIGNS), st.sampled_from(SIGNS), WHOLE)
def test_a_sum_is_of_the_currency_of_its_sign(said: str, stands: str, sum_: int) -> None:
    reason = unsupported(f"The plan costs {said}{sum_}.", f"The plan costs {stands}{sum_} a month.")
    assert bool(reason) == (said != stands)


@pytest.mark.parametrize(
    ("source", "same", "others"),
    [
        ("It costs C$9.", "9 Canadian dollars|9 dollars|CAD 9", "$9|US$9|A$9|9 euros"),
        ("It costs US$9.", "$9|9 US dollars|USD 9", "C$9|9 Canadian dollars"),
        ("It costs 9 Hong Kong dollars.", "HK$9|HKD 9", "$9|S$9"),
        ("It is 12 nautical miles away.", "12 nautical miles|12 nmi", "12 miles|12 km"),
        ("It carries 3 short tons.", "3 short tons", "3 tonnes|3 metric tons"),
        ("It runs at 90 kilometres per hour.", "90 km/h|90 kilometres an hour|25 m/s", "90 km"),
        ("It is 4 light years away.", "4 light-years", "4 years"),
        ("He drank 8 fluid ounces.", "8 fl oz", "8 ounces"),
    ],
)  # fmt: skip
def test_a_unit_of_two_words_is_not_its_second_word(source: str, same: str, others: str) -> None:
    assert [unsupported(one, source) for one in same.split("|")] == [""] * (same.count("|") + 1)
    assert all(unsupported(other, source) for other in others.split("|"))


@QUICK
@given(
    st.integers(1, 999),
    st.integers(0, 999),
    st.sampled_from(["€{}", "${}", "{} €", "{} euros", "{} dollars"]),
)
def test_three_digits_behind_the_point_of_a_sum_are_a_group(high: int, low: int, form: str) -> None:
    assert worth("It costs " + form.format(f"{high}.{low:03}") + " today.") == [1000 * high + low]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("It costs €1.799 per litre.", Fraction("1.799")),
        ("It costs $0.125 today.", Fraction("0.125")),
        ("It weighs 1.250 kg.", Fraction(1250)),
        ("It costs €1.50.", Fraction("1.5")),
    ],
)
def test_other_numbers_with_a_point_are_decimals(text: str, value: Fraction) -> None:
    assert worth(text) == [value]


POWERS = ("{m}e{n}", "{m}E{n}", "{m}e+{n}", "{m}×10^{n}", "{m} x 10^{n}", "{m} · 10^{n}")


@QUICK
@given(st.integers(1, 9), st.integers(0, 9), st.integers(1, 15), st.sampled_from(POWERS))
def test_a_power_of_ten_is_the_number_that_it_is_worth(one: int, tenths: int, power: int, form: str) -> None:
    digits = form.format(m=f"{one}.{tenths}", n=power)
    whole = Fraction(f"{one}.{tenths}") * 10**power
    assert worth(f"It has {digits} cells.") == [whole]
    written = f"{int(whole):,}"
    assert unsupported(f"It has {written} cells.", f"It has {digits} cells.") == ""
    assert unsupported(f"It has {written}0 cells.", f"It has {digits} cells.")


SHARES = {
    Fraction(3, 4): "three quarters,en|three-quarters,en|75 %,en|3/4,en|dreiviertel,de|drei Viertel,de|"
    "四分之三,zh|4分の3,ja|4분의 3,ko|trois quarts,fr|tres cuartos,es",
    Fraction(2, 3): "two thirds,en|2/3,en|zweidrittel,de|zwei Drittel,de|三分之二,zh|3分の2,ja|"
    "deux tiers,fr|dos tercios,es",
    Fraction(1, 5): "one fifth,en|20 %,fr|1/5,en|五分之一,zh|5分の1,ja|二成,zh",
    Fraction(7, 10): "seven tenths,en|70 %,de|7/10,en|sieben Zehntel,de|十分之七,zh|七成,zh|7割,ja",
    Fraction(85, 100): "85 %,en|八成五,zh|8割5分,ja|百分之八十五,zh",
}
WRITTEN_SHARES = [(*form.split(","), share) for share, forms in SHARES.items() for form in forms.split("|")]


@pytest.mark.parametrize(("text", "language", "share"), WRITTEN_SHARES)
def test_a_share_is_read_in_every_writing(text: str, language: str, share: Fraction) -> None:
    [read] = read_measures(normalised(text), language).amounts
    assert share_of(read) == share


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("dreiviertel", Fraction(3, 4)),
        ("zweidrittel", Fraction(2, 3)),
        ("anderthalb", Fraction(3, 2)),
        ("zweieinhalb", Fraction(5, 2)),
        ("eineinhalb", Fraction(3, 2)),
        ("dreiundzwanzigeinhalb", Fraction(47, 2)),
    ],
)
def test_german_parts_and_halves_are_one_word(word: str, value: Fraction) -> None:
    assert worth(f"Es sind {word} Liter.", "de") == [value / 1]
    assert worth("Er stellte das Stadtviertel und sein Hinterdrittel vor.", "de") == []


def test_a_line_may_begin_with_a_number_in_words() -> None:
    text = "75 % of the members voted for the plan."
    for line, kept in (("Three quarters", True), ("Three-quarters", True), ("Two thirds", False)):
        assert ground([f"{line} of the members voted for the plan."], "Vote", text)[0].kept == kept


# ----- whose number

FEATURES = st.lists(
    st.sampled_from(
        "dark tabs printing spelling groups search colours charts links notes sound maps".split()
    ),
    min_size=2,
    max_size=5,
    unique=True,
)
VERBS = {"en": ("added {}", "removed {}", "fixed {}"), "de": ("bringt {}", "entfernt {}", "ersetzt {}")}
JOINTS = (". ", "; ", ", ", " and ")


@QUICK
@given(FEATURES, st.data())
def test_a_version_has_what_its_own_clause_says(features: list[str], data: st.DataObject) -> None:
    language = data.draw(st.sampled_from(sorted(VERBS)))
    verbs = [data.draw(st.sampled_from(VERBS[language])) for _ in features]
    parts = [f"{at}.{data.draw(st.integers(0, 9))}" for at, _ in enumerate(features, 1)]
    said = [verb.format(feature) for verb, feature in zip(verbs, features, strict=True)]
    joint = data.draw(st.sampled_from(JOINTS))
    name = data.draw(st.sampled_from(["", "Version "]))
    source = joint.join(f"{name}{part} {one}" for part, one in zip(parts, said, strict=True)) + "."
    for at, part in enumerate(parts):
        for other, one in enumerate(said):
            assert bool(unsupported(f"{name}{part} {one}.", source)) == (at != other), (part, one, source)


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        (
            "Die Brücke wurde 1874 erbaut und 1901 erweitert.",
            "Die Brücke wurde 1901 erweitert.",
            "Die Brücke wurde 1901 erbaut.|Die Brücke wurde 1874 erweitert.",
        ),
        (
            "La tour fut construite en 1874 et vendue en 1901.",
            "La tour fut vendue en 1901.",
            "La tour fut vendue en 1874.|La tour fut construite en 1901.",
        ),
        (
            "桥于1874年建成，于1901年拆除。",
            "桥于1901年拆除。",
            "桥于1874年拆除。|桥于1901年建成。",
        ),
        (
            "The firm had 30 workers at first; today it has 85.",
            "The firm has 85 workers today.",
            "The firm had 86 workers at first.",
        ),
        (
            "In 1999 the firm had 30 workers, in 2005 there were 85.",
            "In 2005 the firm had 85 workers.|In 1999 the firm had 30 workers.",
            "In 2005 the firm had 86 workers.",
        ),
        (
            "Entry costs 5 euros for adults, 3 euros for children.",
            "Entry costs 3 euros for children.",
            "Entry costs 5 dollars for children.",
        ),
    ],
)
def test_a_number_is_of_its_clause(source: str, right: str, wrong: str) -> None:
    assert [unsupported(line, source) for line in right.split("|")] == [""] * (right.count("|") + 1)
    assert all(unsupported(line, source) for line in wrong.split("|"))
