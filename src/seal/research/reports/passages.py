"""The report of a finished run: `report.html`, one page that needs nothing else, and `results.png`.

Reads the run folder as a run left it and writes the two files into it; the same folder gives the same bytes.
Knows how the page is laid out. What the records mean is in findings.py, how pictures are drawn in plots.py.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from seal.domains.knowledge import KnowledgeConfig
from seal.errors import InputFileError, SealError
from seal.research.config import RunConfig, parse_config
from seal.research.data import ContextSource, load_source
from seal.research.records import (
    AnswerRecord,
    Arm,
    CheckRecord,
    DecisionRecord,
    EvaluationRecord,
    PolicyUpdate,
    Results,
    WrittenRecord,
    accuracies,
    context_named,
)
from seal.research.reports import findings, plots
from seal.research.reports import pages as page
from seal.research.run_folder import CONFIG, RESULTS, RunFolder
from seal.self_edits import FORMATS
from seal.types import Context, Estimate, SelfEdit

_WORSE_SHOWN = 3


def write_report(folder: Path) -> Path:
    """Write `report.html` into the folder of a finished run, and `results.png` if it examined any method on
    held-out passages; returns the report's path.

    Raises InputFileError if the folder holds no finished run, ConfigError if its configuration cannot be
    read, OutputError if the files cannot be written.
    """
    run = FinishedRun.read(folder)
    return page.write(folder, render(run), picture(run) if run.methods else None)


@dataclass(frozen=True)
class FinishedRun:
    """What a run folder holds, read. `decisions` has (round, those of the rewarded arm, those of the control)
    for each round; `reasons` says why samples were not graded."""

    config: RunConfig
    config_text: str
    results: Results
    evaluation: list[EvaluationRecord]
    written: list[WrittenRecord]
    decisions: list[tuple[int, list[DecisionRecord], list[DecisionRecord] | None]]
    reasons: list[str]
    updates: list[PolicyUpdate]
    checks: list[tuple[Arm, CheckRecord]]

    @classmethod
    def read(cls, path: Path) -> FinishedRun:
        try:
            text = (path / CONFIG).read_text(encoding="utf-8")
        except OSError as error:
            raise InputFileError(
                f"{path} holds no run: {CONFIG}: {error.strerror}", "Name the folder that was given as --out."
            ) from error
        folder = RunFolder(path, parse_config(tomllib.loads(text), where=str(path / CONFIG)))
        results = folder.results()
        if results is None:
            raise InputFileError(
                f"{path} holds a run that is not finished: there is no {RESULTS}",
                "Run the same command with the same --out again; it goes on from where it was.",
            )
        # What `seal train` leaves has rounds, and no figures on held-out passages.
        complete: Any = {"methods": [], "differences": [], "peak_memory_bytes": None, **results}
        decisions, reasons = [], []
        for round in range(1, folder.config.outer.rounds + 1):
            place = folder.round("seal", round)
            if (rewarded := place.decisions) is not None:
                decisions.append((round, rewarded, folder.round("random_selection", round).decisions))
            ungraded = [s for s in place.scores.read() if s.reward(folder.config.outer.reward) is None]
            reasons += [score.reason for score in ungraded if score.reason and not score.left]
        return cls(
            folder.config,
            text,
            complete,
            folder.evaluation.read(),
            folder.written.read(),
            decisions,
            sorted(set(reasons)),
            folder.policy_updates(),
            _checks(folder),
        )

    @property
    def methods(self) -> list[str]:
        return [row["name"] for row in self.results["methods"]]

    @property
    def labels(self) -> dict[str, str]:
        return {name: findings.long_label(name, "passages", self.config) for name in self.methods}

    @cached_property
    def source(self) -> ContextSource:
        """What the methods were examined on; empty if its files are no longer there."""
        data = self.config.data
        try:
            return load_source(self.config, data.evaluation, data.n_evaluation)
        except SealError:
            return ContextSource([])

    @cached_property
    def contexts(self) -> dict[str, Context]:
        return {context.id: context for context in self.source.contexts}

    @cached_property
    def self_edits(self) -> dict[str, dict[str, SelfEdit]]:
        """What was written for the held-out passages: method → context → self-edit."""
        parse = FORMATS.get(self.config.self_edit.format)().parse
        edits: dict[str, dict[str, SelfEdit]] = {m: {} for m in self.methods}
        for record in self.written:
            context = self.contexts.get(record.context) or context_named(record.context)
            edit = parse(context, record.text, truncated=record.truncated)
            edits.setdefault(record.method, {})[context.id] = edit
        return {method: own for method, own in edits.items() if own}

    def title(self, context: str) -> str:
        return self.contexts[context].title if context in self.contexts else f"passage {context}"

    def exam(self, method: str, context: str) -> EvaluationRecord | None:
        own = (r for r in self.evaluation if r.method == method and r.context == context)
        return next(own, None)


@dataclass(frozen=True)
class WorkedPassage:
    """The passage whose change from one method to the other, of `compared`, is the median of all.

    `edits` are what the two wrote about it, `exams` the exams of these methods and of the base. Without its
    file, the text is not known.
    """

    compared: tuple[str, str]
    title: str
    text: str | None
    edits: tuple[tuple[str, SelfEdit], ...]
    exams: tuple[EvaluationRecord, ...]

    @property
    def questions(self) -> list[tuple[AnswerRecord, ...]]:
        """The answers of every exam, question by question."""
        if len({len(exam.answers) for exam in self.exams}) != 1:
            return []
        return list(zip(*(exam.answers for exam in self.exams), strict=True))


def worked_passage(run: FinishedRun) -> WorkedPassage | None:
    """The one passage that the report and the terminal show; None where no two methods can be compared."""
    compared = _compared(run)
    if compared is None:
        return None
    context = findings.median_context(findings.gains(run.evaluation, *compared))
    after, before = compared
    known = run.contexts.get(context)
    exams = [run.exam(method, context) for method in dict.fromkeys(("base", before, after))]
    return WorkedPassage(
        compared,
        run.title(context),
        known.text if known else None,
        tuple(
            (method, run.self_edits[method][context])
            for method in (before, after)
            if context in run.self_edits.get(method, {})
        ),
        tuple(exam for exam in exams if exam is not None),
    )


def picture(run: FinishedRun) -> Any:
    """The README's picture: accuracy of every method with its interval."""
    rows = run.results["methods"]
    n_contexts, n_questions = max(r["n_contexts"] for r in rows), max(r["n_questions"] for r in rows)
    subtitle = (
        f"{n_contexts} held-out passages, {n_questions} questions, seed {run.results['seed']}; "
        "bars: 95\u00a0% intervals over passages"
    )
    title = "How well the model answers questions about a new passage"
    return plots.accuracy_figure(rows, run.labels, title=title, subtitle=subtitle)


