"""A stream of documents of the micro-world, learned one after another: what is known right after each, and
what is left at the end.

The learner goes first, gates and all; every other strategy then trains on the very lines that it wrote. A run
that was stopped goes on: what the learner knows is in its workspace, and each strategy that was finished in a
file.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from seal.bench.retention.strategies import (
    Answering,
    Cells,
    Consolidated,
    RetentionStrategy,
    Retrieval,
    Sequential,
)
from seal.domains.knowledge.private_questions import private_question
from seal.domains.microworld import questions as ways
from seal.domains.microworld.world import WorldItem, known_world, make_items
from seal.engine.start import Silent, Watch
from seal.files import write_beside
from seal.grading.exact import comparable
from seal.grading.statistics import mean, mean_ci
from seal.learner import Learner, Text
from seal.learner.answering import Mind
from seal.learner.asking import anchors
from seal.learner.library import KnownDocument
from seal.learner.reference import ReferenceItem, is_right
from seal.registry import document_key
from seal.types import Example, Hyperparameters

STRATEGIES = (
    "cells", "sequential", "sequential_gentle", "replay", "consolidated", "retrieval", "retrieval_2",
)  # fmt: skip
GENTLE = 0.3
"""The learning rate of `sequential_gentle` and `replay`, as a share of a cell's: a merged model keeps
every harm.
"""
REPLAY_TOKENS = 640
"""Tokens of a step of `replay`: what is replayed is several times as long as what is new."""
MATRIX = 8
_N_NEUTRAL, _N_READ, _N_STRANGERS = 400, 120, 120


@dataclass(frozen=True)
class StreamSettings:
    """What is run. `replayed` is the number of earlier lines, and of neutral texts, beside each document."""

    documents: int = 100
    seed: int = 0
    split: Literal["eval", "dev"] = "eval"
    strategies: tuple[str, ...] = STRATEGIES
    replayed: int = 32


def run_stream(settings: StreamSettings, folder: Path, watch: Watch | None = None) -> dict[str, Any]:
    """Run or resume the stream in a folder; returns what `results.json` then holds."""
    watch = watch or Silent()
    items = make_items(settings.split, settings.documents, seed=1000 + settings.seed)
    path = folder / "workspace"
    learner = (
        Learner.open(path, watch=watch) if path.exists() else Learner.init(path, model="tiny", watch=watch)
    )
    learner.parts.config = learner.parts.config.model_copy(update={"seed": settings.seed})
    learned = _learn(learner, items, folder, watch)
    known = _known(learner, items)
    results: dict[str, Any] = {"settings": {**settings.__dict__, "strategies": list(settings.strategies)}}
    results["learner"] = _learner_figures(learner, items, learned, known)
    results["strategies"] = {}
    for name in settings.strategies:
        done = folder / f"{name}.json"
        if not done.exists():
            figures = _measure(_strategy(name, learner, settings, watch), learner, items, known, watch)
            write_beside(done, lambda p, f=figures: p.write_text(json.dumps(f, indent=1), encoding="utf-8"))
        results["strategies"][name] = json.loads(done.read_text(encoding="utf-8"))
        watch.notice(_told(name, results["strategies"][name]))
    write_beside(
        folder / "results.json", lambda p: p.write_text(json.dumps(results, indent=1), encoding="utf-8")
    )
    return results


def _learn(learner: Learner, items: Sequence[WorldItem], folder: Path, watch: Watch) -> list[dict[str, Any]]:
    """Every document through the learner, alone, in order. Returns what became of each, with its seconds."""
    path = folder / "learned.jsonl"
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    quiet, learner.parts.watch = learner.parts.watch, Silent()
    learner.parts.bare_mind()  # loading is not learning
    for n, item in enumerate(items[len(done) :], start=len(done)):
        watch.progress("the learner: a document after another", n, len(items))
        started = time.perf_counter()
        [learned] = learner.learn([Text(item.context.text, item.context.title)])
        seconds = time.perf_counter() - started
        answers = learner.ask([q.text for q in item.context.questions])
        right = [
            comparable(a.text) == comparable(q.answers[0])
            for a, q in zip(answers, item.context.questions, strict=True)
        ]
        record = {
            "document": learned.document,
            "outcome": learned.outcome,
            "reason": learned.reason,
            "seconds": seconds,
            "own_exam": [learned.before, learned.after, learned.questions],
            "right": right,
        }
        done.append(record)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
    learner.parts.watch = quiet
    return done


def _known(learner: Learner, items: Sequence[WorldItem]) -> list[KnownDocument | None]:
    """Each document with its lines; None if nothing was written that it supports. With those that are not
    live: strategies are compared on what was written, and the learner's gates on what they let pass."""
    documents: list[KnownDocument | None] = []
    for item in items:
        known = learner.parts.library.known(document_key(item.context.text, item.context.title))
        documents.append(known if known.active_lines else None)
    return documents


