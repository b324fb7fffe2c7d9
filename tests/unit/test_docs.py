"""The reference says what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generator() -> Any:
    specification = importlib.util.spec_from_file_location(
        "generate_reference", DOCS / "generate_reference.py"
    )
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["configuration.md", "learner.md", "cli.md"])
def test_the_reference_is_up_to_date(page: str, generator: Any) -> None:
    stored = (DOCS / "reference" / page).read_text(encoding="utf-8")
    assert stored == generator.PAGES[page](), "run: python docs/generate_reference.py"


def test_every_key_has_a_description(generator: Any) -> None:
    rows = [line for line in generator.configuration().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert not [row for row in rows if row.rstrip().endswith("|  |")]


@pytest.mark.parametrize(
    "command",
    [
        "demo",
        "train",
        "eval",
        "bench inner-loop",
        "bench retention",
        "init",
        "show",
        "audit",
        "approve",
        "export",
    ],
)
def test_every_flag_is_mentioned(command: str, generator: Any, capsys: pytest.CaptureFixture) -> None:
    from seal.cli import main

    assert main([*command.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    for flag, _, _ in generator.flags_of(generator.COMMANDS[command]):
        assert flag in page and flag.split("`")[1] in shown
