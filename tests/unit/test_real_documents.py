"""The documents for real models: the questions fit the files, and the sets are alike and share nothing."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from seal.domains.knowledge import load_contexts

ROOT = Path(__file__).parents[2] / "examples" / "real_documents"
SETS = {"development": (10, 10), "evaluation": (10, 10), "final": (12, 5)}  # documents, questions of each
TAGS = {"number", "table", "no name", "two sentences"}


def records(name: str) -> list[dict[str, Any]]:
    return json.loads((ROOT / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SETS)
def test_every_document_of_a_set_stands_in_its_questions_as_it_is(name: str) -> None:
    own = records(name)
    assert len(own) == SETS[name][0]
    assert {r["file"] for r in own} == {p.name for p in (ROOT / name).iterdir()}
    for record in own:
        [context] = load_contexts(ROOT / name / record["file"])
        assert (record["title"], record["context"]) == (context.title, context.text), record["file"]


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_read_as_a_user_would_read_it(name: str) -> None:
    documents, each = SETS[name]
    contexts = load_contexts(ROOT / f"{name}.json")
    assert [len(c.questions) for c in contexts] == [each] * documents
    asked = [q.text for c in contexts for q in c.questions]
    assert len(set(asked)) == documents * each
    # An answer as users want it, not a sentence out of the text.
    assert max(len(q.answers[0].split()) for c in contexts for q in c.questions) <= 10


@pytest.mark.parametrize("name", SETS)
def test_a_set_has_what_the_readme_says(name: str) -> None:
    own = records(name)
    questions = [(r, q) for r in own for q in r["questions"]]
    assert {tag for _, q in questions for tag in q.get("tags", ())} == TAGS
    assert sum(r["language"] != "en" for r in own) == 2
    assert any(r["file"].endswith(".txt") for r in own)
    assert any("\n|---" in r["context"] for r in own)
    superseded = [(r, q) for r, q in questions if "superseded" in q]
    assert len(superseded) >= 2
    order = [r["file"] for r in own]
    for record, question in superseded:
        then = question["superseded"]
        assert order.index(then["by"]) > order.index(record["file"]), "the newer one is learned later"
        assert not set(then["answers"]) & set(question["answers"])


@pytest.mark.parametrize("name", SETS)
def test_numbers_that_are_asked_for_stand_in_the_document(name: str) -> None:
    for record in records(name):
        figures = set(re.findall(r"\d+(?:[.,:]\d+)*", record["context"]))
        for question in record["questions"]:
            accepted = [set(re.findall(r"\d+(?:[.,:]\d+)*", a)) for a in question["answers"]]
            with_figures = [a for a in accepted if a]
            if with_figures and len(with_figures) == len(accepted):
                assert any(a <= figures for a in accepted), (record["file"], question["question"])


def test_no_two_sets_share_a_name() -> None:
    """Names: words with a capital that are nowhere written small in any set."""
    texts = {s: " ".join(r["context"] for r in records(s) if r["language"] == "en") for s in SETS}
    small = set(re.findall(r"\b[a-z]\w+", " ".join(texts.values())))
    inside = {s: set(re.findall(r"(?<=[a-z,] )[A-Z][a-zé]{3,}", text)) for s, text in texts.items()}
    for one, other in combinations(SETS, 2):
        both = {w for w in inside[one] & inside[other] if w.lower() not in small}
        assert both <= REAL, (one, other, both - REAL)


REAL = set(
    "January February March April June July August September October November December Monday Tuesday "
    "Wednesday Thursday Friday Saturday Sunday Mondays Tuesdays Wednesdays Thursdays Fridays Saturdays "
    "Sundays Christmas Android".split()
)
