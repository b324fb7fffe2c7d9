"""A run stopped at any moment goes on with the same command, and ends as if it had not been stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checkpoints import TINY_RUN, save_squad, save_toy
from seal.cli import main
from seal.cli.console import Display

STAGES = [
    "loading",
    "round 1: writing",
    "round 1: scoring",
    "round 1: updating the policy (seal)",
    "round 2: scoring",
    "round 2: updating the policy (random_selection)",
]


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("inputs")
    model, data = save_toy(folder / "model"), save_squad(folder / "passages.json")
    return ["train", f"--model={model}", f"--data={data}", *TINY_RUN, "--set=outer.rounds=2"]


@pytest.fixture(scope="module")
def undisturbed(flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    assert main([*flags, f"--out={out}"]) == 0
    return what_counts(out)


def what_counts(out: Path) -> dict[str, bytes]:
    """All files of a run but for its times."""
    files = {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}
    results = json.loads(files.pop("results.json"))
    files["results"] = json.dumps({**results, "wall_s": 0}).encode()
    del files["metrics.jsonl"]
    return files


def stop_at(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Display.progress

    def progress(self: Display, now: str, done: int, total: int) -> None:
        real(self, now, done, total)
        if now.startswith(stage):
            raise KeyboardInterrupt

    monkeypatch.setattr(Display, "progress", progress)


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c(
    stage: str,
    flags: list[str],
    undisturbed: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        stop_at(stage, patch)
        assert main([*flags, f"--out={out}"]) == 130
    said = capsys.readouterr().err
    assert said.startswith("stopped: ") and "Traceback" not in said
    if stage == "loading":
        assert "nothing was written" in said and not out.exists()
    else:
        assert f"saved in {out}" in said and "To go on: seal train" in said and f"--out={out}" in said
        assert '"interrupted"' in (out / "metrics.jsonl").read_text().splitlines()[-1]
    assert main([*flags, f"--out={out}"]) == 0
    assert what_counts(out) == undisturbed


def test_the_chosen_folder_is_named(
    flags: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    stop_at("round 1: scoring", monkeypatch)
    assert main(flags) == 130
    assert f"--out {next(Path('runs').iterdir())}" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["rounds/1/self_edits.jsonl", "rounds/1/scores.jsonl", "metrics.jsonl"])
def test_a_line_that_a_kill_cut_short(
    file: str,
    flags: list[str],
    undisturbed: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        stop_at("round 1: updating", patch)
        main([*flags, f"--out={out}"])
    whole = (out / file).read_bytes()
    (out / file).write_bytes(whole[: len(whole) // 2])
    assert main([*flags, f"--out={out}"]) == 0
    assert what_counts(out) == undisturbed


@pytest.fixture
def running(flags: list[str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in its own process, which has begun to score."""
    out = tmp_path / "run"
    code = "import sys; from seal.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *flags, "--set=inner.max_steps=40", f"--out={out}"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    end = time.monotonic() + 120
    while not (out / "rounds/1/self_edits.jsonl").exists() and time.monotonic() < end:
        assert process.poll() is None
        time.sleep(0.005)
    yield process
    process.kill()
    process.wait()


@pytest.mark.slow
@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_real_signals(
    how: Any, status: int, flags: list[str], running: subprocess.Popen[str], tmp_path: Path
) -> None:
    running.send_signal(how)
    _, err = running.communicate(timeout=60)
    assert running.returncode == status and "Traceback" not in err
    longer = [*flags, "--set=inner.max_steps=40"]
    assert main([*longer, f"--out={tmp_path}/run"]) == 0
    assert main([*longer, f"--out={tmp_path}/undisturbed"]) == 0
    assert what_counts(tmp_path / "run") == what_counts(tmp_path / "undisturbed")
