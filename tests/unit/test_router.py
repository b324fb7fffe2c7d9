"""The router: a name in the question decides; half a name, or a name nobody has, goes to no document."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.domains.microworld import questions
from seal.domains.microworld.world import known_world, make_items, statements
from seal.errors import InputError
from seal.retention import CellRouter, DocumentPage, RouterConfig
from seal.retention.index import Index
from seal.retention.spelling import neighbours, one_slip, words_of
from seal.signs import simplified

PEDRO = DocumentPage(
    "pedro", "Pedro K. López", ("Pedro K. López was born in Brana.", "He works for Acme Works."), 1
)
ACME = DocumentPage(
    "acme", "Acme Works", ("Acme Works was founded by Ana Diaz in 1962.", "The firm makes soap."), 2
)
LAKE = DocumentPage(
    "lake", "Lake Sorin", ("Lake Sorin has 12,300 inhabitants.", "The town serves goat cheese."), 3
)
BOOK = DocumentPage("book", "The Mirror of Zell", ("The Mirror of Zell was written by Ana Diaz.",), 4)
BOTH = DocumentPage("both", "Smith & Hall", ("Smith & Hall is based in Torvik.",), 5)
ENTRIES = (PEDRO, ACME, LAKE, BOOK, BOTH)
ROUTER = CellRouter(ENTRIES)


def keys(question: str, router: CellRouter = ROUTER) -> list[str]:
    return [candidate.key for candidate in router.route(question)]


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("What is Pedro K. López's hobby?", "pedro"),
        ("What is Pedro Lopez’s hobby?", "pedro"),
        ("Where does Dr. López live?", "pedro"),
        ("where does pedro lopez live?", "pedro"),
        ("WHERE DOES PEDRO LOPEZ LIVE?", "pedro"),
        ("Who leads Acme Works?", "acme"),
        ("Acme Works was founded by whom?", "acme"),
        ("Summarise Acme Works!", "acme"),
        ("Who leads Acme?", "acme"),
        ("Who leads Acme Wroks?", "acme"),
        ("Who leads AcmeWorks?", "acme"),
        ("Who leads the AW?", "acme"),
        ("Who is the Mayor of Lake Sorin?", "lake"),
        ("How large is Sorin?", "lake"),
        ("How large is Lake Sorin", "lake"),
        ("How large is Lake Sprin?", "lake"),
        ("Who wrote The Mirror of Zell?", "book"),
        ("Who wrote Mirror of Zell?", "book"),
        ("Who wrote Teh Mirror of Zell?", "book"),
        ("Where is Smith and Hall? I mean S&H.", "both"),
        ("Which company did Ana Diaz found?", "acme"),
        ("Who leads the company that Ana Diaz founded?", "acme"),
        ("Who leads the firm that makes soap?", "acme"),
        ("Who leads the company founded in 1962?", "acme"),
        ("What is the town with 12,300 inhabitants?", "lake"),
    ],
)
def test_the_first_candidate(question: str, key: str) -> None:
    assert keys(question)[:1] == [key]


@pytest.mark.parametrize(
    "question",
    [
        "What is Maria López Ruiz's hobby?",
        "What is María López's hobby?",
        "Who leads Acme Foods?",
        "Who leads Acme & Hall?",
        "Who leads Nova Works?",
        "Who leads Smith Foods?",
        "How large is Lake Torin Falls?",
        "Who wrote Zell and the Mirror?",
        "Who wrote The Mirror of Zellburg?",
        "What is Ana Diaz's hobby?",
        "Where is Torvik?",
        "Who leads the company founded in 1963?",
        "How many days does a week have?",
        "Who is the Mayor of Paris?",
        "who wrote the hollow mirror?",
        "Why?",
        "",
    ],
)
def test_no_document(question: str) -> None:
    assert keys(question) == []


def test_words_strewn_over_a_document_describe_nothing() -> None:
    strewn = DocumentPage(
        "s", "Nova", ("It has a garden.", "It sells candles.", "A valley.", "It owns a tower."), 0
    )
    router = CellRouter([strewn, *ENTRIES])
    assert keys("Is there a garden with candles in a valley near a tower?", router) == []
    assert keys("Who has a garden?", router) == ["s"]


def test_a_word_of_its_name_does_not_describe_a_document() -> None:
    assert keys("Was the mirror written?") == []


def test_two_names_give_two_candidates() -> None:
    for question in (
        "Which is older, Acme Works or Smith & Hall?",
        "Are Acme Works and Smith & Hall rivals?",
    ):
        assert set(keys(question)) == {"acme", "both"}


def test_what_a_document_names_is_offered_after_it() -> None:
    assert keys("By whom was the firm that Pedro López works for founded?") == ["pedro", "acme"]


def test_a_name_of_several_documents_offers_all_and_what_is_asked_decides() -> None:
    ana = DocumentPage("ana", "Ana López", ("Ana López enjoys chess.",), 9)
    router = ROUTER.with_entries(ana)
    assert keys("Where was López born?", router) == ["pedro", "ana"]
    assert keys("Does López enjoy chess?", router) == ["ana", "pedro"]
    assert keys("Where was Ana López born?", router) == ["ana"]


def test_of_two_documents_of_one_name_the_newer_wins_for_what_it_states() -> None:
    newer = DocumentPage("newer", "Acme Works", ("Acme Works was founded by Otto Hall.",), 7)
    router = ROUTER.with_entries(newer)
    assert keys("By whom was Acme Works founded?", router)[:2] == ["newer", "acme"]
    assert keys("Does Acme Works make soap?", router)[:2] == ["acme", "newer"]
    assert keys("Is Acme Works nice?", router)[:2] == ["newer", "acme"]


def test_where_another_document_speaks_in_its_place_a_document_is_not_asked() -> None:
    """Not even in the words of the lines that were replaced, which the newer document may not have."""
    older = DocumentPage(
        "older", "Acme Mills", ("Acme Mills makes soap.",), 7, ("Who leads Acme Mills? Otto Hall",)
    )
    newer = DocumentPage("newer", "Acme Mills", ("The head of Acme Mills is Ana Diaz.",), 8)
    router = ROUTER.with_entries(older, newer)
    assert keys("Who leads Acme Mills?", router)[0] == "newer"
    assert "older" not in keys("Who leads Acme Mills?", router)
    assert keys("Does Acme Mills make soap?", router)[:2] == ["older", "newer"]
    assert keys("Is Acme Mills nice?", router)[:2] == ["newer", "older"]
    assert keys("Who leads Acme Mills?", ROUTER.with_entries(older)) == ["older"]  # nobody else does


def test_documents_of_one_name_are_no_rivals_where_none_is_named() -> None:
    newer = DocumentPage(
        "newer", "Acme Works", ("Acme Works was founded in 1962.", "The firm makes soap."), 7
    )
    assert keys("Who leads the firm that makes soap?", ROUTER.with_entries(newer)) == ["newer", "acme"]
    rival = DocumentPage("rival", "Nova", ("Nova was founded in 1962.", "The firm makes soap."), 8)
    assert keys("Who leads the firm that makes soap?", ROUTER.with_entries(rival)) == []


def test_without_capitals_a_word_that_may_be_no_name_is_none() -> None:
    towns = [
        DocumentPage("old", "Old Sorin", (), 0),
        DocumentPage("older", "Old Brana", (), 1),
        DocumentPage("way", "Wayi", (), 2),
    ]
    router = CellRouter(towns)
    assert keys("how old is the universe?", router) == []
    assert keys("how large is sorin?", router) == ["old"]
    assert keys("what is the way to learn?", router) == []
    assert keys("Where is Wayo?", router) == ["way"]


def test_scores_compare() -> None:
    exact, slip, part = (
        ROUTER.route(q)[0].score
        for q in ("Who leads Acme Works?", "Who leads Acme Wroks?", "Who leads Acme?")
    )
    assert 1 >= exact > slip > part > 0
    assert "slip" in ROUTER.route("Where is Acme Wroks?")[0].why
    assert ROUTER.route("Acme Works?")[0].score == 1


def test_numbers_are_never_slips() -> None:
    router = CellRouter([DocumentPage("x", "Brana 23", ("Brana 23 costs 90 crowns.",), 0)])
    assert keys("What does Brana 23 cost?", router) == ["x"]
    assert keys("What does Brana 28 cost?", router) == []
    assert keys("What does Brama 23 cost?", router) == ["x"]
    years = CellRouter([DocumentPage("x", "Brana 1950", (), 0)])
    assert keys("What is Brana 1950?", years) == ["x"] and keys("What is Brana 1951?", years) == []


def test_the_settings_are_followed() -> None:
    assert keys("Who leads Acme Wroks?", CellRouter(ENTRIES, RouterConfig(min_typo_letters=6))) == []
    assert keys("Who leads the AW?", CellRouter(ENTRIES, RouterConfig(min_initials=3))) == []
    assert (
        len(keys("Is Acme Works like Smith & Hall?", CellRouter(ENTRIES, RouterConfig(max_candidates=1))))
        == 1
    )
    assert (
        keys(
            "Who leads the company founded in 1962?",
            CellRouter(ENTRIES, RouterConfig(min_coverage_numbers=1)),
        )
        == []
    )


def test_keys_are_unique() -> None:
    with pytest.raises(InputError, match="share a key"):
        CellRouter([ACME, ACME])
    changed = ROUTER.with_entries(DocumentPage("acme", "Nova Works", (), 8))
    assert len(changed.entries) == len(ENTRIES)
    assert keys("Who leads Acme Works?", changed) == []
    assert keys("Who leads Nova Works?", changed) == ["acme"]
    assert keys("Who leads Acme Works?") == ["acme"]


WORDS = st.sampled_from(
    "Acme Works acme Lake Sorin The the of and & Ana Diaz 1962 K. López's who founded A soap or -".split()
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=9).map(" ".join))
DRAWN = st.lists(
    st.builds(
        DocumentPage, st.uuids().map(str), TEXTS, st.lists(TEXTS, max_size=3).map(tuple), st.integers(0, 3)
    ),
    max_size=6,
    unique_by=lambda entry: entry.key,
)


@given(DRAWN, TEXTS)
def test_it_never_raises_and_scores_lie_between_0_and_1(entries: list[DocumentPage], question: str) -> None:
    found = CellRouter(entries).route(question)
    assert all(0 <= candidate.score <= 1 for candidate in found)
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)
    assert len({c.key for c in found}) == len(found) <= 4


@given(DRAWN, TEXTS, st.randoms(use_true_random=False))
def test_the_order_of_the_entries_does_not_matter(
    entries: list[DocumentPage], question: str, rng: random.Random
) -> None:
    shuffled = rng.sample(entries, len(entries))
    assert CellRouter(shuffled).route(question) == CellRouter(entries).route(question)


@given(DRAWN, TEXTS, st.data())
def test_what_was_replaced_was_never_there(
    entries: list[DocumentPage], question: str, data: st.DataObject
) -> None:
    keys = data.draw(st.sets(st.sampled_from([e.key for e in entries]))) if entries else set()
    earlier = [DocumentPage(key, data.draw(TEXTS), (data.draw(TEXTS),), 0) for key in sorted(keys)]
    others = [entry for entry in entries if entry.key not in keys]
    replaced, never = CellRouter([*earlier, *others]).with_entries(*entries), CellRouter(entries)
    added = CellRouter().with_entries(*entries)
    assert replaced._index == never._index == added._index
    assert replaced.route(question) == never.route(question) == added.route(question)
    assert set(replaced.entries) == set(entries)


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_a_slip_is_one_edit_and_shares_a_neighbour(a: str, b: str) -> None:
    edits = {a[:i] + a[i + 1 :] for i in range(len(a))}
    edits |= {a[:i] + x + a[i + 1 :] for i in range(len(a)) for x in "abc"}
    edits |= {a[:i] + x + a[i:] for i in range(len(a) + 1) for x in "abc"}
    edits |= {a[:i] + a[i + 1] + a[i] + a[i + 2 :] for i in range(len(a) - 1)}
    assert one_slip(a, b) == one_slip(b, a) == (b in edits - {a})
    assert not one_slip(a, b) or neighbours(a) & neighbours(b)


def test_an_index_forgets_what_its_last_key_had() -> None:
    one = Index().changed({"a": ["x", "y"], "b": ["y"]}, {})
    assert one["y"] == {"a", "b"}
    assert one.changed({}, {"a": ["x", "y"]}) == Index().changed({"b": ["y"]}, {})
    assert "x" not in one.changed({}, {"a": ["x", "y"]})


def test_words_keep_initials_and_possessives_apart() -> None:
    words = words_of("Ana K. O’Brien's 12,300 soaps. Next")
    assert [w.norm for w in words] == ["ana", "k", "obrien", "12300", "soaps", "next"]
    assert [w.first for w in words] == [True, False, False, False, False, True]
    assert [w.joined for w in words] == [False, True, True, True, True, False]


def test_on_the_micro_world_it_finds_and_abstains() -> None:
    """Loose bounds under the figures of benchmarks/routing.py, which a broken rule misses by far."""
    items, rng = make_items("dev", 40, seed=5), random.Random(5)
    entities = [item.entity for item in items]
    router = CellRouter(
        DocumentPage(e.name, e.name, (*re.split(r"(?<=\.) ", item.context.text), *statements(rng, e, 2)), i)
        for i, item in enumerate(items)
        for e in (item.entity,)
    )
    for way, least in (("plain", 1.0), ("lowercase", 0.99), ("misspelt", 0.96), ("by alias", 0.97)):
        asked = [one for one in questions.WAYS[way](rng, entities) if one.way == way]
        found = [keys(one.question.text, router)[:1] == list(one.entities) for one in asked]
        assert sum(found) >= least * len(found) > 0, way
    nobodys = questions.known(rng, known_world()) + questions.never_met(rng, "dev", 100, entities)
    routed = [one.question.text for one in nobodys if router.route(one.question.text)]
    assert len(routed) <= 0.005 * len(nobodys), routed[:5]


# ----- names in Chinese, and names that are declined


def page(key: str, title: str, *texts: str) -> DocumentPage:
    return DocumentPage(key, title, texts, 1)


PEOPLE = ("赵国栋", "孫麗華", "李明", "陈晓燕", "吳志明", "王芳")
DEEDS = ("设计了钟楼", "创办了书店", "修好了水闸", "写下了账本")


@given(st.permutations(PEOPLE), st.permutations(DEEDS))
def test_a_person_who_is_named_in_a_chinese_text_leads_to_it(people: list[str], deeds: list[str]) -> None:
    told = [(one, deed) for one, deed in zip(people, deeds)]
    known = CellRouter(
        [
            page(f"d{at}", f"第{at}号文件", f"本地的{one}于1874年{deed}。")
            for at, (one, deed) in enumerate(told)
        ]
    )
    for at, (one, deed) in enumerate(told):
        for name in {one, simplified(one)}:
            assert [found.key for found in known.route(f"{name}{deed[:2]}什么？")] == [f"d{at}"]
    assert not known.route("周小龙是谁？") and not known.route("高度是多少？")


CASES = ("Маяк", "Маяка", "Маяку", "Маяком", "Маяке")


@given(st.sampled_from(CASES), st.sampled_from(["«{}»", "{}"]))
def test_a_part_of_a_russian_name_is_known_in_every_case(form: str, quotes: str) -> None:
    known = CellRouter(
        [page("z", "Завод «Маяк»", "Завод «Маяк» основан в 1931 году."), page("b", "Мост", "Мост.")]
    )
    assert [one.key for one in known.route(f"Что известно о {quotes.format(form)}?")] == ["z"]
    assert not known.route("Что известно о «Мачте»?")
