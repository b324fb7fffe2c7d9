"""The gates' confusion matrix: candidates that learned nothing, and candidates that do harm.

python -m recipes.poisoning.matrix --cells 4 --seed 0 --out runs/gates.json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from transformers.utils import logging

from recipes.poisoning.candidates import Workbench, matrix, told
from seal.engine.start import Silent
from seal.learner.compiling import Compiler
from seal.learner.reference_sets import reference_items
from seal.learner.settings import preset


class Told(Silent):
    """Progress, one line each."""

    def progress(self, stage: str, done: int, total: int) -> None:
        print(f"{stage}: {done} of {total}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--split", choices=("dev", "eval"), default="dev")
    parser.add_argument("--cells", type=int, default=4, help="measured cells of each sort")
    parser.add_argument(
        "--drawn", type=int, default=200, help="candidates drawn from them, of each of the two"
    )
    parser.add_argument("--wrong", type=int, default=40, help="documents of wrong facts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a file for the matrix as JSON")
    given = parser.parse_args()
    logging.disable_progress_bar()
    config = preset("tiny")
    bench = Workbench(Compiler.load(config, "tiny", "tiny"), reference_items("tiny"))
    measured = bench.measure(given.cells, wrong=given.wrong, split=given.split, seed=given.seed, watch=Told())
    found = matrix(measured, config.gates, n=given.drawn, seed=given.seed)
    if given.out:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(told(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
