"""Commands on a quick learner (learners.py), as a user gives them."""

from __future__ import annotations

import shutil
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
    made = Learner.init(folder / "w", model=str(toy))
    write_durably(made.workspace.path / "learner.toml", [settings_text(CONFIG).encode()])
    return entered(folder, patch)


def entered(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """The folder of such a workspace as the one in which all later commands are given."""
    GATES.outcomes.clear()
    hand_in_everywhere(patch)
    patch.chdir(folder)
    patch.setenv("SEAL_WORKSPACE", str(folder / "w"))
    return folder


class KeptFolder:
    """A folder as it once was: several tests begin with it, and only the first pays for what was learned.
    It is put back in its own place, because a workspace remembers where its files were."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._kept = folder, folder.with_name(f"{folder.name}-kept")
        shutil.copytree(folder, self._kept)

    def put_back(self) -> Path:
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder)
        return self.folder


def status_of(*tokens: str) -> object:
    """Runs a command; how it ended."""
    try:
        return main(tokens)
    except SystemExit as stop:
        return stop.code


def caller(capsys: pytest.CaptureFixture[str]) -> Said:
    def said(*tokens: str, status: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        ended = status_of(*tokens)
        told = capsys.readouterr()
        assert ended == status, (tokens, ended, told.out, told.err)
        assert "Traceback" not in told.err
        return told.out, told.err

    return said
