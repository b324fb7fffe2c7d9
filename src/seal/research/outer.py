"""The outer loop: ReST-EM on the writer of self-edits. Sample, train, score, keep, fine-tune, repeat.

Reads as the algorithm does (SEAL, arXiv 2506.10943, algorithm 1; ReST-EM, arXiv 2312.06585). Every sample,
score, seed and decision is in the run's folder, and whatever is there is not done again.

The control arm is the same loop with the reward taken out: as many self-edits, chosen by chance. What the
treated arm has over it is due to the reward, and not to fine-tuning on one's own samples.
"""

from __future__ import annotations

import copy
import errno
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError

from seal.algorithms import ALGORITHMS
from seal.algorithms.rest_em import select_at_random
from seal.engine.adapt import Adaptation, Trial
from seal.engine.card import write_card
from seal.errors import TrainingError
from seal.files import write_beside
from seal.models import load_model
from seal.research.config import RunConfig
from seal.research.run_folder import RunFolder
from seal.seeds import derive_seed
from seal.training import merge, train
from seal.types import Context, Example, SelfEdit, TrainingPlan

Arm = Literal["seal", "random_selection"]
CHUNK_TRIALS = 96
"""Trials between two records in the folder: what a kill can lose."""


@dataclass(frozen=True)
class Reward:
    """What one sampled self-edit earned: the mean over its seeds, None if no seed could be graded."""

    context_id: str
    sample: int
    value: float | None


@dataclass(frozen=True)
class Kept:
    """A self-edit that the policy learns from, and how much it counts."""

    context: Context
    self_edit: SelfEdit
    weight: float = 1.0


