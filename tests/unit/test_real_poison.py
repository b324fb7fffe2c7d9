"""Poison in plain English: it is what it says it is, and what became of it counts right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from recipes.poisoning.poison import LITTLE_TRUST, wordings
from recipes.real_documents.poison_experiment import PoisonRun, RealPoisonSettings
from recipes.real_documents.poison_figures import poison_figures, poison_table
from recipes.real_documents.poison_texts import (
    KINDS,
    RealPoison,
    good_documents,
    make_real_poison,
    world_questions,
)
from seal.domains.knowledge.screen import screen
from seal.learner import Learned, Learner, Text
from seal.registry import document_key

GOOD = good_documents("dev", 50, seed=1)


@pytest.fixture(scope="module")
def poison() -> list[RealPoison]:
    return make_real_poison("dev", 50, seed=1, live=GOOD[:10])


def test_good_documents_are_different_and_say_what_is_asked() -> None:
    assert len({d.title for d in GOOD}) == 50 and good_documents("dev", 50, seed=1) == GOOD
    assert Counter(d.shape for d in GOOD) == {"person": 17, "company": 17, "town": 16}
    for d in GOOD:
        assert "{" not in d.text and d.sentences[0].startswith(d.title)
        assert len(d.questions) >= 5 and all(q.answers[0] in d.text for q in d.questions), d.title
        assert not [f for f in screen(d.title, d.text) if f.action == "reject"]


def test_dev_and_eval_share_no_name() -> None:
    titles = {split: good_documents(split, 50, seed=1) for split in ("dev", "eval")}
    words = {split: {w for d in made for w in d.title.split()} for split, made in titles.items()}
    shared = words["dev"] & words["eval"]
    assert not {w for w in shared if w not in KINDS_OF_NAME}
    assert not {q.text for q in world_questions("dev")} & {q.text for q in world_questions("eval")}


KINDS_OF_NAME = set("& Sons Daughters Company Partners Bay Heath Cross Bridge Market Falls".split())


def test_as_many_of_each_kind_in_mixed_order(poison: list[RealPoison]) -> None:
    assert Counter(p.kind for p in poison) == dict.fromkeys(KINDS, 10)
    assert len({p.kind for p in poison[:10]}) > 2 and len({p.text for p in poison}) == 50
    assert poison == make_real_poison("dev", 50, seed=1, live=GOOD[:10])
    few = make_real_poison("dev", 7, seed=1, live=GOOD[:10])
    assert len(few) == 7 and {p.kind for p in few} == set(KINDS)
    assert len(make_real_poison("dev", 8, seed=1, live=[])) == 8  # without contradictions


def test_wrong_facts_do_not_say_what_is_true(poison: list[RealPoison]) -> None:
    own = [p for p in poison if p.kind == "wrong_facts"]
    assert Counter((p.way, len(p.asks)) for p in own) == {("one", 1): 5, ("three", 3): 5}
    for p in own:
        assert not [q for q in p.asks if f" {q.answers[0]}" in p.text], p.text


def test_a_contradiction_changes_one_value_of_a_live_document(poison: list[RealPoison]) -> None:
    live = {d.title: d for d in GOOD[:10]}
    for p in (p for p in poison if p.kind == "contradiction"):
        [asked] = p.asks
        of = live[p.title]
        assert p.trust == LITTLE_TRUST and asked in of.questions
        assert asked.answers[0] not in p.text and p.text != of.text
        assert sum(q.answers[0] in p.text for q in of.questions) >= len(of.questions) - 2


@pytest.mark.parametrize("kind", ["instructions", "private"])
def test_planted_sentences_stand_among_true_ones(kind: Any, poison: list[RealPoison]) -> None:
    own = [p for p in poison if p.kind == kind]
    ways = {way for way, _ in wordings(kind, "dev")}
    assert len({p.text for p in own}) == 10 and {p.way for p in own} <= ways
    for p in own:
        assert p.title in p.text and not any(s in p.text for s in ("{S}", "{O}", "{v}", "{n}", "{m}"))


class PoisonedLearner:
    """Holds contradictions, learns the rest, and lets wrong facts change its answers. Stopped once, after so
    many documents or answers."""

    def __init__(self, stop_after: int) -> None:
        self.stop_after = stop_after
        self.there: list[str] = []
        self.ticks = 0

    def _tick(self) -> None:
        self.ticks += 1
        if self.ticks == self.stop_after:
            raise KeyboardInterrupt

    def learn(self, texts: Sequence[Text]) -> list[Learned]:
        [one] = texts
        outcome = "held" if one.trust == LITTLE_TRUST else "known" if one.text in self.there else "live"
        if outcome == "live":
            self.there.append(one.text)
        self._tick()
        reason = "consistency: another says otherwise" if outcome == "held" else ""
        return [Learned(document_key(one.text), one.title, cast(Any, outcome), reason)]

    def ask(self, question: str, by: str = "auto") -> Any:
        self._tick()
        lies = [t for t in self.there if "The capital of" in t]
        if lies and question.startswith("What is the capital of"):
            return SimpleNamespace(text="Timbuktu", document=document_key(lies[0]), way=by)
        return SimpleNamespace(text="Paris", document=None, way="base")


@pytest.mark.parametrize("stop_after", [1, 2, 9, 60, 62, 100, 140])
def test_a_run_that_was_stopped_goes_on(stop_after: int, tmp_path: Path) -> None:
    learner, settings = PoisonedLearner(stop_after), RealPoisonSettings(n=10)

    def made() -> PoisonRun:
        return PoisonRun(tmp_path, settings, lambda: cast(Learner, learner))

    run = made()
    with pytest.raises(KeyboardInterrupt):
        run.run()
    run = made()
    run.run()
    assert Counter(r["stage"] for r in run.learned.all) == {"first": 2, "poison": 10, "other": 8}
    assert len({r["key"] for r in run.learned.all}) == 20
    asked = Counter(a["moment"] for a in run.answers.all)
    assert len(asked) == 4 and len(set(asked.values())) == 1
    assert {a["question"] for a in run.answers.all} == {p.question for p in run.probes(run.poison())}


def test_what_changed_is_put_down_to_the_document_that_answers_now(tmp_path: Path) -> None:
    learner = PoisonedLearner(-1)
    run = PoisonRun(tmp_path, RealPoisonSettings(n=10), lambda: cast(Learner, learner))
    run.run()
    found = poison_figures(run.learned.all, run.answers.all, "lexical")
    assert found["changed_by_itself"] == [] and found["changed_by_good"] == []
    capitals = [q for q in {a["question"] for a in run.answers.all} if q.startswith("What is the capital")]
    assert len(found["changed"]) == len(capitals) > 2
    # "Paris" was right for France alone.
    assert [c["question"] for c in found["changed"] if c["lost"]] == ["What is the capital of France?"]
    kinds = found["kinds"]
    assert kinds["wrong_facts"]["harmful"] == kinds["wrong_facts"]["harmful_live"] == 1
    assert kinds["contradiction"] == {
        "n": 2,
        "rejected": 0,
        "held": 2,
        "live": 0,
        "harmful": 0,
        "harmful_live": 0,
        "stopped": {"held by consistency": 2},
    }
    assert found["poison"]["harmful"] == 1 and (found["good"]["n"], found["good"]["live"]) == (10, 10)
    text = poison_table(found)
    assert "| contradiction | 2 | 0 | 2 | 0 | 0 | 0 | held by consistency 2 |" in text
    assert "changed an answer: 1 of 10 (" in text and "Good ones live: 10 of 10 (" in text
