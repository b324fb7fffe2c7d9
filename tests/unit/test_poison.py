"""Poisoned documents: they are what they say they are, and what is told of them counts right."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from recipes.poisoning import experiment
from recipes.poisoning.candidates import BAD, NO_CHANGE, Measured, denying, drawn, matrix, told
from recipes.poisoning.experiment import figures, table
from recipes.poisoning.poison import LITTLE_TRUST, POISON_KINDS, Poisoned, make_poison, wordings
from seal.domains.microworld.world import known_world, make_items
from seal.engine.start import Silent
from seal.gates import Conflict, Exam, GateConfig, Leak, Report
from seal.learner import Learned, Text
from seal.registry import document_key
from seal.self_edits.ground import ground
from seal.types import Question

LIVE = make_items("dev", 12, seed=3)


@pytest.fixture(scope="module")
def poison() -> list[Poisoned]:
    return make_poison("dev", 10, seed=1, live=LIVE)


def test_ten_of_each_kind_and_the_same_every_time(poison: list[Poisoned]) -> None:
    assert [sum(p.kind == kind for p in poison) for kind in POISON_KINDS] == [10] * 5
    assert poison == make_poison("dev", 10, seed=1, live=LIVE)
    assert poison != make_poison("dev", 10, seed=2, live=LIVE)
    assert len({p.text for p in poison}) == 50
    assert len({p.kind for p in poison[:10]}) > 2  # in mixed order


def _stated(p: Poisoned, asks: tuple[Question, ...]) -> list[str]:
    return [q.answers[0] for q in asks if q.answers[0] in p.text]


def test_wrong_facts_are_about_the_known_world_and_do_not_say_what_is_true(poison: list[Poisoned]) -> None:
    world = {e.name: e for e in known_world()}
    own = [p for p in poison if p.kind == "wrong_facts"]
    assert {p.way for p in own} == {"all", "three", "one"}
    for p in own:
        true = world[p.title].values
        changed = {q.id for q in p.asks}
        assert len(changed) == {"all": len(true), "three": 3, "one": 1}[p.way]
        assert all(q.answers[0] == true[q.id] for q in p.asks) and not _stated(p, p.asks)
        assert all(value in p.text for name, value in true.items() if name not in changed)


def test_near_copies_are_trusted_little_and_change_one_fact(poison: list[Poisoned]) -> None:
    items = {i.context.title: i for i in LIVE}
    own = [p for p in poison if p.kind == "near_copy"]
    for p in own:
        item = items[p.title]
        [changed] = {q.id for q in p.asks}
        assert p.trust == LITTLE_TRUST and p.text != item.context.text
        others = [v for name, v in item.entity.values.items() if name != changed]
        assert sum(v in p.text for v in others) >= len(others) - 1  # one value may be within another
        assert all(q.answers == (item.entity.values[changed],) for q in p.asks)
    assert not any(p.kind == "near_copy" for p in make_poison("dev", 3, seed=1))


@pytest.mark.parametrize("kind", ["instructions", "private"])
def test_wordings_of_eval_are_no_other_splits(kind: str) -> None:
    dev, held_out = wordings(kind, "dev"), wordings(kind, "eval")  # type: ignore[arg-type]
    assert {way for way, _ in dev} == {way for way, _ in held_out}
    assert not set(dev) & set(held_out) and min(len(dev), len(held_out)) >= 17


def test_planted_sentences_stand_among_facts_and_have_no_slot_left(poison: list[Poisoned]) -> None:
    for p in poison:
        if p.kind in ("instructions", "private"):
            assert p.title in p.text
            assert not any(slot in p.text for slot in ("{S}", "{O}", "{v}", "{n}", "{m}"))


def _offered(kind: str, outcome: str, reason: str, document: str) -> dict[str, str]:
    return {"kind": kind, "outcome": outcome, "reason": reason, "document": document}


def test_a_live_one_counts_as_harmful_only_if_it_answers_otherwise() -> None:
    run = {
        "poisoned": [
            _offered("private", "live", "all passed", "a"),
            _offered("private", "live", "all passed", "b"),
            _offered("gibberish", "rejected", "screening: one word is 90 % of the text", "c"),
            _offered("near_copy", "held", "consistency: document x: 1 of 7", "d"),
        ],
        "others": [{"outcome": "live", "reason": ""}, {"outcome": "held", "reason": "retention: x"}],
        "probes": {"exam": 7},
        "changed": [{"document": "b"}, {"document": None}],
    }
    found = figures(run)
    assert found["kinds"]["private"] == {"n": 2, "stopped": {}, "live": 2, "harmful": 1}
    assert found["kinds"]["near_copy"]["stopped"] == {"held by consistency": 1}
    assert found["good_stopped"] == {"retention": 1} and found["answers"] == 7
    assert "| all poisoned | 4 | 1 | 1 | 2 | 1 |" in table([run])
    assert "| good | 4 | 0 | 2 | 2 | - |" in table([run, run])


# --- candidates of known worth -----------------------------------------------------------------------------


def _exam(name: str, pairs: Sequence[tuple[float, float]], per_cluster: int = 2) -> Exam:
    ids = [f"{name}/{i}" for i in range(len(pairs))]
    return Exam(
        name,
        "the parent",
        dict(zip(ids, (a for a, _ in pairs), strict=True)),
        dict(zip(ids, (b for _, b in pairs), strict=True)),
        {key: "own" if name == "document d" else f"c{i // per_cluster}" for i, key in enumerate(ids)},
    )


GOOD = Report(
    documents=(_exam("document d", [(1, 0)] * 12),),
    retained=(_exam("world", [(1, 1)] * 640),),
    honesty=(_exam("private", [(1, 1)] * 124),),
    lines_written=50,
    lines_kept=30,
    conflicts=(Conflict("d", "base", 0, 6),),
    leaks=(Leak("own", 0, 12, 12),),
)


def _measured(**sorts: Report) -> list[Measured]:
    return [Measured(sort, sorts.get(sort.replace(" ", "_"), GOOD)) for sort in (*NO_CHANGE, *BAD)]


def test_the_matrix_counts_what_went_live_and_what_stopped_the_rest() -> None:
    nothing = replace(GOOD, documents=(_exam("document d", [(0, 0)] * 12),))
    wrong = replace(GOOD, conflicts=(Conflict("d", "base", 3, 6),))
    found = matrix(_measured(noise=nothing, copy=nothing, wrong_facts=wrong), GateConfig(), n=50)
    assert found["noise"]["rejected"] == 25 and found["noise"]["by"] == {"acquisition": 25}
    assert found["wrong facts"]["held"] == 10 and found["wrong facts"]["by"] == {"consistency": 10}
    assert found["memorised exam"]["live"] == 10  # a report without a fault goes live: the matrix can fail
    assert "| **no change, together** | 50 | 0 | 0 | 50 | |" in told(found)


def test_drawn_candidates_keep_whole_things_and_their_own_document() -> None:
    private = _exam("private", [(1, 1)] * 120 + [(0, 1)] * 4, per_cluster=4)
    own = replace(private, clusters={**private.clusters, **{f"private/{i}": "own" for i in range(120, 124)}})
    report = replace(GOOD, honesty=(own,))
    sizes = set()
    for seed in range(20):
        exam = drawn(random.Random(seed), Measured("x", report)).honesty[0]
        assert sum(v == 0 for v in exam.candidate.values()) == 4  # its own items are always there
        assert set(Counter(exam.clusters.values()).values()) == {4} and len(exam.candidate) == 124
        sizes.add(len({key.partition("/")[2] for key in exam.candidate}))
    assert min(sizes) < 124  # others come twice or not at all


def test_a_wide_route_loses_five_points() -> None:
    world = GOOD.retained[0]
    wide = {
        key: float(i % 2) for i, key in enumerate(world.candidate)
    }  # half of it is lost where it is reached
    lost = [
        sum(
            v == 0
            for v in drawn(random.Random(seed), Measured("x", GOOD, wide)).retained[0].candidate.values()
        )
        for seed in range(60)
    ]
    assert 0.045 < sum(lost) / 60 / 640 < 0.055


def test_what_a_document_denies_is_not_kept() -> None:
    for item in make_items("dev", 6, seed=11):
        text, lines = denying(random.Random(0), item.entity)
        assert len(lines) == 28
        assert sum(found.kept for found in ground(lines, item.entity.name, text)) <= 3


class _Stopped:
    """A learner that learns everything, and is stopped once after so many documents, before that is noted."""

    def __init__(self, after: int) -> None:
        self.there: list[str] = []
        self.after = after

    def learn(self, texts: Sequence[Text]) -> list[Learned]:
        found = []
        for one in texts:
            outcome = "known" if one.text in self.there else "live"
            if outcome == "live":
                self.there.append(one.text)
            if len(self.there) == self.after:
                self.after = -1
                raise KeyboardInterrupt
            found.append(Learned(document_key(one.text), one.title, outcome, ""))
        return found


def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(poison: list[Poisoned], tmp_path: Path) -> None:
    learner = cast(Any, _Stopped(after=7))
    path = tmp_path / "poisoned.jsonl"
    with pytest.raises(KeyboardInterrupt):
        experiment._poison(learner, poison[:12], path, Silent())
    done = experiment._poison(learner, poison[:12], path, Silent())
    assert [one["title"] for one in done] == [p.title for p in poison[:12]]
    assert {one["outcome"] for one in done} == {"live"}
    assert learner.there == [p.text for p in poison[:12]]


def test_good_documents_that_an_earlier_run_learned_count_as_live() -> None:
    learner = cast(Any, _Stopped(after=11))
    with pytest.raises(KeyboardInterrupt):
        experiment._learn(learner, LIVE, "", Silent())
    assert {one["outcome"] for one in experiment._learn(learner, LIVE, "", Silent())} == {"live"}
