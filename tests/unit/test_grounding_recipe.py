"""The judged lines fit the documents, and the table counts what each check keeps of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from recipes.grounding import tables
from recipes.grounding.documents import JudgedLine, load_documents, load_judged
from recipes.grounding.tables import CHECKS, checked_lines, table
from seal.domains.knowledge.units import units_of
from seal.errors import InputFileError
from seal.self_edits.pair_lines import question_of


def test_judged_lines_are_about_units_of_the_documents() -> None:
    documents = {one.id: one for one in load_documents()}
    judged = load_judged()
    assert len(judged) >= 400 and len({one.model for one in judged}) == 2
    assert len({one.language for one in judged}) >= 3
    assert len({(one.document, one.model, one.line) for one in judged}) == len(judged)
    units = {name: [u.text for u in units_of(one.title, one.text)] for name, one in documents.items()}
    for one in judged:
        assert one.language == documents[one.document].language
        assert any(unit in one.unit for unit in units[one.document]), one
        assert (question_of(one.line) is not None) == (one.format == "self-qa")
    assert set(documents) == {one.document for one in judged}


def test_no_document_is_in_both_halves_and_each_half_has_every_language() -> None:
    halves = Counter((one.half, one.language) for one in load_documents())
    assert {half for half, _ in halves} == {"calibration", "held-out"}
    assert {language for _, language in halves} == {"en", "de", "zh"} and len(halves) == 6


def row(
    line: str, log: float, *, exact: str = "", again: bool | None = True, false: float = -2.0
) -> dict[str, Any]:
    return {
        "line": line,
        "tokens": [[log, -9.0]],
        "exchanged": [[false, -9.0]] if again is not None else [],
        "exact": exact,
        "again": again,
        "probability": None if again is None else 0.5,
    }


def test_the_table_counts_what_each_check_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"Question: Who is {n}?\nAnswer: {n}" for n in range(10)]
    verdicts = ["supported"] * 6 + ["unsupported"] * 3 + ["ambiguous"]
    judged = [
        JudgedLine("garden", "en", "m", "self-qa", "u", line, verdict)  # type: ignore[arg-type]
        for line, verdict in zip(lines, verdicts, strict=True)
    ]
    monkeypatch.setattr(tables, "load_judged", lambda: judged)
    rows = [row(line, -1.0) for line in lines]
    rows[0] = row(lines[0], -3.0)  # supported, and unlikely
    rows[6] = row(lines[6], -1.0, exact="a number in it is not in the source")
    rows[7] = row(lines[7], -1.0, again=False)
    rows[8] = row(lines[8], -2.5)
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps({"document": "garden", "judged": rows, "made": []}) + "\n", encoding="utf-8")
    checked = checked_lines(path, 0.1, 0.05)
    kept = {check: sum(check in one.passes for one in checked) for check in CHECKS}
    assert list(kept.values()) == [10, 9, 9, 8, 8, 6]
    told = {r.split(" | ")[4]: r for r in table(checked) if r.startswith("| held-out | m | questions")}
    assert "| 10 of 10 | 60 % [31, 83] | 100 % [61, 100] | 3 |" in told["none"]
    assert "| 6 of 10 | 83 % [44, 97] | 83 % [44, 97] | 0 |" in told["all three"]


def test_records_of_other_lines_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "smollm2.jsonl"
    record = {"document": "garden", "judged": [row("Nobody wrote this.", -1.0, again=None)], "made": []}
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    with pytest.raises(InputFileError, match="no judged line"):
        checked_lines(path, 0.1, 0.05)
