"""The best directive that is the same for every task: what choosing one for each task has to beat.

Successive halving (Jamieson and Talwalkar, arXiv 1502.07943) over random directives, on the training tasks of
the outer loop, with as many trainings as the outer loop has unless the configuration says otherwise.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict

from seal.engine.adapt import Adaptation, Trial
from seal.engine.work_chunks import in_chunks
from seal.errors import TrainingError
from seal.grading.statistics import mean
from seal.research.config import RunConfig
from seal.research.records import FixedChoice, FixedScore
from seal.research.run_folder import RunFolder
from seal.seeds import derive_seed
from seal.self_edits.arc_grammar import DirectiveSpace, directives, render
from seal.types import Context, Directive

_KEPT, _FIRST_TASKS, _RUNGS = 4, 4, 3


def budget(config: RunConfig) -> int:
    """How many trainings the search may use."""
    outer = config.data.n_train * config.self_edit.samples * config.inner.seeds * config.outer.rounds
    return config.few_shot.fixed_search or outer


def search_fixed(adaptation: Adaptation, folder: RunFolder, contexts: Sequence[Context]) -> Directive:
    """Find the directive with the highest mean reward on the training tasks; the folder keeps every score.

    Each of three rungs has a third of the budget: four tasks for many directives, then four times the tasks
    for the best quarter of them, and so on.

    Raises:
        TrainingError: no directive could be scored.
    """
    config = folder.config
    stored = folder.best_fixed
    if stored is not None:
        return Directive(**stored.directive)
    rng = random.Random(f"fixed/{config.seed}")
    every = list(directives(config.table(DirectiveSpace)))
    n_first = max(1, budget(config) // (_RUNGS * _FIRST_TASKS))
    left = rng.sample(every, min(n_first, len(every)))
    order = rng.sample(list(contexts), len(contexts))
    for rung in range(_RUNGS):
        n_tasks = min(len(order), _FIRST_TASKS * _KEPT**rung)
        rewards = _score(
            adaptation, folder, left, order[:n_tasks], f"searching a fixed directive, {rung + 1}"
        )
        left = sorted((d for d in left if rewards[d]), key=lambda d: (-(mean(rewards[d]) or 0.0), render(d)))
        if not left:
            raise TrainingError("no fixed directive could be scored", "Lower the learning rates to try.")
        if rung + 1 < _RUNGS:
            left = left[: max(1, len(left) // _KEPT)]
    best = left[0]
    n_trainings = len(folder.fixed_search.read())
    folder.keep_best_fixed(FixedChoice(asdict(best), n_trainings, n_first))
    return best


def best_fixed(adaptation: Adaptation, folder: RunFolder, n: int) -> list[Directive]:
    """The `n` best directives of a search: those that came furthest, and of these the best."""
    reward, parse = folder.config.outer.reward, adaptation.format.parse
    rewards: dict[str, list[float]] = {}
    for record in folder.fixed_search.read():
        if (value := record.reward(reward)) is not None:
            rewards.setdefault(record.text, []).append(value)
    order = sorted(rewards, key=lambda text: (-len(rewards[text]), -(mean(rewards[text]) or 0.0), text))
    best = [Directive.of(parse(Context("", "", ""), text)) for text in order[:n]]
    return [directive for directive in best if directive is not None]


def _score(
    adaptation: Adaptation,
    folder: RunFolder,
    candidates: Sequence[Directive],
    contexts: Sequence[Context],
    stage: str,
) -> dict[Directive, list[float]]:
    """Rewards of every candidate on every task; what the folder holds is not measured again."""
    reward = folder.config.outer.reward
    known = {(r.text, r.context): r.reward(reward) for r in folder.fixed_search.read()}
    jobs = [(render(d), c) for d in candidates for c in contexts]
    missing = [(text, c) for text, c in jobs if (text, c.id) not in known]
    for n_done, chunk in in_chunks(missing, adaptation.config.inner.chunk_trials):
        trials = [
            Trial(c, adaptation.format.parse(c, text), derive_seed(adaptation.config.seed, "fixed", c.id))
            for text, c in chunk
        ]
        scores = adaptation.learn_and_examine(
            trials, answers=reward == "accuracy", stage=f"{stage} ({n_done} of {len(missing)})"
        )
        records = [
            FixedScore(text, c.id, score.accuracy, score.likelihood)
            for (text, c), score in zip(chunk, scores, strict=True)
        ]
        folder.fixed_search.append(records)
        known |= {(r.text, r.context): r.reward(reward) for r in records}
    values = {d: [known[render(d), c.id] for c in contexts] for d in candidates}
    return {d: [v for v in own if v is not None] for d, own in values.items()}
