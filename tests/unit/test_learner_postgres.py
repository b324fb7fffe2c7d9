"""A learner whose database is on a PostgreSQL server (postgres.py); each test has a fresh one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoints import save_toy
from learners import Gates, begin, content, fake, learn_all, reopened, slept_past_its_lease
from postgres import rows_of
from seal.errors import UnknownNameError
from seal.registry import Workspace

PROGRAM = Path(__file__).parents[1] / "learner_kills.py"


@pytest.fixture(autouse=True)
def nothing_told(gates: Gates) -> None:
    """What a test before told the gates no longer holds."""
    gates.outcomes.clear()


def test_learn_change_why_roll_back_forget(tmp_path: Path, database: str, gates: Gates) -> None:
    toy = save_toy(tmp_path / "toy")
    made = begin(tmp_path / "w", toy, database=database)
    first, second, third = (fake(n) for n in range(3))
    learn_all(made, [first, second])
    before = content(made)
    what = min(first.values)
    newer = first.changed("It is new.", **{what: "Zandor"})
    learn_all(made, [newer])
    learn_all(made, [third])
    assert made.why([first.question(what)])[0].document == newer.id
    assert third.name in rows_of(database)
    made.forget(third.id)
    made.forget(newer.id)
    assert content(made) == before
    left = rows_of(database)
    assert first.name in left
    assert not any(word in left for word in (*third.words, "Zandor"))
    assert made.workspace.audit().sound

    other = begin(tmp_path / "file", toy)  # the same in a SQLite file
    other.parts.adaptation = made.parts.adaptation
    learn_all(other, [first, second])
    assert content(other) == before


def test_held_approved_rolled_back(tmp_path: Path, database: str, gates: Gates) -> None:
    made = begin(tmp_path / "w", save_toy(tmp_path / "toy"), database=database)
    first, second = fake(0), fake(1)
    learn_all(made, [first])
    before = content(made)
    gates.tell(second, "held")
    [held] = made.learn([second.given()])
    assert held.outcome == "held" and content(made) == before
    made.approve(str(held.version), reason="seen")
    assert content(made) != before
    made.workspace.rollback(reason="no")
    assert content(made) == before and reopened(tmp_path / "w").workspace.audit().sound


def test_a_name_that_no_row_can_have_is_unknown(tmp_path: Path, database: str) -> None:
    """PostgreSQL cannot even be asked for a NUL character; a service is, by whoever likes."""
    made = Workspace.init(tmp_path / "w", database=database)
    for look in (made.document, made.version, made.feedback, made.answer, made.build, made.key):
        with pytest.raises(UnknownNameError):
            look("ans_\0")
    with pytest.raises(UnknownNameError):
        made.job(10**14)


def test_a_worker_that_sleeps_past_its_lease(tmp_path: Path, database: str, gates: Gates) -> None:
    made = begin(tmp_path / "w", save_toy(tmp_path / "toy"), database=database)
    mine, theirs = fake(0), fake(1)
    slept_past_its_lease(made, mine, theirs)
    live = made.workspace.alias()
    assert live is not None and theirs.id in live.documents
    assert made.workspace.audit().sound


def test_kills_by_chance(tmp_path: Path, database: str) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), "random", "10", "1", database],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["killed"] == 10 and counts["learned"] >= 1, counts
