"""Does a choice depend on the kind of task, and would it be worth anything if it did? From records alone.

Knows choices, rewards and families as plain values. Knows nothing about models.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from seal.grading.statistics import mean, mean_ci
from seal.types import Estimate

Rewards = Mapping[tuple[Hashable, Hashable], float]
"""The reward of an option on a task."""


@dataclass(frozen=True)
class Dependence:
    """How much a choice tells of what it was made for. `bits`: mutual information, less what chance alone
    gives (`chance_bits`, the mean where labels are exchanged); `p_value`: how often chance gives as much."""

    bits: float
    chance_bits: float
    p_value: float
    at_most_bits: float


def mutual_information(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Of the empirical distribution of the pairs, in bits. It is biased upwards where pairs are few."""
    n, both = len(pairs), Counter(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    return sum(c / n * math.log2(c * n / (first[a] * second[b])) for (a, b), c in both.items())


def dependence_on_family(
    choices: Mapping[Hashable, Sequence[Hashable]],
    families: Mapping[Hashable, Hashable],
    *,
    seed: int,
    n_permutations: int = 1000,
) -> Dependence:
    """Of the choices made for each task on its family. The labels of whole tasks are exchanged, since the
    choices for one task are not independent of one another."""
    tasks = list(choices)

    def exchanged(rng: random.Random) -> list[tuple[Hashable, Hashable]]:
        labels = [families[task] for task in tasks]
        rng.shuffle(labels)
        return [(label, one) for task, label in zip(tasks, labels, strict=True) for one in choices[task]]

    pairs = [(families[task], one) for task in tasks for one in choices[task]]
    return _dependence(pairs, exchanged, seed, n_permutations)


def dependence_on_task(
    choices: Mapping[Hashable, Sequence[Hashable]], *, seed: int, n_permutations: int = 1000
) -> Dependence:
    """Of the choices on the task itself; single choices are exchanged among tasks."""
    pairs = [(task, one) for task, own in choices.items() for one in own]

    def exchanged(rng: random.Random) -> list[tuple[Hashable, Hashable]]:
        made = [one for _, one in pairs]
        rng.shuffle(made)
        return [(task, one) for (task, _), one in zip(pairs, made, strict=True)]

    return _dependence(pairs, exchanged, seed, n_permutations)


def _dependence(
    pairs: Sequence[tuple[Hashable, Hashable]],
    exchanged: Callable[[random.Random], Sequence[tuple[Hashable, Hashable]]],
    seed: int,
    n_permutations: int,
) -> Dependence:
    rng = random.Random(f"dependence/{seed}")
    observed = mutual_information(pairs)
    null = [mutual_information(exchanged(rng)) for _ in range(n_permutations)]
    chance = math.fsum(null) / len(null)
    as_much = sum(one >= observed - 1e-12 for one in null)
    most = min(_entropy([a for a, _ in pairs]), _entropy([b for _, b in pairs]))
    return Dependence(observed - chance, chance, (1 + as_much) / (1 + n_permutations), most)


def _entropy(values: Sequence[Hashable]) -> float:
    n = len(values)
    return -sum(c / n * math.log2(c / n) for c in Counter(values).values())


def gain_of_conditioning(
    rewards: Rewards, families: Mapping[Hashable, Hashable], *, seed: int
) -> tuple[Estimate, Estimate, Estimate]:
    """What the best option gives if it is the same for all tasks, what it gives if each family has its own,
    and the difference, on tasks that did not choose it.

    Each task is left out in turn; the option is the one with the highest mean reward on the other tasks,
    of all families or of the task's own. With few tasks a family's best is chosen worse than that of all, so
    that the difference is what conditioning gives whoever has so many tasks to learn from, and less than what
    it would give whoever knew the best. Tasks are resampled.
    """
    fixed: dict[Hashable, float] = {}
    by_family: dict[Hashable, float] = {}
    for task, family in families.items():
        others = [one for one in families if one != task]
        fixed[task] = rewards[best_option(rewards, others), task]
        by_family[task] = rewards[best_option(rewards, [o for o in others if families[o] == family]), task]
    return (
        mean_ci(fixed.values(), seed=seed),
        mean_ci(by_family.values(), seed=seed),
        mean_ci([by_family[task] - fixed[task] for task in families], seed=seed),
    )


def best_option(rewards: Rewards, tasks: Sequence[Hashable]) -> Hashable:
    """The option with the highest mean reward on these tasks; of equals, the first."""
    options = list(dict.fromkeys(option for option, _ in rewards))
    return max(options, key=lambda option: mean(rewards[option, task] for task in tasks) or 0.0)


def gain_of_each_task(
    choosing: Rewards, measuring: Rewards, tasks: Sequence[Hashable], *, seed: int
) -> Estimate:
    """What the best option of each task gives over the best one for all, where the options are chosen by one
    training of each and measured by another, so that the luck of a training is no gain."""
    same = best_option(choosing, tasks)
    own = [measuring[best_option(choosing, [task]), task] for task in tasks]
    return mean_ci([a - measuring[same, t] for a, t in zip(own, tasks, strict=True)], seed=seed)
