"""What a command loads: a mistake is told without torch, an answer is given without what it does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from seal.registry import Workspace

REPORT = """
import contextlib, io, json, sys
from seal.cli import main
found = []
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = stop.code
    found.append([status, sorted(sys.modules), said.getvalue()])
print(json.dumps(found))
"""
Ended = tuple[int, set[str], str]
"""The exit status of a command, the modules that were loaded by its end, and what it said."""


def run_in_turn(commands: Sequence[Sequence[str]]) -> list[Ended]:
    """Commands one after another in one new process: what one of them loads is there for those after it."""
    command = [sys.executable, "-c", REPORT, json.dumps(commands)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = [(status, set(modules), said) for status, modules, said in json.loads(done.stdout)]
    assert len(found) == len(commands) and not any("Traceback" in said for *_, said in found)
    return found


def run(*arguments: str) -> Ended:
    return run_in_turn([arguments])[0]


@pytest.fixture
def workspace(tmp_path: Path) -> str:
    Workspace.init(tmp_path / "brain")
    return str(tmp_path / "brain")


HEAVY = {"torch", "transformers", "scipy", "matplotlib"}
MISTAKES = [
    (["akss"], "Unknown command"),
    (["ask", "--hepl", "Who?"], "Unknown option"),
    (["ask", "Who?", "--workspace", "nowhere"], "no folder nowhere"),
    (["ask", "--workspace", "{workspace}"], "no question is asked"),
    (["ask", "Who?", "--version", "abc", "--workspace", "{workspace}"], "abc"),
    (["why", "Who?", "--workspace", "nowhere"], "no folder nowhere"),
    (["forget"], "requires an argument"),
    (["forget", "x", "--workspace", "nowhere"], "no folder nowhere"),
    (["approve", "abc", "--workspace", "{workspace}"], "abc"),
    (["export", "out", "--version", "abc", "--workspace", "{workspace}"], "abc"),
    (["learn", "--workspace", "{workspace}"], "no document is named"),
    (["learn", "missing.txt", "--workspace", "{workspace}"], "missing.txt"),
    (["help", "aks"], "Did you mean 'ask'?"),
    (["watch", "missing", "--workspace", "{workspace}"], "missing is no folder"),
    (["lines", "x", "--workspace", "{workspace}"], "no document 'x'"),
    (["exam", "x", "--workspace", "nowhere"], "no folder nowhere"),
    (["retitle", "x", "y", "--workspace", "{workspace}"], "no document 'x'"),
    (["learn", "missing.txt", "--trust", "7", "--workspace", "{workspace}"], "the trust is 7.0"),
    (["train", "--seed", "x"], "--seed"),
    (["train", "--data", "missing.json"], "missing.json"),
    (["eval", "--data", "missing.json"], "missing.json"),
    (["train", "--model", "tinny"], "did you mean 'tiny'"),
    (["train", "--format", "implication"], "Did you mean 'implications'"),
    (["train", "--config", "missing.toml"], "missing.toml"),
    (["demo", "ark"], "ark"),
    (["bench", "inner-lop"], "inner-lop"),
]


def test_a_mistake_is_told_before_torch_is_loaded(workspace: str) -> None:
    commands = [[argument.format(workspace=workspace) for argument in given] for given, _ in MISTAKES]
    for (given, said), (status, modules, output) in zip(MISTAKES, run_in_turn(commands), strict=True):
        assert status == 2 and said in output, given
        assert not modules & HEAVY, given


def test_a_folder_that_is_no_workspace_is_told_before_the_database_is_loaded(tmp_path: Path) -> None:
    status, modules, output = run("ask", "Who?", "--workspace", str(tmp_path))
    assert status == 2 and "is no workspace" in output
    assert not modules & {*HEAVY, "sqlalchemy", "pydantic.main"}


def test_a_missing_document_is_told_before_the_database_is_loaded(workspace: str) -> None:
    status, modules, output = run("learn", "missing.txt", "--workspace", workspace)
    assert status == 2 and "missing.txt" in output
    assert not modules & {*HEAVY, "sqlalchemy"}


HELP = [
    ["--version"],
    ["-V"],
    ["--help"],
    ["ask", "--help"],
    ["help"],
    ["help", "ask"],
    ["completion", "bash"],
]


def test_a_dry_run_loads_no_torch(workspace: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The Maru Tower is 31 metres high.")
    status, modules, output = run("learn", str(tmp_path / "a.txt"), "--dry-run", "--workspace", workspace)
    assert status == 0 and "1 of 1 documents would be learned" in output
    assert not modules & HEAVY


def test_help_is_given_before_torch_is_loaded() -> None:
    for given, (status, modules, said) in zip(HELP, run_in_turn(HELP), strict=True):
        assert status == 0 and said and not modules & {*HEAVY, "sqlalchemy", "pydantic.main"}, given


def test_a_question_is_answered_without_what_an_answer_does_not_need(workspace: str) -> None:
    status, modules, output = run("ask", "Who wrote it?", "--workspace", workspace)
    assert status == 0 and output.strip()
    assert "torch" in modules
    other = {"alembic", "huggingface_hub", "torch._dynamo", "torch._inductor", "sympy", "jinja2", "PIL"}
    assert not modules & (HEAVY - {"torch"} | other)
