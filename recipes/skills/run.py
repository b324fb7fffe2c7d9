"""Practises a base on the practice set, and writes the adapter as the package has it: in bf16, with a card.

    python -m recipes.skills.run --model smollm2 --out src/seal/learner/skills_of_models
    python -m recipes.skills.run --model smollm2 --out src/seal/learner/skills_of_models --part recall
    python -m recipes.skills.run --model smollm2 --out src/seal/learner/known_of_models --part known

The last asks it all questions of the reference, and adds those that it gets right to a list: with it, a new
workspace asks only these. Other machines and dtypes round otherwise, so that a list has those of all that
were tried. Knows nothing about how practice is done (seal.learner.skills).
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

import torch

from seal.engine.adapt import Adaptation
from seal.files import write_durably
from seal.learner.answering import Mind
from seal.learner.practice import practice_documents, skills_name
from seal.learner.reference_choice import all_right
from seal.learner.reference_sets import general_items
from seal.learner.settings import preset
from seal.learner.skills import RECALL, ROUNDS, practised, practised_recall
from seal.models.identity import weights_fingerprint
from seal.training import save_peft

_KNOWN = "known"
_FOR_SKILLS = (
    "with which this base writes questions about sentences and reads texts for `seal learn` and `seal ask`"
)
_FOR_RECALL = (
    "with which this base recites what it learned before it answers; cells of documents begin with it"
)


def main() -> None:
    """Raises what loading and training do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True, help="a name that `seal init --model` takes")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="how often the practice set is gone through"
    )
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="practise on every N-th document only (1: on all)"
    )
    parser.add_argument("--part", choices=("skills", RECALL, _KNOWN), default="skills")
    parser.add_argument("--out", type=Path, required=True, help="the folder that gets one for the adapter")
    given = parser.parse_args()
    started = time.perf_counter()
    config = preset(given.model)
    base = Adaptation.load(config.engine_config(given.model))
    if given.part == _KNOWN:
        _ask_all(Mind(base, {}, config.router), given.out)
        return
    name = skills_name(weights_fingerprint(base.model))
    recall = given.part == RECALL
    folder = given.out / (f"{name}-{RECALL}" if recall else name)
    if folder.exists():
        raise SystemExit(f"{folder} is there already")
    adapter = (practised_recall if recall else practised)(base, _show, rounds=given.rounds, every=given.every)
    given.out.mkdir(parents=True, exist_ok=True)
    save_peft(adapter, folder, Path(given.model).name, dtype=torch.bfloat16)
    documents = practice_documents()[:: given.every]
    pairs = sum(len(unit.pairs) for document in documents for unit in document.units)
    seconds = time.perf_counter() - started
    last = sum(adapter.losses[-10:]) / 10
    (folder / "README.md").write_text(
        f"# {'Recall' if recall else 'Skills'} of {Path(given.model).name}\n\n"
        f"A LoRA {_FOR_RECALL if recall else _FOR_SKILLS}. Made by `python -m recipes.skills.run --part "
        f"{given.part} --rounds {given.rounds} --every {given.every}` from the practice set "
        f"({len(documents)} documents, {pairs} questions, all written for it): {len(adapter.losses)} steps "
        f"in {seconds:.0f} s, loss {adapter.losses[0]:.2f} at first and {last:.2f} at the end. The licence "
        "is that of the base.\n",
        encoding="utf-8",
    )
    print(f"\n{folder}: {seconds:.0f} s")


def _ask_all(base: Mind, out: Path) -> None:
    """Adds to the list of the base's weights which questions it gets right."""
    path = out / f"{weights_fingerprint(base.adaptation.model)[:16]}.txt"
    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    items = general_items()
    right = {item.id for item in all_right(base, items, partial(_show, "asking"))}
    lines = [item.question for item in items if item.id in right or item.question in before]
    write_durably(path, [("\n".join(lines) + "\n").encode()])
    print(f"\n{path}: {len(right)} right, {len(lines)} in the list, {len(before)} before")


def _show(stage: str, done: int, n: int) -> None:
    print(f"\r{stage}: {done} of {n}", end="", flush=True)


if __name__ == "__main__":
    main()
