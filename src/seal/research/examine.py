"""One model's figures on given passages: `seal eval`. Knows nothing about how the model came to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seal.domains.knowledge import require_questions
from seal.engine.adapt import Adaptation
from seal.engine.check import fingerprint
from seal.engine.elsewhere import RayPlace, cluster_at
from seal.engine.parts import build_domain
from seal.engine.start import Silent, Watch, start
from seal.errors import ConfigError, UnknownNameError
from seal.hints import did_you_mean
from seal.models import load_model
from seal.research.config import RunConfig, check_names
from seal.research.data import ContextSource, load_source
from seal.research.demo import summarise_run
from seal.research.endpoint import check_endpoint, endpoint_costs, sampling_elsewhere
from seal.research.evaluate import Evaluation, method_table
from seal.research.few_shot.experiment import HAND_MADE, by_own, same_for_all, summarise_tasks
from seal.research.few_shot.voting import TaskEvaluation
from seal.research.methods import Examined, method_named, methods_in_eval
from seal.research.planning import work_of_methods
from seal.research.records import Results
from seal.research.run_folder import RunFolder

COMMAND = "seal eval"


def run_evaluation(
    config: RunConfig,
    path: Path,
    methods: Sequence[str] | None = None,
    watch: Watch | None = None,
    *,
    place: RayPlace | None = None,
) -> Results:
    """Examine the model by each method, in the folder `path`; returns what `results.json` then holds.

    Without `methods`, by those that are the default for passages or for tasks. What the folder holds already
    is not done again. With a `place` the work is done there, and what comes of it is the same. Nothing is
    written before every input has been checked. Raises SealError as its parts do.
    """
    watch = watch or Silent()
    methods = default_methods(config) if methods is None else methods
    RunFolder.check(path, config, command=COMMAND)
    source = evaluation_source(config, methods, watch)
    if place is not None and source.tasks:
        raise ConfigError(
            "few-shot tasks are examined on one machine",
            "Leave out --executor; `seal train` has it for tasks too.",
        )
    with cluster_at(place, watch.notice):
        return _run(config, path, methods, source, watch, place)


def _run(
    config: RunConfig,
    path: Path,
    methods: Sequence[str],
    source: ContextSource,
    watch: Watch,
    place: RayPlace | None,
) -> Results:
    writes = any(method_named(method).trained_on == "own" for method in methods)
    open_book = "open_book" in methods
    adaptation = start(config, source.contexts, watch, writes=writes, open_book=open_book, place=place)
    folder = RunFolder.open(path, config, command=COMMAND)
    folder.pin(fingerprint(adaptation, passages=source.contexts))
    adaptation.work.plan(work_of_methods(config, methods, len(source.contexts)))
    evaluation = _evaluation(adaptation, folder, source)
    writer = _writer(adaptation) if writes else adaptation.model
    with folder.session(methods=list(methods)), sampling_elsewhere(adaptation, folder):
        for method in methods:
            _examine(method, evaluation, source, writer)
            watch.figures(method_table(folder.evaluation.read(), [method], seed=config.seed))
    results = (
        summarise_tasks(adaptation, folder, source) if source.tasks else summarise_run(adaptation, folder)
    )
    if (costs := endpoint_costs(folder)) is not None:
        results["endpoint"] = costs
    folder.keep_results(results)
    return results


def _examine(name: str, evaluation: Evaluation, source: ContextSource, writer: Any) -> None:
    method, config = method_named(name), evaluation.folder.config
    if method.trained_on == "nothing":
        evaluation.untrained(name, open_book=name == "open_book")
    elif method.several:
        assert isinstance(evaluation, TaskEvaluation)
        by_own(evaluation, name, writer)
    elif method.trained_on == "own":
        evaluation.written(name, writer)
    elif method.trained_on == "fixed":
        same_for_all(evaluation, name, HAND_MADE)
    elif method.trained_on == "truth":
        evaluation.given(name, source.gold)
    else:
        best = config.passage_best if name == "passage_best" else None
        evaluation.passage(name, best.hyperparameters() if best else None)


def evaluation_source(config: RunConfig, methods: Sequence[str], watch: Watch) -> ContextSource:
    """The contexts to examine on; what their file left out is told. Raises SealError if they, or the methods,
    are not as they must be."""
    check_names(config)
    check_endpoint(config, rounds=0)
    known = methods_of(config)
    for method in methods:
        if method not in known:
            raise UnknownNameError(
                f"unknown method {method!r} in the domain {config.domain}", did_you_mean(method, known)
            )
    source = load_source(config, config.data.evaluation, config.data.n_evaluation)
    for told in source.notices:
        watch.notice(told)
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
    return methods_in_eval(_examined(config))


def default_methods(config: RunConfig) -> tuple[str, ...]:
    """Those that are examined if none is named."""
    return methods_in_eval(_examined(config), by_default=True)


def _examined(config: RunConfig) -> Examined:
    return "tasks" if build_domain(config).few_shot else "passages"


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
