"""A run's folder: claimed by one run, whole after every kill, clear when it cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seal.errors import OutputError
from seal.files import write_beside
from seal.research.config import RunConfig
from seal.research.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.open(tmp_path / "run", RunConfig())


def test_the_same_run_is_taken_up(folder: RunFolder) -> None:
    folder.append("a.jsonl", [{"x": 1}])
    again = RunFolder.open(folder.path, RunConfig())
    assert again.records("a.jsonl") == [{"x": 1}]
    assert RunFolder.check(folder.path, RunConfig())


def test_checking_writes_nothing(tmp_path: Path) -> None:
    assert not RunFolder.check(tmp_path / "run", RunConfig())
    assert not (tmp_path / "run").exists()


def test_another_run_is_refused(folder: RunFolder) -> None:
    with pytest.raises(OutputError, match="seed is 0 there and 1 here"):
        RunFolder.open(folder.path, RunConfig(seed=1))
    with pytest.raises(OutputError, match="of `seal demo`"):
        RunFolder.open(folder.path, RunConfig(), command="seal train")


@pytest.mark.parametrize("text", ["seed = ", "sede = 1", "\xff"])
def test_an_unreadable_run_is_refused(folder: RunFolder, text: str) -> None:
    (folder.path / "config.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(OutputError, match="holds a run that cannot be read"):
        RunFolder.open(folder.path, RunConfig())


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_torn_line_is_dropped(folder: RunFolder, cut: int) -> None:
    folder.append("a.jsonl", [{"x": 1}, {"x": 2}])
    path = folder.path / "a.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    kept = folder.records("a.jsonl")
    assert kept == [{"x": 1}][: 1 if cut <= 9 else 0]
    folder.append("a.jsonl", [{"x": 3}])
    assert folder.records("a.jsonl") == [*kept, {"x": 3}]


def test_appending_after_a_torn_line(folder: RunFolder) -> None:
    folder.metric(event="one")
    with (folder.path / "metrics.jsonl").open("a") as file:
        file.write('{"event": "tw')
    folder.metric(event="three")
    assert [r["event"] for r in folder.records("metrics.jsonl")] == ["one", "three"]


def test_sittings_add_up(folder: RunFolder) -> None:
    with pytest.raises(KeyboardInterrupt), folder.session():
        raise KeyboardInterrupt
    with folder.session():
        pass
    events = [r["event"] for r in folder.records("metrics.jsonl")]
    assert events == ["started", "interrupted", "started", "finished"]
    sittings = [r["wall_s"] for r in folder.records("metrics.jsonl") if "wall_s" in r]
    assert len(sittings) == 2
    folder.metric(event="finished", wall_s=60.04)
    assert folder.wall_s() == pytest.approx(sum(sittings) + 60.04, abs=0.05)


def test_other_inputs_are_refused(folder: RunFolder) -> None:
    folder.pin({"a": "1", "b": "2"})
    folder.pin({"a": "1", "b": "2"})
    with pytest.raises(OutputError, match="b changed since"):
        folder.pin({"a": "1", "b": "3"})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_a_full_disk(folder: RunFolder) -> None:
    (folder.path / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left on device") as raised:
        folder.metric(event="x")
    assert "Free some space" in raised.value.hint


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        RunFolder.open(tmp_path / "run", RunConfig())


def test_a_failed_write_leaves_the_old_file(folder: RunFolder) -> None:
    folder.write_json("a.json", {"x": 1})

    def fails(beside: Path) -> None:
        beside.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError):
        write_beside(folder.path / "a.json", fails)
    assert folder.read_json("a.json") == {"x": 1}
    assert sorted(p.name for p in folder.path.iterdir()) == ["a.json", "config.toml"]


def test_no_nan_in_json(folder: RunFolder) -> None:
    with pytest.raises(ValueError):
        folder.write_json("a.json", {"x": float("nan")})