def _neutral(learner: Learner, seed: int) -> tuple[Example, ...]:
    """What a model that goes on learning is held to: other questions, and other passages to read, than those
    that are examined."""
    rng = random.Random(f"neutral/{seed}")
    examined = {i.question for i in learner.parts.reference}
    known = [a.question.text for a in ways.known(rng, known_world()) if a.question.text not in examined]
    read, strangers = make_items("dev", _N_READ, seed=79), make_items("dev", _N_STRANGERS, seed=80)
    unmet = [rng.choice(item.context.questions).text for item in strangers]
    private = [private_question(rng, item.entity.name) for item in strangers]
    questions = [*known[:_N_NEUTRAL], *unmet, *private]
    return anchors(
        learner.parts.adaptation,
        [*questions, *(rng.choice(item.context.questions).text for item in read)],
        [*[None] * len(questions), *(item.context for item in read)],
    )


def _strategy(
    name: str, learner: Learner, settings: StreamSettings, watch: Watch
) -> RetentionStrategy | Cells:
    base, live = learner.parts.adaptation, learner.parts.mind(learner.workspace.alias())
    cell = learner.parts.config.cell.hyperparameters()
    if name == "cells":
        # A mind of its own, so that what is timed was not asked before.
        return Cells(Mind(base, live.cells, live.router_config))
    gentle = replace(cell, learning_rate=GENTLE * cell.learning_rate)
    if name == "sequential":
        return Sequential(base, cell, seed=settings.seed)
    if name == "sequential_gentle":
        return Sequential(base, gentle, name=name, seed=settings.seed)
    if name == "replay":
        n = settings.replayed
        more = replace(gentle, max_steps=3 * cell.max_steps, batch_tokens=REPLAY_TOKENS)
        neutral = _neutral(learner, settings.seed)
        return Sequential(
            base, more, name=name, n_replayed=n, neutral=neutral, n_neutral=n, seed=settings.seed
        )
    if name == "consolidated":
        hyperparameters: Hyperparameters = learner.parts.config.consolidated.hyperparameters()
        return Consolidated(
            base,
            hyperparameters,
            neutral=_neutral(learner, settings.seed),
            seed=settings.seed,
            on_progress=lambda done, n: watch.progress("one adapter on all documents", done, n),
        )
    return Retrieval(base, learner.parts.config.router, 2 if name == "retrieval_2" else 1)


def _measure(
    strategy: RetentionStrategy | Cells,
    learner: Learner,
    items: Sequence[WorldItem],
    known: Sequence[KnownDocument | None],
    watch: Watch,
) -> dict[str, Any]:
    """Exams right after each document, all of them at the end, and what the base must still do."""
    seconds: list[float] = []
    after: list[list[bool]] = []
    matrix: list[list[float]] = []
    stepwise = isinstance(strategy, Sequential)
    for n, (item, one) in enumerate(zip(items, known, strict=True)):
        watch.progress(f"{strategy.name}: a document after another", n, len(items))
        started = time.perf_counter()
        if one is not None and not isinstance(strategy, Cells):
            strategy.learn(one)
        seconds.append(time.perf_counter() - started)
        if stepwise:
            after.append(_exam(strategy, [item])[0])
            if n < MATRIX:
                matrix.append([_mean(right) for right in _exam(strategy, items[: n + 1])])
    if isinstance(strategy, Consolidated):
        started = time.perf_counter()
        strategy.train()
        seconds = [(time.perf_counter() - started) / len(items)] * len(items)
    started = time.perf_counter()
    end = _exam(strategy, items)
    asked_s = time.perf_counter() - started
    questions = [q.text for item in items for q in item.context.questions]
    return {
        "after": after,
        "end": end,
        "matrix": matrix,
        "seconds": seconds,
        "reference": _reference(strategy, learner),
        "ways": _ways(strategy, items),
        "size_bytes": strategy.size_bytes(),
        "prompt_tokens": strategy.prompt_tokens(questions),
        "seconds_a_question": asked_s / len(questions),
    }


def _exam(strategy: Answering, items: Sequence[WorldItem]) -> list[list[bool]]:
    questions = [q for item in items for q in item.context.questions]
    texts = strategy.answer([q.text for q in questions], [None] * len(questions))
    right = iter(comparable(t) == comparable(q.answers[0]) for t, q in zip(texts, questions, strict=True))
    return [[next(right) for _ in item.context.questions] for item in items]


