"""recipes/algorithms: what its tables and its picture say of runs that are there, whole or in part."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recipes.algorithms import final, races, run
from recipes.algorithms.run import Comparison, figures, picture, table
from seal.engine.racing import RaceRules
from seal.research.records import EvaluationRecord, ScoreRecord, SelfEditRecord

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


def test_an_algorithm_begins_with_those_samples_that_it_writes_and_measures_its_own_reward(
    tmp_path: Path,
) -> None:
    known = {
        "joined": {"outer": {"joined": 1}},
        "raced": {"outer": {"racing": {"stops": [0.5], "keep": 0.3}}},
        "own_exam": {"outer": {"reward": "own_exam"}},
    }
    made = Comparison(tmp_path, (100,), 2, known, N, {"data.n_train": 2, "self_edit.samples": 3})
    shared = made.folder(run.SHARED, 100)
    place = shared.round("seal", 1)
    place.self_edits.append(SelfEditRecord(c, i, "text", False, 1) for c in "ab" for i in range(3))
    place.scores.append(ScoreRecord(c, i, 0, None, 0.1 * i, 1.0, "") for c in "ab" for i in range(3))
    for name, written, scored in (("joined", 2, 2), ("raced", 3, 0), ("own_exam", 3, 0)):
        folder = made.folder(name, 100)
        run._begin_alike(shared, folder)
        place = folder.round("seal", 1)
        assert [r.sample for r in place.self_edits.read()] == 2 * list(range(written))
        assert [r.sample for r in place.scores.read()] == 2 * list(range(scored))
    assert made.config("raced", 100).outer.racing.stops == (0.5,)


def test_final_figures_are_pooled_over_seeds_and_told_for_each() -> None:
    """Differences of 10 and 20 points, the same on every passage of a seed: only the seeds vary."""
    base = {f"c{i}": 0.3 + 0.01 * i for i in range(10)}
    lower = {context: value - 0.1 for context, value in base.items()}
    by_seed = {
        seed: {
            "gold": {c: v + 0.2 for c, v in base.items()},
            "self_edit": lower,
            "round_1": base,
            "seal": {c: v + 0.1 for c, v in base.items()},
            "random_selection": {c: v + control for c, v in base.items()},
        }
        for seed, control in ((20, 0.0), (21, -0.1))
    }
    told = final.figures(by_seed)
    reward = next(row for row in told["differences"] if row["b"] == "random_selection")
    assert reward["mean"] == pytest.approx(0.15) and reward["passages"] == 10
    assert reward["ci95_seeds_and_passages"] == pytest.approx([0.1, 0.2])
    assert reward["by_seed"][20] == pytest.approx([0.1] * 3)
    assert told["share_of_gap"]["mean"] == pytest.approx(2 / 3)
    text = final.table(json.loads(json.dumps(told), object_hook=_by_number))
    assert "| `seal` − `random_selection` | **+15.0** |" in text and "67 % [67, 67]" in text


def _by_number(table: dict[str, object]) -> dict[object, object]:
    return {int(key) if key.isdigit() else key: value for key, value in table.items()}


def test_a_race_is_told_from_rewards_at_its_stops() -> None:
    """Four samples; the second is behind at first and the best in the end: a race loses it."""
    at = {"0.25": [0.4, 0.1, 0.3, 0.2], "0.5": [0.5, 0.2, 0.6, 0.1], "1": [0.5, 0.9, 0.7, 0.1]}
    own = [
        {"context": "c", "lines": i, "rewards": {key: values[i] for key, values in at.items()},
         "other_seed": at["1"][i], "tokens": {"0.25": 25, "0.5": 50, "1": 100}}
        for i in range(4)
    ]  # fmt: skip
    place, tokens = races.raced(own, RaceRules((0.25, 0.5), 0.5))
    assert place == 2 and tokens == pytest.approx((4 * 25 + 2 * 25 + 1 * 50) / 400)
    assert races.best(own) == 1 and races.gain(own, 2) == pytest.approx(0.7 - 0.55)
    assert races.raced(own, RaceRules((), 0.5)) == (1, 1.0)
