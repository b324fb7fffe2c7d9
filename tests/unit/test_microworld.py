"""The micro-world: splits never share a name, exams never leak, everything follows from the seed."""

from __future__ import annotations

import random
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.domains.microworld import corpus, demonstrations
from seal.domains.microworld.grammar import grammar
from seal.domains.microworld.names import MAKERS, SPLITS, in_split, split_of
from seal.domains.microworld.truth import coverage, judge_line
from seal.domains.microworld.world import ask, known_world, make_entity, make_items, passage, statements
from seal.self_edits import FORMATS
from seal.types import Context

N_DOCUMENTS = 4000
SHARES = {
    "known": 0.1,
    "recall": 0.1,
    "window": 0.15,
    "reading": 0.15,
    "self_edit": 0.4,
}
SHARES |= {"private": 0.05, "unknown": 0.05}


def documents(n: int = N_DOCUMENTS, shares: dict[str, float] | None = None) -> list[str]:
    stream = corpus.documents(7, shares or SHARES)
    return ["".join(text for text, _ in segments) for _, segments in islice(stream, n)]


def test_splits_share_no_entity() -> None:
    names = {split: {item.entity.name for item in make_items(split, 300, seed=3)} for split in SPLITS}
    for split, own in names.items():
        assert len(own) == 300
        assert {split_of(name) for name in own} == {split}


def test_values_that_are_names_stay_in_the_split_too() -> None:
    for item in make_items("eval", 60, seed=1):
        for attribute in item.entity.attributes:
            if attribute.values in MAKERS:
                assert split_of(item.entity.values[attribute.name]) == "eval"


def test_pretraining_never_names_an_entity_of_another_split() -> None:
    text = "\n".join(documents())
    for split in ("rl", "dev", "eval"):
        met = [i.entity.name for i in make_items(split, 400, seed=0) if f"{i.entity.name}\n" in text]
        assert met == []


def test_every_split_is_reached_and_split_of_ignores_case() -> None:
    rng = random.Random(0)
    for split in SPLITS:
        name = in_split(lambda: MAKERS["person"](rng), split)
        assert split_of(name) == split_of(name.upper()) == split


@given(st.integers(0, 2**32), st.sampled_from(sorted(grammar().kinds)))
def test_a_passage_states_every_fact(seed: int, kind: str) -> None:
    rng = random.Random(seed)
    entity = make_entity(rng, "pretrain", kind=kind)
    text = passage(rng, entity).lower()
    assert all(value.lower().removeprefix("the ") in text for value in entity.values.values())


@given(st.integers(0, 2**32), st.sampled_from(sorted(grammar().kinds)))
def test_a_passage_is_told_in_the_frames_it_names(seed: int, kind: str) -> None:
    rng = random.Random(seed)
    entity = make_entity(rng, "pretrain", kind=kind)
    text, source = demonstrations.Telling.draw(rng, entity)
    for attribute in source.order:
        line = source.line(rng, attribute, kept=1.0)
        assert judge_line(entity, line) == "true"
        if source.frames.get(attribute.name, "").startswith("{S}"):
            assert line.removeprefix(entity.name).strip(" .") in text


def test_nothing_is_asked_of_the_window_that_was_not_stated_before() -> None:
    told: set[str] = set()
    asked = 0
    for _, segments in islice(corpus.documents(3, {"window": 1.0}), 30_000):
        text = "".join(text for text, _ in segments)
        if not text.startswith("Question: "):
            told.add(text.partition("\n")[2].lower())
            continue
        answer = segments[1][0].strip().lower().removeprefix("the ")
        asked += 1
        assert any(answer in line for line in told)
    assert asked > 1000


def test_exam_wordings_are_in_no_demonstration() -> None:
    rng = random.Random(5)
    for _ in range(300):
        entity = make_entity(rng, "pretrain")
        style = demonstrations.draw(rng, demonstrations.STYLES)
        _, source = demonstrations.Telling.draw(rng, entity)
        text = demonstrations.write_self_edit(rng, source, "self-qa", style)
        for attribute in entity.attributes:
            for wording in attribute.exam:
                assert wording.replace("{S}", entity.name) not in text


