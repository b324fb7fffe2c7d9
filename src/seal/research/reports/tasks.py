"""The report of a finished few-shot run: `report.html`, one page that needs nothing else, and `results.png`.

Reads the run folder as the experiment left it and writes the two files into it; the same folder gives the
same bytes. Needs the tasks, which the configuration names or generates, and not the model. Knows which
records there are and how the page is laid out; what the records mean is in task_findings.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seal.domains.arc_agi import ArcAgi, ArcConfig
from seal.domains.arc_agi.microgrid import family_of
from seal.engine.parts import build_format
from seal.research.few_shot.voting import read_grid
from seal.research.methods import VOTING, short_label
from seal.research.records import MethodRow, SelfEditRecord
from seal.research.reports import pages as page
from seal.research.reports import plots
from seal.research.reports import task_findings as findings
from seal.research.reports.drawing import as_svg
from seal.research.reports.findings import RoundRewards, long_label, percent, round_rewards
from seal.research.reports.passages import FinishedRun
from seal.research.reports.task_findings import FIELDS, Choices
from seal.research.run_folder import RunFolder
from seal.self_edits.arc_grammar import DirectiveSpace
from seal.types import Directive, Grid, Pair, SelfEdit, Task

AUGMENTATIONS, OTHERS = FIELDS[:4], FIELDS[4:]
FIELD_WORDS = {
    "use_basic_augmentations": "basic augmentations",
    "use_size_augmentations": "size augmentations",
    "use_chain_augmentations": "chain augmentations",
    "use_repeat_augmentations": "repeat augmentations",
    "strategy": "loss on",
    "learning_rate": "learning rate",
    "num_train_epochs": "epochs",
}
_COMPARED = ("self_edit", "seal", "random_selection")


def write_report(folder: Path) -> Path:
    """Write `report.html` and `results.png` into the folder of a finished run; returns the report's path.

    Raises InputFileError if the folder holds no finished run, ConfigError if its configuration cannot be
    read, OutputError if the files cannot be written.
    """
    run = TaskRun.read(folder)
    return page.write(folder, render(run), picture(run) if run.rows else None)


@dataclass(frozen=True)
class TaskRun:
    """What the folder of a few-shot run holds, read. `samples` are the self-edits of each round."""

    run: FinishedRun
    samples: Mapping[int, list[SelfEditRecord]]

    @classmethod
    def read(cls, path: Path) -> TaskRun:
        run = FinishedRun.read(path)
        folder = RunFolder(path, run.config)
        rounds = [round for round, _, _ in run.decisions]
        return cls(run, {r: folder.round("seal", r).self_edits.read() for r in rounds})

    @property
    def rows(self) -> list[MethodRow]:
        """The figures of the methods by their one answer."""
        return [row for row in self.run.results["methods"] if not row["name"].endswith(VOTING)]

    @property
    def voting(self) -> dict[str, MethodRow]:
        """The figures of the methods by the vote of copies."""
        rows = self.run.results["methods"]
        return {row["name"].removesuffix(VOTING): row for row in rows if row["name"].endswith(VOTING)}

    @cached_property
    def self_edits(self) -> dict[str, dict[str, SelfEdit]]:
        """What each method wrote about the held-out tasks; the control comes last."""
        edits = findings.self_edits(self.run.written, build_format(self.run.config))
        names = [row["name"] for row in self.rows]
        order = sorted((m for m in names if m in edits), key="random_selection".__eq__)
        return {m: edits[m] for m in order}

    @cached_property
    def choices(self) -> list[Choices]:
        """What the self-edits about the held-out tasks chose, by method."""
        return [findings.choices(method, own.values()) for method, own in self.self_edits.items()]

    @property
    def families(self) -> dict[str, str]:
        return {context: family_of(task) for context, task in self.run.source.tasks.items()}


@dataclass(frozen=True)
class TestAnswer:
    """What one method answered to a test: the text, the grid in it if there is one, and how it was graded."""

    method: str
    text: str
    grid: Grid | None
    outcome: str
    reason: str


@dataclass(frozen=True)
class WorkedTask:
    """A task as one sees it solved or not. `rules` say why it is shown, `notes` what was changed of a
    directive when it was trained by."""

    rules: tuple[tuple[str, str], ...]
    task: Task
    family: str
    edits: tuple[tuple[str, SelfEdit, tuple[str, ...]], ...]
    tests: tuple[tuple[Pair, tuple[TestAnswer, ...]], ...]


def worked_tasks(run: TaskRun) -> list[WorkedTask]:
    """The tasks that the rules choose, in the rules' order; one that two rules choose is there once."""
    order = [context.id for context in run.run.source.contexts]
    chosen = findings.worked_tasks(run.run.evaluation, order)
    return [
        _worked(run, c, tuple(r for r, own in zip(findings.RULES, chosen, strict=True) if own == c))
        for c in dict.fromkeys(context for context in chosen if context is not None)
    ]


