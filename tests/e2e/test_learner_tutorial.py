"""docs/learner.md runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "learner.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_EXPECTED = re.compile(r"^# → (.+)$", re.MULTILINE)


def test_the_tutorial_runs_as_it_stands(tmp_path: Path) -> None:
    """Every block by itself, in one folder; what a comment says is printed is printed, by the command
    before.
    """
    blocks = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) >= 8
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": paths, "SEAL_WORKSPACE": "brain", "OMP_NUM_THREADS": "1"}
    for block in blocks:
        for command, expected in _commands(block):
            done = subprocess.run(
                ["bash", "-e"], input=command, capture_output=True, text=True, cwd=tmp_path, env=environment
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            for text in expected:
                assert text in done.stdout, f"{command}\nprinted no {text!r}:\n{done.stdout}"


def _commands(block: str) -> list[tuple[str, list[str]]]:
    """Commands with what each is said to print."""
    parts: list[tuple[str, list[str]]] = []
    at = 0
    for match in re.finditer(r"(?:^# → .+\n)+", block, re.MULTILINE):
        parts.append((block[at : match.start()], _EXPECTED.findall(match[0])))
        at = match.end()
    return [*parts, (block[at:], [])]


def test_the_python_of_the_tutorial_runs(tmp_path: Path) -> None:
    code = re.search(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert code is not None
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code[1]], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "glassblower" in done.stdout
