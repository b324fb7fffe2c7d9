"""The outer loop on one's own passages: `seal train`. Ends with what was kept and what became of the policy.

Knows nothing about figures on held-out passages: those are for `seal eval` (examine.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from seal.domains.knowledge import require_questions
from seal.engine.adapt import Adaptation
from seal.engine.check import fingerprint
from seal.engine.elsewhere import RayPlace, cluster_at
from seal.engine.parts import build_format
from seal.engine.start import Silent, Watch, start
from seal.engine.work import WorkAmount
from seal.errors import ConfigError
from seal.grading.statistics import mean
from seal.models.identity import model_record
from seal.research.config import RunConfig, check_names
from seal.research.data import load_source
from seal.research.endpoint import check_endpoint, endpoint_costs, sampling_elsewhere
from seal.research.outer import OuterLoop, checked_contexts, contexts_of_round, n_contexts
from seal.research.planning import work_of_rounds
from seal.research.records import Arm, RoundRow, TrainingResults
from seal.research.run_folder import RunFolder
from seal.types import Context

COMMAND = "seal train"


def run_training(
    config: RunConfig, path: Path, watch: Watch | None = None, *, place: RayPlace | None = None
) -> TrainingResults:
    """Run or resume the outer loop in the folder `path`; returns what `results.json` then holds.

    With a `place` the work is done there, and what comes of it is the same. Nothing is written before every
    input has been checked. Raises SealError as its parts do.
    """
    watch = watch or Silent()
    RunFolder.check(path, config, command=COMMAND)
    contexts = training_contexts(config, watch)
    with cluster_at(place, watch.notice):
        return _train(config, path, contexts, start(config, contexts, watch, place=place), watch)


def _train(
    config: RunConfig, path: Path, contexts: Sequence[Context], adaptation: Adaptation, watch: Watch
) -> TrainingResults:
    folder = RunFolder.open(path, config, command=COMMAND)
    folder.pin(fingerprint(adaptation, passages=contexts))
    stored = folder.results()
    if stored is not None:
        return stored
    adaptation.work.plan(planned_work(config, contexts))
    arms = arms_of(config)
    with folder.session(), sampling_elsewhere(adaptation, folder):
        for arm in arms:
            for _ in OuterLoop(adaptation, folder, contexts, arm).policies():
                watch.figures(round_table(folder, arms))
    results: TrainingResults = {
        "seed": config.seed,
        "wall_s": folder.wall_s(),
        "model": model_record(config.model.name, adaptation.model),
        "rounds": round_table(folder, arms),
    }
    if (costs := endpoint_costs(folder)) is not None:
        results["endpoint"] = costs
    folder.keep_results(results)
    return results


def training_contexts(config: RunConfig, watch: Watch) -> list[Context]:
    """The contexts of the outer loop, each with an exam; what their file left out is told. Raises
    SealError for what is wrong with them."""
    check_names(config)
    check_endpoint(config, rounds=config.outer.rounds)
    if not build_format(config).yields:
        raise ConfigError(
            f'self_edit.format is "{config.self_edit.format}", so there is no writing to learn',
            "Choose another format, for instance implications.",
        )
    data = config.data
    wanted = n_contexts(config)
    source = load_source(config, data.train, wanted, reward=True)
    contexts = source.contexts
    if config.outer.check_contexts > (n := len(checked_contexts(config, contexts))):
        watch.notice(
            f"{n} passages are left to check policies on, of the {config.outer.check_contexts} that "
            "outer.check_contexts asks for"
        )
    for told in source.notices:
        watch.notice(told)
    if config.outer.labelled:
        require_questions(contexts)
    if config.data.fresh and len(contexts) < config.outer.rounds:
        raise ConfigError(
            f"{data.train} has {len(contexts)} passages, and {config.outer.rounds} rounds want their own",
            "Set data.fresh = false, ask for fewer rounds, or give more passages.",
        )
    return contexts


def arms_of(config: RunConfig) -> tuple[Arm, ...]:
    """The arms that the configuration asks for, the rewarded one first."""
    return get_args(Arm) if config.outer.control else ("seal",)


def planned_work(config: RunConfig, contexts: Sequence[Context]) -> WorkAmount:
    """What all rounds and arms write and train; `contexts` are those of all rounds."""
    n_a_round = len(contexts_of_round(config, contexts, 1))
    return work_of_rounds(config, n_a_round, control=config.outer.control)


def round_table(folder: RunFolder, arms: Sequence[Arm]) -> list[RoundRow]:
    """One row a finished round: its rewards, what was kept of it, and the policy that learned from that."""
    updates = {(update.arm, update.round): update for update in folder.policy_updates()}
    rows: list[RoundRow] = []
    for arm in arms:
        for round in sorted(round for name, round in updates if name == arm):
            place = folder.round(arm, round)
            decisions = place.decisions or []
            rewards = [reward for d in decisions for reward in d.rewards]
            kind = folder.config.outer.reward
            failed = [score for score in place.scores.read() if score.reward(kind) is None and not score.left]
            rows.append(
                {
                    "arm": arm,
                    "round": round,
                    "n_self_edits": len(rewards),
                    "n_ungraded": rewards.count(None) - sum(len(d.left) for d in decisions)
                    if arm == "seal"
                    else 0,
                    # left out, because they diverged or because no answer could be graded
                    "n_failed_adapters": len(failed),
                    "mean_reward": mean(rewards),
                    "mean_reward_kept": mean(d.rewards[i] for d in decisions for i in d.favoured),
                    "n_kept": sum(len(d.favoured) for d in decisions),
                    "loss": updates[arm, round].loss,
                    "policy": place.policy_name,
                }
            )
            if (check := place.check) is not None:
                rows[-1]["taken"] = check.taken
    return rows
