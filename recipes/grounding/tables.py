"""How many of the judged lines each check keeps, and how many of these the documents support.

    python -m recipes.grounding.tables runs/grounding/*.jsonl

Reads what measure.py wrote, one file a model. The level of the likelihood check follows from the lines with a
name or number exchanged; judged lines are only counted. Knows nothing about models.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.grounding.documents import JudgedLine, load_documents, load_judged, run_program
from recipes.real_documents.figures import wilson
from seal.errors import InputFileError
from seal.grading.statistics import mean
from seal.learner.passage_support import TokenSupport, level_of, support_of
from seal.self_edits.pair_lines import question_of

_FEWEST = 8  # false lines of a document; with fewer, those of the model's other documents are taken too
MEASURES: dict[str, Callable[[Sequence[TokenSupport]], float]] = {
    "mean gain": support_of,
    "worst gain": lambda tokens: min((one.gain for one in tokens), default=0.0),
    "mean likelihood": lambda tokens: mean(one.log_with for one in tokens) or 0.0,
    "worst likelihood": lambda tokens: min((one.log_with for one in tokens), default=0.0),
}
"""Of the likelihood check. The first is the package's, the others are what it was compared with."""
CHECKS = ("none", "exact", "reading again", "likelihood", "exact, again", "all three")


@dataclass(frozen=True)
class CheckedLine:
    """A judged line, and which checks it passes."""

    judged: JudgedLine
    half: str
    passes: frozenset[str]


def main() -> None:
    """Raises InputFileError."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("records", nargs="+", type=Path, help="what measure.py wrote")
    parser.add_argument("--false-kept", type=float, default=0.1, help="as in the settings")
    parser.add_argument("--min-probability", type=float, nargs="*", default=[], help="of each file, in order")
    parser.add_argument("--measure", choices=MEASURES, default="mean gain", help="of the likelihood check")
    given = parser.parse_args()
    least = [*given.min_probability, *[0.05] * len(given.records)]
    lines = [
        line
        for path, probability in zip(given.records, least, strict=False)
        for line in checked_lines(path, given.false_kept, probability, MEASURES[given.measure])
    ]
    print("\n".join(table(lines)))


def checked_lines(
    path: Path,
    false_kept: float,
    min_probability: float,
    measure: Callable[[Sequence[TokenSupport]], float] = support_of,
) -> list[CheckedLine]:
    """The judged lines of a file of records, the name of which is the model's."""
    model = path.stem
    judged = {(one.document, one.line): one for one in load_judged() if one.model == model}
    halves = {one.id: one.half for one in load_documents()}
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [(record["document"], row) for record in records for row in record["judged"]]
    for document, row in rows:
        if (document, row["line"]) not in judged:
            raise InputFileError(
                f"{path}: {model} has no judged line {row['line']!r}", "Measure anew with measure.py."
            )
    false = _false_lines(rows, records, min_probability)
    levels = {
        (document, is_pair): _level(false, document, is_pair, false_kept, measure)
        for document in {document for document, _ in rows}
        for is_pair in (True, False)
    }
    return [
        CheckedLine(
            judged[document, row["line"]],
            halves[document],
            frozenset(
                _passed(
                    row,
                    min_probability,
                    is_likely=measure(_tokens(row["tokens"])) >= levels[document, _is_pair(row)],
                )
            ),
        )
        for document, row in rows
    ]


def table(lines: Sequence[CheckedLine]) -> Iterator[str]:
    """A row for each half, model, kind of line, language and check."""
    yield "| half | model | lines | language | check | kept | precision | recall | not supported |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for half in ("calibration", "held-out"):
        own = [one for one in lines if one.half == half]
        for model in sorted({one.judged.model for one in own}):
            for is_pair in (True, False):
                of_kind = [
                    one
                    for one in own
                    if one.judged.model == model and (one.judged.format == "self-qa") == is_pair
                ]
                languages = sorted({one.judged.language for one in of_kind})
                for language in ["all", *languages] if len(languages) > 1 else languages:
                    told = [one for one in of_kind if language in ("all", one.judged.language)]
                    kind = "questions" if is_pair else "statements"
                    named = f"| {half} | {model} | {kind} | {language}"
                    for check in CHECKS:
                        yield f"{named} | {check} | {_figures(told, check)} |"


def _figures(lines: Sequence[CheckedLine], check: str) -> str:
    kept = [one for one in lines if check in one.passes]
    good = sum(one.judged.verdict == "supported" for one in kept)
    bad = sum(one.judged.verdict == "unsupported" for one in kept)
    there = sum(one.judged.verdict == "supported" for one in lines)
    return f"{len(kept)} of {len(lines)} | {_share(good, len(kept))} | {_share(good, there)} | {bad}"


def _share(hits: int, n: int) -> str:
    """In percent, with Wilson's interval."""
    interval = wilson(hits, n)
    if interval is None:
        return "-"
    low, high = interval
    return f"{100 * hits / n:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"


def _passed(row: dict[str, Any], min_probability: float, *, is_likely: bool) -> Iterator[str]:
    exact, again = not row["exact"], _again(row, min_probability)
    passed = (True, exact, again, is_likely, exact and again, exact and again and is_likely)
    yield from (check for check, one in zip(CHECKS, passed, strict=True) if one)


def _again(row: dict[str, Any], min_probability: float) -> bool:
    """A statement is not asked again."""
    return row["again"] is None or (row["again"] and row["probability"] >= min_probability)


def _is_pair(row: dict[str, Any]) -> bool:
    return question_of(row["line"]) is not None


def _tokens(rows: Sequence[Sequence[Any]]) -> tuple[TokenSupport, ...]:
    return tuple(TokenSupport(*row) for row in rows)


def _false_lines(
    rows: Sequence[tuple[str, dict[str, Any]]], records: Sequence[dict[str, Any]], min_probability: float
) -> dict[tuple[str, bool], list[tuple[TokenSupport, ...]]]:
    """By document, and whether it is about questions: what was measured of the exchanged lines. Those of
    questions that are dropped anyway do not count, as in `seal.learner.drafting`."""
    false: dict[tuple[str, bool], list[tuple[TokenSupport, ...]]] = {}
    for document, row in rows:
        if row["exchanged"] and not row["exact"] and _again(row, min_probability):
            false.setdefault((document, True), []).append(_tokens(row["exchanged"]))
    for record in records:
        made = [_tokens(one["tokens"]) for one in record["made"] if not one["is_true"]]
        false.setdefault((record["document"], False), []).extend(made)
    return false


def _level(
    false: dict[tuple[str, bool], list[tuple[TokenSupport, ...]]],
    document: str,
    is_pair: bool,
    false_kept: float,
    measure: Callable[[Sequence[TokenSupport]], float],
) -> float:
    own = false.get((document, is_pair), [])
    if len(own) < _FEWEST:
        own = [one for (_, of_pairs), lines in false.items() if of_pairs == is_pair for one in lines]
    return level_of([measure(tokens) for tokens in own], false_kept) if own else -math.inf


if __name__ == "__main__":
    run_program(main)
