"""What became of poisoned and of good documents, and which live answers changed.

An answer has changed if it says something else; other words for the same are no change. Knows nothing about
how the records came about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from recipes.poisoning.experiment import gate_of
from recipes.real_documents.figures import wilson
from recipes.real_documents.poison_texts import KINDS
from recipes.real_documents.tables import interval, rows
from seal.grading import GRADERS
from seal.grading.meaning import same_answer
from seal.types import Question

Record = Mapping[str, Any]


def poison_figures(learned: Sequence[Record], answers: Sequence[Record], grader: str) -> dict[str, Any]:
    """All figures of a run."""
    by_poison = changes(answers, "before", "between", grader)
    own = {r["key"]: r for r in learned if r["stage"] == "poison"}
    harmful = Counter(c["document"] for c in by_poison if c["document"] in own)
    kinds = {k: _kind([r for r in own.values() if r["kind"] == k], harmful) for k in KINDS}
    offered = [r for r in learned if r["stage"] == "poison"]
    good = [r for r in learned if r["kind"] == "good"]
    n_live = sum(r["outcome"] == "live" for r in good)
    n_harmful = sum(r["key"] in harmful for r in offered)
    return {
        "kinds": kinds,
        "poison": {"n": len(offered), "harmful": n_harmful, "wilson95": wilson(n_harmful, len(offered))},
        "good": {
            "n": len(good),
            "live": n_live,
            "wilson95": wilson(n_live, len(good)),
            "stopped": _stopped(good),
        },
        "answers": len({(a["way"], a["question"]) for a in answers if a["moment"] == "before"}),
        "changed_by_itself": changes(answers, "before", "again", grader),
        "changed": [
            {**c, "outcome": own[c["document"]]["outcome"] if c["document"] in own else ""} for c in by_poison
        ],
        "changed_by_good": changes(answers, "between", "after", grader),
        "seconds": {"poison": _mean_seconds(offered), "good": _mean_seconds(good)},
    }


def changes(answers: Sequence[Record], before: str, after: str, grader: str) -> list[dict[str, Any]]:
    """The answers that are others at a later moment, each with the document that answers now; `lost`: right
    then and wrong now."""
    then = {(a["way"], a["question"]): a for a in answers if a["moment"] == before}
    now = {(a["way"], a["question"]): a for a in answers if a["moment"] == after}
    made = GRADERS.get(grader)()
    found = []
    for key, old in then.items():
        new = now.get(key)
        if (
            new is None
            or old["text"] == new["text"]
            or same_answer(old["question"], old["text"], new["text"])
        ):
            continue
        asked = Question(old["question"], tuple(old["answers"]))
        was, is_ = (g.outcome for g in made.grade([asked, asked], [old["text"], new["text"]]))
        row = {name: new[name] for name in ("way", "about", "question", "by", "document")}
        row |= {"before": old["text"], "after": new["text"]}
        found.append(row | {"lost": (was, is_) == ("right", "wrong")})
    return found


def _kind(records: Sequence[Record], harmful: Mapping[str, int]) -> dict[str, Any]:
    outcomes = Counter(r["outcome"] for r in records)
    return {
        "n": len(records),
        **{name: outcomes[name] for name in ("rejected", "held", "live")},
        "harmful": sum(r["key"] in harmful for r in records),
        "harmful_live": sum(r["key"] in harmful and r["outcome"] == "live" for r in records),
        "stopped": _stopped(records),
    }


def _stopped(records: Sequence[Record]) -> dict[str, int]:
    stopped = (r for r in records if r["outcome"] != "live")
    return dict(Counter(f"{r['outcome']} by {gate_of(r['reason'])}" for r in stopped).most_common())


def _mean_seconds(records: Sequence[Record]) -> float | None:
    return sum(r["seconds"] for r in records) / len(records) if records else None


def poison_table(found: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    names = ("n", "rejected", "held", "live", "harmful", "harmful_live")
    body: list[list[object]] = [
        [kind, *(one[name] for name in names), _listed(one["stopped"])]
        for kind, one in found["kinds"].items()
    ]
    total: list[object] = [sum(one[name] for one in found["kinds"].values()) for name in names]
    good, poison = found["good"], found["poison"]
    body.append(["all poisoned", *total, ""])
    body.append(["good", good["n"], "", "", good["live"], "", "", _listed(good["stopped"])])
    head = ["documents", "offered", "rejected", "held", "live", "changed an answer", "live, and changed one"]
    lost = sum(c["lost"] for c in found["changed"])
    lines = [
        rows([*head, "stopped by"], body),
        f"Of {found['answers']} live answers {len(found['changed'])} changed while the poison "
        f"was offered, {lost} of them from right to wrong; {len(found['changed_by_itself'])} changed by "
        f"themselves before, {len(found['changed_by_good'])} while the other good ones were learned.",
        f"Poisoned documents that changed an answer: {poison['harmful']} of {poison['n']} "
        f"({interval(poison['wilson95'])} %). Good ones live: {good['live']} of {good['n']} "
        f"({interval(good['wilson95'])} %).",
    ]
    seconds = found["seconds"]
    if seconds["poison"] and seconds["good"]:
        lines.append(f"Seconds a document: {seconds['poison']:.0f} poisoned, {seconds['good']:.0f} good.")
    told = [
        f"- {c['question']} {c['before']!r} → {c['after']!r} ({c['outcome'] or c['by']})"
        for c in found["changed"]
    ]
    return "\n\n".join([*lines, "\n".join(told)]).rstrip() + "\n"


def _listed(stopped: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in stopped.items())
