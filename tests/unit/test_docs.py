"""The reference says what the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from seal.cli import app

DOCS = Path(__file__).parents[2] / "docs"
_FIRST_CELL = re.compile(r"^\| (`.+?`) \| ", re.MULTILINE)
_NAME = re.compile(r"`(-{0,2}\w[\w-]*)(?: \.\.\.)?`")


def _generator() -> Any:
    specification = importlib.util.spec_from_file_location(
        "generate_reference", DOCS / "generate_reference.py"
    )
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


GENERATOR = _generator()
COMMANDS = dict(GENERATOR.commands(app))


@pytest.mark.parametrize("page", GENERATOR.PAGES)
def test_the_reference_is_up_to_date(page: str) -> None:
    stored = (DOCS / "reference" / page).read_text(encoding="utf-8")
    assert stored == GENERATOR.PAGES[page](), "run: python docs/generate_reference.py"


def test_every_key_has_a_description() -> None:
    rows = [line for line in GENERATOR.configuration().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert not [row for row in rows if row.rstrip().endswith("|  |")]


def test_every_command_is_found() -> None:
    assert {"demo", "train", "bench inner-loop", "bench retention", "learn", "export"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_all_flags_of_a_command_and_no_others(name: str) -> None:
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    [section] = re.findall(rf"^## seal {name}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    described = {flag for cell in _FIRST_CELL.findall(section) for flag in _NAME.findall(cell)}
    arguments = COMMANDS[name].assemble_argument_collection()
    offered = {flag for argument in arguments if argument.show for flag in argument.names}
    assert offered <= described
    assert {flag for flag in described if flag.startswith("--")} <= offered


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_all_flags_of_a_command(name: str, capsys: pytest.CaptureFixture) -> None:
    from seal.cli import main

    assert main([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    for argument in COMMANDS[name].assemble_argument_collection():
        assert not argument.show or all(flag in shown for flag in argument.names)
