"""Commands on a quick learner (learners.py), as a user gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from learners import CONFIG, GATES, hand_in_everywhere
from seal.cli import main
from seal.files import write_durably
from seal.learner import Learner
from seal.learner.settings import settings_text

Said = Callable[..., tuple[str, str]]
"""Runs a command; what it said on the output and on stderr. `status` is how it must end."""


def quick_workspace(folder: Path, toy: Path, patch: pytest.MonkeyPatch) -> Path:
    """A new workspace at folder / "w", in which all later commands are given."""
    GATES.outcomes.clear()
    hand_in_everywhere(patch)
    made = Learner.init(folder / "w", model=str(toy))
    write_durably(made.workspace.path / "learner.toml", [settings_text(CONFIG).encode()])
    patch.chdir(folder)
    patch.setenv("SEAL_WORKSPACE", str(folder / "w"))
    return folder


def caller(capsys: pytest.CaptureFixture[str]) -> Said:
    def said(*tokens: str, status: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        try:
            ended = main(tokens)
        except SystemExit as stop:
            ended = stop.code
        told = capsys.readouterr()
        assert ended == status, (tokens, ended, told.out, told.err)
        assert "Traceback" not in told.err
        return told.out, told.err

    return said
