"""What native code is worth in training: the same adapter trained with it and by operators, in turns.

    python benchmarks/native_layers.py --model MODEL [--dtype KIND] [--threads 1,2] [--rounds N] [--text FILE]

Prints tokens a second of training steps of some 1,000 tokens, LoRA r 16 on all linear layers, the output
head included, and the ratio of each round. Each contender is a process of its own, which trains once to warm
up; in every round both have their turn, so that what disturbs the machine disturbs both. Run it on a machine
that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = ROOT / "examples/real_documents/development/orsolya-tennant.md"
PROMPT_words, COMPLETION_words = 12, 20
RANK, STEP_tokens, LEAST_tokens = 16, 1000, 3000


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Train with native layers and without, in turns.")
    parser.add_argument("--model", required=True, help="as for seal init --model")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--text", type=Path, default=TEXT, help="what is learned")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(measure(options.model, options.dtype, int(options.threads), options.text)))
        return 0
    print("| threads | native code, tokens/s | operators, tokens/s | ratio, median [least, most] |")
    print("|---:|---:|---:|---:|", flush=True)
    for threads in options.threads.split(","):
        rounds = [
            [turn(options, threads, native=native) for native in (True, False)] for _ in range(options.rounds)
        ]
        ratios = [with_it / without for with_it, without in rounds]
        medians = [statistics.median(rates) for rates in zip(*rounds, strict=True)]
        spread = f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
        print(f"| {threads} | {medians[0]:.0f} | {medians[1]:.0f} | {spread} |", flush=True)
    return 0


def turn(options: argparse.Namespace, threads: str, *, native: bool) -> float:
    """Tokens a second of one contender, in a process of its own."""
    given = [f"--model={options.model}", f"--dtype={options.dtype}", f"--text={options.text}"]
    command = [sys.executable, __file__, "--measure", f"--threads={threads}", *given]
    switch = {} if native else {"SEAL_NATIVE": "0"}
    done = subprocess.run(
        command, env={**os.environ, **switch}, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.returncode)  # it has said why
    found = json.loads(done.stdout.splitlines()[-1])
    if found["native"] != native:
        raise SystemExit(
            "native_layers.py: native code does not take this model here, so there is nothing to compare"
        )
    return found["tokens"] / found["seconds"]


def measure(model_name: str, dtype: str, threads: int, text: Path) -> dict[str, float | bool]:
    import torch

    from seal.errors import SealError
    from seal.models import load_model
    from seal.training import takes_layers_whole, train
    from seal.training.batching import tokenize_plan
    from seal.types import Example, Hyperparameters, TrainingPlan

    torch.set_num_threads(threads)
    try:
        model, tokenizer = load_model(model_name, dtype=dtype)
        words = text.read_text(encoding="utf-8").split()
    except (SealError, OSError) as error:
        print(f"native_layers.py: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    h = Hyperparameters(rank=RANK, alpha=2.0 * RANK, epochs=1, batch_tokens=STEP_tokens)
    size = PROMPT_words + COMPLETION_words
    examples: list[Example] = []
    while True:  # windows of the text, each beginning elsewhere, until there are tokens enough
        at = len(examples) * 7 % max(1, len(words) - size)
        prompt, completion = words[at : at + PROMPT_words], words[at + PROMPT_words : at + size]
        examples.append(Example(" ".join(completion), " ".join(prompt) + " "))
        work = tokenize_plan(TrainingPlan("", tuple(examples), h, 0), tokenizer, max_length=None)
        if work.n_tokens >= LEAST_tokens:
            break
    train(model, tokenizer, [work])
    start = time.perf_counter()
    train(model, tokenizer, [work])
    seconds = time.perf_counter() - start
    return {"tokens": work.n_tokens, "seconds": seconds, "native": takes_layers_whole(model)}


if __name__ == "__main__":
    sys.exit(main())
