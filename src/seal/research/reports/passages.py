"""The report of a finished run: `report.html`, one page that needs nothing else, and `results.png`.

Reads the run folder as the loops left it and writes the two files into it; the same folder gives the same
bytes. Knows which records there are and how the page is laid out. What the records mean is in findings.py,
how pictures are drawn in plots.py.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seal.domains.knowledge import KnowledgeConfig
from seal.errors import InputFileError, SealError
from seal.research.config import RunConfig, parse_config
from seal.research.data import ContextSource, load_source
from seal.research.reports import findings, plots
from seal.research.reports import pages as page
from seal.research.reports.findings import short_label
from seal.research.run_folder import CONFIG, RunFolder
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
    """What a run folder holds, read."""

    config: RunConfig
    config_text: str
    results: dict[str, Any]
    evaluation: list[dict[str, Any]]
    written: list[dict[str, Any]]
    decisions: list[tuple[int, list[dict[str, Any]], list[dict[str, Any]] | None]]
    reasons: list[str]
    updates: list[dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> FinishedRun:
        try:
            text = (path / CONFIG).read_text(encoding="utf-8")
        except OSError as error:
            raise InputFileError(
                f"{path} holds no run: {CONFIG}: {error.strerror}", "Name the folder that was given as --out."
            ) from error
        folder = RunFolder(path, parse_config(tomllib.loads(text), where=str(path / CONFIG)))
        results = folder.read_json("results.json")
        if results is None:
            raise InputFileError(
                f"{path} holds a run that is not finished: there is no results.json",
                "Run the same command with the same --out again; it goes on from where it was.",
            )
        # What `seal train` leaves has rounds, and no figures on held-out passages.
        results = {"methods": [], "differences": [], "peak_memory_bytes": None, **results}
        decisions, reasons = [], []
        for round in range(1, folder.config.outer.rounds + 1):
            treated = folder.read_json(f"rounds/{round}/decisions.json")
            if treated is not None:
                control = folder.read_json(f"rounds/{round}/random_selection/decisions.json")
                decisions.append((round, treated, control))
            scores = folder.records(f"rounds/{round}/scores.jsonl")
            reasons += [s["reason"] for s in scores if s[folder.config.outer.reward] is None]
        metrics = folder.records("metrics.jsonl")
        return cls(
            folder.config,
            text,
            results,
            folder.records("evaluation.jsonl"),
            folder.records("evaluation_self_edits.jsonl"),
            decisions,
            sorted({reason for reason in reasons if reason}),
            [m for m in metrics if m["event"] == "policy_update"],
        )

    @property
    def methods(self) -> list[str]:
        return [row["name"] for row in self.results["methods"]]

    @property
    def labels(self) -> dict[str, str]:
        return {name: findings.long_label(name, self.config) for name in self.methods}

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
        found: dict[str, dict[str, SelfEdit]] = {m: {} for m in self.methods}
        for r in self.written:
            context = self.contexts.get(r["context"]) or Context(r["context"], "", "")
            found.setdefault(r["method"], {})[context.id] = parse(
                context, r["text"], truncated=r["truncated"]
            )
        return {method: own for method, own in found.items() if own}

    def title(self, context: str) -> str:
        return self.contexts[context].title if context in self.contexts else f"passage {context}"

    def answers(self, method: str, context: str) -> list[dict[str, Any]]:
        own = [r for r in self.evaluation if r["method"] == method and r["context"] == context]
        return own[0]["answers"] if own else []

    def accuracy(self, method: str, context: str) -> float | None:
        own = [r for r in self.evaluation if r["method"] == method and r["context"] == context]
        return own[0]["accuracy"] if own else None


def worked_passage(folder: Path) -> str:
    """The report's one passage as plain text: its self-edits, and the answers that each method led to."""
    run = FinishedRun.read(folder)
    worked = _worked(run, _compared(run))
    if worked is None:
        return ""
    blocks = [f"One passage, the one with the median change: {worked['title']}", worked["text"] or ""]
    for method, edit in worked["edits"]:
        blocks.append(
            "\n".join([f"{short_label(method)}:", *(f"  {line}" for line in edit.lines or ["(nothing)"])])
        )
    exam = []
    for answers in worked["questions"]:
        exam.append(f"{answers[0]['question']} (gold: {answers[0]['gold'] or 'none'})")
        for (method, _), one in zip(worked["methods"], answers, strict=True):
            exam.append(f"  {short_label(method) + ':':<22}{one['answer'] or '(nothing)'} [{one['outcome']}]")
    return "\n\n".join(block for block in [*blocks, "\n".join(exam)] if block)


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


