"""The learner with the embedded model, from end to end: nothing is stood in for."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from seal.domains.microworld.questions import revised
from seal.domains.microworld.world import Entity, WorldItem, make_items, passage
from seal.grading.exact import comparable
from seal.learner import Learner, Text
from seal.learner.compiling import Compiler, compile_all
from seal.learner.settings import LearnerConfig, preset
from seal.learner.writing import SourceDocument
from seal.registry import document_key
from workspaces import files_with

pytestmark = pytest.mark.slow


def given(items: list[WorldItem]) -> list[Text]:
    return [Text(i.context.text, i.context.title) for i in items]


def live_items(learner: Learner, items: list[WorldItem]) -> list[WorldItem]:
    told = learner.learn(given(items))
    return [item for item, one in zip(items, told, strict=True) if one.outcome == "live"]


def content(learner: Learner) -> str:
    live = learner.workspace.alias()
    assert live is not None
    return live.content


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Learner, list[WorldItem]]:
    """A learner, and the documents that went live together."""
    learner = Learner.init(tmp_path_factory.mktemp("w") / "w")
    live = live_items(learner, make_items("dev", 6, seed=41))
    assert len(live) >= 3
    return learner, live


def test_one_by_one_or_together(taught: tuple[Learner, list[WorldItem]], tmp_path: Path) -> None:
    learner, live = taught
    other = Learner.init(tmp_path / "w")
    for one in live[:2]:
        other.learn(given([one]))
    other.learn(given(live[2:]))
    builds = {learner.workspace.build(key).object for key in learner.workspace.version("live").builds}
    others = {other.workspace.build(key).object for key in other.workspace.version("live").builds}
    assert others == builds and content(other) == content(learner)


@pytest.mark.parametrize("processes", [2, 3])
def test_the_number_of_processes_changes_nothing(processes: int) -> None:
    small = {"samples": 2, "attempts": 1, "max_new_tokens": 200}
    config = preset("tiny")
    config = LearnerConfig.model_validate(
        {
            **config.model_dump(),
            "writing": {**config.writing.model_dump(), **small},
            "cell": {**config.cell.model_dump(), "max_steps": 6},
        }
    )
    sources = [
        SourceDocument(document_key(i.context.text), i.context.title, i.context.text)
        for i in make_items("dev", 2 * processes, seed=42)
    ]
    compiler = Compiler.load(config, "tiny", "tiny")
    one, more = (
        compile_all(compiler, sources, model="tiny", writer="tiny", processes=n, on_progress=lambda *_: None)
        for n in (1, processes)
    )
    for a, b in zip(one, more, strict=True):
        assert (a.document, a.lines, a.exam) == (b.document, b.lines, b.exam) and a.lines
        assert a.adapter is not None and b.adapter is not None
        for name, factors in a.adapter.factors.items():
            assert all(x.equal(y) for x, y in zip(factors, b.adapter.factors[name], strict=True))


def test_forgetting_is_exact(taught: tuple[Learner, list[WorldItem]], tmp_path: Path) -> None:
    _, live = taught
    learner, fresh = Learner.init(tmp_path / "w"), Learner.init(tmp_path / "fresh")
    gone, *others = live_items(learner, live[:3])
    learner.forget(gone.context.title)
    assert live_items(fresh, others) == others
    assert content(learner) == content(fresh)
    kept = " ".join(one.context.text for one in others)
    for needle in {gone.entity.name, *gone.entity.values.values()}:
        if needle not in kept and len(needle) > 6:
            assert files_with(learner.workspace.path, needle.encode()) == [], needle


def one_changed(rng: random.Random, entity: Entity) -> tuple[Entity, str]:
    """What a newer document says: all of the facts again, one with another value; and which."""
    (changed,) = (newer := revised(rng, entity, "dev", 1)).values
    return replace(newer, values={**entity.values, **newer.values}), changed


def test_a_changed_fact(taught: tuple[Learner, list[WorldItem]], tmp_path: Path) -> None:
    """The answer changes, the other answers stay, `why` tells of both; forgetting the newer one undoes it."""
    _, live = taught
    learner = Learner.init(tmp_path / "w")
    assert live_items(learner, live[:3])
    before, rng, outcomes = content(learner), random.Random("changed"), []
    told, item, entity, changed = None, live[0], live[0].entity, ""
    for item in live[:3]:
        entity, changed = one_changed(rng, item.entity)
        (told,) = learner.learn([Text(passage(rng, entity), entity.name)])
        outcomes.append((told.outcome, told.reason))
        if told.outcome == "live" and told.supersedes:
            break
    assert told is not None and told.outcome == "live" and told.supersedes, outcomes
    questions = {q.id.partition("/")[0]: q.text for q in item.context.questions}
    answers = {name: learner.ask([text])[0].text for name, text in questions.items()}
    assert comparable(answers[changed]) == comparable(entity.values[changed])
    others = [name for name in questions if name != changed]
    right = sum(comparable(answers[n]) == comparable(item.entity.values[n]) for n in others)
    assert right >= 0.7 * len(others), answers
    (why,) = learner.why([questions[changed]])
    assert why.document == told.document and why.verdict == "document"
    assert any(item.entity.values[changed] in one.line for one in why.superseded)
    learner.forget(told.document)
    assert content(learner) == before
    assert comparable(learner.ask([questions[changed]])[0].text) == comparable(item.entity.values[changed])


def test_a_less_trusted_change_is_held(taught: tuple[Learner, list[WorldItem]]) -> None:
    learner, live = taught
    before, rng = content(learner), random.Random("held")
    for item in live[:2]:
        entity, _ = one_changed(rng, item.entity)
        (told,) = learner.learn([Text(passage(rng, entity), entity.name, 0.3)])
        assert told.outcome != "live" and content(learner) == before, told


def test_a_wild_learning_rate_is_rejected(taught: tuple[Learner, list[WorldItem]]) -> None:
    learner, live = taught
    before, path = content(learner), learner.workspace.path / "learner.toml"
    kept = path.read_text(encoding="utf-8")
    path.write_text(kept.replace("learning_rate = 0.01", "learning_rate = 1e6"), encoding="utf-8")
    wild = Learner.open(learner.workspace.path)
    assert wild.parts.config.cell.learning_rate == 1e6
    told = wild.learn(given(make_items("dev", 1, seed=43)))
    path.write_text(kept, encoding="utf-8")
    assert told[0].outcome == "rejected" and told[0].reason and content(learner) == before
    question = live[0].context.questions[0].text
    assert Learner.open(learner.workspace.path).ask([question])[0].document is not None
