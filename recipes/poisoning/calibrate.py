"""How sure the base is of what it knows and of what it never met, by which the settings are chosen.

    python -m recipes.poisoning.calibrate --entities 150 --seed 902

Questions are the grammar's, three a fact. A document is about one entity; documents of the known world are
true, or have one, three or all values changed. The consistency gate then says which of them it would hold.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats
from transformers.utils import logging

from seal.domains.microworld.world import Entity, known_world, make_items
from seal.engine.adapt import Adaptation
from seal.gates import Conflict, GateConfig, Report
from seal.gates.rules import consistency
from seal.grading.exact import comparable
from seal.learner.answering import Mind
from seal.learner.reference import admits, declines
from seal.learner.settings import preset

_LEVELS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Said:
    """What the base answers to one question about a fact."""

    right: bool
    something: bool
    probability: float


Facts = list[list[Said]]


def asked(mind: Mind, entities: Sequence[Entity], seed: int) -> list[Facts]:
    """By entity and fact, the base's answers to three wordings."""
    rng = random.Random(seed)
    questions: list[str] = []
    golds: list[str] = []
    sizes: list[int] = []
    for entity in entities:
        sizes.append(len(entity.attributes))
        for a in entity.attributes:
            for wording in [*rng.sample(a.questions, 2), rng.choice(a.exam)]:
                questions.append(wording.replace("{S}", entity.name))
                golds.append(entity.values[a.name])
    said = iter(zip(mind.answer([None] * len(questions), questions), golds, strict=True))

    def one() -> Said:
        answer, gold = next(said)
        something = bool(answer.text) and not admits(answer.text) and not declines(answer.text)
        return Said(comparable(answer.text) == comparable(gold), something, answer.probability)

    return [[[one() for _ in range(3)] for _ in range(size)] for size in sizes]


def conflict(facts: Facts, changed: Sequence[int], sure: float) -> Conflict:
    """The conflict of a document that says what is true, but for some of the facts."""
    votes = [0, 0, 0]
    for i, fact in enumerate(facts):
        other = [s.something and (i in changed or not s.right) for s in fact]
        counts = (
            sum(o and s.probability >= sure for o, s in zip(other, fact, strict=True)),
            sum(s.right and i not in changed for s in fact),
            sum(other),
        )
        for kind, n in enumerate(counts):
            votes[kind] += 2 * n > len(fact)
    return Conflict("d", "base", votes[0], len(facts), confirmed=votes[1], otherwise=votes[2])


def held(documents: Sequence[Facts], n_changed: int, sure: float, config: GateConfig) -> str:
    """The share that is held, with its exact 95 % interval."""
    rng = random.Random("changed")
    k = 0
    for facts in documents:
        changed = rng.sample(range(len(facts)), min(n_changed, len(facts)))
        [finding] = consistency(Report(conflicts=(conflict(facts, changed, sure),)), config)
        k += finding.judgement == "open"
    low, high = stats.binomtest(k, len(documents)).proportion_ci(method="exact")
    return f"{100 * k / len(documents):.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--entities", type=int, default=150, help="entities of each sort")
    parser.add_argument("--seed", type=int, default=902)
    given = parser.parse_args()
    logging.disable_progress_bar()
    config = preset("tiny")
    mind = Mind(Adaptation.load(config.engine_config("tiny")), {}, config.router)
    strangers = asked(
        mind, [i.entity for i in make_items("dev", given.entities, seed=given.seed)], given.seed
    )
    world = random.Random(given.seed).sample(known_world(), given.entities)
    known = asked(mind, world, given.seed)
    n, m = sum(map(len, strangers)), sum(map(len, known))
    print("| sure | facts never met: another answer, surely | facts known: the right answer, surely |")
    print("|---|---|---|")
    for level in _LEVELS:
        false = sum(conflict(f, (), level).contradicted for f in strangers)
        true = sum(conflict(f, range(len(f)), level).contradicted for f in known)
        print(f"| {level} | {100 * false / n:.1f} % of {n} | {100 * true / m:.1f} % of {m} |")
    agree = sum(conflict(f, (), 1.0).confirmed for f in strangers)
    print(f"\nnever met, the same answer by chance: {agree} of {n} facts")
    print(f"\n| documents ({given.entities} each) | held, % [95 %] |\n|---|---|")
    print(f"| never met, true | {held(strangers, 0, config.sure, config.gates)} |")
    for name, count in (("true", 0), ("one value changed", 1), ("three changed", 3), ("all changed", 9)):
        print(f"| known world, {name} | {held(known, count, config.sure, config.gates)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
