"""A learner that answers by a decoding loop gives the answers that it gives by itself, to many at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from learners import CONFIG, HANDED_IN, begin, fake, learn_all
from seal.engine.adapt import Adaptation
from seal.engine.serving import DecodingLoop, ServingSettings
from seal.errors import DamageError
from seal.learner import Learner
from seal.learner.answering import Answer
from seal.learner.speaking import LoopSpeaker

DOCUMENTS = [fake(f"serving {i}") for i in range(5)]
QUESTIONS = [d.question(what) for d in DOCUMENTS for what in d.values] + ["Who was it?", "What is a mill?"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, toy: Path) -> Path:
    learner = begin(tmp_path_factory.mktemp("w") / "w", toy)
    learn_all(learner, DOCUMENTS)
    return learner.path


@pytest.fixture
def served(path: Path) -> Iterator[tuple[Learner, DecodingLoop]]:
    """A learner with a loop of two slots, for five cells."""
    loops: list[DecodingLoop] = []
    speakers: dict[int, LoopSpeaker] = {}

    def speaking(model: Adaptation) -> LoopSpeaker:
        if id(model) not in speakers:
            loops.append(DecodingLoop(model.model, model.tokenizer, ServingSettings(adapter_slots=2, rows=8)))
            speakers[id(model)] = LoopSpeaker(model, loops[-1])
        return speakers[id(model)]

    learner = Learner.open(path, config=CONFIG, speaking=speaking, **HANDED_IN)
    learner.ask("Is it open?")
    yield learner, loops[0]
    for loop in loops:
        loop.close()


def rounded(answer: Answer) -> Answer:
    return replace(answer, probability=round(answer.probability, 4))


def test_many_threads_are_given_the_answers_of_one(path: Path, served: tuple[Learner, DecodingLoop]) -> None:
    by_itself = Learner.open(path, config=CONFIG, **HANDED_IN)
    expected = [rounded(one) for one in by_itself.ask(QUESTIONS)]
    assert len({one.document for one in expected}) == 6
    learner, loop = served
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(learner.ask, QUESTIONS))
    assert [rounded(one) for one in found] == expected
    figures = loop.figures()
    assert figures.adapters_evicted > 0 and figures.steps < figures.written_tokens + figures.requests
    assert [rounded(one) for one in learner.ask(QUESTIONS)] == expected, "remembered"


def test_why_and_what_runs_the_model_by_itself_have_their_turn(
    path: Path, served: tuple[Learner, DecodingLoop], tmp_path: Path
) -> None:
    learner, loop = served
    by_itself = Learner.open(path, config=CONFIG, **HANDED_IN)
    [why], [expected] = learner.why(QUESTIONS[:1]), by_itself.why(QUESTIONS[:1])
    assert why.document == expected.document == DOCUMENTS[0].id
    assert why.without_source == pytest.approx(expected.without_source, abs=1e-4)
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(learner.ask, QUESTIONS)
        made = loop.alone(lambda: learner.export(tmp_path / "out", document=DOCUMENTS[1].id))
        assert made.folder.exists() and len(asked.result()) == len(QUESTIONS)


def test_a_damaged_cell_answers_nothing(served: tuple[Learner, DecodingLoop]) -> None:
    learner, _ = served
    victim, other = DOCUMENTS[2], DOCUMENTS[3]
    live, store = learner.live(), learner.workspace.store
    assert live is not None
    builds = map(learner.workspace.build, live.builds)
    [object] = [build.object for build in builds if build.recipe["document"] == victim.id]
    [weights] = [store.file(m.digest) for m in store.members(object) if m.path.endswith(".safetensors")]
    whole = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        with pytest.raises(DamageError):
            learner.ask(victim.question(next(iter(victim.values))))
        assert learner.ask(other.question(next(iter(other.values)))).document == other.id
    finally:
        weights.unlink()
        weights.write_bytes(whole)
