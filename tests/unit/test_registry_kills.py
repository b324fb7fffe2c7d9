"""`kill -9` at any instant: nothing acknowledged is lost, a study has one version, no erased text is left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "kills.py"


def kills(folder: Path, *how: object, timeout_s: float) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), *map(str, how)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_kills_by_chance(tmp_path: Path) -> None:
    counts = kills(tmp_path / "w", "random", 30, 1, timeout_s=300)
    assert counts["killed"] == 30 and counts["live"] > 5, counts


@pytest.mark.slow
def test_a_thousand_kills_by_chance(tmp_path: Path) -> None:
    n_killed = n_live = 0
    for seed in range(20):  # a workspace each, so that checking a long history is not most of the time
        counts = kills(tmp_path / f"w{seed}", "random", 50, seed, timeout_s=1200)
        n_killed, n_live = n_killed + counts["killed"], n_live + counts["live"]
    assert n_killed == 1000 and n_live > 500


@pytest.mark.slow
def test_a_kill_at_each_point(tmp_path: Path) -> None:
    counts = kills(tmp_path / "w", "points", timeout_s=3600)
    assert counts["killed"] > 200 and counts["erased"] > 0
