"""What every experiment's comparison has: the writer before RL, after each round, and the control.

Knows nothing about which other methods an experiment sets beside them, nor about how results are shown.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Sequence

from seal.engine.adapt import Adaptation
from seal.models.identity import model_record
from seal.research.config import RunConfig
from seal.research.evaluate import Evaluation, difference_table, method_table
from seal.research.outer import OuterLoop
from seal.research.records import Results
from seal.research.run_folder import RunFolder
from seal.types import Context


def examine_arms(evaluation: Evaluation, training: Sequence[Context], known: Callable[[str], None]) -> None:
    """Train both arms of the outer loop, and examine what each policy writes; `known` is told each method."""
    adaptation, folder = evaluation.adaptation, evaluation.folder
    before, *after_rounds = methods_of_arms(folder.config)
    evaluation.written(before, adaptation.model)
    known(before)
    last = folder.config.outer.rounds
    for round, policy in OuterLoop(adaptation, folder, training, "seal").policies():
        name = after_rounds[round - 1]
        evaluation.written(name, policy)
        known(name)
    for round, policy in OuterLoop(adaptation, folder, training, "random_selection").policies():
        if round == last:
            evaluation.written("random_selection", policy)
            known("random_selection")


def methods_of_arms(config: RunConfig) -> list[str]:
    """What `examine_arms` examines: before RL, after each round, and the control after the last."""
    rounds = config.outer.rounds
    if not rounds:
        return ["self_edit"]
    return ["self_edit", *(f"round_{r}" for r in range(1, rounds)), "seal", "random_selection"]


def tables(
    adaptation: Adaptation, folder: RunFolder, methods: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> Results:
    """What `results.json` has of every run: the methods and those pairs whose methods were both examined.

    `wall_s` adds up the sittings of a run that was resumed.
    """
    config, records = adaptation.config, folder.evaluation.read()
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
