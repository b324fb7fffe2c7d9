"""The code in the how-to on ARC tasks runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from seal.domains.arc_agi.microgrid import PLANE_FAMILIES, REAL_HELD_OUT, SPLITS
from seal.self_edits.arc_directives import ArcDirectivesConfig, parse_directive
from seal.self_edits.arc_grammar import directives

PAGE = (Path(__file__).parents[2] / "docs/how-to/arc-tasks.md").read_text(encoding="utf-8")


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 6
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "arc-tasks.md", "exec"), names)


def test_the_directive_is_one() -> None:
    (text,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert parse_directive(text).directive


def test_the_figures_are_those_of_the_code() -> None:
    counts = {split: len(families) for split, families in SPLITS.items()}
    assert f"{counts['pretrain']} primitives" in PAGE
    assert f"{counts['rl']}, {counts['dev']} and {counts['eval']} rules" in PAGE
    assert f"{counts['composed']} compositions" in PAGE
    assert f"({len(PLANE_FAMILIES)} families)" in PAGE and f"{len(directives())} by default" in PAGE
    assert all(name.removeprefix("1d_") in PAGE for name in REAL_HELD_OUT)
    assert all(f"`{name}`" in PAGE for name in ArcDirectivesConfig.model_fields)
