"""Pretrain the embedded grid model: `python -m recipes.tiny_grid_pretrain.pretrain --out runs/tiny-grid`.

Resumable: run the same command again and it goes on from its last checkpoint. Writes a Hugging Face folder
(`model/`), `metrics.jsonl` and `checkpoint.pt`. Everything is chosen on the development split.
"""

from __future__ import annotations

from functools import partial

from recipes.pretraining import Recipe, Stage, run_recipe
from recipes.tiny_grid_pretrain.corpus import documents
from recipes.tiny_grid_pretrain.probe import probe
from recipes.tiny_grid_pretrain.tokenizer import write_tokenizer

GROWING = (
    {"hard_narrow": 0.28, "short": 0.06, "narrow": 0.38, "composed": 0.04, "wide": 0.18}
    | {"directive": 0.04, "directive_wide": 0.02}
)  # fmt: skip
"""The mixture of the two stages after the model has grown."""
STAGES = (
    Stage(2_000_000, (1.0, 1.0), {"warm_up": 0.7, "short": 0.3}),
    Stage(
        7_000_000,
        (1.0, 1.0),
        {"warm_up": 0.08, "short": 0.72, "narrow": 0.1, "plane": 0.05, "directive": 0.05},
    ),
    Stage(
        18_000_000,
        (1.0, 1.0),
        {"narrow": 0.40, "composed": 0.28, "wide": 0.15, "plane": 0.10, "directive": 0.04}
        | {"directive_wide": 0.02, "warm_up": 0.01},
    ),
    Stage(
        36_000_000,
        (1.0, 0.0),
        {"short": 0.22, "narrow": 0.40, "composed": 0.10, "wide": 0.20, "plane": 0.02}
        | {"directive": 0.04, "directive_wide": 0.02},
    ),
    Stage(
        50_000_000,
        (0.6, 0.6),
        {"hard_short": 0.40, "short": 0.20, "narrow": 0.20, "composed": 0.02, "wide": 0.12}
        | {"directive": 0.04, "directive_wide": 0.02},
    ),
    Stage(
        90_000_000,
        (0.6, 0.0),
        {"hard_narrow": 0.22, "short": 0.08, "narrow": 0.36, "composed": 0.04, "wide": 0.24}
        | {"directive": 0.04, "directive_wide": 0.02},
    ),
    Stage(92_000_000, (0.1, 0.6), GROWING, layers=6),
    Stage(110_000_000, (0.6, 0.4), GROWING, layers=6),
    Stage(
        136_000_000,
        (0.4, 0.0),
        {"hard_shared": 0.28, "hard_other": 0.14, "narrow": 0.32, "short": 0.04, "composed": 0.04}
        | {"wide": 0.12, "directive": 0.04, "directive_wide": 0.02},
        layers=6,
    ),
)

RECIPE = Recipe(
    STAGES,
    documents,
    ends=lambda kind: kind.startswith("directive"),
    write_tokenizer=lambda folder, _seed: write_tokenizer(folder),
    probe=partial(probe, n=100),
    report_tokens=1_000_000,
)

if __name__ == "__main__":
    run_recipe(RECIPE, __doc__)
