"""Held-out figures: every method on the same contexts, with intervals and paired differences.

Knows nothing about how a policy came to be. All trained methods take the same number of optimiser steps
where the configuration sets `inner.max_steps`; `passage_best` has its own best setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seal.engine.adapt import Adaptation, Trial
from seal.errors import InputError
from seal.grading.statistics import mean_ci, paired_difference
from seal.research.run_folder import RunFolder
from seal.seeds import derive_seed
from seal.types import Context, Hyperparameters, Score, SelfEdit

RECORDS = "evaluation.jsonl"
_EDITS = "evaluation_self_edits.jsonl"


@dataclass(frozen=True)
class Evaluation:
    """Examines methods on held-out contexts; each finished method is in the folder and not done again."""

    adaptation: Adaptation
    folder: RunFolder
    contexts: Sequence[Context]

    def untrained(self, method: str, *, open_book: bool) -> None:
        """The model as it is, closed-book or with the passage in its context."""
        if not self.is_done(method):
            exams = [(c, c if open_book else None) for c in self.contexts]
            self.record(method, self.adaptation.examine(exams, stage=f"evaluating {method}"))

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
            self.adaptation.work.found("train", len(self.contexts))
            return
        trials = [
            Trial(c, edits[c.id], derive_seed(self.adaptation.config.seed, "evaluate", c.id), hyperparameters)
            for c in self.contexts
        ]
        self._learn(method, trials, model)

    def written(self, method: str, policy: Any) -> None:
        """Trained on what `policy` writes, sampled as in the outer loop, one self-edit a context."""
        if self.is_done(method):
            self.adaptation.work.found("write", len(self.contexts))
            self.adaptation.work.found("train", len(self.contexts))
            return
        stored = {r["context"]: r for r in self.folder.records(_EDITS) if r["method"] == method}
        if len(stored) < len(self.contexts):
            seed = f"{self.adaptation.config.seed}/evaluate"
            stage = f"writing for {method}"
            found = self.adaptation.write(self.contexts, 1, seed=seed, model=policy, stage=stage)
            records = [
                {"method": method, "context": c.id, "text": e.text, "truncated": e.truncated}
                for c, [e] in zip(self.contexts, found, strict=True)
                if c.id not in stored
            ]
            self.folder.append(_EDITS, records)
            stored |= {r["context"]: r for r in records}
        else:
            self.adaptation.work.found("write", len(self.contexts))
        parse = self.adaptation.format.parse
        edits = {
            c.id: parse(c, stored[c.id]["text"], truncated=stored[c.id]["truncated"]) for c in self.contexts
        }
        learner = None if self.adaptation.config.inner.learner == "base" else policy
        self.given(method, edits, model=learner)

    def _learn(self, method: str, trials: Sequence[Trial], model: Any) -> None:
        stage = f"evaluating {method}"
        self.record(method, self.adaptation.learn_and_examine(trials, answers=True, model=model, stage=stage))

    def is_done(self, method: str) -> bool:
        """Whether the folder has the method on every context."""
        return len(self._recorded(method)) == len(self.contexts)

    def _recorded(self, method: str) -> set[str]:
        return {r["context"] for r in self.folder.records(RECORDS) if r["method"] == method}

    def record(self, method: str, scores: Sequence[Score]) -> None:
        """Puts the scores of a method into the folder."""
        recorded = self._recorded(method)  # some are, where the writing itself was cut short
        self.folder.append(
            RECORDS,
            [
                {
                    "method": method,
                    "context": score.context_id,
                    "accuracy": score.accuracy,
                    "likelihood": score.likelihood,
                    "coverage": score.coverage,
                    **({"notes": score.notes} if score.notes else {}),
                    "answers": [
                        {"question": a.question, "gold": a.gold[0] if a.gold else "", "answer": a.answer,
                         "outcome": a.outcome, "reason": a.reason}
                        for a in score.answers
                    ],
                }
                for score in scores
                if score.context_id not in recorded
            ],
        )  # fmt: skip


def accuracies(records: Sequence[Mapping[str, Any]], method: str) -> dict[str, float | None]:
    """Context → accuracy of one method."""
    return {r["context"]: r["accuracy"] for r in records if r["method"] == method}


def method_table(
    records: Sequence[Mapping[str, Any]], methods: Sequence[str], *, seed: int
) -> list[dict[str, Any]]:
    """One row a method: accuracy with its 95 % interval over contexts, counts and coverage."""
    rows = []
    for method in methods:
        own = [r for r in records if r["method"] == method]
        outcomes = [a["outcome"] for r in own for a in r["answers"]]
        graded = [o for o in outcomes if o != "ungraded"]
        row: dict[str, Any] = {"name": method, "accuracy": None, "ci95": None}
        try:
            found = mean_ci([r["accuracy"] for r in own], seed=seed)
            row |= {"accuracy": found.mean, "ci95": _interval(found.low, found.high)}
        except InputError:
            pass  # nothing could be graded: the row says so by its coverage
        row |= {"n_contexts": len(own), "n_questions": len(outcomes)}
        row["coverage"] = len(graded) / len(outcomes) if outcomes else 0.0
        rows.append(row)
    return rows


def difference_table(
    records: Sequence[Mapping[str, Any]], pairs: Sequence[tuple[str, str]], *, seed: int
) -> list[dict[str, Any]]:
    """One row a pair (a, b): the mean of a − b paired by context, with its 95 % interval."""
    rows = []
    for a, b in pairs:
        try:
            found = paired_difference(accuracies(records, a), accuracies(records, b), seed=seed)
        except InputError:
            continue
        rows.append({"a": a, "b": b, "mean": found.mean, "ci95": _interval(found.low, found.high)})
    return rows


def _interval(low: float, high: float) -> list[float] | None:
    return None if low != low else [low, high]
