"""Work in chunks: done here one after another, or by the workers of a cluster, each as it comes.

What a chunk gives depends in its last bits on what is in it, and on how it is divided among processes. So
both follow from the configuration alone, and it is the same wherever the chunks are done, and in which order.
Knows nothing about what becomes of results.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from seal.engine.adapt import Adaptation, Trial, cost_tokens, learn_on_own
from seal.engine.cluster import Act, Division
from seal.engine.racing import Race, RaceRules, cost_of_race, race, race_on_own
from seal.engine.work import WorkKind
from seal.types import Context, Score, SelfEdit

T = TypeVar("T")
ExamOf = tuple[Context, Context | None]
"""A context whose questions are asked, and the one that is shown with them."""


@dataclass(frozen=True)
class WorkChunk(Generic[T]):
    """Work on some items, and how the stage is called in which it is done."""

    items: Sequence[T]
    stage: str


def in_chunks(items: Sequence[T], size: int) -> Iterator[tuple[int, Sequence[T]]]:
    """Parts of `items`, each with how many there are up to its end. They are the same in every sitting."""
    for at in range(0, len(items), size):
        chunk = items[at : at + size]
        yield at + len(chunk), chunk


def write_chunks(
    adaptation: Adaptation, chunks: Sequence[WorkChunk[Context]], n: int, *, seed: object, model: Any = None
) -> Iterator[tuple[int, list[list[SelfEdit]]]]:
    """`Adaptation.write` of each chunk, with the chunk's number, as they are done."""
    if adaptation.cluster is None or adaptation.endpoint is not None:
        for at, chunk in enumerate(chunks):
            yield at, adaptation.write(chunk.items, n, seed=seed, model=model, stage=chunk.stage)
        return
    yield from _spread(adaptation, partial(_write, n=n, seed=seed), chunks, model, kind="write", worth=n)


def learn_chunks(
    adaptation: Adaptation, chunks: Sequence[WorkChunk[Trial]], *, answers: bool, model: Any = None
) -> Iterator[tuple[int, list[Score]]]:
    """`Adaptation.learn_and_examine` of each chunk, with the chunk's number, as they are done."""
    if adaptation.cluster is None:
        for at, chunk in enumerate(chunks):
            scores = adaptation.learn_and_examine(
                chunk.items, answers=answers, model=model, stage=chunk.stage
            )
            yield at, scores
        return
    on_base = model is None or model is adaptation.model
    cost = partial(cost_tokens, adaptation)
    parts = [adaptation.workers.parts(chunk.items, cost) for chunk in chunks] if on_base else None
    act = partial(learn_on_own, answers=answers)
    yield from _spread(adaptation, act, chunks, model, kind="train", parts=parts)


def race_chunks(
    adaptation: Adaptation,
    chunks: Sequence[WorkChunk[Race]],
    rules: RaceRules,
    *,
    answers: bool,
    model: Any = None,
) -> Iterator[tuple[int, list[list[Score]]]]:
    """`race` of each chunk, with the chunk's number, as they are done. All races have as many trials."""
    if adaptation.cluster is None:
        for at, chunk in enumerate(chunks):
            yield at, race(adaptation, chunk.items, rules, answers=answers, model=model, stage=chunk.stage)
        return
    on_base = model is None or model is adaptation.model
    cost = partial(cost_of_race, adaptation)
    parts = [adaptation.workers.parts(chunk.items, cost) for chunk in chunks] if on_base else None
    act = partial(race_on_own, rules=rules, answers=answers)
    worth = len(chunks[0].items[0].trials) if chunks else 1
    yield from _spread(adaptation, act, chunks, model, kind="train", worth=worth, parts=parts)


def examine_chunks(
    adaptation: Adaptation, chunks: Sequence[WorkChunk[ExamOf]]
) -> Iterator[tuple[int, list[Score]]]:
    """`Adaptation.examine` of each chunk by the bare base, with the chunk's number, as they are done."""
    if adaptation.cluster is None:
        for at, chunk in enumerate(chunks):
            yield at, adaptation.examine(chunk.items, stage=chunk.stage)
        return
    yield from _spread(adaptation, _examine, chunks, None)


def _spread(
    adaptation: Adaptation,
    act: Act,
    chunks: Sequence[WorkChunk[Any]],
    model: Any,
    *,
    kind: WorkKind | None = None,
    worth: int = 1,
    parts: Sequence[Division] | None = None,
) -> Iterator[tuple[int, list[Any]]]:
    """The chunks on the adaptation's cluster; `kind` and `worth` of an item are for its account of work."""
    assert adaptation.cluster is not None
    total, n_done, since = sum(len(chunk.items) for chunk in chunks), 0, time.perf_counter()
    whole = [[range(len(chunk.items))] for chunk in chunks]
    learner = adaptation.model if model is None else model
    if chunks:
        adaptation.on_progress(chunks[0].stage, 0, total)
    items = [chunk.items for chunk in chunks]
    for at, results in adaptation.cluster.each(act, items, learner, parts or whole):
        n_done += len(results)
        if kind is not None:
            adaptation.work.did(kind, len(results) * worth, time.perf_counter() - since)
        adaptation.on_progress(chunks[at].stage, n_done, total)
        yield at, results
        since = time.perf_counter()


def _write(adaptation: Adaptation, contexts: Sequence[Context], *, n: int, seed: object) -> list[Any]:
    return adaptation.write(contexts, n, seed=seed)


def _examine(adaptation: Adaptation, exams: Sequence[ExamOf]) -> list[Score]:
    return adaptation.examine(exams)
