"""Write the embedded grid model's card from its measured abilities: no figure in it is typed by hand.

`python -m recipes.tiny_grid_pretrain.card --run runs/tiny-grid --out src/seal/models/tiny-grid/README.md`
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM

ABILITIES = {
    "primitives": "one-row tasks of the families it practised, rows up to 16",
    "wide": "the same, rows of 12 to 33",
    "dev": "rules that it never saw (development split), rows of 8 to 16",
    "dev_adapted": "the same after training on each task as a person would set it up",
    "composed": "compositions of two families that it never saw composed, rows of 8 to 16",
    "composed_adapted": "the same after training on each task",
    "plane": "small two-dimensional grids, sides of 2 to 5",
}
CARD = """\
---
license: apache-2.0
library_name: transformers
tags: [self-adaptation, few-shot, arc, tiny]
---

# The embedded grid model of `seal`

A Llama of {parameters:,} parameters (d 128, {layers} layers, 4 heads, one token a cell) that loads with `transformers`
alone. It solves few-shot tasks on one-row grids from their demonstrations, and writes the directives by which a model
configures its own training (SEAL, arXiv 2506.10943, few-shot learning). It was pretrained from scratch on generated
tasks (`seal.domains.arc_agi.microgrid`): no task of ARC or 1D-ARC was in its training.

Pretraining: seed {seed}, {tokens:,} tokens in {steps:,} steps, {minutes:.0f} minutes on one or two CPU cores
(`recipes/tiny_grid_pretrain`). Tokens by kind of document: {by_kind}.

## What it can do

Measured by `recipes/tiny_grid_pretrain/measure.py` on tasks that were in no training: greedy, every cell right, in
context unless said otherwise, 95 % intervals over tasks.

| it solves | % | 95 % interval | tasks |
|---|---|---|---|
{abilities}

| family practised | solved |
|---|---|
{families}

## What it writes

Directives, drawn at temperature 1 without a grammar: {valid:.1f} % of {written} are valid. It does not know which are
good: it practised on directives drawn without favour.

| field | share of each value |
|---|---|
{values}

## What it cannot do

- Read anything but grids written a character a cell, rows filled up with dots to 16, 33 (one row) or 7 (planes) columns.
- Solve two-dimensional tasks to speak of (see the table).
- Understand language.
"""


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def ability_row(name: str, figures: dict[str, Any]) -> str:
    low, high = figures["ci95"]
    return f"| {ABILITIES[name]} | {percent(figures['mean'])} | {percent(low)}-{percent(high)} | {figures['tasks']} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of pretrain.py with abilities.json")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    abilities = json.loads((args.run / "abilities.json").read_text())
    facts = json.loads((args.run / "pretraining.json").read_text())
    written = abilities["directives"]
    values = [
        f"| `{name}` | " + ", ".join(f"{value} {percent(share)} %" for value, share in shares.items()) + " |"
        for name, shares in written["values"].items()
    ]
    families = [
        f"| {n} | {one['solved']:.0f} of {one['tasks']} |" for n, one in abilities["families"].items()
    ]
    model = AutoModelForCausalLM.from_pretrained(args.run / "model")
    card = CARD.format(
        parameters=model.num_parameters(),
        layers=model.config.num_hidden_layers,
        seed=facts["seed"],
        tokens=facts["tokens"],
        steps=facts["step"],
        minutes=facts["seconds"] / 60,
        by_kind=", ".join(f"{name} {n / 1e6:.2f} M" for name, n in facts["tokens_by_ability"].items()),
        abilities="\n".join(ability_row(name, abilities[name]) for name in ABILITIES),
        families="\n".join(families),
        valid=100 * written["valid"],
        written=written["written"],
        values="\n".join(values),
    )
    args.out.write_text(card)


if __name__ == "__main__":
    main()
