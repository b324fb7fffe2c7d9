"""Run folders of the few-shot experiment made by formula, as it leaves them. No model is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runs import json_lines
from seal.domains.arc_agi import ArcAgi, ArcConfig
from seal.domains.arc_agi.microgrid import family_of
from seal.domains.arc_agi.text import Representation
from seal.research.config import dump_config, parse_config
from seal.research.data import load_source
from seal.research.evaluate import difference_table, method_table
from seal.research.few_shot.experiment import PAIRS, arc_config, family_table
from seal.research.methods import VOTING, in_order, method_named
from seal.research.records import EvaluationRecord
from seal.self_edits.arc_grammar import render
from seal.types import Directive, Task

N = 12
BEFORE = Directive(True, False, False, False, "train_using_all_tokens", 1e-3, 2)
OTHER = Directive(False, False, True, False, "train_using_output_tokens", 3e-3, 4)
AFTER = Directive(True, False, True, False, "train_using_output_tokens", 1e-2, 8)
NONE = "no <b>directive</b>"
SOLVED: dict[str, Callable[[int], bool]] = {
    "base": lambda i: i == 1,
    "self_edit": lambda i: i in (1, 2, 5),
    "round_1": lambda i: i in (1, 3),
    "random_selection": lambda i: i in (1, 4),
    "seal": lambda i: i in (1, 3, 4, 6, 7, 8, 9),
    "best_fixed": lambda i: i in (1, 3),
    "hand_made": lambda i: i in (1, 3, 10),
    "seal_committee": lambda i: i in (1, 3, 4, 6, 7, 8, 9, 10),
}
"""Which held-out tasks a method solves. Task 0 is solved by none."""
WRITERS = {"self_edit": BEFORE, "round_1": OTHER, "random_selection": BEFORE, "seal": AFTER}


def text_of(method: str, i: int) -> str:
    """What a method wrote about task i: every fourth of those before RL is OTHER, and one is no directive."""
    if method == "self_edit" and i == 2:
        return NONE
    return render(OTHER if method == "self_edit" and i % 4 == 0 else WRITERS[method])


def examined(name: str) -> tuple[str, ...]:
    """What a method is in the folder as: also by the vote of copies, but for one that asks copies anyway."""
    together = method_named(name).several == "together"
    return (name,) if together else (name, f"{name}{VOTING}")


def make_task_run(
    path: Path,
    *,
    n: int = N,
    methods: tuple[str, ...] = tuple(SOLVED),
    solved: dict[str, Callable[[int], bool]] | None = None,
    text: Callable[[str, int], str] = text_of,
    overrides: dict[str, Any] | None = None,
) -> Path:
    """A finished run. Voting agrees with the one answer but on task 2, which it solves for every method."""
    solved = {**SOLVED, **(solved or {})}
    path.mkdir(parents=True)
    data = arc_config().model_dump(mode="json", exclude_none=True)
    data["data"]["n_evaluation"] = n
    for key, value in (overrides or {}).items():
        data[key] |= value
    config = parse_config(data, where="test")
    (path / "config.toml").write_text(dump_config(config))
    source = load_source(config, config.data.evaluation, n)
    grid = ArcAgi(config.table(ArcConfig)).form.grid
    evaluation, written = [], []
    order = in_order(m for name in methods for m in examined(name))
    for method in order:
        name = method.removesuffix(VOTING)
        for i, context in enumerate(source.contexts):
            right = solved[name](i) or (method != name and i == 2)
            one = _answer(grid, source.tasks[context.id], right)
            evaluation.append({"method": method, "context": context.id, "accuracy": float(right),
                               "likelihood": None, "coverage": 1.0, "answers": [one]})  # fmt: skip
            if method in WRITERS:
                written.append(
                    {"method": method, "context": context.id, "text": text(method, i), "truncated": False}
                )
    (path / "evaluation.jsonl").write_text(json_lines(evaluation))
    (path / "evaluation_self_edits.jsonl").write_text(json_lines(written))
    if "seal" in methods:
        _rounds(path, config.outer.rounds, control="random_selection" in methods)
    families = {id: family_of(task) for id, task in source.tasks.items()}
    records = [EvaluationRecord.from_json(one) for one in evaluation]
    fixed = (
        {"directive": asdict(OTHER), "trainings": 96, "candidates": 8} if "best_fixed" in methods else None
    )
    results = {
        "seed": 0,
        "wall_s": 90.0,
        "peak_memory_bytes": 1_500_000_000,
        "model": {"name": "toy", "parameters": 1234567, "sha256": "ab" * 32},
        "methods": method_table(records, order, seed=0),
        "differences": difference_table(
            records, [(a, b) for a, b in PAIRS if a in order and b in order], seed=0
        ),
        "families": family_table(records, families, order),
        "best_fixed": fixed,
    }
    (path / "results.json").write_text(json.dumps(results))
    return path


def _answer(grid: Representation, task: Task, right: bool) -> dict[str, str]:
    [pair] = task.test
    assert pair.output
    wrong = tuple(tuple(9 - cell for cell in row) for row in pair.output)
    return {
        "question": "",
        "gold": grid.write(pair.output),
        "answer": grid.write(pair.output if right else wrong),
        "outcome": "right" if right else "wrong",
        "reason": "" if right else "all cells differ",
    }


def _rounds(path: Path, rounds: int, *, control: bool) -> None:
    for r in range(1, rounds + 1):
        folder = path / f"rounds/{r}"
        (folder / "random_selection").mkdir(parents=True)
        texts = [render(BEFORE), render(AFTER), NONE]
        samples = [
            {"context": f"t{c}", "sample": i, "text": text, "truncated": False, "lines": 0}
            for c in range(4)
            for i, text in enumerate(texts)
        ]
        (folder / "self_edits.jsonl").write_text(json_lines(samples))
        rewards = [[0.1 * r, 0.1 * r + 0.2, 0.0] for _ in range(4)]
        decisions = [{"context": f"t{c}", "rewards": own, "baseline": None, "kept": [1], "weights": [1.0]}
                     for c, own in enumerate(rewards)]  # fmt: skip
        (folder / "decisions.json").write_text(json.dumps(decisions))
        if control:
            chance = [{**d, "rewards": [None] * 3, "kept": [0]} for d in decisions]
            (folder / "random_selection/decisions.json").write_text(json.dumps(chance))