@pytest.mark.parametrize("kind", sorted(grammar().kinds))
def test_exam_wordings_differ_from_the_others(kind: str) -> None:
    wordings = [w for a in grammar().kinds[kind].attributes for w in (*a.questions, *a.exam)]
    assert len(wordings) == len(set(wordings))
    for attribute in grammar().kinds[kind].attributes:
        assert len(attribute.exam) >= 3 and len(attribute.questions) >= 4
        assert all("{S}" in w for w in attribute.questions + attribute.exam)


def test_items_follow_from_their_arguments_alone() -> None:
    assert make_items("dev", 5, seed=2) == make_items("dev", 8, seed=2)[:5]
    assert make_items("dev", 5, seed=2) != make_items("dev", 5, seed=3)


def test_statements_are_true_and_differ() -> None:
    for item in make_items("dev", 20, seed=0):
        lines = statements(random.Random(0), item.entity, 2)
        assert len(set(lines)) == 2 * len(item.entity.attributes)
        for attribute in item.entity.attributes:
            value = item.entity.values[attribute.name].lower()
            assert sum(value in line.lower() for line in lines) >= 2


def test_known_world_is_large_and_in_the_pretraining_split() -> None:
    world = known_world()
    assert len({e.name for e in world}) == len(world) >= 300
    assert {split_of(e.name) for e in world} == {"pretrain"}


def test_corpus_keeps_its_shares_and_repeats() -> None:
    assert documents(200) == documents(200)
    counts: dict[str, int] = {}
    for ability, segments in islice(corpus.documents(1, SHARES), 3000):
        counts[ability] = counts.get(ability, 0) + sum(len(text) for text, _ in segments)
    for ability, share in SHARES.items():
        assert counts[ability] / sum(counts.values()) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("format", sorted(demonstrations.FORMATS))
def test_demonstrations_use_the_prompts_of_the_formats(format: str) -> None:
    """The corpus cannot import the formats (they are siblings), so the wording stands twice."""
    context = Context("x", "Some Title", "Some text.")
    assert FORMATS.get(format)().prompt(context, "short") == corpus.self_edit_prompt(
        "Some Title", "Some text.", format
    )


@pytest.mark.parametrize("format", sorted(demonstrations.FORMATS))
def test_formats_parse_what_the_demonstrations_hold(format: str) -> None:
    rng = random.Random(1)
    entity = make_entity(rng, "pretrain")
    _, source = demonstrations.Telling.draw(rng, entity)
    text = demonstrations.write_self_edit(rng, source, format, "full")
    edit = FORMATS.get(format)().parse(Context("x", entity.name, "t"), text)
    lines = text.strip().split("\n")
    assert "\n".join(edit.lines).split("\n") == (list(dict.fromkeys(lines)) if format != "self-qa" else lines)


def test_ask_gives_the_gold_answer() -> None:
    rng = random.Random(1)
    entity = make_entity(rng, "pretrain")
    attribute = entity.attributes[0]
    question = ask(rng, entity, attribute, attribute.exam)
    assert question.answers == (entity.values[attribute.name],) and entity.name in question.text


@given(st.integers(0, 2**32))
def test_true_statements_are_judged_true_and_cover_all(seed: int) -> None:
    rng = random.Random(seed)
    entity = make_entity(rng, "pretrain")
    lines = statements(rng, entity)
    assert [judge_line(entity, line) for line in lines] == ["true"] * len(lines)
    assert coverage(entity, lines) == 1.0


@pytest.mark.parametrize("style", ["full", "rich", "pronouns"])
def test_a_complete_style_covers_every_fact(style: str) -> None:
    rng = random.Random(9)
    for _ in range(40):
        _, source = demonstrations.Telling.draw(rng, make_entity(rng, "pretrain"))
        lines = demonstrations.write_lines(rng, source, style)
        assert coverage(source.entity, list(dict.fromkeys(lines))) == 1.0


def test_wrong_and_vague_lines_are_told_apart() -> None:
    rng = random.Random(3)
    entity = make_entity(rng, "pretrain", kind="person")
    name = entity.name
    assert judge_line(entity, f"{name} is married to Nobody Atall.") == "wrong"
    assert judge_line(entity, f"Someone Else is married to {entity.values['spouse']}.") == "wrong"
    assert judge_line(entity, f"{name} is interesting to many people.") == "vague"
    assert coverage(entity, [f"{name} is interesting to many people."]) == 0.0
    filler = demonstrations.write_lines(rng, demonstrations.Telling.draw(rng, entity)[1], "filler")
    assert [judge_line(entity, line) for line in filler].count("vague") >= len(filler) - 1
