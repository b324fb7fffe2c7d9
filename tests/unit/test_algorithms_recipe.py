"""recipes/algorithms: what its table and its picture say of runs that are there, whole or in part."""

from __future__ import annotations

import json
from pathlib import Path

from recipes.algorithms import run
from recipes.algorithms.run import Comparison, figures, picture, table
from seal.research.records import EvaluationRecord

SEEDS, N = (100, 101), 8


def examined(method: str, gain: float) -> list[EvaluationRecord]:
    return [EvaluationRecord(method, f"c{i}", 0.2 + 0.02 * i + gain, None, 1.0, answers=()) for i in range(N)]


def comparison(out: Path) -> Comparison:
    """Two algorithms; of the second only one seed and one arm are there."""
    known = {"best_of_k": {"outer": {"algorithm": "best_of_k"}}, "grpo": {"outer": {"algorithm": "grpo"}}}
    made = Comparison(out, SEEDS, 2, known, N, {"data.n_train": 5, "self_edit.samples": 4})
    for seed in SEEDS:
        made.folder(run.SHARED, seed).evaluation.append(examined(run.BEFORE, 0.0))
        for round, gain in ((1, 0.2), (2, 0.1)):
            folder = made.folder("best_of_k", seed)
            folder.evaluation.append(examined(f"seal_{round}", gain))
            folder.evaluation.append(examined(f"random_selection_{round}", 0.05))
    made.folder("grpo", 101).evaluation.append(examined("seal_1", 0.3))
    return made


def test_the_figures_are_paired_and_say_what_is_missing(tmp_path: Path) -> None:
    told = figures(comparison(tmp_path))
    assert told["trainings_a_round"] == 20 and round(told["before"]["mean"], 6) == 0.27
    first, second, other = told["rounds"]
    assert [(r["algorithm"], r["round"], r["seeds"]) for r in told["rounds"]] == [
        ("best_of_k", 1, [100, 101]), ("best_of_k", 2, [100, 101]), ("grpo", 1, [101]),
    ]  # fmt: skip
    assert round(first["seal_less_control"]["mean"], 6) == 0.15
    assert round(second["seal_less_before"]["mean"], 6) == 0.1
    assert round(second["seal_less_round_before"]["low"], 6) == -0.1  # the same on every passage
    assert round(other["seal_less_before"]["mean"], 6) == 0.3 and "control" not in other
    text = table(told)
    assert "| best_of_k | 1 | 100, 101 | 47.0 [" in text and "+15.0 [15.0, 15.0]" in text
    assert text.count("\n| ") == 4
    json.dumps(told, allow_nan=False)


def test_the_picture_is_drawn_of_what_is_there(tmp_path: Path) -> None:
    picture(figures(comparison(tmp_path)), tmp_path / "curves")
    assert (tmp_path / "curves").read_bytes().startswith(b"\x89PNG")


def test_an_algorithm_has_the_settings_of_its_table(tmp_path: Path) -> None:
    made = comparison(tmp_path)
    assert made.config("grpo", 100).outer.algorithm == "grpo"
    shared = made.config(run.SHARED, 100)
    assert shared.outer.check_contexts == 0 and shared.data.evaluation == "microworld/dev"
    assert (made.config("grpo", 100).self_edit, made.config("grpo", 100).inner) == (
        shared.self_edit,
        shared.inner,
    )
