"""`seal bench generate` as users call it, and how its figures follow from what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checkpoints import save_toy
from seal.bench.generation import WritingSettings
from seal.bench.generation.run import figures
from seal.cli import main


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy(tmp_path_factory.mktemp("model"))


def test_a_run(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "bench"
    flags = [f"--model={model}", "--samples=3", "--tokens=5", "--prompt-tokens=7", "--rounds=2", "--rank=2"]
    assert main(["bench", "generate", *flags, f"--out={out}"]) == 0
    results = json.loads((out / "results.json").read_text())
    assert len(results["rounds"]) == 2 and set(results["threads"]) == set(results["figures"]) - {
        "read_bytes_per_s"
    }
    shown, table = capsys.readouterr().out, (out / "table.md").read_text()
    for name in ("engine", "engine_adapters", "transformers"):
        assert name in shown and f"| {name} |" in table
    assert main(["bench", "generate", *flags, f"--out={out}"]) == 2
    assert "holds files already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--tokens=0"], "--tokens 0"),
        (["--contenders=,"], "--contenders names nobody"),
        (["--contenders=engin"], "did you mean engine"),
        (["--tokens=5000"], "do not fit the context"),
    ],
)
def test_wrong_flags(
    model: Path, flags: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["bench", "generate", f"--model={model}", f"--out={tmp_path}/bench", *flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error and "Traceback" not in error
    assert not list(tmp_path.iterdir())


def test_figures_are_paired_by_round() -> None:
    settings = WritingSettings("toy", samples=10, tokens=11, rounds=2, contenders=("engine", "transformers"))
    rounds = [
        {"engine_s": 2.0, "engine_first_s": 1.0, "transformers_s": 6.0, "transformers_first_s": 1.0},
        {"engine_s": 3.0, "engine_first_s": 1.0, "transformers_s": 3.0, "transformers_first_s": 1.0},
    ]
    told = figures([one | {"read_bytes_per_s": 1000.0} for one in rounds], settings, {"weights": 50})
    assert told["transformers"]["engine_times"] == [2.0, 1.0, 3.0]
    assert told["engine"]["step_s"] == pytest.approx([0.15, 0.1, 0.2])
    assert told["engine"]["share"] == pytest.approx([0.375, 0.25, 0.5])
    assert told["engine"]["tokens_per_s"] == pytest.approx([(55 + 110 / 3) / 2, 110 / 3, 55])
