"""The outer loop: reinforcement learning of the writer of self-edits. Sample, train, score, learn, repeat.

Reads as the algorithm does (SEAL, arXiv 2506.10943, algorithm 1; ReST-EM, arXiv 2312.06585). Every sample,
score and decision goes into the run's folder, and whatever is there is not done again. Every random choice
follows from the run's seed. What is learned of scored samples is `seal.algorithms`'. Knows nothing about
held-out figures, nor about files (run_folder.py).

The control arm is the same loop with the reward taken out: the lessons of the treated arm, about samples that
chance draws. What the treated arm has over it is due to the reward, and not to fine-tuning on one's own
samples.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from seal.algorithms import ALGORITHMS
from seal.algorithms.chance import by_chance
from seal.engine.adapt import Adaptation
from seal.engine.parts import built
from seal.errors import TrainingError
from seal.protocols import Algorithm
from seal.research.checking import PolicyCheck
from seal.research.config import RunConfig
from seal.research.joining import read_joined, with_joined
from seal.research.lessons import ContextLesson, compared, paired_examples, weighted_examples
from seal.research.policies import Policies
from seal.research.records import Arm, DecisionRecord, PolicyUpdate
from seal.research.run_folder import RoundFolder, RunFolder
from seal.research.samples import Rewards, Sample, SampleScorer
from seal.seeds import derive_seed
from seal.types import Context, Example, Preference, SelfEdit, TrainingPlan

__all__ = ["OuterLoop", "checked_contexts", "contexts_of_round", "n_contexts"]


class OuterLoop:
    """The rounds of one arm on the training contexts.

    `contexts` are those of all rounds and those that are kept for checks, see `contexts_of_round`. `trainer`
    fine-tunes, saves and loads policies; it can be handed in, so that the loop can be run without a model.
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
        self.algorithm: Algorithm = built(self.config, ALGORITHMS, self.config.outer.algorithm)
        self.sampling = SampleScorer(adaptation, folder)
        self.check = PolicyCheck(self.sampling, folder, checked_contexts(self.config, contexts), arm)

    def policies(self) -> Iterator[tuple[int, Any]]:
        """Yield (round, policy) after each round, training what the folder does not hold yet."""
        policy = self.adaptation.model
        for round in range(1, self.config.outer.rounds + 1):
            place = self.folder.round(self.arm, round)
            if place.policy.exists():
                policy = self.trainer.load(place)
            else:
                samples = self.sample(round, policy)
                self.decide(round, policy, samples)
                proposed = self.update(round, policy)
                policy = proposed if self.check.taken(round, policy, proposed) else policy
                self.trainer.save(policy, place)
            yield round, policy

    def sample(self, round: int, policy: Any) -> list[list[Sample]]:
        """k self-edits for each context: written by `policy`, and `outer.joined` of them joined of others."""
        place = self._sampled(round)
        written = self.sampling.write(
            place.self_edits,
            contexts_of_round(self.config, self.contexts, round),
            self._n_written,
            policy,
            seed=f"{self.config.seed}/{place.name}",
            stage=f"round {round}: writing self-edits",
        )
        own = self.folder.round(self.arm, round)
        ranked = partial(self._ranked, round, policy)
        return with_joined(self.adaptation, own.joined, written, self.config.outer.joined, ranked)

    @property
    def _n_written(self) -> int:
        return self.config.self_edit.samples - self.config.outer.joined

    def _ranked(self, round: int, policy: Any, samples: Sequence[Sequence[Sample]]) -> list[list[Sample]]:
        """The samples of each context, the best first; in the control in an order by chance."""
        if self.arm != "seal":
            rng = random.Random(derive_seed(self.config.seed, "join", self.arm, round, len(samples[0])))
            return [rng.sample(own, len(own)) for own in samples]
        rewards = self.rewards(round, policy, [one for own in samples for one in own])

        def reward(one: Sample) -> float:
            known = rewards[one.context.id, one.index]
            return -math.inf if known is None else known

        return [sorted(own, key=reward, reverse=True) for own in samples]

    def _sampled(self, round: int) -> RoundFolder:
        """Where a round's samples are. In the first the policy is the base in both arms, so the control takes
        the same samples."""
        return self.folder.round(self.arm if round > 1 else "seal", round)

    def decide(
        self, round: int, policy: Any, samples: Sequence[Sequence[Sample]]
    ) -> Sequence[DecisionRecord]:
        """What the policy is to learn of each context's samples. Raises TrainingError if that is nothing."""
        rng = random.Random(derive_seed(self.config.seed, "select", self.arm, round))
        if self.arm == "seal":
            decisions = self._by_reward(round, policy, samples, rng)
        else:
            decisions = self._by_chance(round, samples, rng)
        self.folder.round(self.arm, round).decide(decisions)
        if not any(decision.kept or decision.pairs for decision in decisions):
            raise TrainingError(
                f"round {round}: no self-edit was kept, so there is nothing to learn from",
                "See decisions.json: were all rewards ungraded, or none better than the baseline? "
                "Sample more self-edits, or set outer.algorithm to best_of_k.",
            )
        return decisions

    def _by_reward(
        self, round: int, policy: Any, samples: Sequence[Sequence[Sample]], rng: random.Random
    ) -> list[DecisionRecord]:
        """What the configured algorithm makes of each context's samples."""
        rewards = self.rewards(round, policy, [one for own in samples for one in own])
        contexts, left = contexts_of_round(self.config, self.contexts, round), self._left(round)
        baselines = self.baselines(round, policy) if self.algorithm.uses_baseline else {}
        decisions = []
        for context, own in zip(contexts, samples, strict=True):
            values, baseline = [rewards[context.id, one.index] for one in own], baselines.get(context.id)
            lesson = self.algorithm.lesson(values, baseline, rng)
            gone = [one.index for one in own if (context.id, one.index) in left]
            decisions.append(DecisionRecord.of(context.id, values, baseline, lesson, gone))
        return decisions

    def _left(self, round: int) -> set[tuple[str, int]]:
        """The samples, by context and number, that left their race."""
        if not self.config.outer.racing.stops:
            return set()
        records = self.folder.round(self.arm, round).scores.read()
        return {(record.context, record.sample) for record in records if record.left}

    def _by_chance(
        self, round: int, samples: Sequence[Sequence[Sample]], rng: random.Random
    ) -> list[DecisionRecord]:
        """The lessons of the treated arm, about samples that are drawn by chance."""
        treated = self.folder.round("seal", round).decisions
        assert treated is not None, "the treated arm's round comes first"
        lessons = {decision.context: decision.lesson for decision in treated}
        decisions = []
        for context, own in zip(contexts_of_round(self.config, self.contexts, round), samples, strict=True):
            lesson = by_chance(lessons[context.id], len(own), rng)
            decisions.append(DecisionRecord.of(context.id, [None] * len(own), None, lesson))
        return decisions

    def rewards(self, round: int, policy: Any, samples: Sequence[Sample]) -> Rewards:
        """The reward of each sample: it is trained on and examined with every seed. Those that were joined
        come after those that they were joined of."""
        joinings = sorted({one.index for one in samples if one.index >= self._n_written})
        stages = [[one for one in samples if one.index < self._n_written]]
        stages += [[one for one in samples if one.index == index] for index in joinings]
        rewards: Rewards = {}
        for at, own in enumerate(stages):
            rewards |= self.sampling.rewards(
                self.folder.round(self.arm, round).scores,
                policy,
                own,
                stage=f"round {round}: scoring self-edits",
                lines_only=not self.config.outer.reward_with_passage,
                raced=at == 0,
            )
        return rewards

    def baselines(self, round: int, policy: Any) -> dict[str, float | None]:
        """The reward of each context without a self-edit: trained on the passage alone."""
        contexts = contexts_of_round(self.config, self.contexts, round)
        nothing = [Sample(context, 0, SelfEdit(context.id, "none", "", ())) for context in contexts]
        scores = self.folder.round(self.arm, round).baselines
        rewards = self.sampling.rewards(scores, policy, nothing, stage=f"round {round}: baselines")
        return {context.id: rewards[context.id, 0] for context in contexts}

    def update(self, round: int, policy: Any) -> Any:
        """Train a new policy on what was decided; the old one is left as it was.

        Raises TrainingError if there is nothing to learn from, or if the update diverged.
        """
        examples = self.examples(round, policy)
        if self.algorithm.all_rounds:
            earlier = [self.examples(r, self._writer(r)) for r in range(1, round)]
            examples = [*(one for own in earlier for one in own), *examples]
        if not examples:
            raise TrainingError(
                f"round {round}: every kept self-edit is empty, so there is nothing to learn from",
                "Does the model write at all? Look at self_edits.jsonl; try another format or prompt.",
            )
        seed = derive_seed(self.config.seed, "update", round)
        plan = TrainingPlan(f"{self.arm}/{round}", tuple(examples), self.config.outer.hyperparameters(), seed)
        stage = f"round {round}: updating the policy ({self.arm})"
        learner = self.adaptation.model if self.algorithm.all_rounds else policy
        updated, loss = self.trainer.fine_tuned(learner, plan, stage)
        self.folder.updated(PolicyUpdate(self.arm, round, len(examples), loss))
        return updated

    def examples(self, round: int, writer: Any) -> list[Example]:
        """The lessons of a round as training examples. `writer` is the policy that wrote its samples."""
        decisions = self.folder.round(self.arm, round).decisions
        assert decisions is not None
        contexts, joined = contexts_of_round(self.config, self.contexts, round), self.config.outer.joined
        written = self.sampling.written(self._sampled(round).self_edits, contexts, self._n_written)
        samples = read_joined(self.adaptation, self.folder.round(self.arm, round).joined, written, joined)
        taught = [ContextLesson(own, one.lesson) for own, one in zip(samples, decisions, strict=True)]
        prompt, objective = self.adaptation.writing_prompt, self.algorithm.objective
        if isinstance(objective, Preference):
            examples = paired_examples(taught, prompt, objective)
        else:
            examples = weighted_examples(taught, prompt)
        if objective is None or not examples:
            return examples
        base = self.adaptation.model
        anchored = self.algorithm.anchor == "base" and writer is not base
        return compared(
            examples,
            objective,
            lambda texts: self.trainer.log_probabilities(writer, texts),
            (lambda texts: self.trainer.log_probabilities(base, texts)) if anchored else None,
        )

    def _writer(self, round: int) -> Any:
        """The policy that wrote the samples of an earlier round."""
        before = self.folder.round(self.arm, round - 1)
        return self.trainer.load(before) if round > 1 else self.adaptation.model


def _n_parts(config: RunConfig) -> int:
    """Into how many parts the rounds divide the contexts; without any round there is one part."""
    return max(1, config.outer.rounds) if config.data.fresh else 1


def n_contexts(config: RunConfig) -> int:
    """How many contexts the outer loop needs: for all rounds together, and for the checks of its policies."""
    return config.data.n_train * _n_parts(config) + config.outer.check_contexts


def _trained_contexts(config: RunConfig, contexts: Sequence[Context]) -> Sequence[Context]:
    return contexts[: config.data.n_train * _n_parts(config)]


def contexts_of_round(config: RunConfig, contexts: Sequence[Context], round: int) -> Sequence[Context]:
    """The contexts of one round, of those of all: the same in each, or with data.fresh its own part."""
    contexts = _trained_contexts(config, contexts)
    if not config.data.fresh:
        return contexts
    n = len(contexts) // _n_parts(config)
    return contexts[(round - 1) * n : round * n]


def checked_contexts(config: RunConfig, contexts: Sequence[Context]) -> Sequence[Context]:
    """The contexts that policies are checked on: those after the ones of the rounds. They train nothing."""
    return contexts[len(_trained_contexts(config, contexts)) :]