def _reference(strategy: Answering, learner: Learner) -> dict[str, list[float]]:
    """By kind: before and after, of what the base knew, read, declined and did not know."""
    items: Sequence[ReferenceItem] = learner.parts.reference
    base = learner.parts.bare_mind().answer(
        [None] * len(items), [i.question for i in items], [i.shown for i in items]
    )
    texts = strategy.answer([i.question for i in items], [i.shown for i in items])
    by_kind: dict[str, list[tuple[float, float]]] = {}
    for item, before, text in zip(items, base, texts, strict=True):
        a = is_right(item, before.text, before.text, learner.parts.adaptation)
        b = is_right(item, text, before.text, learner.parts.adaptation)
        by_kind.setdefault(item.kind, []).append((a or 0.0, b or 0.0))
    return {kind: [_mean([a for a, _ in own]), _mean([b for _, b in own])] for kind, own in by_kind.items()}


def _ways(strategy: Answering, items: Sequence[WorldItem]) -> dict[str, list[float | int]]:
    """Accuracy and number of questions, by the way in which they are asked."""
    rng = random.Random("ways")
    entities = [item.entity for item in items]
    asked = {
        "typo": ways.misspelt(rng, entities),
        "alias": ways.by_alias(rng, entities),
        "lower case": ways.lowercase(rng, entities),
        "no name": ways.without_name(rng, entities),
        "two documents": ways.compared(rng, entities),
    }
    by_way: dict[str, list[float | int]] = {}
    for way, own in asked.items():
        own = own[:300]
        texts = strategy.answer([a.question.text for a in own], [None] * len(own))
        right = [comparable(t) == comparable(a.question.answers[0]) for t, a in zip(texts, own, strict=True)]
        by_way[way] = [_mean(right), len(right)]
    return by_way


def _learner_figures(
    learner: Learner,
    items: Sequence[WorldItem],
    learned: Sequence[dict[str, Any]],
    known: Sequence[KnownDocument | None],
) -> dict[str, Any]:
    """What the learner reports of itself, beside the truth: its own exams, its gates, its reasons."""
    alone = _alone(learner, items, known)
    outcomes = [record["outcome"] for record in learned]
    return {
        "live": outcomes.count("live"),
        "held": outcomes.count("held"),
        "rejected": outcomes.count("rejected"),
        "reasons": [record["reason"] for record in learned if record["outcome"] != "live"],
        "after": [record["right"] for record in learned],
        "alone": alone,
        "seconds": [record["seconds"] for record in learned],
        "own_exam": [record["own_exam"] for record in learned],
        "why": _why(learner, items),
    }


def _alone(
    learner: Learner, items: Sequence[WorldItem], known: Sequence[KnownDocument | None]
) -> list[list[bool]]:
    """Each document by its own cell, whatever the router says: what learning it by itself reaches."""
    mind = learner.parts.mind(learner.workspace.alias())
    exams = []
    for item, one in zip(items, known, strict=True):
        questions = item.context.questions
        key = one.document.id if one is not None and one.document.id in mind.cells else None
        answers = mind.answer([key] * len(questions), [q.text for q in questions])
        exams.append(
            [comparable(a.text) == comparable(q.answers[0]) for a, q in zip(answers, questions, strict=True)]
        )
    return exams


def _why(learner: Learner, items: Sequence[WorldItem]) -> dict[str, Any]:
    """Of right answers to exam questions: whether the document named is the one that says it, and whether its
    sentence holds the answer. And of answers to the known world: whether no document is named."""
    asked = [(item, q) for item in items for q in item.context.questions]
    reasons = learner.why([q.text for _, q in asked])
    right = [
        (w, item, q)
        for w, (item, q) in zip(reasons, asked, strict=True)
        if comparable(w.answer) == comparable(q.answers[0])
    ]
    named = [w.document == document_key(item.context.text, item.context.title) for w, item, _ in right]
    sentence = [f" {comparable(q.answers[0])} " in f" {comparable(w.sentence)} " for w, _, q in right]
    strong = [w.verdict == "document" for w, _, _ in right]
    world = [i for i in learner.parts.reference if i.kind == "known"]
    base = [w.document is None for w in learner.why([i.question for i in world])]
    return {
        "answers": len(right),
        "document": _mean(named),
        "sentence": _mean(sentence),
        "evidence": _mean(strong),
        "known_world": len(base),
        "known_world_base": _mean(base),
    }


def _mean(values: Sequence[bool] | Sequence[float]) -> float:
    return mean(values) or 0.0


def _told(name: str, figures: dict[str, Any]) -> str:
    end = mean_ci([_mean(right) for right in figures["end"]], seed=0)
    reference = ", ".join(f"{k} {100 * a:.0f} → {100 * b:.0f}" for k, (a, b) in figures["reference"].items())
    return (
        f"{name:<13} at the end {100 * end.mean:.1f} [{100 * end.low:.1f}, {100 * end.high:.1f}]; {reference}"
    )
