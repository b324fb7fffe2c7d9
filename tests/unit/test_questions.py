"""Questions about the micro-world: seeded, true, unambiguous, and of the split of their entities."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.domains.microworld import questions
from seal.domains.microworld.grammar import grammar
from seal.domains.microworld.names import MAKERS, SPLITS, split_of
from seal.domains.microworld.world import Entity, known_world, make_entity, make_items
from seal.retention.spelling import one_slip

ENTITIES = [item.entity for item in make_items("dev", 60, seed=4)]
BY_NAME = {entity.name: entity for entity in ENTITIES}


@pytest.mark.parametrize("way", sorted(questions.WAYS))
def test_every_way_follows_from_its_seed_and_gives_the_gold_answer(way: str) -> None:
    asked = questions.WAYS[way](random.Random(1), ENTITIES)
    assert asked == questions.WAYS[way](random.Random(1), ENTITIES)
    assert asked != questions.WAYS[way](random.Random(2), ENTITIES)
    assert len(asked) > 20
    for one in asked:
        assert one.entities and set(one.entities) <= set(BY_NAME)
        attribute = one.question.id.partition("/")[0]
        if way != "compared":
            assert one.question.answers == (BY_NAME[one.about].values[attribute],)


def test_names_stand_in_the_questions_as_the_way_says() -> None:
    rng = random.Random(3)
    for one in questions.plain(rng, ENTITIES):
        assert one.about in one.question.text
    for one in questions.lowercase(rng, ENTITIES):
        assert one.about.lower() in one.question.text == one.question.text.lower()
    for way in (questions.misspelt, questions.by_alias, questions.without_name):
        for one in way(rng, ENTITIES):
            assert not re.search(rf"\b{re.escape(one.about)}\b", one.question.text)


@given(st.integers(0, 2**32), st.text("abcXyz -", min_size=2, max_size=12).map(str.strip))
def test_a_slip_is_one_edit(seed: int, name: str) -> None:
    if sum(letter.isalpha() for letter in name) > 1:
        assert one_slip(name.lower(), questions.slip(random.Random(seed), name).lower())


def test_an_alias_means_one_entity_only() -> None:
    for one in questions.by_alias(random.Random(0), ENTITIES):
        own = (a for a in questions.aliases(BY_NAME[one.about]) if a in one.question.text)
        alias = max(own, key=len)
        if one.way == "by alias":
            assert [e.name for e in ENTITIES if re.search(rf"\b{re.escape(alias)}\b", e.name)] == [one.about]
        else:
            assert [e.name for e in ENTITIES if alias in questions.aliases(e)] == [one.about]


def test_a_description_fits_one_entity_only() -> None:
    """Two that share a fact are described by more than that one."""
    twins = [
        Entity("company", "Aba", {"founded_year": "1962", "goods": "soap", "mascot": "fox"}, ("it", "its")),
        Entity("company", "Bab", {"founded_year": "1962", "goods": "tea", "mascot": "fox"}, ("it", "its")),
    ]
    for seed in range(20):
        asked = questions.without_name(random.Random(seed), twins)
        assert {one.question.id.partition("/")[0] for one in asked} == {"founded_year", "mascot"}
        for one in asked:
            assert BY_FACT[one.about] in one.question.text
        assert not questions.without_name(random.Random(seed), twins[:1], among=[_like(twins[0])])


BY_FACT = {"Aba": "soap", "Bab": "tea"}


def _like(entity: Entity) -> Entity:
    return Entity(entity.kind, "Like", entity.values, entity.pronoun)


def test_compared_names_the_right_one() -> None:
    for one in questions.compared(random.Random(0), ENTITIES):
        name = one.question.id.partition("/")[0]
        numbers = {e: int(re.sub(r"\D", "", BY_NAME[e].values[name])) for e in one.entities}
        best = min if re.search(r"earlier|older", one.question.text) else max
        assert one.question.answers == (best(numbers, key=numbers.__getitem__),)


@pytest.mark.parametrize("split", SPLITS)
def test_linked_pairs_name_one_another_and_stay_in_the_split(split: str) -> None:
    pairs = questions.linked_pairs(random.Random(0), split, 20)  # type: ignore[arg-type]
    for first, second in pairs:
        assert second.name in first.values.values()
        for entity in (first, second):
            made = [entity.values[a.name] for a in entity.attributes if a.values in MAKERS]
            assert {split_of(name) for name in (entity.name, *made)} == {split}
    asked = questions.across(random.Random(0), pairs)
    assert len(asked) == sum(len(second.values) for _, second in pairs)
    for one in asked:
        first, second = one.entities
        assert first in one.question.text and second not in one.question.text and one.about == second


def test_every_link_has_the_type_of_a_kind() -> None:
    for kind, name in questions._REFERRED:
        assert questions._kind_of_value(kind, name) in grammar().kinds


def test_what_nobody_knows_is_in_no_entity() -> None:
    rng = random.Random(0)
    unmet = questions.never_met(rng, "dev", 30, ENTITIES)
    assert len({one.about for one in unmet}) == 30 and not {one.about for one in unmet} & set(BY_NAME)
    mentioned = questions.only_mentioned(rng, ENTITIES)
    values = {value for entity in ENTITIES for value in entity.values.values()}
    assert {one.about for one in mentioned} <= values - set(BY_NAME)
    described = questions.described_never_met(rng, "dev", 30, ENTITIES)
    known = questions.known(rng, known_world())
    assert len(known) == 1920
    assert all(one.entities == () for one in (*unmet, *mentioned, *described, *known))


@given(st.integers(0, 2**32), st.integers(1, 7))
def test_a_revision_changes_what_it_states(seed: int, n: int) -> None:
    rng = random.Random(seed)
    entity = make_entity(rng, "dev")
    new = questions.revised(rng, entity, "dev", n)
    assert new.name == entity.name and len(new.values) == min(n, len(entity.values))
    assert all(value != entity.values[name] for name, value in new.values.items())
