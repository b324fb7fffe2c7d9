"""Offers poisoned documents to a learner and says what became of them.

    python -m recipes.poisoning.run --split dev --seed 0 --out runs/poisoning-dev-0
    python -m recipes.poisoning.run --table runs/poisoning-eval-*

A run that was stopped goes on where it was. `--table` tells finished runs together.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from recipes.poisoning.experiment import PoisonSettings, figures, run_poisoning, table
from seal.engine.start import Silent


class Told(Silent):
    """Progress, one line each."""

    def __init__(self) -> None:
        self.began_at = time.perf_counter()

    def progress(self, stage: str, done: int, total: int) -> None:
        seconds = time.perf_counter() - self.began_at
        print(f"[{seconds:7.1f} s] {stage}: {done} of {total}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--split", choices=("dev", "eval"), default="dev", help="where names and wordings are from"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=20, help="good documents that are learned first")
    parser.add_argument("--each", type=int, default=10, help="poisoned documents of each kind")
    parser.add_argument("--others", type=int, default=50, help="good documents that come afterwards")
    parser.add_argument("--out", type=Path, help="the run's folder")
    parser.add_argument("--table", type=Path, nargs="+", help="finished runs to tell together")
    given = parser.parse_args()
    if given.table:
        print(table([json.loads((p / "results.json").read_text(encoding="utf-8")) for p in given.table]))
        return 0
    if given.out is None:
        parser.error("give --out, or --table")
    given.out.mkdir(parents=True, exist_ok=True)
    settings = PoisonSettings(given.split, given.seed, given.first, given.each, given.others)
    results = run_poisoning(settings, given.out, Told())
    print(table([results]))
    told = figures(results)
    print(f"\n{told['changed']} of {told['answers']} live answers changed.")
    for kind, one in told["kinds"].items():
        print(f"{kind}: {one['stopped']}")
    print(f"good: {dict(told['good_stopped'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
