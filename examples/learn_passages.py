"""Let a model learn each of a few passages from its own self-edit; print what it answered before and after.

    python examples/learn_passages.py                                     the embedded base model writes
    python examples/learn_passages.py --writer runs/demo/rounds/2/policy  a policy that RL taught to write

The output is Markdown. Nothing is selected: every passage, every question, the first sample of each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from seal.domains.knowledge import load_contexts
from seal.engine.adapt import Adaptation, Trial
from seal.models import load_model
from seal.research.demo import demo_config
from seal.types import Score

HERE = Path(__file__).parent


def share(scores: list[Score]) -> str:
    outcomes = [a.outcome for score in scores for a in score.answers]
    return f"{outcomes.count('right')} of {len(outcomes)}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=HERE / "passages.json")
    parser.add_argument("--writer", default="tiny", help="built-in name or folder of the model that writes")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    adaptation = Adaptation.load(demo_config(seed=args.seed))
    writer, _ = load_model(args.writer)
    contexts = load_contexts(args.data)
    before = adaptation.examine([(c, None) for c in contexts])
    reading = adaptation.examine([(c, c) for c in contexts])
    edits = [own[0] for own in adaptation.write(contexts, 1, seed=f"examples/{args.seed}", model=writer)]
    after = adaptation.learn_and_examine(
        [Trial(c, e, args.seed) for c, e in zip(contexts, edits, strict=True)], answers=True
    )
    print(
        f"Right answers: {share(before)} before, **{share(after)} after** learning, "
        f"{share(reading)} with the passage in view.\n"
    )
    for context, edit, old, new in zip(contexts, edits, before, after, strict=True):
        print(f"## {context.title}\n\n> {context.text}\n\nIt wrote:\n")
        print("```\n" + edit.text.strip() + "\n```\n")
        print("| question | before | after | right |\n|---|---|---|---|")
        for question, b, a in zip(context.questions, old.answers, new.answers, strict=True):
            mark = "yes" if a.outcome == "right" else f"no: {question.answers[0]}"
            print(f"| {question.text} | {b.answer} | {a.answer} | {mark} |")
        print()


if __name__ == "__main__":
    main()
