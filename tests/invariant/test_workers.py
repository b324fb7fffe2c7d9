"""Trials shared among processes give the scores that one process gives."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from seal.domains.arc_agi import ArcAgi
from seal.domains.arc_agi.microgrid import tasks
from seal.engine.adapt import Adaptation, Trial
from seal.engine.workers import n_workers
from seal.errors import TrainingError
from seal.research.config import FewShotConfig, builtin_config
from seal.research.few_shot.committee import Panel, agree
from seal.research.few_shot.voting import arc_domain
from seal.self_edits.arc_grammar import DirectiveSpace, directives, render


def _loaded(workers: int) -> Adaptation:
    return Adaptation.load(
        builtin_config(
            "seal.research.few_shot", "arc.toml", {"inner.workers": workers, "arc.max_examples": 6}
        )
    )


def _trials(adaptation: Adaptation) -> list[Trial]:
    domain = adaptation.domain
    assert isinstance(domain, ArcAgi)
    found = islice(tasks("rl", seed=1, cells=(8, 12)), 9)
    every = directives(adaptation.config.table(DirectiveSpace))
    return [
        Trial(c, adaptation.format.parse(c, render(every[97 * i % len(every)])), i)
        for i, c in enumerate(domain.context(task) for task in found)
    ]


def test_two_processes_give_the_scores_of_one() -> None:
    alone, shared = _loaded(1), _loaded(2)
    trials = _trials(alone)
    one, two = (a.learn_and_examine(trials, answers=True) for a in (alone, shared))
    assert [s.context_id for s in one] == [s.context_id for s in two] == [t.context.id for t in trials]
    assert [s.likelihood for s in one] == pytest.approx([s.likelihood for s in two], rel=2e-3, abs=1e-6)
    assert [s.accuracy for s in one] == [s.accuracy for s in two]
    assert shared.workers.pool.started and not alone.workers.pool.started


@pytest.mark.slow
def test_committees_in_two_processes_agree_as_in_one() -> None:
    alone, shared = _loaded(1), _loaded(2)
    domain, found = arc_domain(alone), list(islice(tasks("rl", seed=1, cells=(8, 12)), 4))
    contexts = [domain.context(task) for task in found]
    texts = [render(directive) for directive in directives(alone.config.table(DirectiveSpace))][::300][:2]
    panels = [
        Panel(c, task, tuple(alone.format.parse(c, text) for text in texts) if i % 2 else (), i)
        for i, (c, task) in enumerate(zip(contexts, found, strict=True))
    ]
    one, two = (agree(a, panels, FewShotConfig(), "") for a in (alone, shared))
    assert [v.score.context_id for v in one] == [c.id for c in contexts]
    for a, b in zip(one, two, strict=True):
        assert a.score.answers == b.score.answers
        for own, other in zip(a.candidates[0], b.candidates[0], strict=True):
            assert own.grid == other.grid
            assert own.log_probability == pytest.approx(other.log_probability, abs=1e-3)
            assert own.support == pytest.approx(other.support, abs=1e-3)


def _nothing(_adaptation: Adaptation, _items: Any) -> Any:
    return []


def test_a_failure_here_stops_the_others_and_the_next_call_starts_anew() -> None:
    adaptation = _loaded(2)
    trials = _trials(adaptation)[:4]

    def fails(*_: Any) -> Any:
        raise TrainingError("no", "Do otherwise.")

    with pytest.raises(TrainingError):
        adaptation.workers.share(trials, lambda _: 1.0, _nothing, fails)
    assert not adaptation.workers.pool.started
    assert len(adaptation.learn_and_examine(trials, answers=False)) == 4
    assert adaptation.workers.pool.started


def test_who_sets_the_threads_gets_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    adaptation = _loaded(0)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert n_workers(adaptation.config, adaptation.model) == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert n_workers(adaptation.config, adaptation.model) >= 1
    fixed = adaptation.config.model_copy(
        update={"inner": adaptation.config.inner.model_copy(update={"workers": 3})}
    )
    assert n_workers(fixed, adaptation.model) == 3
