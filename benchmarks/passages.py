"""How often the passage that answers a question is found, and how well it is known that none does.

    python benchmarks/passages.py [--squad FILE] [--documents FILE] [--encoder] [--model NAME] [--fit]

Own small collections in English, German and Chinese (benchmarks/data/passages.json), documents of the
micro-world, and as given: SQuAD passages and everyday documents (examples/real_documents/*.json), both lists
of `title`, `context` and `questions`. Prints Markdown tables; intervals are over documents. With `--encoder`
also by meaning; with `--model` ranked by that model too, as `ask` does. `--fit` prints the coefficients of
seal.retention.certainty instead, from what is given, which has to be development data.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.stats import rankdata

from seal.domains.microworld import questions
from seal.domains.microworld.world import make_items, passage
from seal.grading.statistics import cluster_means, mean_ci
from seal.retention import (
    CellRouter,
    DocumentPage,
    Encoder,
    Finder,
    PageText,
    PassageIndex,
    PassageMatch,
    Reranker,
)
from seal.retention.certainty import confidence, features
from seal.retention.finder import LEAST_ASKED, RERANKED, is_sure
from seal.text import sentences

OWN = Path(__file__).parent / "data" / "passages.json"
_DEVELOPMENT = ("Nikola Tesla", "European Union law")
"""SQuAD articles on which things were chosen; the others were kept for the figures."""
_RUN = 8  # SQuAD passages that make a long document


@dataclass(frozen=True)
class Asked:
    """A question, the keys of all documents that it needs, and the answers if they stand in a text."""

    text: str
    keys: tuple[str, ...]
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Way:
    """By what passages are found."""

    name: str
    encoder: Encoder | None = None
    reranker: Reranker | None = None

    def search(self, index: PassageIndex, question: str) -> tuple[PassageMatch, ...]:
        """The passages, ranked anew by the rule of the finder."""
        found = index.look(question)
        if self.reranker is not None and confidence(found.best(1)) >= LEAST_ASKED:
            found = found.informed(self.reranker.information(question, found.best(RERANKED)))
        return found.passages(3)


@dataclass(frozen=True)
class Collection:
    name: str
    sources: tuple[PageText, ...]
    asked: tuple[Asked, ...]

    def finder(self, way: Way) -> Finder:
        pages = [DocumentPage(x.key, x.title, tuple(sentences(x.text)), x.sequence) for x in self.sources]
        pairs = zip(pages, self.sources, strict=True)
        return Finder(pairs, encoder=way.encoder, reranker=way.reranker)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure how passages are found.")
    parser.add_argument("--squad", type=Path, help="passages of SQuAD with their questions")
    parser.add_argument("--half", choices=("development", "held-out"), default="held-out")
    parser.add_argument("--documents", type=Path, help="everyday documents with their questions")
    parser.add_argument("--encoder", action="store_true", help="compare by meaning too")
    parser.add_argument("--model", help="rank passages by this model too, as for `seal init`")
    parser.add_argument("--fit", action="store_true", help="print coefficients for the confidence")
    options = parser.parse_args(arguments)
    collections = list(_given(options.squad, options.half, options.documents))
    encoder = _encoder() if options.encoder else None
    if options.fit:
        _print_fit(collections, encoder)
        return 0
    collections += list(_own())
    ways = [Way("words")] + ([Way("words and meaning", encoder)] if encoder else [])
    if options.model:
        ways.append(Way(f"{ways[-1].name}, ranked by {options.model}", encoder, _reranker(options.model)))
    _print_head("documents | by | questions | first | all needed among 3 | answer in the text of 3")
    for collection in collections:
        for way in ways:
            _print_found(collection, way)
    print()
    _print_head("documents | by | routed right | found though taken out | general routed | AUC, there or not")
    for collection in collections:
        for way in ways:
            _print_routed(collection, way)
    _print_microworld()
    _print_speed()
    return 0


def _print_head(columns: str) -> None:
    print(f"| {columns} |\n{'|---' * (columns.count('|') + 1)}|")


class _Remembering:
    """An encoder that encodes nothing twice: the same questions are asked of many indices here."""

    def __init__(self, inner: Encoder) -> None:
        self._inner = inner

    def encode(self, texts: Sequence[str], *, keep: bool = False) -> np.ndarray:
        return self._inner.encode(texts, keep=True)


def _encoder() -> Encoder:
    from seal.models.sentence_encoder import SentenceEncoder

    return _Remembering(SentenceEncoder())


def _reranker(model: str) -> Reranker:
    from seal.engine.adapt import Adaptation
    from seal.learner.reranking import WriterReranker
    from seal.learner.settings import preset
    from seal.learner.skills import skills_of

    skills = skills_of(Adaptation.load(preset(model).engine_config(model)), lambda *_: None)
    return WriterReranker(lambda: skills)


def _own() -> Iterator[Collection]:
    for name, given in json.loads(OWN.read_text(encoding="utf-8")).items():
        sources = tuple(PageText(title, title, text) for title, text in given["documents"].items())
        yield Collection(name, sources, tuple(Asked(text, tuple(keys)) for text, keys in given["questions"]))


def _given(squad: Path | None, half: str, documents: Path | None) -> Iterator[Collection]:
    if squad:
        every = json.loads(squad.read_text(encoding="utf-8"))
        own = [one for one in every if (one["title"] in _DEVELOPMENT) == (half == "development")]
        yield _collection(f"SQuAD, {half}, titles hidden", [[one] for one in own], titles=False)
        yield _collection(f"SQuAD, {half}, titles shown", [[one] for one in own])
        runs = [own[at : at + _RUN] for at in range(0, len(own), _RUN)]
        yield _collection(f"SQuAD, {half}, {_RUN} passages a document", runs)
    if documents:
        every = json.loads(documents.read_text(encoding="utf-8"))
        yield _collection("everyday documents", [[one] for one in every])


def _collection(name: str, groups: Iterable[list[dict[str, Any]]], *, titles: bool = True) -> Collection:
    sources, asked = [], []
    for number, group in enumerate(groups):
        key, text = f"{number:04}", "\n\n".join(one["context"] for one in group)
        sources.append(PageText(key, group[0]["title"] if titles else "", text, sequence=number))
        gathered: dict[str, list[str]] = {}
        for question in (question for one in group for question in one["questions"]):
            answers = question.get("answers") or [question["answer"]]
            gathered.setdefault(question["question"], []).extend(answers)
        asked += [Asked(question, (key,), tuple(answers)) for question, answers in gathered.items()]
    return Collection(name, tuple(sources), tuple(asked))


def _general() -> list[str]:
    """The general questions that the package carries, which no document answers."""
    lines = (files("seal.learner") / "general.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[0] for line in lines if line.strip() and not line.startswith("#")]


def _print_found(collection: Collection, way: Way) -> None:
    index = PassageIndex(collection.sources, encoder=way.encoder)
    first, among, stated = {}, {}, {}
    for at, one in enumerate(collection.asked):
        found = way.search(index, one.text)
        keys = [match.key for match in found]
        first[at, one.keys] = float(keys[:1] == [one.keys[0]] or keys[:1] == [one.keys[-1]])
        among[at, one.keys] = float(set(one.keys) <= set(keys))
        if one.answers:
            texts = [_letters(match.text) for match in found]
            stated[at, one.keys] = float(any(_letters(a) in text for a in one.answers for text in texts))
    shares = " | ".join(_percent(values) for values in (first, among, stated))
    print(f"| {collection.name} | {way.name} | {len(collection.asked):,} | {shares} |", flush=True)


def _print_routed(collection: Collection, way: Way) -> None:
    finder = collection.finder(way)
    right, wrong, sure, unsure = {}, {}, [], []
    for at, one, found, without in _with_and_without(collection, way):
        documents = finder.find(one.text).documents
        right[at, one.keys] = float(bool(documents) and documents[0].key in one.keys)
        wrong[at, one.keys] = float(is_sure(without))
        sure.append(confidence(found))
        unsure.append(confidence(without))
    general = {(at, text): float(bool(finder.find(text).documents)) for at, text in enumerate(_general())}
    shares = " | ".join(_percent(values) for values in (right, wrong, general))
    print(f"| {collection.name} | {way.name} | {shares} | {_auc(sure, unsure):.3f} |", flush=True)


def _with_and_without(
    collection: Collection, way: Way
) -> Iterator[tuple[int, Asked, tuple[PassageMatch, ...], tuple[PassageMatch, ...]]]:
    """Each question with what is found, and with what is found once its documents were taken out."""
    index = PassageIndex(collection.sources, encoder=way.encoder)
    index.search("")  # the passages are encoded once, and not for each index that lacks one
    fewer = {keys: index.without(*keys) for keys in {one.keys for one in collection.asked}}
    for at, one in enumerate(collection.asked):
        yield at, one, way.search(index, one.text), way.search(fewer[one.keys], one.text)


def _auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    ranks = rankdata([*positive, *negative])[: len(positive)]
    n = len(positive)
    return float((ranks.sum() - n * (n + 1) / 2) / (n * len(negative)))


def _print_fit(collections: Sequence[Collection], encoder: Encoder | None) -> None:
    """Logistic regression, each collection of the same weight. Every other general question is left out, for
    a check on the others."""
    rows: list[tuple[float, ...]] = []
    labels, weights = [], []
    for collection in collections:
        own: list[tuple[tuple[float, ...], float]] = []
        for _, one, found, without in _with_and_without(collection, Way("", encoder)):
            own.append((_features(found), float(any(match.key in one.keys for match in found))))
            own.append((_features(without), 0.0))
        index = PassageIndex(collection.sources, encoder=encoder)
        own += [(_features(index.search(text)), 0.0) for text in _general()[::2]]
        rows += [row for row, _ in own]
        labels += [label for _, label in own]
        weights += [1 / len(own) / len(collections)] * len(own)
    X, y, w = np.c_[np.ones(len(rows)), np.array(rows)], np.array(labels), np.array(weights)

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        p = 1 / (1 + np.exp(-X @ beta))
        value = -(w * (y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12))).sum()
        return float(value + 1e-4 * beta[1:] @ beta[1:]), X.T @ (w * (p - y)) + 2e-4 * np.r_[0, beta[1:]]

    print(np.round(minimize(loss, np.zeros(X.shape[1]), jac=True).x, 2).tolist())


def _features(found: Sequence[PassageMatch]) -> tuple[float, ...]:
    return features(found[0].evidence) if found else (0.0, 0.0, 0.0, 1.0, 0.0)


def _print_microworld() -> None:
    """The ways of asking of benchmarks/routing.py, on the passages alone: the router, and the finder."""
    rng = random.Random("passages/dev")
    items = make_items("dev", 100, seed=1)
    entities, pairs = [item.entity for item in items], questions.linked_pairs(rng, "dev", 50)
    texts = {item.entity.name: item.context.text for item in items}
    texts |= {entity.name: passage(rng, entity) for pair in pairs for entity in pair}
    asked = [one for generate in questions.WAYS.values() for one in generate(rng, entities)]
    asked += questions.across(rng, pairs) + questions.never_met(rng, "dev", 100, entities)
    asked += questions.described_never_met(rng, "dev", 100, entities)
    pages = [DocumentPage(k, k, tuple(sentences(t)), i) for i, (k, t) in enumerate(texts.items())]
    sources = [PageText(k, k, t, sequence=i) for i, (k, t) in enumerate(texts.items())]
    router, finder = CellRouter(pages), Finder(zip(pages, sources, strict=True))
    print()
    _print_head(
        "micro-world | questions | router: first | all | none | finder: first | all | none | read: all"
    )
    for way in dict.fromkeys(one.way for one in asked):
        own = [one for one in asked if one.way == way]
        found = [finder.find(one.question.text) for one in own]
        by_router = [[match.key for match in router.route(one.question.text)] for one in own]
        by_finder = [[match.key for match in one.documents] for one in found]
        needed = [set(one.entities) for one in own]
        cells = []
        for routed in (by_router, by_finder):
            cells += [_share(keys[:1] and keys[0] in need for need, keys in zip(needed, routed))]
            cells += [_share(need and need <= set(keys) for need, keys in zip(needed, routed))]
            cells += [_share(not keys for keys in routed)]
        read = [{match.key for match in one.passages} for one in found]
        cells += [_share(need and need <= keys for need, keys in zip(needed, read))]
        print(f"| {way} | {len(own):,} | {' | '.join(cells)} |")


def _print_speed() -> None:
    rng = random.Random("passages/speed")
    words = sorted({word for item in make_items("dev", 100, seed=1) for word in item.context.text.split()})
    drawn = [[rng.choices(words, k=14) for _ in range(21)] for _ in range(1000)]
    texts = [" ".join(" ".join(line).capitalize() + "." for line in lines) for lines in drawn]
    sources = [PageText(str(i), f"Document {i}", text) for i, text in enumerate(texts)]
    asked = [" ".join(rng.choices(words, k=9)) + "?" for _ in range(200)]
    whole = _seconds(lambda: PassageIndex(sources))
    index = PassageIndex(sources)
    add = _seconds(lambda: index.with_pages(sources[0]))
    search = _seconds(lambda: [index.search(one) for one in asked]) / len(asked)
    print(f"\n1,000 documents of 294 words, processor time: {whole:.2f} s to index, ", end="")
    print(f"{add * 1000:.1f} ms to add one, {search * 1000:.2f} ms a search")


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _share(values: Iterable[object]) -> str:
    found = [bool(value) for value in values]
    return f"{100 * sum(found) / len(found):.1f}"


def _percent(values: dict[tuple[int, Any], float]) -> str:
    if not values:
        return ""
    mean = mean_ci(cluster_means(values, lambda key: key[1]).values(), seed=0, n_resamples=2000)
    return f"{100 * mean.mean:.1f} [{100 * mean.low:.1f}, {100 * mean.high:.1f}]"


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text.casefold())


if __name__ == "__main__":
    raise SystemExit(main())
