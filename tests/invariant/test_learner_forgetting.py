"""Forgetting equals never having learned: after any history the live version is, by its digest, the one of a
learner that never saw the document; and nothing of the document is in any file.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import pytest

from learners import CONFIG, Fake, Gates, begin, content, fake, learn_all, reopened, traces, word
from seal.errors import StateError
from seal.learner import Learner, Text
from seal.learner.settings import LearnerConfig
from toys import most_are_slow

pytestmark = pytest.mark.usefixtures("gates")


class History:
    """A learner to whom things happen. `known`: what it should know, in the order in which it came."""

    def __init__(self, folder: Path, toy: Path, gates: Gates, rng: random.Random) -> None:
        self.learner, self.gates, self.rng = begin(folder, toy), gates, rng
        self.met: dict[str, Fake] = {}
        self.known: list[Fake] = []
        self.gone: list[Fake] = []

    def some(self) -> list[Fake]:
        """New documents, about something new, or newer ones about something known, also of the same batch."""
        rng, made = self.rng, list[Fake]()
        for _ in range(rng.randint(1, 3)):
            if (self.known or made) and rng.random() < 0.6:
                about = rng.choice([*self.known, *made])
                what = rng.choice(sorted(about.values))
                made.append(about.changed(f"Told anew, number {rng.random()}.", **{what: word(rng)}))
            else:
                made.append(fake(rng.random(), 2))
        return made

    def step(self) -> None:
        unknown = [one for one in self.met.values() if one not in self.known]
        held = [v.id for v in self.learner.workspace.versions() if v.state == "held"]
        acts = ["learn", "learn", "learn", "again", "forget", "roll back", "hold", *(["approve"] * len(held))]
        act = self.rng.choice(acts)
        if act == "learn":
            self.learn(self.some())
        elif act == "forget" and self.known:
            self.forget(self.rng.choice(self.known))
        elif act == "roll back":
            with contextlib.suppress(StateError):  # there is nothing earlier
                self.learner.workspace.rollback(reason="test")
                self.look()
        elif act == "again" and unknown:  # forgotten, rolled back, or held
            self.learn([self.rng.choice(unknown)])
        elif act == "hold":
            self.hold(self.some()[0])
        elif act == "approve":
            self.learner.approve(self.rng.choice(held))
            self.look()

    def learn(self, made: list[Fake]) -> None:
        expected = {one.id for one in [*self.known, *made]}
        learn_all(self.learner, made)
        self.met |= {one.id: one for one in made}
        self.gone = [one for one in self.gone if one not in made]
        self.look()
        assert {one.id for one in self.known} == expected

    def hold(self, one: Fake) -> None:
        self.gates.tell(one, "held")
        before = content(self.learner)
        assert [told.outcome for told in self.learner.learn([one.given()])] == ["held"]
        assert content(self.learner) == before
        self.gates.outcomes.clear()
        self.met[one.id] = one

    def forget(self, one: Fake) -> None:
        expected = [other for other in self.known if other != one]
        self.learner.forget(one.id)
        self.gone.append(one)
        self.look()
        assert self.known == expected

    def look(self) -> None:
        live = self.learner.workspace.alias()
        there = live.documents if live else ()
        found = [d.id for d in self.learner.workspace.documents() if d.id in there]
        self.known = [self.met[key] for key in found]


def check_history(folder: Path, toy: Path, gates: Gates, seed: int, steps: int = 6) -> None:
    history = History(folder / "w", toy, gates, random.Random(f"history/{seed}"))
    history.learn(history.some())
    for _ in range(steps):
        history.step()
    if not history.known:
        history.learn(history.some())
    history.forget(history.rng.choice(history.known))
    fresh = begin(folder / "fresh", toy)
    order = list(history.known)
    while order:  # in batches of other sizes
        size = history.rng.randint(1, 3)
        batch, order = order[:size], order[size:]
        learn_all(fresh, batch)
    if history.known:
        assert content(history.learner) == content(fresh), seed
    else:
        assert knows_nothing(history.learner), seed
    kept = [one for one in history.met.values() if one not in history.gone]
    assert traces(history.learner, only_in(history.gone, kept)) == {}
    assert history.learner.workspace.audit().sound


def only_in(gone: list[Fake], kept: list[Fake]) -> list[str]:
    """Words of documents that no other one has: one that was rolled back is not live, and still kept."""
    left = {w for one in kept for w in one.words}
    return sorted({w for one in gone for w in one.words} - left)


def knows_nothing(learner: Learner) -> bool:
    live = learner.workspace.alias()
    return live is None or live.documents == ()


@pytest.mark.parametrize("seed", range(2))
def test_forgetting_is_exact(tmp_path: Path, toy: Path, gates: Gates, seed: int) -> None:
    check_history(tmp_path, toy, gates, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 52))
def test_forgetting_is_exact_in_many_histories(tmp_path: Path, toy: Path, gates: Gates, seed: int) -> None:
    check_history(tmp_path, toy, gates, seed, steps=8)


@pytest.mark.parametrize(
    ("shared", "gone"), most_are_slow([("text", 0), ("title", 1), ("text", 1), ("title", 0)])
)
def test_one_of_two_of_one_text_or_of_one_title(tmp_path: Path, toy: Path, shared: str, gone: int) -> None:
    """The other one is known by the same key, and by the same cell, as where it was alone."""
    first, second = fake("first", 2), fake("second", 2)
    if shared == "text":
        given = [Text(first.text, "Museum"), Text(first.text, "Library")]
    else:
        given = [Text(first.text, "Opening hours"), Text(second.text, "Opening hours")]
    learner, fresh = begin(tmp_path / "w", toy), begin(tmp_path / "fresh", toy)
    told = [learner.learn([one])[0] for one in given]
    assert [one.outcome for one in told] == ["live", "live"]
    learner.forget(told[gone].document)
    assert fresh.learn([given[1 - gone]])[0].document == told[1 - gone].document
    assert content(learner) == content(fresh)
    assert learner.workspace.audit().sound


def test_the_middle_one_of_three(tmp_path: Path, toy: Path) -> None:
    """The oldest has no word left that the newest replaced, when the one between them is taken out."""
    first = fake("three")
    what = next(iter(first.values))
    second = first.changed("So it was told in May.", **{what: "Brumaunil"})
    third = first.changed("So it was told in June.", **{what: "Heistokar"})
    learner, fresh = begin(tmp_path / "w", toy), begin(tmp_path / "fresh", toy)
    for one in (first, second, third):
        learn_all(learner, [one])
    learn_all(fresh, [first])
    alone = content(fresh)
    learn_all(fresh, [third])
    learner.forget(second.id)
    assert content(learner) == content(fresh)
    learner.forget(third.id)
    assert content(learner) == alone


def test_a_document_that_is_replaced_as_a_whole_comes_back(tmp_path: Path, toy: Path) -> None:
    first = fake("whole", 1)
    (what,) = first.values
    second = first.changed("So it was told in May.", **{what: "Brumaunil"})
    learner = begin(tmp_path / "w", toy)
    learn_all(learner, [first])
    alone = content(learner)
    learn_all(learner, [second])
    (answer,) = learner.ask([first.question(what)])
    assert answer.document == second.id and answer.candidates == (second.id,)
    assert content(reopened(learner.workspace.path)) == content(learner)
    learn_all(learner, [third := first.changed("So it was told in June.", **{what: "Heistokar"})])
    learner.forget(second.id)
    assert learner.ask([first.question(what)])[0].candidates == (third.id,), (
        "the third replaced the first too"
    )
    learner.forget(third.id)
    assert content(learner) == alone and learner.ask([first.question(what)])[0].document == first.id


@pytest.mark.parametrize(
    "change", most_are_slow([{"cell": {**CONFIG.cell.model_dump(), "max_steps": 3}}, {"seed": 5}], 1)
)
def test_what_was_built_by_an_earlier_recipe_is_built_again_by_it(
    tmp_path: Path, toy: Path, change: dict[str, Any]
) -> None:
    first = fake("recipe")
    what = next(iter(first.values))
    second = first.changed("So it was told in May.", **{what: "Brumaunil"})
    learner = begin(tmp_path / "w", toy)
    learn_all(learner, [first])
    alone = content(learner)
    later = reopened(learner.workspace.path, LearnerConfig.model_validate(CONFIG.model_dump() | change))
    learn_all(later, [second])
    known = later.parts.library.of_version(later.workspace.alias())
    assert known[first.id].retired and len(known[first.id].lines) == 9 and known[first.id].active_exam
    later.forget(second.id)
    assert content(later) == alone
