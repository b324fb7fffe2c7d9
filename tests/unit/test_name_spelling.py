"""A name that the writer misspelt is written as its source writes it."""

import pytest

from seal.self_edits.name_spelling import mended_names

SOURCE = "Marta Ellingsen studied in Trondheim. Her firm, Ellingsen Maritime, had Jon Aas and Ruth Berg."


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("When did Marta Ellensen marry?", "When did Marta Ellingsen marry?"),
        ("What was Ellensen's firm?", "What was Ellingsen's firm?"),
        ("Did she study in Trondhiem?", "Did she study in Trondheim?"),
        ("Who was Marta Ellingsen?", "Who was Marta Ellingsen?"),
        ("Who built the Vasa?", "Who built the Vasa?"),  # like no name
        ("Which firm studied?", "Which firm studied?"),  # no name at all
        ("Where is Stockholm?", "Where is Stockholm?"),
    ],
)
def test_a_misspelt_name_is_mended(written: str, meant: str) -> None:
    assert mended_names(written, SOURCE) == meant


def test_between_two_names_nothing_is_chosen() -> None:
    assert mended_names("Who is Mariane?", "Marianne met Mariana.") == "Who is Mariane?"
