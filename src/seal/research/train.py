"""The outer loop on one's own passages: `seal train`. Ends with what was kept and what became of the policy.

Knows nothing about held-out figures: those are an evaluation's (examination.py), on passages kept for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from seal.algorithms import ALGORITHMS
from seal.domains.knowledge import require_questions
from seal.engine.check import fingerprint
from seal.engine.parts import build_format
from seal.engine.start import Silent, Watch, start
from seal.errors import ConfigError
from seal.models.identity import model_record
from seal.research.config import RunConfig, check_names
from seal.research.data import load_source
from seal.research.outer import Arm, OuterLoop, contexts_of_round, n_contexts
from seal.research.run_folder import RunFolder
from seal.types import Context

COMMAND = "seal train"


def run_training(config: RunConfig, path: Path, watch: Watch | None = None) -> dict[str, Any]:
    """Run or resume the outer loop in the folder `path`; returns what `results.json` then holds.

    Nothing is written before every input has been checked. Raises SealError as its parts do.
    """
    watch = watch or Silent()
    RunFolder.check(path, config, command=COMMAND)
    contexts = training_contexts(config)
    adaptation = start(config, contexts, watch)
    folder = RunFolder.open(path, config, command=COMMAND)
    folder.pin("inputs.json", fingerprint(adaptation, passages=contexts))
    stored = folder.read_json("results.json")
    if stored is not None:
        return stored
    for kind, n in planned_work(config, len(contexts_of_round(config, contexts, 1))).items():
        adaptation.work.plan(kind, n)
    arms = arms_of(config)
    with folder.session():
        for arm in arms:
            for _ in OuterLoop(adaptation, folder, contexts, arm).policies():
                watch.figures(round_table(folder, arms))
    results = {
        "seed": config.seed,
        "wall_s": folder.wall_s(),
        "model": model_record(config.model.name, adaptation.model),
        "rounds": round_table(folder, arms),
    }
    folder.write_json("results.json", results)
    return results


def training_contexts(config: RunConfig) -> list[Context]:
    """The contexts of the outer loop, each with an exam. Raises SealError for what is wrong with them."""
    check_names(config)
    if not build_format(config).yields:
        raise ConfigError(
            f'self_edit.format is "{config.self_edit.format}", so there is no writing to learn',
            "Choose another format, for instance implications.",
        )
    data = config.data
    wanted = n_contexts(config)
    contexts = load_source(config, data.train, wanted, reward=True).contexts
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


def planned_work(config: RunConfig, n: int) -> dict[Any, int]:
    """Self-edits to write and adapters to train, on `n` contexts, in all rounds and arms."""
    rounds, k, seeds = config.outer.rounds, config.self_edit.samples, config.inner.seeds
    own_rounds = max(0, rounds - 1) if config.outer.control else 0  # the first round's samples are shared
    baselines = 1 if ALGORITHMS.get(config.outer.algorithm).uses_baseline else 0
    return {"write": n * k * (rounds + own_rounds), "train": n * (k + baselines) * seeds * rounds}


def round_table(folder: RunFolder, arms: Sequence[Arm]) -> list[dict[str, Any]]:
    """One row a finished round: its rewards, what was kept of it, and the policy that learned from that."""
    metrics = folder.records("metrics.jsonl")
    updates = {(m["arm"], m["round"]): m for m in metrics if m["event"] == "policy_update"}
    rows = []
    for arm in arms:
        rounds = sorted(round for name, round in updates if name == arm)
        for round in rounds:
            place = f"rounds/{round}" if arm == "seal" else f"rounds/{round}/random_selection"
            decisions = folder.read_json(f"{place}/decisions.json") or []
            every = [reward for d in decisions for reward in d["rewards"]]
            rows.append(
                {
                    "arm": arm,
                    "round": round,
                    "n_self_edits": len(every),
                    "n_ungraded": every.count(None) if arm == "seal" else 0,
                    "n_failed_adapters": _failed(folder, place),
                    "mean_reward": _mean(every),
                    "mean_reward_kept": _mean([d["rewards"][i] for d in decisions for i in d["kept"]]),
                    "n_kept": sum(len(d["kept"]) for d in decisions),
                    "loss": updates[arm, round]["loss"],
                    "policy": f"{place}/policy",
                }
            )
    return rows


def _failed(folder: RunFolder, place: str) -> int:
    """Adapters that were left out, because they diverged or because no answer could be graded."""
    return sum(r[folder.config.outer.reward] is None for r in folder.records(f"{place}/scores.jsonl"))


def _mean(values: Sequence[float | None]) -> float | None:
    graded = [v for v in values if v is not None]
    return sum(graded) / len(graded) if graded else None
