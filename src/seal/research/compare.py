"""What every experiment's comparison has: the writer before RL, after each round, and the control.

Knows nothing about which other methods an experiment sets beside them, nor about how results are shown.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Sequence
from typing import Any

from seal.engine.adapt import Adaptation
from seal.models.identity import model_record
from seal.research.config import RunConfig
from seal.research.evaluate import RECORDS, Evaluation, difference_table, method_table
from seal.research.outer import OuterLoop
from seal.research.run_folder import RunFolder
from seal.types import Context


def examine_arms(evaluation: Evaluation, training: Sequence[Context], known: Callable[[str], None]) -> None:
    """Train both arms of the outer loop, and examine what each policy writes; `known` is told each method."""
    adaptation, folder = evaluation.adaptation, evaluation.folder
    evaluation.written("self_edit", adaptation.model)
    known("self_edit")
    last = folder.config.outer.rounds
    for round, policy in OuterLoop(adaptation, folder, training, "seal").policies():
        name = "seal" if round == last else f"round_{round}"
        evaluation.written(name, policy)
        known(name)
    for round, policy in OuterLoop(adaptation, folder, training, "random_selection").policies():
        if round == last:
            evaluation.written("random_selection", policy)
            known("random_selection")


def plan_work(
    adaptation: Adaptation, config: RunConfig, n_train: int, n_held_out: int, *, given: int, searched: int = 0
) -> None:
    """Tells the run's account of its work what is to come, so that it can say how long it will take.

    `given` counts the methods that are trained on what is not written, `searched` trainings outside of both
    the rounds and the exams.
    """
    rounds = config.outer.rounds
    own, written = n_train * config.self_edit.samples, 2 + rounds if rounds else 1
    adaptation.work.plan("write", own * max(0, 2 * rounds - 1) + n_held_out * written)
    trained = own * config.inner.seeds * rounds + searched + n_held_out * (written + given)
    adaptation.work.plan("train", trained)


def tables(
    adaptation: Adaptation, folder: RunFolder, methods: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """What `results.json` has of every run: the methods and those pairs whose methods were both examined.

    `wall_s` adds up the sittings of a run that was resumed.
    """
    config, records = adaptation.config, folder.records(RECORDS)
    return {
        "seed": config.seed,
        "wall_s": folder.wall_s(),
        "peak_memory_bytes": peak_memory_bytes(),
        "model": model_record(config.model.name, adaptation.model),
        "methods": method_table(records, methods, seed=config.seed),
        "differences": difference_table(
            records, [(a, b) for a, b in pairs if a in methods and b in methods], seed=config.seed
        ),
    }


def peak_memory_bytes() -> int:
    """The process's largest resident size so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
