"""The commands on a workspace: what they print, and that wrong input ends with 2 and a message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seal.cli import main
from seal.registry import Workspace
from workspaces import learn, version


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("SEAL_WORKSPACE", str(tmp_path / "w"))
    assert main(["init", str(tmp_path / "w")]) == 0
    return Workspace.open(tmp_path / "w")


def run(capsys: pytest.CaptureFixture[str], *tokens: str) -> str:
    capsys.readouterr()
    assert main(tokens) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *tokens: str) -> str:
    capsys.readouterr()
    assert main(tokens) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "Traceback" not in said
    return said


def test_a_life_of_a_version(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    _, first = learn(workspace, "One.")
    report = workspace.store.put_bytes(b'{"gain": 0.5}')
    held = version(workspace, first.documents, parent=first.id, report=report)
    workspace.hold(held.id, reason="level ask")
    listed = run(capsys, "versions")
    assert first.id[:12] in listed and " live " in listed and " held " in listed
    assert [v["live"] for v in json.loads(run(capsys, "versions", "--json"))] == [True, False]
    shown = run(capsys, "show", held.id[:8])
    assert "level ask" in shown and "One." in shown and "seal approve" in shown
    assert '"gain": 0.5' in run(capsys, "show", held.id[:8], "--long")
    told = json.loads(run(capsys, "show", held.id, "--json"))
    assert told["report"]["content"] == {"gain": 0.5} and told["history"][-1]["action"] == "version.hold"
    assert "live is now" in run(capsys, "approve", held.id[:8], "--reason", "read it")
    assert "knows 1 document" in run(capsys, "rollback")
    assert json.loads(run(capsys, "rollback", held.id, "--json"))["live"]
    run(capsys, "rollback")
    assert "is rejected" in run(capsys, "reject", held.id)
    entries = json.loads(run(capsys, "audit", "--json", "--last", "0"))
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    assert (
        "read it" in run(capsys, "audit")
        and len(json.loads(run(capsys, "audit", "--json", "--last", "2"))) == 2
    )


def test_verifying_tells_the_head_and_takes_it_as_an_anchor(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of versions whose base is made up."""
    monkeypatch.setattr("seal.learner.checkup.check_base", lambda _: [])
    learn(workspace, "One.")
    said = run(capsys, "audit", "--verify")
    assert said.startswith("sound: 5 entries") and "cannot be told whether the last entries were cut" in said
    head = json.loads(run(capsys, "audit", "--verify", "--json"))["ledger"]["head"]
    assert f"head: {head}" in said
    learn(workspace, "Two.")
    assert "The anchor is entry 5" in run(capsys, "audit", "--anchor", head)
    assert "cut off" in refused(capsys, "audit", "--anchor", "0" * 63 + "1")


def test_a_changed_entry_is_named(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    import sqlite3

    learn(workspace, "One.")
    raw = sqlite3.connect(workspace.path / "workspace.db")
    raw.execute("UPDATE ledger SET actor = 'nobody' WHERE sequence = 2")
    raw.commit()
    raw.close()
    assert "entry 2 was altered" in refused(capsys, "audit", "--verify")


def test_wrong_input_is_told(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _, first = learn(workspace, "One.")
    assert "is live-once, and so cannot be approved" in refused(capsys, "approve", first.id)
    assert "is live" in refused(capsys, "reject", "live")
    assert "no earlier version" in refused(capsys, "rollback")
    assert "there is no version 'lvie'" in refused(capsys, "show", "lvie")
    assert "Did you mean 'live'?" in refused(capsys, "show", "lvie")
    assert "is a workspace already" in refused(capsys, "init", str(workspace.path))
    assert "seal init" in refused(capsys, "versions", "--workspace", str(tmp_path))
    assert "seal versions --help" in refused(capsys, "versions", "--wrong")
    for command in (["show"], ["approve", "x"], ["reject", "x"], ["rollback"], ["audit"], ["versions"]):
        assert "there is no folder" in refused(capsys, *command, "--workspace", str(tmp_path / "none"))
    damaged = workspace.path / "workspace.db"
    damaged.write_bytes(damaged.read_bytes()[:5000])
    assert "is damaged" in refused(capsys, "versions")
