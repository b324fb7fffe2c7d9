"""Forgetting equals never having learned: after any history the live version is, by its digest, the one of a
learner that never saw the document; and nothing of the document is in any file.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from checkpoints import save_toy
from learners import Fake, begin, content, fake, learn_all, stand_in, traces, word
from seal.errors import StateError
from seal.loops.learner.learner import Learner


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)


class History:
    """A learner to whom things happen. `known`: what it should know, in the order in which it came."""

    def __init__(self, folder: Path, toy: Path, rng: random.Random) -> None:
        self.learner, self.rng = begin(folder, toy), rng
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
        act = self.rng.choice(["learn", "learn", "learn", "again", "forget", "roll back"])
        if act == "learn":
            self.learn(self.some())
        elif act == "forget" and self.known:
            self.forget(self.rng.choice(self.known))
        elif act == "roll back":
            with contextlib.suppress(StateError):  # there is nothing earlier
                self.learner.workspace.rollback(reason="test")
                self.look()
        elif act == "again" and unknown:  # forgotten, or rolled back
            self.learn([self.rng.choice(unknown)])

    def learn(self, made: list[Fake]) -> None:
        expected = {one.id for one in [*self.known, *made]}
        learn_all(self.learner, made)
        self.met |= {one.id: one for one in made}
        self.gone = [one for one in self.gone if one not in made]
        self.look()
        assert {one.id for one in self.known} == expected

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


def check_history(folder: Path, toy: Path, seed: int, steps: int = 6) -> None:
    history = History(folder / "w", toy, random.Random(f"history/{seed}"))
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
    live = content(history.learner)
    assert live == content(fresh) or (not history.known and knows_nothing(history.learner)), seed
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


@pytest.mark.parametrize("seed", range(3))
def test_forgetting_is_exact(tmp_path: Path, toy: Path, seed: int) -> None:
    check_history(tmp_path, toy, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 53))
def test_forgetting_is_exact_in_many_histories(tmp_path: Path, toy: Path, seed: int) -> None:
    check_history(tmp_path, toy, seed, steps=8)
