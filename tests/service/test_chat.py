"""`seal chat` says the same of an answer, whether the learner is here or behind a service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from learners import CONFIG, HANDED_IN, Gates
from seal.cli import main
from seal.learner import Learner
from seal.learner.parts import Parts
from service_documents import DOCUMENTS
from services import RunningService

A = DOCUMENTS[0]
SAID = [A.question(next(iter(A.values))), "", "And who told you so?", "Why?"]


def open_quickly(path: Path, **given: Any) -> Learner:
    """With the settings of the quick learners."""
    return Learner(Parts.open(path, config=CONFIG, **HANDED_IN, **given))


def typed(patch: pytest.MonkeyPatch, lines: list[str]) -> None:
    waiting: Iterator[str] = iter(lines)

    def read(prompt: str) -> str:
        for line in waiting:
            return line
        raise EOFError

    patch.setattr("builtins.input", read)


def test_a_conversation_here_is_that_behind_a_service(
    toy_service: RunningService,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    gates: Gates,
) -> None:
    monkeypatch.setattr(Learner, "open", open_quickly)
    path = toy_service.hosting.tenants["knowing"].path
    typed(monkeypatch, SAID)
    assert main(["chat", "--workspace", str(path)]) == 0
    here = capsys.readouterr()
    monkeypatch.setenv("KEY", toy_service.key)
    typed(monkeypatch, SAID)
    assert main(["chat", "--url", f"{toy_service.url}/v1", "--key-env", "KEY"]) == 0
    there = capsys.readouterr()
    notes = [line for line in there.err.splitlines() if line.startswith("  (")]
    assert there.out == here.out and len(here.out.splitlines()) == 3
    assert notes == here.err.splitlines() and all(A.name in note for note in notes[:2])


def test_what_cannot_be_answered_is_told_and_the_conversation_goes_on(
    toy_service: RunningService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEY", toy_service.key)
    typed(monkeypatch, ["What?", "What?"])
    assert main(["chat", "--url", f"{toy_service.url}/v1", "--key-env", "KEY", "--model", "gpt-4"]) == 0
    assert capsys.readouterr().err.count("does not exist") == 2
    assert main(["chat", "--url", toy_service.url, "--key-env", "NONE"]) == 2
    assert "NONE" in capsys.readouterr().err
