"""`seal release`: what it begins, shows and ends, and what it says to wrong flags."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from learners import Gates, begin_knowing, fake
from seal.cli import main
from seal.learner import Learner

A, B = fake("release cli a"), fake("release cli b")


@pytest.fixture
def learner(tmp_path: Path, toy: Path, gates: Gates) -> Learner:
    gates.outcomes.clear()
    made = begin_knowing(tmp_path / "w", toy, [A])
    gates.tell(B, "held")
    made.learn([B.given()])
    return made


def said(capsys: pytest.CaptureFixture[str], learner: Learner, *command: str, status: int = 0) -> str:
    assert main(["release", *command, "--workspace", str(learner.path)]) == status
    out, err = capsys.readouterr()
    return out + err


def test_a_canary_from_its_beginning_to_its_end(learner: Learner, capsys: pytest.CaptureFixture[str]) -> None:
    held = learner.versions()[-1]
    assert held.state == "held" and "no version was tried" in said(capsys, learner)
    assert "--shadow or --canary" in said(capsys, learner, held.id[:8], status=2)
    assert "no version is named" in said(capsys, learner, "--canary", status=2)
    assert "no version is being tried" in said(capsys, learner, "--end", "revert", status=2)
    begun = said(capsys, learner, held.id[:8], "--canary", "--share", "0.25", "--reason", "see")
    assert f"canary of {held.id[:12]} beside" in begun and "25 % of the callers" in begun
    running = learner.rollout()
    assert running is not None and running.share == 0.25
    assert learner.show(held.id).reason == "told to be held"  # why it is tried is not why it is held
    told = {"question": "Who?", "given": "Bram \x1b[31m", "other": "Ann", "same": False}
    one = learner.workspace.add_comparison(running.id, "candidate", **told)  # type: ignore[arg-type]
    assert one is not None
    shown = said(capsys, learner, "--differences")
    assert "Who?" in shown and "\x1b" not in shown and "1 by both, 1 of them differently" in shown
    assert "--judge and --right" in said(capsys, learner, "--judge", "1", status=2)
    judged = json.loads(
        said(capsys, learner, "--judge", "1", "--right", "candidate", "--json", "--differences")
    )
    assert judged["differences"][0]["better"] == "candidate"
    assert judged["rollouts"][0]["evidence"]["wins"] == 1
    assert "live is now" in said(capsys, learner, "--end", "promote")
    assert learner.live() == learner.version(held.id) and "promoted" in said(capsys, learner)