def _worked(run: TaskRun, context: str, rules: tuple[tuple[str, str], ...]) -> WorkedTask:
    task, domain = run.run.source.tasks[context], ArcAgi(run.run.config.table(ArcConfig))
    shown = ("base", "self_edit", "seal", f"seal{VOTING}")
    records = {m: record for m in shown if (record := run.run.exam(m, context)) is not None}
    tests = []
    for index, pair in enumerate(task.test):
        answers = []
        for method, record in records.items():
            one = record.answers[index]
            grid = read_grid(domain, one.answer)
            answers.append(TestAnswer(method, one.answer, grid, one.outcome, one.reason))
        tests.append((pair, tuple(answers)))
    edits = tuple(
        (method, run.self_edits[method][context], tuple(records[method].notes))
        for method in ("self_edit", "seal")
        if method in records and context in run.self_edits.get(method, {})
    )
    return WorkedTask(rules, task, run.families[context], edits, tuple(tests))


def picture(run: TaskRun) -> Any:
    """Accuracy of every method with its interval, by one answer and by voting."""
    rows, results = run.rows, run.run.results
    subtitle = (
        f"{max(r['n_contexts'] for r in rows)} held-out tasks, seed {results['seed']}; "
        f"filled: one answer; hollow: vote of {run.run.config.few_shot.votes} copies; "
        "bars: 95\u00a0% intervals over tasks"
    )
    return _accuracy_figure(run, title="How many new few-shot tasks the model solves", subtitle=subtitle)


def _accuracy_figure(run: TaskRun, **titles: str) -> Any:
    axis = "test grids solved"
    return plots.accuracy_figure(run.rows, _labels(run), beside=run.voting or None, axis=axis, **titles)


def _labels(run: TaskRun) -> dict[str, str]:
    return {row["name"]: long_label(row["name"], "tasks", run.run.config) for row in run.rows}


def render(run: TaskRun) -> str:
    """The page as HTML. All text from the run is escaped by the template engine."""
    from markupsafe import Markup

    own = run.run
    rewards = [round_rewards(*decisions) for decisions in own.decisions]
    methods = [m for m in _COMPARED if m in run.self_edits]
    worked = worked_tasks(run)
    format = build_format(own.config)
    rounds = [
        findings.round_choices(round, run.samples[round], decisions, format)
        for round, decisions, _ in own.decisions
        if run.samples[round]
    ]
    return page.template("tasks.html.j2", "tasks").render(
        config=own.config,
        config_text=own.config_text,
        results=own.results,
        rows=run.rows,
        voting=run.voting,
        labels=_labels(run),
        headline=findings.headline(own.results, own.config),
        rewards=rewards,
        reasons=own.reasons,
        updates=own.updates,
        checks=own.checks,
        choices=run.choices,
        limited=_limited(run),
        distribution=distribution(run, run.choices),
        rounds=[one for pair in rounds for one in pair],
        round_distribution=distribution(run, [one for pair in rounds for one in pair]),
        family_methods=methods,
        family_choices=findings.family_choices(run.self_edits, run.families, methods),
        rules=findings.RULES,
        worked=worked,
        holding={
            name: next((w.task.id for w in worked if rule in w.rules), "")
            for rule in findings.RULES
            for name in rule[:1]
        },
        known_tasks=bool(own.source.tasks),
        fields=FIELD_WORDS,
        directive=lambda edit: asdict(valid) if (valid := Directive.of(edit)) else None,
        value=value_text,
        grid=lambda grid, name: Markup(as_svg(grid, name)),
        svg=_pictures(run, rewards),
    )


