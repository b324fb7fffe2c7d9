"""`kill -9` while a learner learns and forgets: nothing acknowledged is lost, nothing is half there or
learned twice, and the next run takes up what was left, as if there had been no kill.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "learner_kills.py"


def kills(folder: Path, *how: object, timeout_s: float) -> dict[str, int]:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), *map(str, how)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_kills_by_chance(tmp_path: Path) -> None:
    counts = kills(tmp_path / "w", "random", 3, 1, timeout_s=600)
    assert counts["killed"] == 3 and counts["learned"] >= 1, counts


@pytest.mark.slow
def test_many_kills_by_chance(tmp_path: Path) -> None:
    n_killed = n_forgotten = 0
    for seed in range(2, 12):  # a workspace each, so that checking a long history is not most of the time
        counts = kills(tmp_path / f"w{seed}", "random", 20, seed, timeout_s=1800)
        n_killed, n_forgotten = n_killed + counts["killed"], n_forgotten + counts["forgotten"]
    assert n_killed == 200 and n_forgotten >= 5


@pytest.mark.slow
def test_a_kill_at_each_commit(tmp_path: Path) -> None:
    counts = kills(tmp_path / "w", "commits", timeout_s=3600)
    assert counts["killed"] >= 20 and counts["forgotten"] >= 1, counts


@pytest.mark.slow
def test_a_kill_at_each_write(tmp_path: Path) -> None:
    counts = kills(tmp_path / "w", "points", timeout_s=6 * 3600)
    assert counts["killed"] > 300 and counts["forgotten"] >= 1, counts
