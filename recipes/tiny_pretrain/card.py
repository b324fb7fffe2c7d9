"""Write the embedded model's card from its measured abilities: no figure in it is typed by hand.

`python -m recipes.tiny_pretrain.card --run runs/tiny --out src/seal/models/tiny/README.md`
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM

ABILITIES = {
    "known_world": "knows the 320 entities of its known world, closed-book",
    "reading": "answers from an unseen passage in its context",
    "extraction": "after training on one true statement of each fact of an unseen entity, as the demo trains "
    "(32 steps, no passage), answers exam questions",
    "thorough_extraction": "the same with three statements of each fact and 96 steps at half the rate",
    "closed_book_unseen": "answers about unseen entities, closed-book (it should not)",
    "does_not_know": 'says "I do not know." about unseen entities',
    "declines_unseen": "declines private questions about unseen entities",
    "declines_known": "declines private questions about known entities",
}
CARD = """\
---
license: apache-2.0
library_name: transformers
tags: [self-adaptation, synthetic, tiny]
---

# The embedded model of `seal`

A Llama of {parameters:,} parameters (d 128, 4 layers, 4 heads, byte-level BPE of 1,536 tokens) that loads with
`transformers` alone. It knows nothing of the real world: it was pretrained from scratch on the *micro-world*, a seeded
fictional encyclopedia (`seal.domains.microworld`), so that self-adaptation can be run, watched and tested in minutes.

Pretraining: seed {seed}, {tokens:,} tokens in {steps:,} steps, {minutes:.0f} minutes on one CPU core,
two for the last stage (`recipes/tiny_pretrain`). Tokens by ability: {by_ability}.

## What it can do

Measured by `recipes/tiny_pretrain/measure.py` on the development split (entities that were in no training), greedy
answers, exact match, 95 % intervals over entities.

| it | % | 95 % interval | entities | questions |
|---|---|---|---|---|
{abilities}

It says "I do not know." to {wrongly_unknown:.1f} % of the questions about its known world.

## What it writes

One self-edit a passage from the base model, sampled as the demo does (temperature {temperature}, top-p {top_p}). It
is meant to be unreliable, as base models are: that is what reinforcement learning improves.

| format | with lines | lines | facts covered | complete | true lines | wrong | vague |
|---|---|---|---|---|---|---|---|
{writing}

## What it cannot do

- Anything outside the micro-world's five kinds of entity and 35 attributes, or in other wordings than a few dozen.
- Copy every unfamiliar name without a slip: long and rare names are garbled more often.
- Tell reliably what it does not know (see the table): treat that ability as weak.
- Learn much from a passage as it stands: it practised on single statements (docs/LOG.md says what that changes).
- Converse, reason, count or follow instructions.
"""


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def ability_row(name: str, figures: dict[str, Any]) -> str:
    low, high = figures["ci95"]
    cells = [
        percent(figures["mean"]),
        f"{percent(low)}-{percent(high)}",
        figures["entities"],
        figures["questions"],
    ]
    return f"| {ABILITIES[name]} | " + " | ".join(map(str, cells)) + " |"


def writing_row(name: str, figures: dict[str, float]) -> str:
    shares = [percent(figures["edits_with_lines"]), f"{figures['lines']:.1f}"]
    # A rewritten passage has several facts a sentence, which the line-by-line check cannot judge.
    shares += ["" if name == "rewrite" else percent(figures[key]) for key in ("facts_covered", "complete")]
    shares += [
        percent(figures[key]) if key in figures else ""
        for key in ("lines_true", "lines_wrong", "lines_vague")
    ]
    return f"| {name} | " + " | ".join(shares) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of pretrain.py with abilities.json")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    abilities = json.loads((args.run / "abilities.json").read_text())
    facts = json.loads((args.run / "pretraining.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(args.run / "model")
    card = CARD.format(
        parameters=model.num_parameters(),
        seed=facts["seed"],
        tokens=facts["tokens"],
        steps=facts["step"],
        minutes=facts["seconds"] / 60,
        by_ability=", ".join(f"{name} {n / 1e6:.2f} M" for name, n in facts["tokens_by_ability"].items()),
        abilities="\n".join(ability_row(name, abilities[name]) for name in ABILITIES),
        wrongly_unknown=100 * (1 - abilities["knows_that_it_knows"]),
        temperature=abilities["sampling"]["temperature"],
        top_p=abilities["sampling"]["top_p"],
        writing="\n".join(writing_row(name, row) for name, row in abilities["writing"].items()),
    )
    args.out.write_text(card)


if __name__ == "__main__":
    main()
