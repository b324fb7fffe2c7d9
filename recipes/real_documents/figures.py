"""From the records of a run to its figures: shares with intervals, paired differences, times, memory.

Documents are the units: intervals resample them, and a difference is taken question by question and averaged
within each document first. Wilson's interval beside it takes questions for independent, which they are not
quite. Knows nothing about how documents were learned.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from recipes.real_documents.halves import Asked, RealDocument
from seal.errors import InputError
from seal.grading import GRADERS
from seal.grading.statistics import cluster_means, mean, mean_ci, paired_difference
from seal.protocols import Grader
from seal.types import Question

ORDER = ("base", "weights", "reading", "auto")
PAIRS = (("auto", "reading"), ("auto", "weights"), ("weights", "base"), ("reading", "base"))
MORE_WORDS = 14  # an answer that has more words than this above the gold one recites rather than answers
_SEED = 0

Grades = Mapping[str, Mapping[str, float | None]]
"""By way, by question: 1 right, 0 wrong, None ungraded."""


def wilson(right: int, n: int) -> list[float] | None:
    """Wilson's 95 % interval of a share."""
    if not n:
        return None
    from scipy import stats

    found = stats.binomtest(right, n).proportion_ci(method="wilson")
    return [float(found.low), float(found.high)]


def graded(
    documents: Sequence[RealDocument], answers: Iterable[Mapping[str, Any]], live: set[str], grader: str
) -> tuple[dict[str, dict[str, float | None]], dict[str, dict[str, bool]]]:
    """By way and question: right or wrong by the grader, and whether the answer is a short one. Of answers by
    several versions the latest counts."""
    asked = {q.id: q for d in documents for q in d.asked}
    latest = {(a["way"], a["id"]): a for a in answers if a["id"] in asked}
    marks: dict[str, dict[str, float | None]] = {}
    short: dict[str, dict[str, bool]] = {}
    made = GRADERS.get(grader)()
    for way in ORDER:
        own = {key[1]: a["text"] for key, a in latest.items() if key[0] == way}
        if not own:
            continue
        questions = [asked[key].now(live) for key in own]
        marks[way] = dict(zip(own, marked(made, questions, list(own.values())), strict=True))
        short[way] = {key: _is_short(q, text) for (key, text), q in zip(own.items(), questions, strict=True)}
    return marks, short


def marked(grader: Grader, questions: Sequence[Question], said: Sequence[str]) -> list[float | None]:
    """Of each answer 1 right, 0 wrong, None ungraded."""
    outcomes = grader.grade(questions, said)
    return [None if g.outcome == "ungraded" else float(g.outcome == "right") for g in outcomes]


def _is_short(question: Question, text: str) -> bool:
    return len(text.split()) <= max(len(a.split()) for a in question.answers) + MORE_WORDS


def figures(
    documents: Sequence[RealDocument],
    learned: Sequence[Mapping[str, Any]],
    answers: Sequence[Mapping[str, Any]],
    cold: Sequence[Mapping[str, Any]],
    grader: str,
) -> dict[str, Any]:
    """All figures of a run, as `results.json` has them."""
    became = {r["file"]: r for r in learned if r["event"] == "learned"}
    live = {file for file, r in became.items() if r["outcome"] in ("live", "read")}
    marks, short = graded(documents, answers, live, grader)
    concise = {
        way: {k: None if v is None else v * short[way][k] for k, v in own.items()}
        for way, own in marks.items()
    }
    latest = {(a["way"], a["id"]): a for a in answers}
    return {
        "grader": grader,
        "ways": {way: share(marks[way]) | {"concise": share(concise[way])} for way in marks},
        "differences": [d for a, b in PAIRS if (d := difference(marks, a, b))],
        "chosen": _chosen(latest, marks),
        "superseded": _superseded(documents, live, latest, grader),
        "by_tag": by_group(marks, tags_of(documents)),
        "by_language": by_group(marks, languages_of(documents)),
        "documents": [_document(d, became.get(d.file), marks) for d in documents],
        "live": _live(documents, became),
        "seconds": _seconds(documents, became, latest, cold)
        | {"prepared": max((r["seconds"] for r in learned if r["event"] == "prepared"), default=None)},
        "memory": _memory(became.values(), cold),
    }


def _file(key: str) -> str:
    return key.rpartition("/")[0]


def share(values: Mapping[str, float | None]) -> dict[str, Any]:
    """How many questions are right, with both intervals."""
    given = [v for v in values.values() if v is not None]
    right = int(sum(given))
    row: dict[str, Any] = {"right": right, "n": len(given), "ungraded": len(values) - len(given)}
    row |= {"share": right / len(given) if given else None, "wilson95": wilson(right, len(given))}
    means = cluster_means(values, _file)
    return row | {"ci95": _bounds(mean_ci(means.values(), seed=_SEED)) if means else None}


def difference(marks: Grades, a: str, b: str) -> dict[str, Any] | None:
    """How much more is right by `a` than by `b`; None if nothing was graded in both."""
    if a not in marks or b not in marks:
        return None
    try:
        found = paired_difference(marks[a], marks[b], seed=_SEED, clusters=_file)
    except InputError:  # nothing was graded in both
        return None
    both = [(x, marks[b][k]) for k, x in marks[a].items() if x is not None and marks[b].get(k) is not None]
    won, lost = sum(x > y for x, y in both if y is not None), sum(x < y for x, y in both if y is not None)
    return {
        "a": a,
        "b": b,
        "mean": found.mean,
        "ci95": _bounds(found),
        "n": found.n,
        "won": won,
        "lost": lost,
    }


