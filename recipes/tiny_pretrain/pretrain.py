"""Pretrain the embedded model on the micro-world: `python -m recipes.tiny_pretrain.pretrain --out runs/tiny`.

Resumable: run the same command again and it goes on from its last checkpoint. Writes a Hugging Face folder
(`model/`), `metrics.jsonl` and `checkpoint.pt`. Everything is chosen on the development split.
"""

from __future__ import annotations

from functools import partial

from recipes.pretraining import Recipe, Stage, run_recipe
from recipes.tiny_pretrain.probe import probe
from recipes.tiny_pretrain.tokenizer import train_tokenizer
from seal.domains.microworld.corpus import documents

STAGES = (
    Stage(
        15_500_000,
        (1.0, 1.0),
        {"known": 0.12, "window": 0.22, "reading": 0.24, "self_edit": 0.40, "private": 0.02},
    ),
    Stage(
        25_000_000,
        (1.0, 0.2),
        {"known": 0.16, "recall": 0.12, "window": 0.16, "reading": 0.12, "self_edit": 0.40}
        | {"private": 0.02, "unknown": 0.02},
    ),
    Stage(
        33_000_000,
        (0.6, 0.0),
        {"known": 0.07, "recall": 0.07, "window": 0.12, "reading": 0.09, "marked_self_edit": 0.60}
        | {"private": 0.015, "unknown": 0.035},
    ),
)

RECIPE = Recipe(
    STAGES,
    documents,
    ends=lambda ability: ability != "reading",
    write_tokenizer=lambda folder, seed: train_tokenizer(folder, STAGES[0].shares, seed=seed),
    probe=partial(probe, n=40),
)

if __name__ == "__main__":
    run_recipe(RECIPE, __doc__)
