"""The outer loop: ReST-EM on the writer of self-edits. Sample, train, score, keep, fine-tune, repeat.

Reads as the algorithm does (SEAL, arXiv 2506.10943, algorithm 1; ReST-EM, arXiv 2312.06585). Every sample,
score and decision goes into the run's folder, and whatever is there is not done again. Every random choice
follows from the run's seed. Knows nothing about held-out figures, nor about files (run_folder.py).

The control arm is the same loop with the reward taken out: as many self-edits, chosen by chance. What the
treated arm has over it is due to the reward, and not to fine-tuning on one's own samples.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from seal.algorithms import ALGORITHMS
from seal.algorithms.rest_em import select_at_random
from seal.engine.adapt import Adaptation, Trial
from seal.engine.work_chunks import CHUNK_TRIALS, WorkChunk, in_chunks, learn_chunks, write_chunks
from seal.errors import TrainingError
from seal.grading.statistics import mean
from seal.protocols import Algorithm
from seal.research.config import RunConfig
from seal.research.policies import Policies
from seal.research.records import Arm, DecisionRecord, PolicyUpdate, ScoreRecord, SelfEditRecord
from seal.research.run_folder import Lines, RunFolder
from seal.seeds import derive_seed
from seal.types import Context, Example, SelfEdit, TrainingPlan


@dataclass(frozen=True)
class Sample:
    """The self-edit that was sampled for a context as its number `index`."""

    context: Context
    index: int
    self_edit: SelfEdit


@dataclass(frozen=True)
class Kept:
    """A self-edit that the policy learns from, and how much it counts."""

    context: Context
    self_edit: SelfEdit
    weight: float = 1.0


class OuterLoop:
    """The rounds of one arm on the training contexts.

    `contexts` are those of all rounds, see `contexts_of_round`. `trainer` fine-tunes, saves and loads
    policies; it can be handed in, so that the loop can be run without a model.
    """

    def __init__(
        self,
        adaptation: Adaptation,
        folder: RunFolder,
        contexts: Sequence[Context],
        arm: Arm,
        trainer: Policies | None = None,
    ) -> None:
        self.adaptation, self.folder, self.contexts = adaptation, folder, contexts
        self.config = folder.config
        self.arm: Arm = arm
        self.trainer = trainer or Policies(adaptation)
        self.algorithm: Algorithm = ALGORITHMS.get(self.config.outer.algorithm)()

    def policies(self) -> Iterator[tuple[int, Any]]:
        """Yield (round, policy) after each round, training what the folder does not hold yet."""
        policy = self.adaptation.model
        for round in range(1, self.config.outer.rounds + 1):
            place = self.folder.round(self.arm, round)
            if place.policy.exists():
                policy = self.trainer.load(place)
            else:
                samples = self.sample(round, policy)
                kept = self.decide(round, policy, samples)
                policy = self.update(round, policy, kept)
                self.trainer.save(policy, place)
            yield round, policy

    def sample(self, round: int, policy: Any) -> list[list[Sample]]:
        """k self-edits for each context, written by `policy`."""
        # In the first round the policy is the base in both arms, so the control takes the same samples.
        place = self.folder.round(self.arm if round > 1 else "seal", round)
        contexts, k = contexts_of_round(self.config, self.contexts, round), self.config.self_edit.samples
        written = {record.key: record for record in place.self_edits.read()}
        missing: list[WorkChunk[Context]] = []
        for n_done, chunk in in_chunks(contexts, max(1, CHUNK_TRIALS // k)):
            if all((context.id, i) in written for context in chunk for i in range(k)):
                self.adaptation.work.done_before("write", len(chunk) * k)
                continue
            stage = f"round {round}: writing self-edits ({n_done} of {len(contexts)} passages)"
            missing.append(WorkChunk(chunk, stage))
        seed = f"{self.config.seed}/{place.name}"
        for at, self_edits in write_chunks(self.adaptation, missing, k, seed=seed, model=policy):
            records = [
                SelfEditRecord.of(context, i, edit)
                for context, own in zip(missing[at].items, self_edits, strict=True)
                for i, edit in enumerate(own)
                if (context.id, i) not in written
            ]
            place.self_edits.append(records)
            written |= {record.key: record for record in records}
        order = {(context.id, i): at * k + i for at, context in enumerate(contexts) for i in range(k)}
        place.self_edits.arrange(lambda record: order.get(record.key))
        return [[self._read(context, written[context.id, i]) for i in range(k)] for context in contexts]

    def _read(self, context: Context, record: SelfEditRecord) -> Sample:
        self_edit = self.adaptation.format.parse(context, record.text, truncated=record.truncated)
        return Sample(context, record.sample, self_edit)

    def decide(self, round: int, policy: Any, samples: Sequence[Sequence[Sample]]) -> list[Kept]:
        """The self-edits that the policy learns from. Raises TrainingError if there are none."""
        rng = random.Random(derive_seed(self.config.seed, "select", self.arm, round))
        if self.arm == "seal":
            decisions = self._by_reward(round, policy, samples, rng)
        else:
            decisions = self._by_chance(round, samples, rng)
        self.folder.round(self.arm, round).decide(decisions)
        kept = [
            Kept(own[i].context, own[i].self_edit, weight)
            for own, decision in zip(samples, decisions, strict=True)
            for i, weight in zip(decision.kept, decision.weights, strict=True)
        ]
        if not kept:
            raise TrainingError(
                f"round {round}: no self-edit was kept, so there is nothing to learn from",
                "See decisions.json: were all rewards ungraded, or none better than the baseline? "
                "Sample more self-edits, or set outer.algorithm to best_of_k.",
            )
        return kept

    def _by_reward(
        self, round: int, policy: Any, samples: Sequence[Sequence[Sample]], rng: random.Random
    ) -> list[DecisionRecord]:
        """What the configured algorithm keeps of each context's samples."""
        rewards = self.rewards(round, policy, [one for own in samples for one in own])
        contexts = contexts_of_round(self.config, self.contexts, round)
        baselines = self.baselines(round, policy) if self.algorithm.uses_baseline else {}
        decisions = []
        for context, own in zip(contexts, samples, strict=True):
            values, baseline = [rewards[context.id, one.index] for one in own], baselines.get(context.id)
            kept = self.algorithm.select(values, baseline, rng)
            weights = self.algorithm.weigh(values, kept)
            decisions.append(DecisionRecord(context.id, values, baseline, kept, weights))
        return decisions

    def _by_chance(
        self, round: int, samples: Sequence[Sequence[Sample]], rng: random.Random
    ) -> list[DecisionRecord]:
        """As many of each context's samples as the treated arm kept, with the same weights."""
        treated = self.folder.round("seal", round).decisions
        assert treated is not None, "the treated arm's round comes first"
        weights_of = {decision.context: decision.weights for decision in treated}
        decisions = []
        for context, own in zip(contexts_of_round(self.config, self.contexts, round), samples, strict=True):
            weights = weights_of[context.id]
            kept = select_at_random([0.0] * len(own), len(weights), rng)
            decisions.append(DecisionRecord(context.id, [None] * len(own), None, kept, weights))
        return decisions

    def rewards(
        self, round: int, policy: Any, samples: Sequence[Sample]
    ) -> dict[tuple[str, int], float | None]:
        """The reward of each sample, by (context, index): it is trained on and examined with every seed."""
        return self._mean_rewards(
            self.folder.round(self.arm, round).scores,
            f"round {round}: scoring self-edits",
            policy,
            samples,
            lines_only=not self.config.outer.reward_with_passage,
        )

    def baselines(self, round: int, policy: Any) -> dict[str, float | None]:
        """The reward of each context without a self-edit: trained on the passage alone."""
        contexts = contexts_of_round(self.config, self.contexts, round)
        nothing = [Sample(context, 0, SelfEdit(context.id, "none", "", ())) for context in contexts]
        scores = self.folder.round(self.arm, round).baselines
        rewards = self._mean_rewards(scores, f"round {round}: baselines", policy, nothing)
        return {context.id: rewards[context.id, 0] for context in contexts}

    def _mean_rewards(
        self,
        scores: Lines[ScoreRecord],
        stage: str,
        policy: Any,
        samples: Sequence[Sample],
        *,
        lines_only: bool = False,
    ) -> dict[tuple[str, int], float | None]:
        """The mean reward of each sample over its seeds, None if no seed could be graded. One adapter is
        trained and examined for each sample and seed that `scores` does not hold yet."""
        kind, seeds = self.config.outer.reward, range(self.config.inner.seeds)
        rewards = {record.key: record.reward(kind) for record in scores.read()}
        learner = None if self.config.inner.learner == "base" else policy
        jobs = [(one, seed) for one in samples for seed in seeds]
        missing: list[WorkChunk[Trial]] = []
        keys_of: list[list[tuple[str, int, int]]] = []
        for n_done, chunk in in_chunks(jobs):
            keys = [(one.context.id, one.index, seed) for one, seed in chunk]
            if all(key in rewards for key in keys):
                self.adaptation.work.done_before("train", len(chunk))
                continue
            trials = [
                Trial(
                    one.context,
                    one.self_edit,
                    derive_seed(self.config.seed, "inner", *key),
                    lines_only=lines_only,
                )
                for (one, _), key in zip(chunk, keys, strict=True)
            ]
            missing.append(WorkChunk(trials, f"{stage} ({n_done} of {len(jobs)})"))
            keys_of.append(keys)
        answers = kind == "accuracy"
        for at, measured in learn_chunks(self.adaptation, missing, answers=answers, model=learner):
            records = [
                ScoreRecord.of(*key, score)
                for key, score in zip(keys_of[at], measured, strict=True)
                if key not in rewards
            ]
            scores.append(records)
            rewards |= {record.key: record.reward(kind) for record in records}
        order = {(one.context.id, one.index, seed): at for at, (one, seed) in enumerate(jobs)}
        scores.arrange(lambda record: order.get(record.key))
        return {
            (one.context.id, one.index): mean(rewards[one.context.id, one.index, seed] for seed in seeds)
            for one in samples
        }

    def update(self, round: int, policy: Any, kept: Sequence[Kept]) -> Any:
        """Fine-tune the policy on the kept self-edits; returns a new one, the old one is left as it was.

        Raises TrainingError if there is nothing to learn from, or if the update diverged.
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
        updated, loss = self.trainer.fine_tuned(policy, plan, stage)
        self.folder.updated(PolicyUpdate(self.arm, round, len(examples), loss))
        return updated


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