def _checks(folder: RunFolder) -> list[tuple[Arm, CheckRecord]]:
    rounds = range(1, folder.config.outer.rounds + 1)
    found = [(arm, folder.round(arm, round).check) for arm in get_args(Arm) for round in rounds]
    return [(arm, check) for arm, check in found if check is not None]


def render(run: FinishedRun) -> str:
    """The page as HTML. All text from the run is escaped by the template engine."""
    rewards = [
        findings.round_rewards(*decisions, n_joined=run.config.outer.joined) for decisions in run.decisions
    ]
    pair = _compared(run)
    return page.template("passages.html.j2", "passages").render(
        config=run.config,
        passage_included=run.config.table(KnowledgeConfig).include_passage,
        config_text=run.config_text,
        results=run.results,
        labels=run.labels,
        headline=findings.headline(run.results, run.config),
        share=_share(run),
        rewards=rewards,
        reasons=run.reasons,
        updates=run.updates,
        checks=run.checks,
        edits=_self_edit_rows(run),
        edit_methods=list(run.self_edits),
        pair=pair,
        gains=findings.gains(run.evaluation, *pair) if pair else [],
        worked=worked_passage(run),
        worse=_worse(run, pair),
        svg=_pictures(run, rewards, pair),
    )


def _pictures(
    run: FinishedRun, rewards: Sequence[findings.RoundRewards], pair: tuple[str, str] | None
) -> Any:
    from markupsafe import Markup

    svg: dict[str, str | None] = {"rewards": page.rewards_svg(rewards, run.config.outer.reward)}
    if rows := run.results["methods"]:
        texts = [f"{run.labels[r['name']]}: {page.row_text(r)}" for r in rows]
        alt = "Accuracy by method: " + "; ".join(texts)
        svg["accuracy"] = plots.as_svg(plots.accuracy_figure(rows, run.labels), "accuracy", alt)
    if differences := run.results["differences"]:
        svg["differences"] = page.differences_svg(differences, "passages")
    if pair and (values := [gain for _, gain in findings.gains(run.evaluation, *pair)]):
        up, down = sum(v > 0 for v in values), sum(v < 0 for v in values)
        alt = f"Gain of {len(values)} passages: {up} better, {down} worse, {len(values) - up - down} equal"
        svg["gains"] = plots.as_svg(plots.gains_figure(values), "gains", alt)
    return {name: Markup(picture) if picture else None for name, picture in svg.items()}


def _share(run: FinishedRun) -> Estimate | None:
    if not {"seal", "self_edit", "gold"} <= set(run.methods):
        return None
    seal, before, gold = (accuracies(run.evaluation, m) for m in ("seal", "self_edit", "gold"))
    return findings.gap_share(seal, before, gold, seed=run.config.seed)


def _compared(run: FinishedRun) -> tuple[str, str] | None:
    """The pair whose passages are shown one by one: the effect of RL, or else that of self-edits."""
    for pair in (("seal", "self_edit"), ("self_edit", "passage"), ("passage", "base")):
        if set(pair) <= set(run.methods) and findings.gains(run.evaluation, *pair):
            return pair
    return None


def _golds(run: FinishedRun) -> dict[str, list[str]]:
    return {r.context: [answer.gold for answer in r.answers] for r in run.evaluation}


def _self_edit_rows(run: FinishedRun) -> list[findings.MeasureRow]:
    return findings.self_edit_table(run.self_edits, _golds(run), seed=run.config.seed)


@dataclass(frozen=True)
class WorsePassage:
    """A passage that lost accuracy. `lost` has (answer now, answer before) for each question that was right
    before and is wrong now."""

    title: str
    before: float | None
    after: float | None
    lost: list[tuple[AnswerRecord, AnswerRecord]]


def _worse(run: FinishedRun, pair: tuple[str, str] | None) -> list[WorsePassage]:
    """The passages that lost most."""
    if pair is None:
        return []
    losers = [context for context, gain in findings.gains(run.evaluation, *pair) if gain < 0]
    worse = []
    for context in losers[:_WORSE_SHOWN]:
        after, before = (run.exam(method, context) for method in pair)
        assert after is not None and before is not None, "a gain is of what both were examined on"
        lost = [
            (now, then)
            for now, then in zip(after.answers, before.answers, strict=True)
            if then.outcome == "right" and now.outcome == "wrong"
        ]
        worse.append(WorsePassage(run.title(context), before.accuracy, after.accuracy, lost))
    return worse
