"""docs/how-to/write-a-plugin.md runs as it stands: its package is installed, its commands do as they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "write-a-plugin.md").read_text(encoding="utf-8")
_FILE = re.compile(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The page's files in one folder, the package installed the way `pip install -e .` leaves it: the module
    on the path, and beside it what the package says of itself."""
    folder = tmp_path
    for name, text in _FILE.findall(PAGE):
        (folder / name).write_text(text, encoding="utf-8")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {where}\n" for name, where in points.items())
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups))
    return folder


def _commands() -> Iterator[tuple[str, list[str], list[str]]]:
    """Each command of the page, with what is said that it prints, and that it fails with."""
    for block in _SHELL.findall(PAGE):
        for command, comments in re.findall(r"^(seal .+)\n((?:# .+\n)+)", block, re.MULTILINE):
            yield (
                command,
                re.findall(r"^# → (.+)$", comments, re.MULTILINE),
                re.findall(r"^# ! (.+)$", comments, re.MULTILINE),
            )


def test_the_page_has_all_of_it() -> None:
    assert [name for name, _ in _FILE.findall(PAGE)] == [
        "pyproject.toml",
        "seal_glossary.py",
        "terms.txt",
        "run.toml",
    ]
    assert [bool(refused) for _, _, refused in _commands()] == [False, False, True, True, True]


@pytest.mark.slow
def test_the_tutorial_runs_as_it_stands(package: Path) -> None:
    for command, printed, refused in _commands():
        done = _run(package, command)
        assert done.returncode == (2 if refused else 0), f"{command}\n{done.stdout}\n{done.stderr}"
        assert all(text in done.stdout for text in printed), f"{command}\n{done.stdout}"
        assert all(text in done.stderr for text in refused), f"{command}\n{done.stderr}"
        assert "Traceback" not in done.stderr
    tables = tomllib.loads((package / "runs" / "eval" / "config.toml").read_text())
    assert tables["glossary"] == {"separator": ":", "copies": 2}
    assert tables["contains"] == {"ignore_case": False}


def _run(package: Path, command: str) -> subprocess.CompletedProcess[str]:
    paths = [str(package), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        ["bash", "-e"], input=command, capture_output=True, text=True, cwd=package, env=environment
    )
