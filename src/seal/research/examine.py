"""One model's figures on given passages: `seal eval`. Knows nothing about how the model came to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seal.domains.knowledge import require_questions
from seal.engine.adapt import Adaptation
from seal.engine.check import fingerprint
from seal.engine.parts import build_domain
from seal.engine.start import Silent, Watch, start
from seal.errors import ConfigError, UnknownNameError
from seal.models import load_model
from seal.plugins import did_you_mean
from seal.research.config import RunConfig, check_names
from seal.research.data import ContextSource, load_source
from seal.research.demo import summarise_run
from seal.research.evaluate import RECORDS, Evaluation, method_table
from seal.research.few_shot.experiment import HAND_MADE, by_own, plan_several, same_for_all, summarise_tasks
from seal.research.few_shot.voting import TaskEvaluation
from seal.research.run_folder import RunFolder

COMMAND = "seal eval"
METHODS = ("base", "open_book", "passage", "passage_best", "self_edit", "gold")
DEFAULT_METHODS = ("base", "open_book", "passage", "self_edit")
TASK_METHODS = ("base", "self_edit", "hand_made", "chosen", "committee")
"""Those for few-shot tasks."""
SEVERAL = ("chosen", "committee")
"""Of these, those that take several directives a task."""
DEFAULT_TASK_METHODS = ("base", "self_edit", "hand_made")


def run_evaluation(
    config: RunConfig, path: Path, methods: Sequence[str] = DEFAULT_METHODS, watch: Watch | None = None
) -> dict[str, Any]:
    """Examine the model by each method, in the folder `path`; returns what `results.json` then holds.

    Methods that the folder holds already are not done again. Nothing is written before every input has been
    checked. Raises SealError as its parts do.
    """
    watch = watch or Silent()
    RunFolder.check(path, config, command=COMMAND)
    source = evaluation_source(config, methods)
    writes = bool({"self_edit", *SEVERAL} & set(methods))
    adaptation = start(config, source.contexts, watch, writes=writes, open_book="open_book" in methods)
    folder = RunFolder.open(path, config, command=COMMAND)
    folder.pin("inputs.json", fingerprint(adaptation, passages=source.contexts))
    n_contexts = len(source.contexts)
    for kind, n in planned_work(methods, n_contexts).items():
        adaptation.work.plan(kind, n)
    for method in SEVERAL:
        if method in methods:
            plan_several(adaptation, config, method, n_contexts)
    evaluation = _evaluation(adaptation, folder, source)
    writer = _writer(adaptation) if writes else adaptation.model
    with folder.session(methods=list(methods)):
        for method in methods:
            if method in ("base", "open_book"):
                evaluation.untrained(method, open_book=method == "open_book")
            elif method == "self_edit":
                evaluation.written(method, writer)
            elif method == "hand_made":
                same_for_all(evaluation, method, HAND_MADE)
            elif method in SEVERAL:
                assert isinstance(evaluation, TaskEvaluation)
                by_own(evaluation, method, writer)
            elif method == "gold":
                evaluation.given(method, source.gold)
            else:
                best = config.passage_best if method == "passage_best" else None
                evaluation.passage(method, best.hyperparameters() if best else None)
            watch.figures(method_table(folder.records(RECORDS), [method], seed=config.seed))
    results = (
        summarise_tasks(adaptation, folder, source) if source.tasks else summarise_run(adaptation, folder)
    )
    folder.write_json("results.json", results)
    return results


def evaluation_source(config: RunConfig, methods: Sequence[str]) -> ContextSource:
    """The contexts to examine on. Raises SealError if they, or the methods, are not as they must be."""
    check_names(config)
    known = methods_of(config)
    for method in methods:
        if method not in known:
            raise UnknownNameError(
                f"unknown method {method!r} in the domain {config.domain}", did_you_mean(method, known)
            )
    source = load_source(config, config.data.evaluation, config.data.n_evaluation)
    require_questions(source.contexts)
    if "gold" in methods and not source.gold:
        raise ConfigError(
            f"there are no gold statements for {config.data.evaluation}",
            'Leave "gold" out of --methods: only the micro-world has them.',
        )
    if "passage_best" in methods and config.passage_best is None:
        raise ConfigError(
            "passage_best is not configured", "Set [passage_best] in the recipe, or leave the method out."
        )
    return source


def methods_of(config: RunConfig) -> tuple[str, ...]:
    """The methods that there are in the configured domain."""
    return TASK_METHODS if build_domain(config).few_shot else METHODS


def default_methods(config: RunConfig) -> tuple[str, ...]:
    """Those that are examined if none is named."""
    return DEFAULT_TASK_METHODS if build_domain(config).few_shot else DEFAULT_METHODS


def _evaluation(adaptation: Adaptation, folder: RunFolder, source: ContextSource) -> Evaluation:
    if source.tasks:
        return TaskEvaluation(adaptation, folder, source.contexts, source.tasks)
    return Evaluation(adaptation, folder, source.contexts)


def _writer(adaptation: Adaptation) -> Any:
    """The model that writes, on the base's device."""
    name, base = adaptation.config.model.writer, adaptation.model
    if not name:
        return base
    return load_model(name, dtype=adaptation.config.model.dtype, device=base.device)[0]


def planned_work(methods: Sequence[str], n: int) -> dict[Any, int]:
    """Self-edits to write and adapters to train on `n` contexts."""
    trained = sum(method not in ("base", "open_book", *SEVERAL) for method in methods)
    return {"write": n * ("self_edit" in methods), "train": n * trained}