def _bounds(estimate: Any) -> list[float] | None:
    return None if math.isnan(estimate.low) else [estimate.low, estimate.high]


def _chosen(latest: Mapping[tuple[str, str], Mapping[str, Any]], marks: Grades) -> dict[str, Any]:
    """What `auto` took, and how often it was right with it."""
    taken: dict[str, list[float | None]] = {}
    for key, mark in marks.get("auto", {}).items():
        taken.setdefault(latest["auto", key]["by"], []).append(mark)
    return {by: {"n": len(own), "right": mean(own)} for by, own in sorted(taken.items())}


def _superseded(
    documents: Sequence[RealDocument],
    live: set[str],
    latest: Mapping[tuple[str, str], Mapping[str, Any]],
    grader: str,
) -> dict[str, Any]:
    """Of what a newer live document says otherwise: how often each way gives the new answer, and the old."""
    asked: list[Asked] = [q for d in documents for q in d.asked if q.superseded_by in live]
    made = GRADERS.get(grader)()
    found: dict[str, Any] = {}
    for way in ORDER:
        said = [(q, latest[way, q.id]["text"]) for q in asked if (way, q.id) in latest]
        if not said:
            continue
        texts = [text for _, text in said]
        new = made.grade([q.now(live) for q, _ in said], texts)
        old = made.grade([q.question for q, _ in said], texts)
        found[way] = {
            "n": len(said),
            "new": sum(g.outcome == "right" for g in new),
            "old": sum(g.outcome == "right" for g in old),
        }
    return found


def tags_of(documents: Sequence[RealDocument]) -> dict[str, list[str]]:
    """By question: its tags."""
    return {q.id: list(q.tags) or ["other"] for d in documents for q in d.asked}


def languages_of(documents: Sequence[RealDocument]) -> dict[str, list[str]]:
    """By question: the language of its document."""
    return {q.id: [d.language] for d in documents for q in d.asked}


def by_group(marks: Grades, groups: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    """How many are right of each group; `groups` gives those of a question."""
    found: dict[str, dict[str, Any]] = {}
    for name in sorted({g for own in groups.values() for g in own}):
        rows: dict[str, Any] = {}
        for way, own in marks.items():
            values = [v for k, v in own.items() if name in groups[k] and v is not None]
            rows[way] = {"right": int(sum(values)), "n": len(values)}
        found[name] = rows
    return found


def _document(document: RealDocument, became: Mapping[str, Any] | None, marks: Grades) -> dict[str, Any]:
    keys = {q.id for q in document.asked}
    row: dict[str, Any] = {"file": document.file, "kind": document.kind, "language": document.language}
    row |= {"words": len(document.text.split()), "outcome": became["outcome"] if became else "not yet"}
    if became:
        names = ("reason", "lines_written", "lines_kept", "before", "after", "questions", "dropped")
        row |= {name: became.get(name) for name in names}
        row |= {"seconds": None if became["interrupted"] else became["seconds"]}
    row["right"] = {
        way: int(sum(v for k, v in own.items() if k in keys and v is not None)) for way, own in marks.items()
    }
    row["n"] = len(keys)
    return row


def _live(documents: Sequence[RealDocument], became: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    outcomes = Counter(became[d.file]["outcome"] for d in documents if d.file in became)
    n = sum(outcomes.values())
    return {"n": n, **outcomes, "live": outcomes["live"], "wilson95": wilson(outcomes["live"], n)}


def _seconds(
    documents: Sequence[RealDocument],
    became: Mapping[str, Mapping[str, Any]],
    latest: Mapping[tuple[str, str], Mapping[str, Any]],
    cold: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """A document that was cut off by a kill has no time."""
    whole = [became[d.file] for d in documents if d.file in became and not became[d.file]["interrupted"]]
    spaced = [r for r in whole if r["words"] * 6 > r["characters"] / 2]  # not of a script without spaces
    learn: dict[str, Any] = {"n": len(whole)}
    if whole:
        own = [r["seconds"] for r in whole]
        learn |= {"median": median(own), "longest": max(own), "total": sum(own)}
    if spaced:
        learn["for_200_words"] = 200 * sum(r["seconds"] for r in spaced) / sum(r["words"] for r in spaced)
    asked: dict[str, Any] = {}
    for way in ORDER:
        times = sorted(a["seconds"] for (w, _), a in latest.items() if w == way)
        if times:
            asked[way] = {"median": median(times), "p90": times[math.ceil(0.9 * len(times)) - 1]}
    return {"learn": learn, "ask": asked, "ask_from_start": [c["seconds"] for c in cold]}


def _memory(became: Iterable[Mapping[str, Any]], cold: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for record in became:
        for name, value in record["memory"].items():
            found[name] = max(found.get(name, 0), value)
    if cold:
        found["ask_bytes"] = max(c["bytes"] for c in cold)
    return found
