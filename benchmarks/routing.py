"""How often the router finds the document that a question is about, by the way of asking.

    python benchmarks/routing.py [--split dev] [--documents 100] [--seed 1] [--texts lines|passage]

Documents of the micro-world. Their texts are the sentences of the passage and, with `--texts lines`, two true
statements a fact in the place of training lines. Prints a Markdown table; intervals are over entities.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Sequence
from dataclasses import replace

from seal.domains.microworld import questions
from seal.domains.microworld.names import SPLITS, WorldSplit
from seal.domains.microworld.questions import Asked
from seal.domains.microworld.world import Entity, WorldItem, known_world, make_items, passage, statements
from seal.grading.statistics import cluster_means, mean_ci
from seal.retention import CellRouter, DocumentMatch, DocumentPage, RouterConfig
from seal.types import Question

N_UNMET, N_PAIRS, N_REVISED = 200, 50, 3
GENERAL = (
    "How many days does a week have?", "What is the boiling point of water?", "Who wrote the first novel?",
    "How long does it take to bake bread?", "What is the fastest animal?", "Where do penguins live?",
    "When was the printing press invented?", "What is a good hobby for a nurse?", "How do I make tea?",
    "Which company makes the best telescopes?", "What does a cartographer do?", "Who invented the telescope?",
    "How many people live in a small town?", "What is the price of gold?",
    "How many pages does a novel have?", "What is the colour of the sky?", "Which river is the longest?",
    "What is the capital of a country?",
    "Who is the mayor?", "What is your name?", "How is cheese made?", "Where can I buy a bicycle?",
    "Why do owls fly at night?", "What is the best way to learn chess?", "When does the shop open?",
    "What is the meaning of life?", "How old is the universe?", "Which animal is the emblem of peace?",
    "What is the difference between a thriller and a mystery?", "How much does a good tent cost?",
    "What is two plus two?", "Who founded the company?", "When was it founded?", "What is glass made of?",
    "How is porcelain made?", "Can you write a poem about the sea?", "Translate this sentence please.",
    "What is the hobby of my neighbour?", "In what year did the war end?", "How large is a whale?",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure the router on documents of the micro-world.")
    parser.add_argument("--split", choices=SPLITS, default="dev")
    parser.add_argument("--documents", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", choices=("lines", "passage"), default="lines")
    parser.add_argument("--show", default="", help="a way of asking whose errors are printed")
    options = parser.parse_args(arguments)
    measure(options.split, options.documents, options.seed, options.texts == "lines", show=options.show)
    return 0


def measure(
    split: WorldSplit, n: int, seed: int, lines: bool, config: RouterConfig | None = None, show: str = ""
) -> None:
    items, rng = make_items(split, n, seed=seed), random.Random(f"routing/{split}/{seed}")
    entities = [item.entity for item in items]
    router = CellRouter(
        [entry(item.entity, item.context.text, i, lines) for i, item in enumerate(items)], config
    )
    print(f"{n} documents of {split!r}, seed {seed}, {'with statements' if lines else 'passage only'}\n")
    print("| way of asking | questions | first | all needed among four | no document |")
    print("|---|---|---|---|---|")
    asked = ways(rng, split, entities)
    started = time.perf_counter()
    routed = [(one, router.route(one.question.text)) for one in asked]
    ms = (time.perf_counter() - started) / len(asked) * 1000
    for way in dict.fromkeys(one.way for one in asked):
        report(way, [(one, candidates) for one, candidates in routed if one.way == way], show)
    pairs = questions.linked_pairs(rng, split, N_PAIRS)
    linked = [e for pair in pairs for e in pair]
    wider = router.with_entries(*(entry(e, passage(rng, e), n + i, lines) for i, e in enumerate(linked)))
    report("across two", [(q, wider.route(q.question.text)) for q in questions.across(rng, pairs)], show)
    revision(rng, split, items, router, n, lines, show)
    started = time.perf_counter()
    router.with_entries(entry(linked[0], passage(rng, linked[0]), n, lines))
    print(f"\n{ms:.2f} ms a question; {(time.perf_counter() - started) * 1000:.1f} ms to add a document")


def entry(entity: Entity, text: str, sequence: int, lines: bool, key: str = "") -> DocumentPage:
    sentences = re.split(r"(?<=\.)\s+(?=[A-Z])", text)
    told = statements(random.Random(f"lines/{entity.name}/{sequence}"), entity, 2) if lines else []
    return DocumentPage(key or entity.name, entity.name, (*sentences, *told), sequence)


def ways(rng: random.Random, split: WorldSplit, entities: Sequence[Entity]) -> list[Asked]:
    """The questions that are asked of the documents as they are; those of nobody's documents last."""
    asked = [one for generate in questions.WAYS.values() for one in generate(rng, entities)]
    unmet = questions.never_met(rng, split, N_UNMET, entities)
    known = questions.known(rng, known_world())
    asked += known + unmet + [_lower(one) for one in known + unmet]
    asked += questions.described_never_met(rng, split, N_UNMET, entities)
    asked += questions.only_mentioned(rng, entities)
    return asked + [Asked("general, no name", Question(text, ()), text, ()) for text in GENERAL]


def revision(
    rng: random.Random,
    split: WorldSplit,
    items: Sequence[WorldItem],
    router: CellRouter,
    n: int,
    lines: bool,
    show: str,
) -> None:
    """Each document gets a newer one that gives some of its facts anew: who is asked for which?"""
    by_way: dict[str, list[tuple[Asked, tuple[DocumentMatch, ...]]]] = {
        "fact given anew": [],
        "older fact": [],
    }
    newer = [questions.revised(rng, item.entity, split, N_REVISED) for item in items]
    both = router.with_entries(
        *(entry(e, passage(rng, e), n + i, lines, key=f"{e.name}, newer") for i, e in enumerate(newer))
    )
    for item, new in zip(items, newer):
        for one in questions.plain(rng, [item.entity]):
            anew = one.question.id.partition("/")[0] in new.values
            one = replace(one, entities=(f"{new.name}, newer",) if anew else one.entities)
            by_way["fact given anew" if anew else "older fact"].append((one, both.route(one.question.text)))
    for way, routed in by_way.items():
        report(way, routed, show)


def report(way: str, routed: Sequence[tuple[Asked, tuple[DocumentMatch, ...]]], show: str) -> None:
    first, among, none = {}, {}, {}
    for i, (one, candidates) in enumerate(routed):
        keys = [candidate.key for candidate in candidates]
        right = keys[:1] in ([entity] for entity in one.entities)
        first[i, one.about] = float(right)
        among[i, one.about] = float(set(one.entities) <= set(keys))
        none[i, one.about] = float(not keys)
        if show == way and (not right if one.entities else keys):
            print(f"{one.question.text} {one.entities} -> {candidates[:2]}")
    wanted = bool(routed) and bool(routed[0][0].entities)
    shares = [_percent(first), _percent(among)] if wanted else ["", ""]
    print(f"| {way} | {len(routed):,} | {shares[0]} | {shares[1]} | {_percent(none)} |")


def _percent(values: dict[tuple[int, str], float]) -> str:
    if not values:
        return ""
    mean = mean_ci(cluster_means(values, lambda key: key[1]).values(), seed=0, n_resamples=2000)
    return f"{100 * mean.mean:.1f} [{100 * mean.low:.1f}, {100 * mean.high:.1f}]"


def _lower(one: Asked) -> Asked:
    question = replace(one.question, text=one.question.text.lower())
    return replace(one, way=f"{one.way}, lower case", question=question)


if __name__ == "__main__":
    raise SystemExit(main())
