"""The report of a few-shot run made by formula: its figures, its sentences, and every grid that it shows."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from few_shot_runs import AFTER, BEFORE, NONE, OTHER, SOLVED, N, make_task_run
from seal.cli import main
from seal.cli.console import Display
from seal.cli.demo_arc import show_task
from seal.research.methods import short_label
from seal.research.records import DecisionRecord, SelfEditRecord
from seal.research.reports import plots
from seal.research.reports import task_findings as findings
from seal.research.reports.drawing import COLOURS, as_svg, in_words, ink
from seal.research.reports.findings import long_label, percent, points
from seal.research.reports.task_findings import choices, family_choices, headline, round_choices
from seal.research.reports.tasks import TaskRun, worked_tasks, write_report
from seal.self_edits.arc_directives import ArcDirectives
from seal.self_edits.arc_grammar import DirectiveSpace, render
from seal.types import Context, Directive, SelfEdit

SENTENCES = {
    ("seal", "self_edit"): {
        "above": "Reinforcement learning made the self-edits better: on 12 held-out tasks the model solved",
        "below": "Reinforcement learning made the self-edits worse",
        "open": "This run did not show that reinforcement learning makes",
        "unknown": "This run cannot show whether reinforcement learning makes",
    },
    ("seal", "random_selection"): {
        "above": "The reward made a difference",
        "below": "Selecting by the reward did worse than chance",
        "open": "It was not shown that the reward makes a difference",
        "unknown": "Whether the reward makes a difference cannot be told",
    },
    ("seal", "best_fixed"): {
        "above": "One directive of its own for each task did better than the best one for all tasks",
        "below": "One directive of its own for each task did worse than the best one for all tasks",
        "open": "It was not shown that one directive of its own for each task does better or worse",
        "unknown": "Whether one directive of its own for each task does better",
    },
    ("seal_committee", "best_fixed"): {
        "above": "Answering by several directives of its own together did better than the best one for all",
        "below": "Answering by several directives of its own together did worse than the best one for all",
        "open": "It was not shown that answering by several directives of its own together does better or "
        "worse than the best one for all tasks",
        "unknown": "Whether answering by several directives of its own together does better than the best",
    },
    ("self_edit", "base"): {
        "above": "Training on a task by a directive of its own, before RL, did better than only seeing",
        "below": "Training on a task by a directive of its own, before RL, did worse than only seeing",
        "open": "It was not shown that training on a task by a directive of its own, before RL, does better",
        "unknown": "Whether training on a task by a directive of its own, before RL, does better than only",
    },
}
INTERVALS = {"above": [0.1, 0.3], "below": [-0.3, -0.1], "open": [-0.1, 0.2], "unknown": None}


def report_of(folder: Path) -> str:
    return write_report(folder).read_text(encoding="utf-8")


def text_of(page: str) -> str:
    text = html.unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)))
    return re.sub(r"\s+", " ", text)


def edit(text: str, context: str = "c") -> SelfEdit:
    return ArcDirectives().parse(Context(context, "", ""), text)


def test_the_figures_are_those_of_results_json(tmp_path: Path) -> None:
    run = make_task_run(tmp_path / "run")
    text = text_of(report_of(run))
    results = json.loads((run / "results.json").read_text())
    for row in results["methods"]:
        low, high = row["ci95"]
        shown = f"{percent(row['accuracy'])} {percent(low)} – {percent(high)}".replace("\u00a0", " ")
        assert shown in text, row["name"]
    for row in results["differences"]:
        low, high = row["ci95"]
        assert f"{points(row['mean'])} {points(low)} to {points(high)}" in text
    for words in (
        "1,234,567 parameters",
        "ab" * 32,
        "1.5 minutes",
        "1.50 GB",
        "with 96 trainings",
        "seed = 0",
    ):
        assert words in text
    assert (run / "results.png").read_bytes()[:4] == b"\x89PNG"


def test_it_loads_nothing_and_its_ids_are_unique(tmp_path: Path) -> None:
    page = report_of(make_task_run(tmp_path / "run"))
    assert not re.search(r"<script|<link|<img|@import|url\((?!#)|xmlns| src=", page)
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert page.count("<svg") == page.count('role="img" aria-label="')
    assert set(re.findall(r"url\(#([^)]*)\)", page)) <= set(ids)
    assert page.count("<table") == page.count("<caption>")
    assert NONE not in page and html.escape(NONE) in page


def test_the_same_folder_gives_the_same_bytes_without_the_model(tmp_path: Path) -> None:
    run = make_task_run(tmp_path / "run", overrides={"model": {"name": str(tmp_path / "nowhere")}})
    first = write_report(run).read_bytes(), (run / "results.png").read_bytes()
    assert (write_report(run).read_bytes(), (run / "results.png").read_bytes()) == first


def test_every_grid_of_a_worked_task_is_on_the_page(tmp_path: Path) -> None:
    run = make_task_run(tmp_path / "run")
    page = report_of(run)
    worked = worked_tasks(TaskRun.read(run))
    assert [[name for name, _ in one.rules] for one in worked] == [
        ["Solved only after RL"], ["Lost by RL", "Voting changes the outcome"], ["Solved by none"]
    ]  # fmt: skip
    articles = re.findall(r"<article>.*?</article>", page, re.DOTALL)
    assert len(articles) == len(worked)
    for one, article in zip(worked, articles, strict=True):
        grids = [grid for pair in (*one.task.train, *one.task.test) for grid in (pair.input, pair.output)]
        [(_, answers)] = one.tests
        assert [a.method for a in answers] == ["base", "self_edit", "seal", "seal_voting"]
        grids += [a.grid for a in answers]
        drawn = re.findall(r'aria-label="[^:"]*: ([\d /]*)"', article)
        assert sorted(drawn) == sorted(in_words(grid) for grid in grids if grid)
        assert article.count("✓ right") == sum(a.outcome == "right" for a in answers)
        assert article.count("✗ wrong") == sum(a.outcome == "wrong" for a in answers)


def test_the_tasks_are_those_that_the_rules_choose(tmp_path: Path) -> None:
    run = TaskRun.read(make_task_run(tmp_path / "run"))
    order = [context.id for context in run.run.source.contexts]
    chosen = findings.worked_tasks(run.run.evaluation, order)
    assert [order.index(c) if c else None for c in chosen] == [3, 2, 0, 2]
    kept = {**SOLVED, "seal": SOLVED["self_edit"]}
    run = TaskRun.read(make_task_run(tmp_path / "same", solved=kept))
    assert findings.worked_tasks(run.run.evaluation, order)[:2] == [None, None]
    assert "before RL, and not on that after. None." in text_of(report_of(tmp_path / "same"))


@pytest.mark.parametrize("state", INTERVALS)
@pytest.mark.parametrize("pair", SENTENCES)
def test_each_sentence_says_what_its_interval_says(pair: tuple[str, str], state: str, tmp_path: Path) -> None:
    run = TaskRun.read(make_task_run(tmp_path / "run")).run
    other = {"above": "open", "open": "below", "below": "above", "unknown": "above"}[state]
    for row in run.results["differences"]:
        row["ci95"] = INTERVALS[state if (row["a"], row["b"]) == pair else other]
    said = headline(run.results, run.config)
    [sentence] = [s for s in said if s.startswith(SENTENCES[pair][state])]
    assert ("which includes 0" in sentence) == (state == "open")
    assert ("one task alone bears none" in sentence) == (state == "unknown")
    assert not [
        s for s in said for one in SENTENCES[pair] if one != state and s.startswith(SENTENCES[pair][one])
    ]


@pytest.mark.parametrize(
    ("seal", "opening"),
    [
        (lambda i: i < 11, SENTENCES["seal", "self_edit"]["above"]),
        (lambda i: False, SENTENCES["seal", "self_edit"]["below"]),
        (lambda i: i in (1, 2, 6), SENTENCES["seal", "self_edit"]["open"]),
    ],
)  # fmt: skip
def test_the_headline_follows_the_figures(tmp_path: Path, seal: Callable[[int], bool], opening: str) -> None:
    solved = {"self_edit": lambda i: i in (1, 2, 3, 4, 5), "seal": seal}
    page = report_of(make_task_run(tmp_path / "run", solved=solved))
    assert f'<p class="finding">{opening}' in page


def test_one_task_bears_no_interval(tmp_path: Path) -> None:
    page = report_of(make_task_run(tmp_path / "run", n=1))
    assert f'<p class="finding">{SENTENCES["seal", "self_edit"]["unknown"]}' in page
    assert "There is only 1 task" in page


def test_a_run_whose_directives_are_all_rejected(tmp_path: Path) -> None:
    run = make_task_run(tmp_path / "run", text=lambda _method, _i: NONE)
    page = report_of(run)
    text = text_of(page)
    assert "No self-edit about a held-out task was a valid directive" in text
    assert f"{N} × there is no JSON object in the text" in text
    assert "was rejected, so nothing was trained (there is no JSON object in the text)" in text
    assert "the model was examined untrained" in text
    assert 'id="directives-' not in page
    assert all(one.n_valid == 0 and one.valid == 0 for one in TaskRun.read(run).choices)


def test_a_run_without_the_control(tmp_path: Path) -> None:
    text = text_of(report_of(make_task_run(tmp_path / "run", methods=("base", "self_edit", "seal"))))
    assert "There is no control in this run" in text
    assert "Without a control, a gain may come from" in text
    assert "control by chance" not in text
    assert "best fixed directive" not in text.lower().split("settings")[0]


@pytest.mark.parametrize("methods", [("base",), ("base", "self_edit"), ("seal", "hand_made"), ()])
def test_partial_methods(tmp_path: Path, methods: tuple[str, ...]) -> None:
    text = text_of(report_of(make_task_run(tmp_path / "run", methods=methods)))
    assert "nan" not in text
    assert ("This run held no exam on other tasks" in text) == (not methods)


def test_tasks_whose_file_is_gone_are_not_shown(tmp_path: Path) -> None:
    run = make_task_run(tmp_path / "run")
    config = run / "config.toml"
    config.write_text(config.read_text().replace('"microgrid/eval"', '"gone.json"'))
    assert "their file is no longer where it was" in text_of(report_of(run))


def test_choices() -> None:
    found = choices("m", [edit(t) for t in (render(BEFORE), render(AFTER), render(AFTER), NONE, NONE)])
    assert (found.n, found.n_valid, found.valid) == (5, 3, 0.6)
    assert found.reasons == {"there is no JSON object in the text": 2}
    assert found.share("use_basic_augmentations", True) == 1
    assert found.share("use_chain_augmentations", True) == pytest.approx(2 / 3)
    assert found.share("strategy", "train_using_all_tokens") == pytest.approx(1 / 3)
    assert found.share("learning_rate", 1e-2) == pytest.approx(2 / 3)
    assert found.share("num_train_epochs", 4) == 0
    assert set(found.shares) == set(findings.FIELDS) and len(findings.FIELDS) == 7
    assert choices("m", [edit(NONE)]).share("strategy", "train_using_all_tokens") is None
    odd = choices("m", [edit(render(Directive(True, True, True, True, "train_using_all_tokens", 2e-3, 5)))])
    assert findings.values_of("num_train_epochs", [odd], DirectiveSpace()) == [1, 2, 4, 5, 8]


def test_choices_of_a_round() -> None:
    texts = [render(BEFORE), render(OTHER), NONE]
    samples = [SelfEditRecord(c, i, t, truncated=False, lines=0) for c in "ab" for i, t in enumerate(texts)]
    decisions = [DecisionRecord("a", [], None, [1], [1.0]), DecisionRecord("b", [], None, [1, 2], [1.0, 1.0])]
    written, kept = round_choices(1, samples, decisions, ArcDirectives())
    assert (written.n, written.n_valid, kept.n, kept.n_valid) == (6, 4, 3, 2)
    assert written.share("learning_rate", 3e-3) == 0.5
    assert kept.share("learning_rate", 3e-3) == 1


def test_choices_by_family() -> None:
    edits = {"m": {"a": edit(render(BEFORE)), "b": edit(render(AFTER)), "c": edit(NONE), "d": edit(NONE)}}
    families = {"a": "fill", "b": "fill", "c": "fill", "d": "move"}
    fill, move = family_choices(edits, families, ["m", "absent"])
    assert (fill.family, fill.n, move.family, move.n) == ("fill", 3, "move", 1)
    assert fill.methods["m"] == findings.FamilyChoice(2, 5.0, 1e-3, 1)  # of two equals the lower
    assert move.methods["m"] == fill.methods["absent"] == findings.FamilyChoice(0, None, None, 0)


def test_limits_that_bite_in_training_are_counted(tmp_path: Path) -> None:
    run = make_task_run(tmp_path / "run")
    path = run / "evaluation.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for r in [r for r in records if r["method"] == "seal"][:2]:
        r["notes"] = ["8 epochs of 50 steps are above the limit of 375 steps"]
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    assert "when they were trained by: self-edits after RL 2." in text_of(report_of(run))


def test_digits_can_be_read_on_their_cells() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for cell, colour in enumerate(COLOURS):
        light, dark = sorted((luminance(colour), luminance(ink(cell))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, cell
    svg = as_svg(((0, 1), (2, 3)), 'a "name"')
    assert 'aria-label="a &quot;name&quot;: 0 1 / 2 3"' in svg
    assert svg.count("<rect") == 4


def test_labels_of_the_picture_do_not_leave_it(tmp_path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    config = TaskRun.read(make_task_run(tmp_path / "run")).run.config
    rows = [{"name": n, "accuracy": 1.0, "ci95": [1.0, 1.0]} for n in SOLVED]
    labels = {n: long_label(n, "tasks", config) for n in SOLVED}
    names = {m: short_label(m, "tasks") for m in ("self_edit", "seal", "random_selection")}
    groups = [("learning rate", [("0.0001", dict.fromkeys(names, 1.0))])]
    figures = [
        plots.accuracy_figure(rows, labels, beside={r["name"]: r for r in rows}, title=title)
        for title in ("", "A title")
    ]
    for figure in (*figures, plots.shares_figure(groups, names)):
        renderer = FigureCanvasAgg(figure).get_renderer()
        for text in [t for t in figure.findobj() if hasattr(t, "get_text") and t.get_text()]:  # type: ignore[attr-defined]
            box = text.get_window_extent(renderer)  # pyright: ignore[reportArgumentType]
            assert box.x0 >= 0 and box.x1 <= figure.bbox.width, text


def test_a_task_on_a_terminal_is_readable_without_colour(tmp_path: Path) -> None:
    worked = worked_tasks(TaskRun.read(make_task_run(tmp_path / "run")))
    console = Console(soft_wrap=True, no_color=True, record=True, file=(tmp_path / "said").open("w"))
    show_task(Display(console), worked[0])
    said = console.export_text()
    [(pair, answers)] = worked[0].tests
    for grid in [
        *(p.input for p in worked[0].task.train),
        pair.input,
        pair.output,
        *(a.grid for a in answers),
    ]:
        assert grid and " ".join(map(str, grid[0])) in said
    assert said.count("✓ right") == sum(a.outcome == "right" for a in answers) > 0
    assert render(BEFORE) in said and render(AFTER) in said


def test_the_demo_shows_a_finished_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quick = {"data": {"n_train": 8}, "self_edit": {"samples": 4}, "outer": {"rounds": 1}}
    run = make_task_run(tmp_path / "run", n=16, overrides=quick)
    assert main(["demo", "arc", "--quick", f"--out={run}"]) == 0
    said = capsys.readouterr().out
    for words in ("Test grids answered right (16 tasks, 16 test grids)", "seal − best_fixed", "One task: "):
        assert words in said
    assert f"The report: {run}/report.html" in said
    (run / "results.json").unlink()
    assert main(["demo", "--quick", f"--out={run}"]) == 2  # another experiment's folder
    assert "holds another run" in capsys.readouterr().err


def test_a_stopped_demo_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("seal.research.few_shot.experiment.run_few_shot", stopped)
    assert main(["demo", "arc", "--quick", "--seed=3"]) == 130
    said = capsys.readouterr().err
    again = re.search(r"To go on: seal (.*)", said)
    assert again
    tokens = again.group(1).split()
    assert tokens[:5] == ["demo", "arc", "--quick", "--seed=3", "--out"]
    assert (
        (tmp_path / tokens[5] / "config.toml")
        .read_text()
        .startswith("# The whole configuration of a run of seal demo arc\n")
    )
    assert main(tokens) == 130  # it takes the folder up again
    assert main(["demo", *tokens[2:]]) == 2
    assert "of `seal demo arc`" in capsys.readouterr().err
