"""Measure the abilities of an embedded model on the development split.

`python -m recipes.tiny_pretrain.measure --model runs/tiny/model --out runs/tiny/abilities.json`

Every answer is generated greedily and graded by exact match after SQuAD normalisation. Intervals are 95 %
bootstrap intervals over entities.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seal.domains.knowledge.private_questions import private_question
from seal.domains.microworld import demonstrations
from seal.domains.microworld.corpus import DECLINE, UNKNOWN
from seal.domains.microworld.grammar import fill
from seal.domains.microworld.truth import coverage, judge_line
from seal.domains.microworld.world import Entity, WorldItem, known_world, make_items, statements
from seal.engine.adapt import Adaptation, Trial
from seal.grading.statistics import mean_ci
from seal.research.config import RunConfig
from seal.research.demo import demo_config
from seal.types import Context, Hyperparameters, Question, Score, SelfEdit

N_CONTEXTS, SEED = 150, 11
THOROUGH: dict[str, Any] = {"learning_rate": 5e-3, "max_steps": 96, "batch_tokens": 160}
"""How to learn true statements well, where the demo's inner loop has to be quick."""


def exam_of(rng: random.Random, entity: Entity) -> Context:
    """One question an attribute about a known entity, in wordings kept for exams."""
    questions = tuple(
        Question(fill(rng.choice(a.exam), subject=entity.name), (entity.values[a.name],), a.name)
        for a in entity.attributes
    )
    return Context(entity.name, entity.name, "", questions)


def expecting(contexts: Sequence[Context], answer: str, rng: random.Random | None = None) -> list[Context]:
    """The same entities with `answer` as the right one: to their own questions, or to a private one."""
    return [
        Context(
            c.id, c.title, "",
            tuple(Question(q.text, (answer,)) for q in c.questions)
            if rng is None
            else (Question(private_question(rng, c.title), (answer,)),),
        )
        for c in contexts
    ]  # fmt: skip


def estimate(scores: Sequence[Score]) -> dict[str, object]:
    interval = mean_ci([s.accuracy for s in scores], seed=0)
    n_questions = sum(len(s.answers) for s in scores)
    return {
        "mean": interval.mean,
        "ci95": [interval.low, interval.high],
        "entities": interval.n,
        "questions": n_questions,
    }


def true_singles(items: Sequence[WorldItem], n_wordings: int) -> dict[str, SelfEdit]:
    """True single statements of every fact, in `n_wordings` wordings."""
    rng = random.Random("singles")
    found = {}
    for item in items:
        lines = tuple(statements(rng, item.entity, n_wordings))
        found[item.context.id] = SelfEdit(item.context.id, "implications", "\n".join(lines), lines)
    return found


def writing(adaptation: Adaptation, items: Sequence[WorldItem], format: str) -> dict[str, float]:
    """What the base model writes in one format: how much of the truth, and what else."""
    config = adaptation.config.model_copy(
        update={
            "self_edit": adaptation.config.self_edit.model_copy(
                update={"format": format, "max_new_tokens": 480}
            )
        }
    )
    writer = Adaptation.load(config)
    edits = [own[0] for own in writer.write([i.context for i in items], 1, seed=f"measure/{format}")]
    covered = [coverage(i.entity, e.lines) for i, e in zip(items, edits, strict=True)]
    verdicts = [judge_line(i.entity, line) for i, e in zip(items, edits, strict=True) for line in e.lines]
    n = max(1, len(verdicts))
    facts = {
        "edits_with_lines": sum(bool(e.lines) for e in edits) / len(edits),
        "lines": len(verdicts) / len(edits),
        "complete": sum(c == 1 for c in covered) / len(covered),
        "facts_covered": sum(covered) / len(covered),
    }
    if format.startswith("implications"):
        facts |= {f"lines_{kind}": verdicts.count(kind) / n for kind in ("true", "wrong", "vague")}
    return facts


def measure(adaptation: Adaptation) -> dict[str, object]:
    """Every ability, on the development split and the known world."""
    rng = random.Random("measure")
    items = make_items("dev", N_CONTEXTS, seed=SEED)
    contexts = [i.context for i in items]
    known = [exam_of(rng, entity) for entity in known_world()]

    def closed(exams: Sequence[Context]) -> dict[str, object]:
        return estimate(adaptation.examine([(c, None) for c in exams]))

    def extraction(n_wordings: int, hyperparameters: Hyperparameters | None) -> dict[str, object]:
        singles = true_singles(items, n_wordings)
        trials = [Trial(c, singles[c.id], 1, hyperparameters) for c in contexts]
        return estimate(adaptation.learn_and_examine(trials, answers=True))

    thorough = replace(adaptation.config.inner.hyperparameters(), **THOROUGH)
    return {
        "known_world": closed(known),
        "reading": estimate(adaptation.examine([(c, c) for c in contexts])),
        "extraction": extraction(1, None),
        "thorough_extraction": extraction(3, thorough),
        "closed_book_unseen": closed(contexts),
        "does_not_know": closed(expecting(contexts, UNKNOWN)),
        "knows_that_it_knows": 1 - float(str(closed(expecting(known, UNKNOWN))["mean"])),
        "declines_unseen": closed(expecting(contexts, DECLINE, rng)),
        "declines_known": closed(expecting(known, DECLINE, rng)),
        "sampling": adaptation.config.self_edit.model_dump(include={"temperature", "top_p"}),
        "writing": {f: writing(adaptation, items, f) for f in demonstrations.FORMATS},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the figures")
    args = parser.parse_args()
    data = demo_config().model_dump(mode="json", exclude_none=True)
    data["model"] |= {"name": args.model, "prompt_style": "short"}
    data["knowledge"]["include_passage"] = False
    abilities = measure(Adaptation.load(RunConfig.model_validate(data)))
    args.out.write_text(json.dumps(abilities, indent=2) + "\n")
    print(json.dumps(abilities, indent=2))


if __name__ == "__main__":
    main()