class OuterLoop:
    """The rounds of one arm on the training contexts, in `rounds/<r>/` of the run's folder.

    `contexts` are those of all rounds, see `contexts_of_round`.
    """

    def __init__(
        self, adaptation: Adaptation, folder: RunFolder, contexts: Sequence[Context], arm: Arm
    ) -> None:
        self.adaptation, self.folder, self.contexts, self.arm = adaptation, folder, contexts, arm
        self.config = folder.config

    def policies(self) -> Iterator[tuple[int, Any]]:
        """Yield (round, policy) after each round, training what the folder does not hold yet."""
        policy = self.adaptation.model
        for round in range(1, self.config.outer.rounds + 1):
            stored = self.folder.path / self._place(round) / "policy"
            if stored.exists():
                policy = self._load(stored)
            else:
                edits = self.sample(round, policy)
                kept = self.decide(round, policy, edits)
                policy = self.update(round, policy, kept)
                write_beside(
                    stored, lambda beside, policy=policy, round=round: self._save(policy, beside, round)
                )
            yield round, policy

    def sample(self, round: int, policy: Any) -> list[list[SelfEdit]]:
        """k self-edits for each context. In the first round both arms have the same policy and samples."""
        shared = self._place(round) if round > 1 else "rounds/1"
        name, k = f"{shared}/self_edits.jsonl", self.config.self_edit.samples
        texts = {(r["context"], r["sample"]): r for r in self.folder.records(name)}
        per_chunk, contexts = max(1, CHUNK_TRIALS // k), self._contexts(round)
        for at in range(0, len(contexts), per_chunk):
            # The same chunks in every sitting: what a chunk gives depends in its last bits on what is in it.
            chunk = contexts[at : at + per_chunk]
            if all((c.id, i) in texts for c in chunk for i in range(k)):
                self.adaptation.work.found("write", len(chunk) * k)
                continue
            stage = f"round {round}: writing self-edits ({at + len(chunk)} of {len(contexts)} passages)"
            found = self.adaptation.write(
                chunk, k, seed=f"{self.config.seed}/{shared}", model=policy, stage=stage
            )
            records = [
                {
                    "context": c.id,
                    "sample": i,
                    "text": e.text,
                    "truncated": e.truncated,
                    "lines": len(e.lines),
                }
                for c, edits in zip(chunk, found, strict=True)
                for i, e in enumerate(edits)
                if (c.id, i) not in texts
            ]
            self.folder.append(name, records)
            texts |= {(r["context"], r["sample"]): r for r in records}
        parse = self.adaptation.format.parse
        return [
            [parse(c, texts[c.id, i]["text"], truncated=texts[c.id, i]["truncated"]) for i in range(k)]
            for c in contexts
        ]

    def decide(self, round: int, policy: Any, edits: list[list[SelfEdit]]) -> list[Kept]:
        """The self-edits that the policy learns from, with every reward in decisions.json.

        The control keeps as many of each context, by chance, and gives them the weights of the treated arm.
        """
        rng = random.Random(derive_seed(self.config.seed, "select", self.arm, round))
        decisions, kept = [], []
        treated = self.arm == "seal"
        rewards = self.rewards(round, policy, edits) if treated else {}
        baselines = self.baselines(round, policy) if treated and self._algorithm.uses_baseline else {}
        treated_weights = {} if treated else self._weights_of_treated(round)
        for context, own in zip(self._contexts(round), edits, strict=True):
            if treated:
                values = [rewards[context.id, i].value for i in range(len(own))]
                chosen = self._algorithm.select(values, baselines.get(context.id), rng)
                weights = self._algorithm.weigh(values, chosen)
            else:
                values = [None] * len(own)
                weights = treated_weights[context.id]
                chosen = select_at_random([0.0] * len(own), len(weights), rng)
            decisions.append(
                {
                    "context": context.id,
                    "rewards": values,
                    "baseline": baselines.get(context.id),
                    "kept": chosen,
                    "weights": weights,
                }
            )
            kept += [Kept(context, own[i], weight) for i, weight in zip(chosen, weights, strict=True)]
        self.folder.write_json(f"{self._place(round)}/decisions.json", decisions)
        if not kept:
            raise TrainingError(
                f"round {round}: no self-edit was kept, so there is nothing to learn from",
                "See decisions.json: were all rewards ungraded, or none better than the baseline? "
                "Sample more self-edits, or set outer.algorithm to best_of_k.",
            )
        return kept

    def rewards(self, round: int, policy: Any, edits: list[list[SelfEdit]]) -> dict[tuple[str, int], Reward]:
        """Train and examine every sample with every seed."""
        jobs = [
            (c, i, s, edit)
            for c, own in zip(self._contexts(round), edits, strict=True)
            for i, edit in enumerate(own)
            for s in range(self.config.inner.seeds)
        ]
        name = f"{self._place(round)}/scores.jsonl"
        alone = not self.config.outer.reward_with_passage
        found = self._score(name, f"round {round}: scoring self-edits", policy, jobs, lines_only=alone)
        return {
            (c.id, i): Reward(c.id, i, _mean([found[c.id, i, s] for s in range(self.config.inner.seeds)]))
            for c, own in zip(self._contexts(round), edits, strict=True)
            for i in range(len(own))
        }

    def baselines(self, round: int, policy: Any) -> dict[str, float | None]:
        """The score of each context without a self-edit: trained on the passage alone."""
        contexts = self._contexts(round)
        nothing = [
            (c, 0, s, SelfEdit(c.id, "none", "", ()))
            for c in contexts
            for s in range(self.config.inner.seeds)
        ]
        found = self._score(
            f"{self._place(round)}/baselines.jsonl", f"round {round}: baselines", policy, nothing
        )
        return {c.id: _mean([found[c.id, 0, s] for s in range(self.config.inner.seeds)]) for c in contexts}

    def update(self, round: int, policy: Any, kept: Sequence[Kept]) -> Any:
        """Fine-tune the policy on the kept self-edits; returns a new model, the old one is left as it was.

        Raises TrainingError if the update diverged.
        """
        written = [one for one in kept if one.self_edit.text.strip()]
        total = sum(one.weight for one in written)
        scale = len(written) / total if total else 0.0  # weights of mean 1; alike where none stands out
        examples = tuple(
            Example(
                one.self_edit.text,
                self.adaptation.writing_prompt(one.context),
                one.weight * scale if total else 1.0,
            )
            for one in written
            if one.weight or not total
        )
        if not examples:
            raise TrainingError(
                f"round {round}: every kept self-edit is empty, so there is nothing to learn from",
                "Does the model write at all? Look at self_edits.jsonl; try another format or prompt.",
            )
        seed = derive_seed(self.config.seed, "update", round)
        plan = TrainingPlan(f"{self.arm}/{round}", examples, self.config.outer.hyperparameters(), seed)
        stage = f"round {round}: updating the policy ({self.arm})"
        [adapter] = train(
            policy,
            self.adaptation.tokenizer,
            [plan],
            on_progress=lambda done, total: self.adaptation.on_progress(stage, done, total),
        )
        if adapter.failed:
            raise TrainingError(f"{stage}: {adapter.failed}", "Lower outer.learning_rate.")
        updated = copy.deepcopy(policy)
        merge(updated, adapter)
        self.folder.metric(
            event="policy_update", arm=self.arm, round=round, examples=len(examples), loss=adapter.losses[-1]
        )
        return updated

    def _score(
        self,
        name: str,
        stage: str,
        policy: Any,
        jobs: list[tuple[Context, int, int, SelfEdit]],
        *,
        lines_only: bool = False,
    ) -> dict[tuple[str, int, int], float | None]:
        reward = self.config.outer.reward
        found = {(r["context"], r["sample"], r["seed"]): r[reward] for r in self.folder.records(name)}
        learner = None if self.config.inner.learner == "base" else policy
        for at in range(0, len(jobs), CHUNK_TRIALS):
            chunk = jobs[at : at + CHUNK_TRIALS]
            if all((c.id, i, s) in found for c, i, s, _ in chunk):
                self.adaptation.work.found("train", len(chunk))
                continue
            trials = [
                Trial(
                    c,
                    e,
                    derive_seed(self.config.seed, "inner", c.id, i, s),
                    lines_only=lines_only,
                )
                for c, i, s, e in chunk
            ]
            label = f"{stage} ({at + len(chunk)} of {len(jobs)})"
            scores = self.adaptation.learn_and_examine(
                trials, answers=reward == "accuracy", model=learner, stage=label
            )
            records = []
            for (c, i, s, _), score in zip(chunk, scores, strict=True):
                if (c.id, i, s) in found:
                    continue
                reason = next((a.reason for a in score.answers if a.outcome == "ungraded"), "")
                records.append(
                    {"context": c.id, "sample": i, "seed": s, "accuracy": score.accuracy,
                     "likelihood": score.likelihood, "coverage": score.coverage, "reason": reason}
                    | ({"notes": score.notes} if score.notes else {})
                )  # fmt: skip
            self.folder.append(name, records)
            found |= {(r["context"], r["sample"], r["seed"]): r[reward] for r in records}
        return found

    def _contexts(self, round: int) -> Sequence[Context]:
        return contexts_of_round(self.config, self.contexts, round)

    def _weights_of_treated(self, round: int) -> dict[str, list[float]]:
        decisions = self.folder.read_json(f"rounds/{round}/decisions.json")
        assert decisions is not None, "the treated arm's round comes first"
        return {d["context"]: d["weights"] for d in decisions}

    @property
    def _algorithm(self) -> Any:
        return ALGORITHMS.get(self.config.outer.algorithm)()

    def _place(self, round: int) -> str:
        return f"rounds/{round}" if self.arm == "seal" else f"rounds/{round}/random_selection"

    def _save(self, policy: Any, folder: Path, round: int) -> None:
        try:
            policy.save_pretrained(folder)
            self.adaptation.tokenizer.save_pretrained(folder)
        except SafetensorError as error:  # how safetensors reports what the system refused
            raise OSError(errno.ENOSPC if "os error 28" in str(error) else errno.EIO, str(error)) from error
        write_card(
            folder,
            base=self.config.model.name,
            arm=self.arm,
            round=round,
            format=self.config.self_edit.format,
            style=self.adaptation.style,
            seed=self.config.seed,
        )

    def _load(self, folder: Path) -> Any:
        base = self.adaptation.model
        return load_model(folder, dtype=str(base.dtype).removeprefix("torch."), device=base.device)[0]


def _n_parts(config: RunConfig) -> int:
    """Into how many parts the rounds divide the contexts; without any round there is one part."""
    return max(1, config.outer.rounds) if config.data.fresh else 1


def n_contexts(config: RunConfig) -> int:
    """How many contexts the outer loop needs in all rounds together."""
    return config.data.n_train * _n_parts(config)


def contexts_of_round(config: RunConfig, contexts: Sequence[Context], round: int) -> Sequence[Context]:
    """The contexts of one round, of those of all: the same in each, or with data.fresh its own part."""
    if not config.data.fresh:
        return contexts
    n = len(contexts) // _n_parts(config)
    return contexts[(round - 1) * n : round * n]


def _mean(values: Sequence[float | None]) -> float | None:
    graded = [v for v in values if v is not None]
    return sum(graded) / len(graded) if graded else None
