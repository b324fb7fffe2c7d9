"""Held-out figures: every method on the same contexts, with intervals and paired differences.

Knows nothing about how a policy came to be. All trained methods take the same number of optimiser steps
where the configuration sets `inner.max_steps`; `passage_best` has its own best setting.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seal.engine.adapt import Adaptation, Trial
from seal.engine.work_chunks import WorkChunk, examine_chunks, in_chunks, learn_chunks, write_chunks
from seal.errors import InputError
from seal.grading.statistics import mean_ci, paired_difference
from seal.research.records import DifferenceRow, EvaluationRecord, MethodRow, WrittenRecord, accuracies
from seal.research.run_folder import RunFolder
from seal.seeds import derive_seed
from seal.types import Context, Estimate, Hyperparameters, Score, SelfEdit


@dataclass(frozen=True)
class Evaluation:
    """Examines methods on held-out contexts; each finished method is in the folder and not done again."""

    adaptation: Adaptation
    folder: RunFolder
    contexts: Sequence[Context]

    def untrained(self, method: str, *, open_book: bool) -> None:
        """The model as it is, closed-book or with the passage in its context."""
        recorded = self._recorded(method)
        chunks = [
            WorkChunk([(c, c if open_book else None) for c in chunk], f"evaluating {method}")
            for _, chunk in in_chunks(self.contexts, self.adaptation.config.inner.chunk_trials)
            if any(context.id not in recorded for context in chunk)
        ]
        self._record_all(method, recorded, examine_chunks(self.adaptation, chunks))

    def passage(self, method: str, hyperparameters: Hyperparameters | None = None) -> None:
        """Trained on the passage alone, which is a self-edit without lines."""
        self.given(method, {c.id: SelfEdit(c.id, "none", "", ()) for c in self.contexts}, hyperparameters)

    def given(
        self,
        method: str,
        edits: Mapping[str, SelfEdit],
        hyperparameters: Hyperparameters | None = None,
        model: Any = None,
    ) -> None:
        """Trained on given self-edits, one a context."""
        if self.is_done(method):
            self.adaptation.work.done_before("train", len(self.contexts))
            return
        trials = [
            Trial(c, edits[c.id], derive_seed(self.adaptation.config.seed, "evaluate", c.id), hyperparameters)
            for c in self.contexts
        ]
        self._learn(method, trials, model)

    def written(self, method: str, policy: Any) -> None:
        """Trained on what `policy` writes, sampled as in the outer loop, one self-edit a context."""
        if self.is_done(method):
            self.adaptation.work.done_before("write", len(self.contexts))
            self.adaptation.work.done_before("train", len(self.contexts))
            return
        stored = {r.context: r for r in self.folder.written.read() if r.method == method}
        if len(stored) < len(self.contexts):
            seed = f"{self.adaptation.config.seed}/evaluate"
            chunks = [
                WorkChunk(chunk, f"writing for {method}")
                for _, chunk in in_chunks(self.contexts, self.adaptation.config.inner.chunk_trials)
                if any(context.id not in stored for context in chunk)
            ]
            for at, written in write_chunks(self.adaptation, chunks, 1, seed=seed, model=policy):
                records = [
                    WrittenRecord.of(method, context, edit)
                    for context, [edit] in zip(chunks[at].items, written, strict=True)
                    if context.id not in stored
                ]
                self.folder.written.append(records)
                stored |= {r.context: r for r in records}
            order = self._order
            self.folder.written.arrange(lambda r: order.get(r.context) if r.method == method else None)
        else:
            self.adaptation.work.done_before("write", len(self.contexts))
        parse = self.adaptation.format.parse
        edits = {c.id: parse(c, stored[c.id].text, truncated=stored[c.id].truncated) for c in self.contexts}
        learner = None if self.adaptation.config.inner.learner == "base" else policy
        self.given(method, edits, model=learner)

    def _learn(self, method: str, trials: Sequence[Trial], model: Any) -> None:
        recorded = self._recorded(method)
        chunks = [
            WorkChunk(chunk, f"evaluating {method}")
            for _, chunk in in_chunks(trials, self.adaptation.config.inner.chunk_trials)
            if any(trial.context.id not in recorded for trial in chunk)
        ]
        scored = learn_chunks(self.adaptation, chunks, answers=True, model=model)
        self._record_all(method, recorded, scored)

    def is_done(self, method: str) -> bool:
        """Whether the folder has the method on every context."""
        return len(self._recorded(method)) == len(self.contexts)

    def _recorded(self, method: str) -> set[str]:
        return {r.context for r in self.folder.evaluation.read() if r.method == method}

    @property
    def _order(self) -> dict[str, int]:
        return {context.id: at for at, context in enumerate(self.contexts)}

    def _record_all(
        self, method: str, recorded: set[str], scored: Iterable[tuple[int, Sequence[Score]]]
    ) -> None:
        """Puts scores into the folder as they come, and then into the order of the contexts."""
        for _, scores in scored:
            new = [score for score in scores if score.context_id not in recorded]
            self.folder.evaluation.append(EvaluationRecord.of(method, score) for score in new)
        order = self._order
        self.folder.evaluation.arrange(lambda r: order.get(r.context) if r.method == method else None)

    def record(self, method: str, scores: Sequence[Score]) -> None:
        """Puts the scores of a method into the folder."""
        recorded = self._recorded(method)  # some are, where the writing itself was cut short
        new = [EvaluationRecord.of(method, score) for score in scores if score.context_id not in recorded]
        self.folder.evaluation.append(new)


def method_table(
    records: Sequence[EvaluationRecord], methods: Sequence[str], *, seed: int
) -> list[MethodRow]:
    """One row a method: accuracy with its 95 % interval over contexts, counts and coverage."""
    rows: list[MethodRow] = []
    for method in methods:
        own = [r for r in records if r.method == method]
        outcomes = [answer.outcome for r in own for answer in r.answers]
        n_graded = len(outcomes) - outcomes.count("ungraded")
        try:
            estimate = mean_ci([r.accuracy for r in own], seed=seed)
            accuracy, ci95 = estimate.mean, _interval(estimate)
        except InputError:  # nothing could be graded: the row says so by its coverage
            accuracy, ci95 = None, None
        rows.append(
            {
                "name": method,
                "accuracy": accuracy,
                "ci95": ci95,
                "n_contexts": len(own),
                "n_questions": len(outcomes),
                "coverage": n_graded / len(outcomes) if outcomes else 0.0,
            }
        )
    return rows


def difference_table(
    records: Sequence[EvaluationRecord], pairs: Sequence[tuple[str, str]], *, seed: int
) -> list[DifferenceRow]:
    """One row a pair (a, b): the mean of a − b paired by context, with its 95 % interval."""
    rows: list[DifferenceRow] = []
    for a, b in pairs:
        try:
            estimate = paired_difference(accuracies(records, a), accuracies(records, b), seed=seed)
        except InputError:  # no context was graded in both
            continue
        rows.append({"a": a, "b": b, "mean": estimate.mean, "ci95": _interval(estimate)})
    return rows


def _interval(estimate: Estimate) -> list[float] | None:
    return None if math.isnan(estimate.low) else [estimate.low, estimate.high]
