"""The figures of writing as Markdown and as rows for a terminal. Measures nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seal.bench.inner_loop.tables import write_folder

COLUMNS = (
    "contender",
    "threads",
    "tokens/s [min, max]",
    "ms a step",
    "s to the first token",
    "share of the memory's rate",
    "engine is so many times as fast",
)


def rows(results: Mapping[str, Any]) -> list[list[str]]:
    """One a contender, in the order of `COLUMNS`."""
    told, threads = results["figures"], results["threads"]
    return [
        [
            name,
            str(threads[name]),
            _spread(own["tokens_per_s"], "{:.0f}"),
            _spread([1000 * x for x in own["step_s"]], "{:.1f}"),
            _spread(own["first_token_s"], "{:.2f}"),
            _spread([100 * x for x in own["share"]], "{:.0f} %"),
            _spread(own["engine_times"], "{:.2f}") if "engine_times" in own else "",
        ]
        for name, own in told.items()
        if name in threads
    ]


def _spread(values: list[float], form: str) -> str:
    middle, least, most = (form.format(value) for value in values)
    return middle if least == most else f"{middle} [{least}, {most}]"


def about(results: Mapping[str, Any]) -> str:
    """What was measured, in a few sentences."""
    settings, machine, read = results["settings"], results["machine"], results["bytes_a_step"]
    rate = results["figures"]["read_bytes_per_s"][0]
    return (
        f"{results['model']['name']} in {results['model']['dtype']}, {machine['cpu']}, {machine['cores']} "
        f"cores, {machine['date']}. {settings['samples']} samples of {settings['tokens']} tokens after a "
        f"prompt of {settings['prompt_tokens']}, {settings['rounds']} rounds, alternating. A step reads "
        f"{read['weights'] / 1e6:.0f} MB of weights and on average {read['cache'] / 1e6:.0f} MB of keys and "
        f"values; the memory gives {rate / 1e9:.1f} GB/s, so that it takes "
        f"{1000 * sum(read.values()) / rate:.1f} ms at least. engine_adapters: each sample by an adapter of "
        f"its own, rank {settings['rank']} on all linear modules (their bytes are not in the limit)."
    )


def markdown(results: Mapping[str, Any]) -> str:
    """A table, and what was measured."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    lines += ["| " + " | ".join(row) + " |" for row in rows(results)]
    return "\n".join([about(results), "", *lines]) + "\n"


def write_results(folder: Path, results: Mapping[str, Any]) -> None:
    """Writes results.json and table.md; the folder appears whole or not at all. Raises OutputError."""
    write_folder(folder, results, markdown(results))
