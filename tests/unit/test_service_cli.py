"""`seal keys`, `seal brake` and `seal wanted`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from learners import Gates, begin, fake, learn_all
from seal.cli import main
from seal.learner import Learner

A = fake("service cli")


@pytest.fixture
def learner(tmp_path: Path, toy: Path, gates: Gates) -> Learner:
    return begin(tmp_path / "w", toy)


def said(capsys: pytest.CaptureFixture[str], learner: Learner, *command: str, status: int = 0) -> str:
    assert main([*command, "--workspace", str(learner.path)]) == status
    out, err = capsys.readouterr()
    return out + err


def test_keys(learner: Learner, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fastapi")
    made = json.loads(
        said(capsys, learner, "keys", "create", "ann", "--roles", "ask,teach", "--days", "3", "--json")
    )
    assert made["key"].startswith("seal_w_") and made["roles"] == ["ask", "teach"] and made["expires_at"]
    secret = made["key"].rpartition("_")[2]
    listed = said(capsys, learner, "keys", "list")
    assert made["id"] in listed and "ask, teach" in listed and "until" in listed and secret not in listed
    assert "no role 'tech'" in said(capsys, learner, "keys", "create", "bob", "--roles", "tech", status=2)
    assert "is in use" in said(capsys, learner, "keys", "create", "ann", status=2)
    assert "is revoked" in said(capsys, learner, "keys", "revoke", "ann", "--reason", "lost")
    [key] = json.loads(said(capsys, learner, "keys", "list", "--json"))
    assert not key["holds"] and "there is no key" in said(capsys, learner, "keys", "revoke", "eve", status=2)


def test_brake(learner: Learner, capsys: pytest.CaptureFixture[str]) -> None:
    assert "studying is stopped since" in said(capsys, learner, "brake", "--reason", "look first")
    told = json.loads(said(capsys, learner, "brake", "--json"))
    assert told["reason"] == "look first" and learner.brake() is not None
    assert (
        said(capsys, learner, "brake", "--release").strip() == "studying goes on" and learner.brake() is None
    )


def test_wanted(learner: Learner, capsys: pytest.CaptureFixture[str]) -> None:
    assert "had its answer" in said(capsys, learner, "wanted")
    learn_all(learner, [A])
    answer = replace(learner.ask("Who is Zed?"), way="unknown", document=None, candidates=())
    for _ in range(2):
        learner.remember(answer, version="live", conversation=[{"role": "user", "content": "Who is Zed?"}])
    assert "Who is Zed?" in said(capsys, learner, "wanted")
    assert [(w["question"], w["asked"]) for w in json.loads(said(capsys, learner, "wanted", "--json"))] == [
        ("Who is Zed?", 2)
    ]
