"""Self-edits that a policy writes about contexts, and what each of them is worth.

What is written and measured goes into the run's folder at once, and what is there is not done again. Knows
nothing about what the rewards decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seal.engine.adapt import Adaptation, Trial
from seal.engine.racing import Race, RaceRules
from seal.engine.work_chunks import WorkChunk, in_chunks, learn_chunks, race_chunks, write_chunks
from seal.grading.statistics import mean
from seal.research.records import ScoreRecord, SelfEditRecord
from seal.research.run_folder import Lines, RunFolder
from seal.research.unlabelled import kept_apart, own_exams
from seal.seeds import derive_seed
from seal.types import Context, Score, SelfEdit

Rewards = dict[tuple[str, int], float | None]
"""By context and number of the sample; None is ungraded."""
_Key = tuple[str, int, int]
"""A context, the number of a sample, and that of a seed."""


@dataclass(frozen=True)
class Sample:
    """The self-edit that was sampled for a context as its number `index`."""

    context: Context
    index: int
    self_edit: SelfEdit


class SampleScorer:
    """Writes and scores samples by what a run's configuration says."""

    def __init__(self, adaptation: Adaptation, folder: RunFolder) -> None:
        self.adaptation, self.folder, self.config = adaptation, folder, folder.config

    def write(
        self,
        lines: Lines[SelfEditRecord],
        contexts: Sequence[Context],
        n: int,
        policy: Any,
        *,
        seed: str,
        stage: str,
    ) -> list[list[Sample]]:
        """`n` self-edits for each context, written by `policy`."""
        written = {record.key for record in lines.read()}
        missing: list[WorkChunk[Context]] = []
        for n_done, chunk in in_chunks(contexts, max(1, self.config.inner.chunk_trials // n)):
            if all((context.id, i) in written for context in chunk for i in range(n)):
                self.adaptation.work.done_before("write", len(chunk) * n)
                continue
            missing.append(WorkChunk(chunk, f"{stage} ({n_done} of {len(contexts)} passages)"))
        for at, self_edits in write_chunks(self.adaptation, missing, n, seed=seed, model=policy):
            records = [
                SelfEditRecord.of(context, i, edit)
                for context, own in zip(missing[at].items, self_edits, strict=True)
                for i, edit in enumerate(own)
                if (context.id, i) not in written
            ]
            lines.append(records)
            written |= {record.key for record in records}
        order = {(context.id, i): at * n + i for at, context in enumerate(contexts) for i in range(n)}
        lines.arrange(lambda record: order.get(record.key))
        return self.written(lines, contexts, n)

    def written(
        self, lines: Lines[SelfEditRecord], contexts: Sequence[Context], n: int
    ) -> list[list[Sample]]:
        """What `write` has put into the folder."""
        stored, parse = {record.key: record for record in lines.read()}, self.adaptation.format.parse
        samples = []
        for context in contexts:
            own = [stored[context.id, i] for i in range(n)]
            edits = [parse(context, record.text, truncated=record.truncated) for record in own]
            samples.append([Sample(context, i, edit) for i, edit in enumerate(edits)])
        return samples

    def rewards(
        self,
        scores: Lines[ScoreRecord],
        policy: Any,
        samples: Sequence[Sample],
        *,
        stage: str,
        lines_only: bool = False,
        raced: bool = False,
    ) -> Rewards:
        """The mean reward of each sample over its seeds, None if no seed could be graded. One adapter is
        trained and examined for each sample and seed that `scores` does not hold yet.

        `raced`: as many samples of each context compete by `outer.racing`; one that leaves has no reward.
        """
        kind, seeds = self.config.outer.reward, range(self.config.inner.seeds)
        rewards = {record.key: record.reward(kind) for record in scores.read()}
        learner = None if self.config.inner.learner == "base" else policy
        jobs = [(one, seed) for one in samples for seed in seeds]
        missing: list[WorkChunk[Trial]] = []
        keys_of: list[list[_Key]] = []
        rules = self._rules(raced)
        a_race = sum(one.context.id == samples[0].context.id for one, _ in jobs) if rules else 1
        for n_done, chunk in in_chunks(jobs, max(1, self.config.inner.chunk_trials // a_race) * a_race):
            keys = [(one.context.id, one.index, seed) for one, seed in chunk]
            if all(key in rewards for key in keys):
                self.adaptation.work.done_before("train", len(chunk))
                continue
            trials = self._trials(chunk, keys, lines_only)
            missing.append(WorkChunk(trials, f"{stage} ({n_done} of {len(jobs)})"))
            keys_of.append(keys)
        answers = kind == "accuracy"
        done = (
            _raced(self.adaptation, missing, a_race, rules, answers=answers, model=learner)
            if rules
            else learn_chunks(self.adaptation, missing, answers=answers, model=learner)
        )
        for at, measured in done:
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

    def _trials(
        self, jobs: Sequence[tuple[Sample, int]], keys: Sequence[_Key], lines_only: bool
    ) -> list[Trial]:
        return [
            Trial(
                context,
                one.self_edit,
                derive_seed(self.config.seed, "inner", *key),
                lines_only=lines_only,
                recite=self.config.outer.reward == "sentences",
            )
            for (one, _), context, key in zip(jobs, self._examined(jobs), keys, strict=True)
        ]

    def _rules(self, raced: bool) -> RaceRules | None:
        racing = self.config.outer.racing
        return RaceRules(racing.stops, racing.keep) if raced and racing.stops else None

    def _examined(self, jobs: Sequence[tuple[Sample, int]]) -> list[Context]:
        """The context of each sample, with the exam that the reward is for."""
        contexts = [one.context for one, _ in jobs]
        if self.config.outer.reward != "own_exam":
            return contexts
        unique = list({context.id: context for context in contexts}.values())
        seed = f"{self.config.seed}/exams"
        exams = own_exams(self.adaptation, self.folder.exams, unique, seed=seed)
        return [
            replace(one.context, questions=kept_apart(exams[one.context.id], one.self_edit))
            for one, _ in jobs
        ]


def _raced(
    adaptation: Adaptation,
    chunks: Sequence[WorkChunk[Trial]],
    n: int,
    rules: RaceRules,
    *,
    answers: bool,
    model: Any,
) -> Iterator[tuple[int, list[Score]]]:
    """`learn_chunks`, where every `n` trials are those of one context, which compete."""
    seeds = adaptation.config.inner.seeds
    races = [
        WorkChunk(
            [Race(tuple(chunk.items[at : at + n]), seeds) for at in range(0, len(chunk.items), n)],
            chunk.stage,
        )
        for chunk in chunks
    ]
    for at, measured in race_chunks(adaptation, races, rules, answers=answers, model=model):
        yield at, [score for own in measured for score in own]
