"""The examples of README.md and of docs/learner.md, python-api.md and how-to/serve.md run as they stand."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path

import pytest

from commands import status_of
from pages import ROOT, blocks, commands

DOCS = ROOT / "docs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that has the examples, as the checkout has."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def run(program: list[str], code: str, folder: Path) -> str:
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": paths, "SEAL_WORKSPACE": "brain"}
    done = subprocess.run(program, input=code, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_each(program: list[str], block: str, folder: Path) -> int:
    """The commands of a block one by one; what a comment says is printed is printed, by the command before.
    Returns how many texts were expected.
    """
    n = 0
    for command, expected in commands(block):
        shown = in_this_process(command, folder) if program[0] == "bash" else run(program, command, folder)
        for text in expected:
            assert text in shown, f"{command}\nprinted no {text!r}:\n{shown}"
        n += len(expected)
    return n


def in_this_process(command: str, folder: Path) -> str:
    """What a shell does with these lines, but for plain calls of `seal`: those need no process of their own,
    which would import torch again."""
    shown, shell = "", ""
    for line in command.splitlines(keepends=True):
        if not line.startswith("seal ") or "$(" in line or shell.rstrip().endswith("\\"):
            shell += line
            continue
        shown += run(["bash", "-e"], shell, folder) if shell.strip() else ""
        shell = ""
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out:
            patch.chdir(folder)
            patch.setenv("SEAL_WORKSPACE", "brain")
            assert status_of(*shlex.split(line)[1:]) == 0, f"{line}\n{out.getvalue()}"
            shown += out.getvalue()
    return shown + (run(["bash", "-e"], shell, folder) if shell.strip() else "")


@pytest.mark.slow
def test_the_learners_tutorial(folder: Path) -> None:
    page = (DOCS / "learner.md").read_text(encoding="utf-8")
    shell = blocks(page, "sh")
    assert len(shell) >= 8
    assert sum(run_each(["bash", "-e"], block, folder) for block in shell) >= 15
    [python] = blocks(page, "python")
    assert run_each([sys.executable, "-"], python, folder) == 1


@pytest.mark.slow
def test_a_learner_by_curl_alone(tmp_path: Path) -> None:
    """But for the port, which may be in use here. One shell runs all of it, as a reader's does."""
    page = (DOCS / "how-to" / "serve.md").read_text(encoding="utf-8")
    section = page.split("## From an empty folder, by curl alone")[1].split("\n## ")[0]
    parts = [part for block in blocks(section, "sh") for part in commands(block)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    code = "\n".join(f"{command}\necho '{_MARK}'" for command, _ in parts).replace("8000", port)
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    shell = subprocess.Popen(
        ["bash", "-e"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PATH": paths},
        start_new_session=True,
    )
    try:
        shown, told = shell.communicate(code, timeout=900)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGTERM)
    assert shell.returncode == 0, f"{shown[-3000:]}\n{told[-2000:]}"
    for (command, expected), printed in zip(parts, shown.split(_MARK), strict=False):
        for text in expected:
            assert text in printed, f"{command}\nprinted no {text!r}:\n{printed}"
    assert sum(len(expected) for _, expected in parts) >= 18


_MARK = "--- the next one ---"


@pytest.mark.slow
def test_the_python_of_the_readme(folder: Path) -> None:
    [block] = blocks((ROOT / "README.md").read_text(encoding="utf-8"), "python")
    assert run([sys.executable, "-"], block, folder) == "glassblower\n"


@pytest.mark.slow
def test_the_learner_of_the_readme(folder: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [block] = [block for block in blocks(readme, "sh") if "seal learn examples/documents" in block]
    assert run_each(["bash", "-e"], block, folder) == 5


@pytest.mark.slow
def test_the_python_api(folder: Path) -> None:
    code = "\n".join(blocks((DOCS / "python-api.md").read_text(encoding="utf-8"), "python"))
    assert code.count("assert ") >= 9
    run([sys.executable, "-"], code, folder)
