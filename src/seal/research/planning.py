"""How much a run will write and train, counted from its configuration before it begins.

The runs tell it to their account of work (`seal.engine.work`), a dry run prints it. Counts are upper bounds
where an exam may turn out not to be needed. Knows nothing about how long anything takes.
"""

from __future__ import annotations

from collections.abc import Iterable

from seal.algorithms import ALGORITHMS
from seal.engine.work import WorkAmount
from seal.research.config import RunConfig
from seal.research.methods import method_named
from seal.research.unlabelled import WRITTEN


def work_of_rounds(config: RunConfig, n_contexts: int, *, control: bool) -> WorkAmount:
    """All rounds of the outer loop on `n_contexts` a round; `control`: with that arm."""
    rounds, samples = config.outer.rounds, n_contexts * config.self_edit.samples
    written = samples - n_contexts * config.outer.joined
    own_rounds_of_control = max(0, rounds - 1) if control else 0  # it shares the first round's samples
    baselines = n_contexts if ALGORITHMS.get(config.outer.algorithm).uses_baseline else 0
    return (
        WorkAmount(
            write=written * (rounds + own_rounds_of_control),
            train=(samples + baselines) * config.inner.seeds * rounds,
        )
        + _work_of_checks(config, control=control)
        + _work_of_exams(config, n_contexts)
    )


def _work_of_checks(config: RunConfig, *, control: bool) -> WorkAmount:
    """The base's self-edits and those of each round's policy, one a context."""
    policies = 1 + config.outer.rounds * (1 + control) if config.outer.rounds else 0
    n = config.outer.check_contexts * policies
    return WorkAmount(write=n, train=n * config.inner.seeds)


def _work_of_exams(config: RunConfig, n_contexts: int) -> WorkAmount:
    """What the base writes where it asks about every context itself."""
    parts = config.outer.rounds if config.data.fresh else min(1, config.outer.rounds)
    n = n_contexts * parts + config.outer.check_contexts
    return WorkAmount(write=WRITTEN * n if config.outer.reward == "own_exam" else 0)


def work_of_methods(config: RunConfig, names: Iterable[str], n_contexts: int) -> WorkAmount:
    """The exams of these methods on `n_contexts`, with what is written and trained for them."""
    return sum((_work_of_method(config, name, n_contexts) for name in names), WorkAmount())


def _work_of_method(config: RunConfig, name: str, n_contexts: int) -> WorkAmount:
    method, settings = method_named(name), config.few_shot
    if method.trained_on == "nothing":
        return WorkAmount()
    n_directives = settings.choose_from if method.several else 1
    write = n_directives if method.trained_on == "own" else 0
    # To choose, each directive is tried on demonstrations that are left out, and the chosen one is trained.
    train = n_directives * settings.choose_by + 1 if method.several == "chosen" else n_directives
    return WorkAmount(n_contexts * write, n_contexts * train)
