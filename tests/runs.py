"""Run folders made by formula, as the loops leave them. Every figure follows from RIGHT; no model is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seal.domains.knowledge import load_contexts
from seal.grading.statistics import mean_ci, paired_difference
from seal.research.config import dump_config, parse_config

N, QUESTIONS, ROUNDS = 12, 6, 2
RIGHT = {
    "base": lambda i: 0,
    "open_book": lambda i: 6,
    "passage": lambda i: 1 + i % 2,
    "self_edit": lambda i: 2 + i % 2,
    "round_1": lambda i: 3 + i % 2,
    "random_selection": lambda i: 2 + (i + 1) % 2,
    "seal": lambda i: 4 + i % 2 if i else 1,
    "gold": lambda i: 5 + i % 2,
}
NASTY = "<script>alert('x')</script> & \"quoted\""


def json_lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def make_run(
    path: Path,
    *,
    seed: int = 0,
    methods: tuple[str, ...] = tuple(RIGHT),
    right: dict[str, Any] | None = None,
    n: int = N,
    rounds: int = ROUNDS,
    ungraded: int = 0,
    gold: bool = True,
    overrides: dict[str, Any] | None = None,
) -> Path:
    """A finished run: method m answers the first right[m](i) questions of passage i. The first `ungraded`
    questions of each could not be graded."""
    right = {**RIGHT, **(right or {})}
    path.mkdir(parents=True)
    passages = [
        {
            "title": f"Town {i}",
            "context": f"Town {i} {NASTY} has a fact.",
            "questions": [
                {"question": f"What is fact {q} of town {i}?", "answer": f"fact{q}town{i}"}
                for q in range(QUESTIONS)
            ],
        }
        for i in range(n)
    ]  # fmt: skip
    (path / "passages.json").write_text(json.dumps(passages))
    ids = [context.id for context in load_contexts(path / "passages.json")]
    config = parse_config(
        {
            "seed": seed,
            "data": {"evaluation": str(path / "passages.json"), "n_evaluation": n},
            "inner": {"max_steps": 24},
            "outer": {"rounds": rounds},
            "self_edit": {"samples": 3},
            **(overrides or {}),
        },
        where="test",
    )
    (path / "config.toml").write_text(dump_config(config))
    evaluation, written = [], []
    for method in methods:
        for i, context in enumerate(ids):
            answers = [
                {"question": f"What is fact {q} of town {i}?", "gold": f"fact{q}town{i}" if gold else "",
                 "answer": f"fact{q}town{i}" if q < right[method](i) else NASTY,
                 "outcome": "ungraded" if q < ungraded else "right" if q < right[method](i) else "wrong",
                 "reason": "no reply" if q < ungraded else ""}
                for q in range(QUESTIONS)
            ]  # fmt: skip
            graded = [a["outcome"] == "right" for a in answers if a["outcome"] != "ungraded"]
            accuracy = sum(graded) / len(graded) if graded else None
            evaluation.append({"method": method, "context": context, "accuracy": accuracy, "likelihood": 0.5,
                               "coverage": len(graded) / QUESTIONS, "answers": answers})  # fmt: skip
            if method in ("self_edit", "round_1", "random_selection", "seal"):
                text = "".join(f"The town is fact{q}town{i}.\n" for q in range(right[method](i))) + NASTY
                written.append({"method": method, "context": context, "text": text, "truncated": False})
    (path / "evaluation.jsonl").write_text(json_lines(evaluation))
    (path / "evaluation_self_edits.jsonl").write_text(json_lines(written))
    for r in range(1, rounds + 1):
        control = path / f"rounds/{r}/random_selection"
        control.mkdir(parents=True)
        rewards = [[0.1 * r, None, 0.1 * r + 0.01 * (i % 5) + 0.2] for i in range(4)]
        decisions = [
            {"context": f"t{i}", "rewards": own, "baseline": None, "kept": [2], "weights": [1.0]}
            for i, own in enumerate(rewards)
        ]
        chance = [
            {"context": f"t{i}", "rewards": [None] * 3, "baseline": None, "kept": [0], "weights": [1.0]}
            for i in range(4)
        ]
        (control.parent / "decisions.json").write_text(json.dumps(decisions))
        (control / "decisions.json").write_text(json.dumps(chance))
        scores = [{"context": "t0", "sample": 1, "seed": 0, "accuracy": None, "likelihood": None,
                   "coverage": 0.0, "reason": "the loss was not finite"}]  # fmt: skip
        (control.parent / "scores.jsonl").write_text(json_lines(scores))
    metrics = [
        {"time": 1.0, "event": "policy_update", "arm": "seal", "round": 1, "examples": 4, "loss": 0.25}
    ]
    (path / "metrics.jsonl").write_text(json_lines(metrics))

    accuracies = {m: {r["context"]: r["accuracy"] for r in evaluation if r["method"] == m} for m in methods}
    rows, differences = [], []
    for m in methods:
        # fmt: off
        row: dict[str, Any] = {"name": m, "accuracy": None, "ci95": None, "n_contexts": n,
                               "n_questions": n * QUESTIONS, "coverage": 1 - ungraded / QUESTIONS}
        # fmt: on
        if ungraded < QUESTIONS:
            found = mean_ci(accuracies[m].values(), seed=0)
            row |= {"accuracy": found.mean, "ci95": None if n == 1 else [found.low, found.high]}
        rows.append(row)
    pairs = (("self_edit", "passage"), ("seal", "self_edit"), ("seal", "random_selection"), ("gold", "seal"))
    for a, b in pairs:
        if a in methods and b in methods and ungraded < QUESTIONS:
            found = paired_difference(accuracies[a], accuracies[b], seed=0)
            ci95 = None if n == 1 else [found.low, found.high]
            differences.append({"a": a, "b": b, "mean": found.mean, "ci95": ci95})
    results = {
        "seed": seed, "wall_s": 90.0, "peak_memory_bytes": 1_500_000_000,
        "model": {"name": "toy", "parameters": 1234567, "sha256": "ab" * 32},
        "methods": rows, "differences": differences,
    }  # fmt: skip
    (path / "results.json").write_text(json.dumps(results))
    return path
