"""`seal bench inner-loop` as users call it: its files, its output, and what it says to wrong flags."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints import save_toy
from seal.cli import main


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy(tmp_path_factory.mktemp("model"))


@pytest.mark.slow
def test_quick_run(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "bench"
    flags = [
        "--quick",
        f"--model={model}",
        f"--out={out}",
        "--adapters=1,3",
        "--rounds=2",
        "--trainer-steps=1",
    ]
    assert main(["bench", "inner-loop", *flags, "--profile", "--baseline-self-edits=1"]) == 0
    shown = capsys.readouterr().out
    assert "engine / peft" in shown and "scaled from 1 step" in shown and "say nothing about speed" in shown
    assert sorted(p.name for p in out.iterdir()) == ["plot.png", "results.json", "table.md"]
    found = json.loads((out / "results.json").read_text())
    rows = [(r["adapters"], r["contender"], r["n_measured"]) for r in found["speed"]]
    assert rows == [(1, "engine", 1), (1, "peft", 1), (1, "trainer", 1),
                    (3, "engine", 3), (3, "peft", 1), (3, "trainer", 1)]  # fmt: skip
    order = [(m["adapters"], m["round"], m["contender"]) for m in found["measurements"]]
    assert order == [(n, r, c) for n in (1, 3) for r in (0, 1) for c in ("engine", "peft", "trainer")]
    assert {(r["adapters"], r["over"]) for r in found["ratios"]} == {
        (n, c) for n in (1, 3) for c in ("peft", "trainer")
    }
    assert all(r["of_products"]["median"] > 0 for r in found["shares"])
    assert found["memory"]["per_adapter"]["to_adapters"] == 3
    assert sum(v for k, v in found["profile"]["train"].items() if k != "slowed_by") == pytest.approx(
        1, abs=0.05
    )
    assert found["machine"]["torch"] and found["threads"]["engine"] == 1
    check_publishing(out, tmp_path / "docs")


def check_publishing(run: Path, docs: Path) -> None:
    """The tables of a run go between the marks of docs/benchmarks.md, and again in the same place."""
    root = Path(__file__).parents[2]
    place = importlib.util.spec_from_file_location("inner_loop", root / "benchmarks/inner_loop.py")
    assert place and place.loader
    script = importlib.util.module_from_spec(place)
    place.loader.exec_module(script)
    page = docs / "benchmarks.md"
    docs.mkdir()
    page.write_text((root / "docs/benchmarks.md").read_text())
    command = ["publish", str(run), str(run), f"--docs={page}"]
    assert script.main(command) == 0
    once = page.read_text()
    assert once.count("| adapters | contender |") == 2 and "## How operations are counted" in once
    assert script.main(command) == 0 and page.read_text() == once
    assert (docs / "images/bench-inner-loop.png").stat().st_size > 1000
    page.write_text("no place")
    assert script.main(command) == 2 and page.read_text() == "no place"


def test_the_engine_alone_needs_no_peft(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "peft", None)
    flags = ["--quick", f"--model={model}", "--adapters=1"]
    assert main(["bench", "inner-loop", *flags, "--contenders=engine", f"--out={tmp_path}/bench"]) == 0
    assert main(["bench", "inner-loop", *flags, f"--out={tmp_path}/other"]) == 2
    assert "pip install peft" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("faster", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_each_contender_has_the_threads_that_are_best_for_it(
    faster: int, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seal.bench.inner_loop import run
    from seal.bench.inner_loop.contenders import PeftContender

    learn = PeftContender.learn

    def timed(self: PeftContender, tasks: Any) -> Any:
        seconds = 1.0 if torch.get_num_threads() == faster else 2.0
        return replace(learn(self, tasks), seconds=seconds)

    monkeypatch.setattr(PeftContender, "learn", timed)
    monkeypatch.setattr(run, "usable_cores", lambda: 2)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(run, "choose_threads", lambda *_: (2, "two were faster"))
    flags = ["--quick", f"--model={model}", "--adapters=1", "--contenders=engine,peft"]
    assert main(["bench", "inner-loop", *flags, f"--out={tmp_path}/bench"]) == 0
    results = json.loads((tmp_path / "bench/results.json").read_text())
    threads = {row["contender"]: row["threads"] for row in results["speed"]}
    assert threads == {"engine": 2, "peft": faster}
    assert results["threads"]["why"] == "two were faster"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--adapters=1,x"], "not numbers of at least 1"),
        (["--adapters=0"], "not numbers of at least 1"),
        (["--adapters=,"], "not numbers of at least 1"),
        (["--rounds=0"], "--rounds has too small a value"),
        (["--threads=0"], "--threads has too small a value"),
        (["--example-tokens=60"], "not a shortest and a longest"),
        (["--example-tokens=60-20"], "ends before it begins"),
        (["--example-tokens=20-9000"], "do not fit the model's context of 1024"),
        (["--example-tokens=1-20"], "--example-tokens has too small a value"),
        (["--contenders=engin"], "did you mean 'engine'"),
        (["--contenders=,"], "--contenders"),
        (["--shape=qwen2.5-7"], "did you mean 'qwen2.5-7b'"),
        (["--shape=tiny", "--model=tiny"], "--model and --shape are both given"),
        (["--model=tinny"], "did you mean 'tiny'"),
        (["--device=quantum"], "device 'quantum' cannot be used"),
        (["--shape=tiny", "--device=quantum"], "device 'quantum'"),
        (["--dtype=float8"], "float8"),
        (["--adapter=1"], "did you mean --adapters"),
    ],
)
def test_wrong_flags(
    flags: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "inner-loop", "--quick", f"--out={tmp_path}/bench", *flags]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and said.casefold() in err.casefold() and "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_a_folder_with_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["bench", "inner-loop", "--quick", f"--out={tmp_path}"]) == 2
    assert "holds files already" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_stopped_run_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from seal.research.reports import plots

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plots, "as_png", stop)
    flags = ["--quick", f"--model={model}", "--adapters=1", "--contenders=engine", f"--out={tmp_path}/bench"]
    assert main(["bench", "inner-loop", *flags]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
