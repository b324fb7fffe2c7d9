"""The figures of docs/benchmarks.md: `seal bench inner-loop` at several model sizes and lengths of text.

    python benchmarks/inner_loop.py measure SET [--out DIR] [flags of seal bench inner-loop]
    python benchmarks/inner_loop.py publish RUN_DIR... [--docs PATH]

`measure` makes a folder for each run of the set, and leaves out those that are there already. `publish` puts
the tables of finished runs into docs/benchmarks.md, between its marks, and draws their picture beside it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from seal.bench.inner_loop import tables
from seal.cli import main as seal
from seal.errors import InputFileError, SealError
from seal.files import write_beside
from seal.research.reports import plots

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- table -->", "<!-- /table -->"
PICTURE = "images/bench-inner-loop.png"
SETS = {
    "cpu": {
        "tiny": ["--model=tiny", "--profile"],
        "tokens-40-120": ["--model=tiny", "--example-tokens=40-120", "--adapters=1,16"],
        "2x": ["--shape=2x", "--adapters=1,4,16"],
        "4x": ["--shape=4x", "--adapters=1,4,16", "--baseline-self-edits=1", "--trainer-steps=2"],
    },
    "gpu": {
        "qwen2.5-0.5b": ["--shape=qwen2.5-0.5b", "--adapters=1,4,16,64,128", "--profile"],
        "qwen2.5-7b": ["--shape=qwen2.5-7b", "--adapters=1,4,16,64", "--baseline-self-edits=1", "--profile"],
    },
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure the inner loop at several sizes; publish figures.")
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure", help="run a set of benchmarks")
    measuring.add_argument("set", choices=SETS)
    measuring.add_argument("--out", type=Path, default=None, help="by default runs/bench-SET")
    publishing = commands.add_parser("publish", help="rewrite the tables in docs/benchmarks.md")
    publishing.add_argument("runs", nargs="+", type=Path, metavar="RUN_DIR")
    publishing.add_argument("--docs", type=Path, default=ROOT / "docs/benchmarks.md")
    options, rest = parser.parse_known_args(arguments)
    if options.command == "measure":
        return measure(options.set, options.out or Path(f"runs/bench-{options.set}"), rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        publish(options.runs, options.docs)
    except SealError as error:
        print(f"inner_loop.py: {error}", file=sys.stderr)
        return 2
    return 0


def measure(name: str, out: Path, flags: Sequence[str]) -> int:
    """Runs what of the set is not in `out` yet. A flag given here replaces the set's own."""
    given = {flag.partition("=")[0] for flag in flags}
    for run, own in SETS[name].items():
        folder = out / run
        if (folder / tables.RESULTS).exists():
            print(f"{folder} is there already")
            continue
        kept = [flag for flag in own if flag.partition("=")[0] not in given]
        status = seal(["bench", "inner-loop", *kept, *flags, f"--out={folder}"])
        if status:
            return status
    return 0


def publish(runs: Sequence[Path], docs: Path) -> None:
    """Rewrites what stands between the marks. Raises InputFileError if they are not there, or no results."""
    many = [tables.read_results(run) for run in runs]
    try:
        text = docs.read_text(encoding="utf-8")
    except OSError as error:
        raise InputFileError(f"{docs} cannot be read: {error.strerror or error}") from error
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputFileError(f"{docs} has no place for the tables", f"put {BEGIN} and {END} into it")
    minutes = sum(results["wall_s"] for results in many) / 60
    parts = [
        f"Measured by `seal bench inner-loop` in {minutes:.0f} minutes; each table says when and on what.",
        f"![Self-edits a second, and the share of the matrix-product rate]({PICTURE})",
        "### By size\n\nAt the largest number of adapters of each run:\n\n" + tables.sizes_table(many),
        *(tables.markdown(results, level=3).strip() for results in many),
    ]
    figure = tables.picture(many)
    write_beside(docs.parent / PICTURE, lambda beside: plots.as_png(figure, beside))
    made = before + BEGIN + "\n\n" + "\n\n".join(parts) + "\n\n" + END + after
    write_beside(docs, lambda beside: beside.write_text(made, encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
