"""The report of a run folder made by formula: figures, wording whichever way they fall, missing parts."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from runs import NASTY, QUESTIONS, RIGHT, N, make_run
from seal.cli import main
from seal.errors import InputFileError, SealError
from seal.research.config import load_config, parse_config
from seal.research.records import DecisionRecord
from seal.research.reports import plots
from seal.research.reports.findings import (
    gap_share,
    long_label,
    measure,
    percent,
    points,
    round_rewards,
    verdict,
)
from seal.research.reports.passages import FinishedRun, worked_passage, write_report
from seal.types import SelfEdit


class Page(HTMLParser):
    """What of a page is loaded, which ids it has, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.text = re.sub(r"\s+", " ", "".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "srcset", "data", "xlink:href") or (name == "href" and tag != "a"):
                self.loads.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def report_of(folder: Path) -> tuple[str, Page]:
    html = write_report(folder).read_text(encoding="utf-8")
    return html, Page(html)


def test_the_figures_are_those_of_results_json(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    _, page = report_of(run)
    results = json.loads((run / "results.json").read_text())
    for row in results["methods"]:
        low, high = row["ci95"]
        shown = [percent(v) for v in (row["accuracy"], low, high)]
        assert _row(page.text, row, shown)
    for row in results["differences"]:
        low, high = row["ci95"]
        for shown in (points(row["mean"]), f"{points(low)} to {points(high)}"):
            assert shown in page.text
    assert "1,234,567 parameters" in page.text
    assert "ab" * 32 in page.text
    assert "1.5 minutes" in page.text
    assert "1.50 GB" in page.text
    assert (run / "results.png").read_bytes()[:4] == b"\x89PNG"


def _row(text: str, row: dict[str, Any], shown: list[str]) -> bool:
    """The cells of a row follow one another, whatever white space is between them."""
    cells = [row["name"], shown[0], f"{shown[1]} – {shown[2]}", "12", "72", percent(row["coverage"])]
    flat = text.replace("\u00a0", " ").replace(" ", "")
    return "".join(cells).replace("\u00a0", "").replace(" ", "") in flat


def test_it_loads_nothing_and_its_ids_are_unique(tmp_path: Path) -> None:
    html, page = report_of(make_run(tmp_path / "run"))
    assert all(load.startswith("#") for load in page.loads)
    assert not re.search(r"@import|url\((?!#)", html)
    assert "xmlns" not in html
    assert len(page.ids) == len(set(page.ids))
    used = set(re.findall(r"url\(#([^)]*)\)", html)) | {load.removeprefix("#") for load in page.loads}
    assert used <= set(page.ids)
    assert html.count("<svg") == html.count('role="img" aria-label="') == 4
    assert "link" not in page.tags
    assert "script" not in page.tags


def test_text_of_the_run_is_escaped(tmp_path: Path) -> None:
    html, page = report_of(make_run(tmp_path / "run"))
    assert "<script" not in html
    assert NASTY in page.text


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    first = write_report(run).read_bytes(), (run / "results.png").read_bytes()
    assert (write_report(run).read_bytes(), (run / "results.png").read_bytes()) == first
    assert not [p for p in run.iterdir() if p.name.endswith(".part")]


@pytest.mark.parametrize(
    ("seal", "opening"),
    [
        (lambda i: 5, "Reinforcement learning made the self-edits better: on 12 held-out passages"),
        (lambda i: 2 + (i // 2) % 2, "This run did not show that reinforcement learning makes"),
        (lambda i: i % 2, "Reinforcement learning made the self-edits worse"),
    ],
)  # fmt: skip
def test_the_headline_says_what_the_interval_says(tmp_path: Path, seal: Any, opening: str) -> None:
    html, page = report_of(make_run(tmp_path / "run", right={"seal": seal}))
    assert f'<p class="finding">{opening}' in html
    assert ("which includes 0" in page.text) == opening.startswith("This run did not show")


def test_a_gain_that_chance_gives_too_is_not_put_down_to_the_reward(tmp_path: Path) -> None:
    right = {"seal": lambda i: 5 + i % 2, "random_selection": lambda i: 5 + (i + 1) % 2}
    _, page = report_of(make_run(tmp_path / "run", right=right))
    assert "Reinforcement learning made the self-edits better" in page.text
    assert "It was not shown that the reward makes a difference" in page.text


@pytest.mark.parametrize(
    "methods",
    [("base",), ("base", "self_edit"), ("passage", "self_edit"), ("self_edit", "seal"), ("seal", "gold")],
)
def test_partial_methods(tmp_path: Path, methods: tuple[str, ...]) -> None:
    run = make_run(tmp_path / "run", methods=methods, rounds=1)
    _, page = report_of(run)
    assert ("There is no control in this run" in page.text) == ("self_edit" in methods and "seal" in methods)
    for method in methods:
        assert f"{long_label(method, 'passages', load_config(run / 'config.toml'))} {method}" in page.text
    assert "nan" not in page.text


def test_ungraded_answers_are_said_and_not_counted(tmp_path: Path) -> None:
    _, page = report_of(make_run(tmp_path / "some", ungraded=2))
    assert "Some answers could not be graded" in page.text
    assert "– not graded" in page.text
    _, page = report_of(make_run(tmp_path / "all", ungraded=QUESTIONS))
    assert "No answer could be graded, so this run shows nothing." in page.text
    assert worked_passage(FinishedRun.read(tmp_path / "all")) is None


def test_rounds_without_any_reward(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    for path in run.glob("rounds/*/decisions.json"):
        decisions = json.loads(path.read_text())
        path.write_text(json.dumps([{**d, "rewards": [None] * len(d["rewards"])} for d in decisions]))
    html, _ = report_of(run)
    assert 'id="rewards"' in html
    assert 'id="rewards-' not in html


def test_one_passage_without_gold_answers_or_its_file(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", n=1, gold=False)
    (run / "passages.json").unlink()
    _, page = report_of(run)
    assert "cannot show whether" in page.text
    assert "its file is no longer where it was" in page.text
    assert "gold answers whose text" not in page.text


def test_rounds_without_an_exam_on_other_passages(tmp_path: Path) -> None:
    """What `seal train` leaves."""
    run = make_run(tmp_path / "run", methods=())
    results = json.loads((run / "results.json").read_text())
    for key in ("methods", "differences", "peak_memory_bytes"):
        del results[key]
    (run / "results.json").write_text(json.dumps(results))
    html, page = report_of(run)
    assert "This run held no exam on other passages" in page.text
    assert 'id="rewards"' in html
    assert 'id="accuracy"' not in html
    assert not (run / "results.png").exists()


def test_the_passage_shown_is_the_median_one_and_the_worse_ones_are_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    _, page = report_of(run)
    worked = worked_passage(FinishedRun.read(run))
    assert worked
    assert f"One passage: {worked.title} " in page.text
    number = int(worked.title.removeprefix("Town "))
    assert RIGHT["seal"](number) - RIGHT["self_edit"](number) == 2
    exams = {exam.method: exam for exam in worked.exams}
    assert list(exams) == ["base", "self_edit", "seal"]
    assert exams["seal"].accuracy == RIGHT["seal"](number) / QUESTIONS
    assert "Town 0: 33.3" in page.text  # the one passage that seal is made to do worse on


def test_the_terminal_shows_the_passage_of_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of an even number of passages two are in the middle; both places show the same one."""
    run = make_run(tmp_path / "run")
    assert N % 2 == 0
    monkeypatch.setattr("seal.research.demo.demo_config", lambda **_: load_config(run / "config.toml"))
    assert main(["demo", f"--out={run}"]) == 0
    said = capsys.readouterr().out
    [shown] = set(re.findall(r"fact\d+town(\d+)", said.partition("One passage")[2]))
    page = Page((run / "report.html").read_text(encoding="utf-8"))
    assert f"One passage: Town {shown} " in page.text


def test_no_finished_run_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="holds no run"):
        write_report(tmp_path)
    run = make_run(tmp_path / "run")
    (run / "results.json").unlink()
    with pytest.raises(SealError, match="not finished"):
        write_report(run)


def test_rewards_of_a_round() -> None:
    decisions = [
        DecisionRecord("a", [0.0, 0.4], None, [1], [1.0]),
        DecisionRecord("b", [0.6, None], None, [0], [1.0]),
    ]
    control = [
        DecisionRecord("a", [None, None], None, [0], [1.0]),
        DecisionRecord("b", [None, None], None, [1], [1.0]),
    ]
    found = round_rewards(1, decisions, control)
    assert found.mean == pytest.approx(1 / 3)
    assert found.mean_kept == pytest.approx(0.5)
    assert found.control == pytest.approx(0.0)
    assert (found.n_kept, found.n_ungraded) == (2, 1)
    assert found.within_sd == pytest.approx(0.4 / math.sqrt(2))
    assert found.between_sd == pytest.approx(0.4 / math.sqrt(2))
    assert round_rewards(2, decisions, control).control is None  # other samples than the rewarded arm's


def test_measures_of_a_self_edit() -> None:
    edit = SelfEdit("c", "implications", "", ("It lies on the Amu.", "it lies on the Amu", "Nice."))
    found = measure(edit, ["the Amu", "1343"])
    assert found["lines"] == 3
    assert found["repeated"] == pytest.approx(1 / 3)
    assert found["facts"] == pytest.approx(1 / 2)
    assert found["telling"] == pytest.approx(2 / 3)
    assert measure(SelfEdit("c", "implications", "", ()), [])["facts"] is None
    # a part of a word or of a number is not the answer
    assert measure(SelfEdit("c", "implications", "", ("In 13430.",)), ["1343"])["facts"] == 0


def test_gap_share() -> None:
    lower = {i: 0.2 + 0.01 * (i % 3) for i in range(30)}
    upper = {i: lower[i] + 0.5 for i in lower}
    found = gap_share({i: lower[i] + 0.25 for i in lower}, lower, upper, seed=0)
    assert found
    assert (found.mean, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    assert gap_share(upper, lower, lower, seed=0) is None
    assert gap_share({}, lower, upper, seed=0) is None
    twice = [{(seed, i): v for i, v in one.items() for seed in (0, 1)} for one in (upper, lower, upper)]
    pooled = gap_share(twice[0], twice[1], twice[2], seed=0, clusters=lambda key: key[1])
    assert pooled
    assert pooled.n == 30


@pytest.mark.parametrize(
    ("ci95", "expected"),
    [([0.1, 0.2], "above"), ([-0.2, -0.1], "below"), ([0.0, 0.2], "open"), ([-0.1, 0.0], "open"),
     (None, "unknown"), ([math.nan, math.nan], "unknown")],
)  # fmt: skip
def test_verdict(ci95: list[float] | None, expected: str) -> None:
    assert verdict(ci95) == expected


def test_numbers_as_shown() -> None:
    assert percent(None) == percent(math.nan) == "n/a"
    assert (points(0.029), points(-0.029), points(-1e-18)) == ("+2.9", "\u22122.9", "0.0")


def test_labels_of_the_picture_do_not_leave_it(tmp_path: Path) -> None:
    """Text beyond the edge would be cut off: the longest labels and figures are measured as drawn."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    config = parse_config({"inner": {"max_steps": 1}}, where="test")
    names = (*RIGHT, "passage_best")
    rows = [{"name": n, "accuracy": 1.0, "ci95": [1.0, 1.0]} for n in names]
    labels = {n: long_label(n, "passages", config) for n in names}
    for title in ("", "A title"):
        figure = plots.accuracy_figure(rows, labels, title=title)
        renderer: Any = FigureCanvasAgg(figure).get_renderer()
        width = figure.bbox.width
        for text in [t for t in figure.findobj() if hasattr(t, "get_text") and t.get_text()]:  # type: ignore[attr-defined]
            box = text.get_window_extent(renderer)
            assert box.x0 >= 0, text
            assert box.x1 <= width, text


def test_pooling_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("pool", Path(__file__).parents[2] / "recipes" / "pool.py")
    assert spec
    assert spec.loader
    pool = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = pool  # its dataclasses look themselves up
    spec.loader.exec_module(pool)
    # The passages' file is part of the configuration: one for both seeds.
    data = {"data": {"evaluation": str(tmp_path / "a" / "passages.json"), "n_evaluation": N}}
    a = make_run(tmp_path / "a", seed=0, overrides=data)
    b = make_run(tmp_path / "b", seed=1, overrides=data, right={"seal": lambda i: 5})
    out = tmp_path / "pooled.json"
    assert pool.main([str(a), str(b), "--json", str(out), "--picture", str(tmp_path / "p.png")]) == 0
    assert "after 2 rounds of RL (SEAL)" in capsys.readouterr().out
    found = json.loads(out.read_text())
    seal = next(row for row in found["methods"] if row["name"] == "seal")
    expected = [sum(RIGHT["seal"](i) for i in range(N)) / (6 * N), 5 / 6]
    assert seal["accuracy"] == pytest.approx(sum(expected) / 2)
    assert (seal["n_contexts"], seal["n_questions"]) == (N, 2 * N * QUESTIONS)
    assert {d["n"] for d in found["differences"]} == {N}
    assert (tmp_path / "p.png").exists()
    assert pool.main([str(a), str(a)]) == 2
    c = make_run(tmp_path / "c", seed=2, overrides={**data, "inner": {"max_steps": 25}})
    assert pool.main([str(a), str(c)]) == 2
