"""A race: of trials that compete, those that are behind leave before they are trained to their end.

Successive halving (Jamieson & Talwalkar, arXiv 1502.07943), with trainings that go on where they were left:
at each stop every adapter sits its exam, the better part of each race goes on, and the next stint is trained
with those alone, so that no slot of the bank is idle. Who goes on to the end is trained as if there had been
no race. Knows nothing about what the scores of those that finish are used for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from seal.engine.adapt import Adaptation, Trial, cost_tokens
from seal.engine.scores import ungraded
from seal.grading.statistics import mean
from seal.training import Adapter
from seal.types import LEFT_RACE, Graded, Score


@dataclass(frozen=True)
class Race:
    """Trials that compete: `n_each` of every entrant, one after the other. An entrant is worth their mean."""

    trials: tuple[Trial, ...]
    n_each: int = 1


@dataclass(frozen=True)
class RaceRules:
    """At which shares of their steps trainings stop, and which share of the entrants then goes on."""

    stops: tuple[float, ...]
    keep: float

    def n_kept(self, n: int) -> int:
        """How many of `n` go on."""
        return max(1, math.ceil(self.keep * n))


def race(
    adaptation: Adaptation,
    races: Sequence[Race],
    rules: RaceRules,
    *,
    answers: bool,
    model: Any = None,
    stage: str = "training",
) -> list[list[Score]]:
    """`Adaptation.learn_and_examine` for the trials of each race. Those that left come back ungraded, with
    the reason."""
    if not races:
        return []
    with adaptation.work.doing("train", sum(len(one.trials) for one in races)):
        if model is not None and model is not adaptation.model:
            return race_here(adaptation, races, rules, answers=answers, learner=model, stage=stage)
        act = partial(race_on_own, rules=rules, answers=answers)
        here = partial(
            race_here, adaptation, rules=rules, answers=answers, learner=adaptation.model, stage=stage
        )
        return adaptation.workers.share(races, partial(cost_of_race, adaptation), act, here)


def race_on_own(
    adaptation: Adaptation, races: Sequence[Race], *, rules: RaceRules, answers: bool
) -> list[list[Score]]:
    """`race_here` by the model that a process holds."""
    return race_here(adaptation, races, rules, answers=answers, learner=adaptation.model, stage="")


def cost_of_race(adaptation: Adaptation, one: Race) -> float:
    """About how many tokens its trainings would take to their end: what races cost beside each other."""
    return sum(cost_tokens(adaptation, trial) for trial in one.trials)


def race_here(
    adaptation: Adaptation,
    races: Sequence[Race],
    rules: RaceRules,
    *,
    answers: bool,
    learner: Any,
    stage: str,
) -> list[list[Score]]:
    """`race` in this process, by `learner`."""
    trials = [trial for one in races for trial in one.trials]
    owners = [(at, i // one.n_each) for at, one in enumerate(races) for i in range(len(one.trials))]
    scores: list[Score] = [ungraded(trial.context, "not trained") for trial in trials]
    running, begun = list(range(len(trials))), dict[int, Adapter]()
    for share in (*rules.stops, 1.0):
        own = [trials[i] for i in running]
        trained = adaptation.train(
            own, learner, stage=stage, begun=[begun.get(i) for i in running], until=share
        )
        sat = adaptation.sit(own, trained, answers=answers, learner=learner)
        for i, score in zip(running, sat, strict=True):
            scores[i] = score
        if share == 1.0:
            break
        begun = {i: adapter for i, (adapter, _) in zip(running, trained, strict=True) if not adapter.failed}
        worth = {i: scores[i].accuracy if answers else scores[i].likelihood for i in begun}
        going = _going_on({i: owners[i] for i in begun}, worth, rules)
        for i in set(begun) - going:
            if (at_stop := worth[i]) is not None:
                scores[i] = _left(scores[i], share, at_stop)
        running = sorted(going)
    ends = [sum(len(one.trials) for one in races[: at + 1]) for at in range(len(races))]
    return [scores[end - len(one.trials) : end] for end, one in zip(ends, races, strict=True)]


def _going_on(
    owners: dict[int, tuple[int, int]], worth: dict[int, float | None], rules: RaceRules
) -> set[int]:
    """The trials of those entrants of each race that go on; of equal ones the first."""
    entrants: dict[int, dict[int, list[int]]] = {}
    for i, (at, entrant) in owners.items():
        entrants.setdefault(at, {}).setdefault(entrant, []).append(i)
    going: set[int] = set()
    for own in entrants.values():
        value = {entrant: mean(worth[i] for i in trials) for entrant, trials in own.items()}
        known = {entrant: one for entrant, one in value.items() if one is not None}
        best = sorted(known, key=lambda entrant: (-known[entrant], entrant))[: rules.n_kept(len(own))]
        going |= {i for entrant in best for i in own[entrant]}
    return going


def _left(score: Score, share: float, worth: float) -> Score:
    """An exam that says nothing but why its adapter is not trained further."""
    reason = f"{LEFT_RACE} after {share:.0%} of its steps, at {worth:.3f}"
    asked = [(one.question, one.gold) for one in score.answers] or [("", ())]
    answers = tuple(Graded(question, gold, "", "ungraded", None, reason) for question, gold in asked)
    return Score(score.context_id, answers, None, 0.0, notes=score.notes)
