"""How well grounding tells true lines from others, on the micro-world, where the truth of a line is known.

    python benchmarks/grounding.py [--split dev] [--seed 14] [--passages 100] [--samples 4]

Repeated lines count once a self-edit. Intervals: 95 %, by bootstrap over passages.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

from seal.domains.microworld.corpus import self_edit_prompt
from seal.domains.microworld.truth import judge_line
from seal.domains.microworld.world import Entity, WorldItem, make_items
from seal.models import load_model
from seal.models.generate import generate
from seal.self_edits import FORMATS
from seal.self_edits.ground import GroundConfig, ground

_CONFIG = GroundConfig(words="microworld")
WRITTEN = ("implications", "implications-long", "self-qa")


def is_true(entity: Entity, line: str) -> bool:
    """Whether a statement is true of the entity, or a pair asks in a known wording and answers truly."""
    if not line.startswith("Question: "):
        return judge_line(entity, line) == "true"
    question, _, answer = line.removeprefix("Question: ").partition("\nAnswer: ")
    told = answer.strip().rstrip(".").casefold().removeprefix("the ")
    return any(
        question in {wording.replace("{S}", entity.name) for wording in a.questions + a.exam}
        and told == entity.values[a.name].casefold().removeprefix("the ")
        for a in entity.attributes
    )


def count(items: list[WorldItem], format: str, n_samples: int, seed: int) -> list[Counter[tuple[bool, bool]]]:
    """By passage, the lines by (true, kept); a kept line is judged as it is trained on."""
    model, tokenizer = load_model("tiny")
    prompts = [self_edit_prompt(i.context.title, i.context.text, format) for i in items]
    asked = [prompt for prompt in prompts for _ in range(n_samples)]
    sampling = {"max_new_tokens": 340, "temperature": 0.8, "top_p": 0.95}
    seeds = [seed * 1_000_003 + index for index in range(len(asked))]
    counts: list[Counter[tuple[bool, bool]]] = [Counter() for _ in items]
    for index, one in enumerate(generate(model, tokenizer, asked, seeds=seeds, **sampling)):
        item = items[index // n_samples]
        lines = FORMATS.get(format)().parse(item.context, one.text, truncated=one.truncated).lines
        for grounded in ground(lines, item.context.title, item.context.text, _CONFIG):
            if grounded.reason != "said before":
                counts[index // n_samples][is_true(item.entity, grounded.text), grounded.kept] += 1
    return counts


def share(counts: list[Counter[tuple[bool, bool]]], of: set[tuple[bool, bool]], seed: int = 0) -> str:
    """The share of the true and kept lines among those `of`, with its interval."""
    pairs = np.array([[c[True, True], sum(c[key] for key in of)] for c in counts], dtype=float)
    rng = np.random.default_rng(seed)
    drawn = pairs[rng.integers(0, len(pairs), (4000, len(pairs)))].sum(1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    mean = pairs[:, 0].sum() / pairs[:, 1].sum()
    return f"{100 * mean:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--split", default="dev", choices=("rl", "dev"))
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--passages", type=int, default=100)
    parser.add_argument("--samples", type=int, default=4)
    given = parser.parse_args()
    items = make_items(given.split, given.passages, seed=given.seed)
    by_format = {f: count(items, f, given.samples, given.seed) for f in WRITTEN}
    by_format["all"] = [sum(counts, Counter()) for counts in zip(*by_format.values(), strict=True)]
    print("| format | lines | true before | of the kept, true | of the true, kept |\n|---|---|---|---|---|")
    for format, counts in by_format.items():
        total = sum(counts, Counter())
        true = total[True, True] + total[True, False]
        kept = share(counts, {(True, True), (False, True)})
        stated = share(counts, {(True, True), (True, False)})
        print(f"| {format} | {total.total()} | {100 * true / total.total():.1f} % | {kept} | {stated} |")


if __name__ == "__main__":
    main()
