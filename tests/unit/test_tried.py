"""The tables of what was tried say what the tests try."""

from __future__ import annotations

import pytest

from tried import TABLES, stored


@pytest.mark.parametrize(("page", "name"), list(TABLES))
def test_a_table_is_what_was_tried(page: str, name: str) -> None:
    assert stored(page, name) == TABLES[page, name](), "run: PYTHONPATH=src python tests/tried.py"