def render(run: FinishedRun) -> str:
    """The page as HTML. All text from the run is escaped by the template engine."""
    rewards = [findings.round_rewards(*decisions) for decisions in run.decisions]
    pair = _compared(run)
    return page.template("passages.html.j2", short_label).render(
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
        edits=_self_edit_rows(run),
        edit_methods=list(run.self_edits),
        pair=pair,
        gains=findings.gains(run.evaluation, *pair) if pair else [],
        worked=_worked(run, pair),
        worse=_worse(run, pair),
        svg=_pictures(run, rewards, pair),
    )


def _pictures(
    run: FinishedRun, rewards: Sequence[findings.RoundRewards], pair: tuple[str, str] | None
) -> Any:
    from markupsafe import Markup

    found: dict[str, str | None] = {"rewards": page.rewards_svg(rewards, run.config.outer.reward)}
    if rows := run.results["methods"]:
        texts = [f"{run.labels[r['name']]}: {page.row_text(r)}" for r in rows]
        alt = "Accuracy by method: " + "; ".join(texts)
        found["accuracy"] = plots.as_svg(plots.accuracy_figure(rows, run.labels), "accuracy", alt)
    if differences := run.results["differences"]:
        found["differences"] = page.differences_svg(differences, short_label)
    if pair and (values := [gain for _, gain in findings.gains(run.evaluation, *pair)]):
        up, down = sum(v > 0 for v in values), sum(v < 0 for v in values)
        alt = f"Gain of {len(values)} passages: {up} better, {down} worse, {len(values) - up - down} equal"
        found["gains"] = plots.as_svg(plots.gains_figure(values), "gains", alt)
    return {name: Markup(svg) if svg else None for name, svg in found.items()}


def _share(run: FinishedRun) -> Estimate | None:
    if not {"seal", "self_edit", "gold"} <= set(run.methods):
        return None
    seal, before, gold = (
        {r["context"]: r["accuracy"] for r in run.evaluation if r["method"] == m}
        for m in ("seal", "self_edit", "gold")
    )
    return findings.gap_share(seal, before, gold, seed=run.config.seed)


def _compared(run: FinishedRun) -> tuple[str, str] | None:
    """The pair whose passages are shown one by one: the effect of RL, or else that of self-edits."""
    for pair in (("seal", "self_edit"), ("self_edit", "passage"), ("passage", "base")):
        if set(pair) <= set(run.methods) and findings.gains(run.evaluation, *pair):
            return pair
    return None


def _golds(run: FinishedRun) -> dict[str, list[str]]:
    return {r["context"]: [a["gold"] for a in r["answers"]] for r in run.evaluation}


def _self_edit_rows(run: FinishedRun) -> list[dict[str, Any]]:
    return findings.self_edit_table(run.self_edits, _golds(run), seed=run.config.seed)


def _worked(run: FinishedRun, pair: tuple[str, str] | None) -> dict[str, Any] | None:
    """The passage with the median gain: its self-edits, and the answers that each method led to."""
    if pair is None:
        return None
    context = findings.median_context(findings.gains(run.evaluation, *pair))
    shown = list(dict.fromkeys(m for m in ("base", *reversed(pair)) if m in run.methods))
    answers = [run.answers(m, context) for m in shown]
    found = run.contexts.get(context)
    return {
        "title": run.title(context),
        "text": found.text if found else None,
        "edits": [
            (m, run.self_edits[m][context]) for m in reversed(pair) if context in run.self_edits.get(m, {})
        ],
        "methods": [(m, run.accuracy(m, context)) for m in shown],
        "questions": list(zip(*answers, strict=True)) if len({len(a) for a in answers}) == 1 else [],
    }


def _worse(run: FinishedRun, pair: tuple[str, str] | None) -> list[dict[str, Any]]:
    """The passages that lost most, with the questions that were right before and are wrong now."""
    if pair is None:
        return []
    a, b = pair
    lost = [(c, gain) for c, gain in findings.gains(run.evaluation, a, b) if gain < 0]
    return [
        {
            "title": run.title(context),
            "before": run.accuracy(b, context),
            "after": run.accuracy(a, context),
            "lost": [
                (now, then)
                for now, then in zip(run.answers(a, context), run.answers(b, context), strict=True)
                if then["outcome"] == "right" and now["outcome"] == "wrong"
            ],
        }
        for context, _ in lost[:_WORSE_SHOWN]
    ]