def distribution(run: TaskRun, chosen: Sequence[Choices]) -> list[tuple[str, list[tuple[str, list[Any]]]]]:
    """The table of shares: (field in words, rows of (value, its share in each of `chosen`))."""
    space = run.run.config.table(DirectiveSpace)
    return [
        (
            FIELD_WORDS[field],
            [
                (value_text(value), [one.share(field, value) for one in chosen])
                for value in findings.values_of(field, chosen, space)
            ],
        )
        for field in FIELDS
    ]


def value_text(value: Any) -> str:
    """A value of a directive as one reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.removeprefix("train_using_").replace("_", " ")
    return f"{value:g}"


def _limited(run: TaskRun) -> dict[str, int]:
    """How many valid directives of each method were cut or refused by a limit when they were trained by."""
    counts = {}
    for method, own in run.self_edits.items():
        noted = [r.context for r in run.run.evaluation if r.method == method and r.notes]
        n = sum(Directive.of(own[c]) is not None for c in noted if c in own)
        if n:
            counts[method] = n
    return counts


def _pictures(run: TaskRun, rewards: Sequence[RoundRewards]) -> dict[str, Any]:
    from markupsafe import Markup

    svg: dict[str, str | None] = {"rewards": page.rewards_svg(rewards, run.run.config.outer.reward)}
    if run.rows:
        labels = _labels(run)
        texts = [f"{labels[r['name']]}: {page.row_text(r)}" for r in run.rows]
        texts += [
            f"the same by voting, {short_label(m, 'tasks')}: {page.row_text(r)}"
            for m, r in run.voting.items()
        ]
        alt = "Test grids solved by method: " + "; ".join(texts)
        svg["accuracy"] = plots.as_svg(_accuracy_figure(run), "accuracy", alt)
    if differences := run.run.results["differences"]:
        svg["differences"] = page.differences_svg(differences, "tasks")
    svg["directives"] = _directives_svg(run)
    return {name: Markup(picture) if picture else None for name, picture in svg.items()}


def _directives_svg(run: TaskRun) -> str | None:
    shown = [one for one in run.choices if one.name in _COMPARED and one.n_valid]
    shown.sort(key=lambda one: _COMPARED.index(one.name))
    if not shown:
        return None

    def shares(field: str, value: Any) -> dict[str, float]:
        return {one.name: one.share(field, value) or 0.0 for one in shown}

    used = [(FIELD_WORDS[f].split()[0], shares(f, True)) for f in AUGMENTATIONS]
    space = run.run.config.table(DirectiveSpace)
    groups = [("augmentations: how often used", used)] + [
        (FIELD_WORDS[f], [(value_text(v), shares(f, v)) for v in findings.values_of(f, shown, space)])
        for f in OTHERS
    ]
    labels = {one.name: short_label(one.name, "tasks") for one in shown}
    texts = [
        f"{heading}, {value}: " + ", ".join(f"{labels[m]} {percent(s)}" for m, s in own.items())
        for heading, rows in groups
        for value, own in rows
    ]
    alt = "Shares of the valid directives. " + "; ".join(texts)
    return plots.as_svg(plots.shares_figure(groups, labels), "directives", alt)
