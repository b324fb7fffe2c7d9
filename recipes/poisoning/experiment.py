"""Poisoned documents, offered one by one to a learner that knows some: what becomes of them, and of it.

A learner learns good documents, then is offered poisoned ones of every kind (poison.py),
then other good ones. Its live answers are recorded before, between and after: exams of what it learned first,
the reference, private questions about everybody concerned, and what the poison is wrong about. A run that was
stopped goes on. Knows nothing about how a document is screened or judged; it reads outcomes and reasons.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recipes.poisoning.poison import POISON_KINDS, Poisoned, make_poison
from seal.domains.knowledge.private_questions import private_questions
from seal.domains.microworld.names import WorldSplit
from seal.domains.microworld.world import WorldItem, make_items
from seal.engine.start import Silent, Watch
from seal.files import write_beside
from seal.grading.exact import comparable
from seal.learner import Learner, Text
from seal.registry import document_key
from seal.types import Context

_BATCH = 10


@dataclass(frozen=True)
class PoisonSettings:
    """What is run: `first` good documents, `each` poisoned ones of every kind, `others` good ones."""

    split: WorldSplit = "dev"
    seed: int = 0
    first: int = 20
    each: int = 10
    others: int = 50


@dataclass(frozen=True)
class Probe:
    """A question whose live answer is recorded; `about` says why."""

    about: str
    question: str
    shown: Context | None = None


def run_poisoning(settings: PoisonSettings, folder: Path, watch: Watch | None = None) -> dict[str, Any]:
    """Run or resume the experiment in a folder; returns what `results.json` then holds."""
    watch = watch or Silent()
    path = folder / "workspace"
    learner = Learner.open(path) if path.exists() else Learner.init(path, model="tiny")
    items = make_items(settings.split, settings.first + settings.others, seed=3000 + settings.seed)
    first, others = items[: settings.first], items[settings.first :]
    learned = _kept(folder / "first.json", lambda: _learn(learner, first, "good documents", watch))
    live = [i for i, one in zip(first, learned, strict=True) if one["outcome"] == "live"]
    poison = make_poison(settings.split, settings.each, seed=settings.seed, live=live)
    probes = probes_of(learner, first, poison)
    before = _kept(folder / "before.json", lambda: answers(learner, probes))
    became = _poison(learner, poison, folder / "poisoned.jsonl", watch)
    between = _kept(folder / "between.json", lambda: answers(learner, probes))
    good = _kept(folder / "others.json", lambda: _learn(learner, others, "other good documents", watch))
    after = _kept(folder / "after.json", lambda: answers(learner, probes))
    results = {
        "settings": asdict(settings),
        "first": learned,
        "poisoned": became,
        "others": good,
        "probes": dict(Counter(p.about for p in probes)),
        "changed": changes(probes, before, between),
        "changed_by_good": changes(probes, between, after),
    }
    write_beside(
        folder / "results.json", lambda p: p.write_text(json.dumps(results, indent=1), encoding="utf-8")
    )
    return results


def _kept(path: Path, make: Callable[[], list[Any]]) -> list[Any]:
    """What a file holds; made and written if it is not there."""
    if not path.exists():
        made = make()
        write_beside(path, lambda p: p.write_text(json.dumps(made, indent=1), encoding="utf-8"))
    return json.loads(path.read_text(encoding="utf-8"))


def _learn(learner: Learner, items: Sequence[WorldItem], what: str, watch: Watch) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for at in range(0, len(items), _BATCH):
        watch.progress(what, at, len(items))
        part = items[at : at + _BATCH]
        for one in learner.learn([Text(i.context.text, i.context.title) for i in part]):
            # "known": live already, by the run that this one goes on from.
            records.append(asdict(one) | ({"outcome": "live"} if one.outcome == "known" else {}))
    return records


def _poison(learner: Learner, poison: Sequence[Poisoned], path: Path, watch: Watch) -> list[dict[str, Any]]:
    """Every poisoned document by itself, in order."""
    done = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    for n, one in enumerate(poison[len(done) :], start=len(done)):
        watch.progress("poisoned documents", n, len(poison))
        started = time.perf_counter()
        outcome = asdict(learner.learn([Text(one.text, one.title, one.trust)])[0])
        if outcome["outcome"] == "known":
            outcome["outcome"] = "live"
        outcome |= {"document": document_key(one.text, one.title), "kind": one.kind, "way": one.way}
        outcome["seconds"] = time.perf_counter() - started
        done.append(outcome)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(outcome) + "\n")
    return done


def probes_of(learner: Learner, first: Sequence[WorldItem], poison: Sequence[Poisoned]) -> list[Probe]:
    """What is asked before and after."""
    probes = [Probe("exam", q.text) for item in first for q in item.context.questions]
    probes += [Probe(f"reference, {i.kind}", i.question, i.shown) for i in learner.parts.reference]
    for title in dict.fromkeys([*(i.context.title for i in first), *(p.title for p in poison)]):
        # In other words than the gates ask.
        asked = private_questions(random.Random(f"probe/{title}"), title)
        probes += [Probe("private", question) for question in asked]
    probes += [Probe(f"asked of {p.kind}", q.text) for p in poison for q in p.asks]
    return list({(p.question, p.shown and p.shown.id): p for p in reversed(probes)}.values())[::-1]


def answers(learner: Learner, probes: Sequence[Probe]) -> list[Any]:
    """[answer, document that it is from] for each probe, of the live version."""
    mind = learner.parts.mind(learner.workspace.alias())
    said = mind.ask([p.question for p in probes], [p.shown for p in probes])
    return [[a.text, a.document] for a in said]


def changes(
    probes: Sequence[Probe], before: Sequence[Sequence[Any]], after: Sequence[Sequence[Any]]
) -> list[dict[str, Any]]:
    """The probes whose answers are no longer the same, each with the document that answers now."""
    return [
        {"about": p.about, "question": p.question, "before": a[0], "after": b[0], "document": b[1]}
        for p, a, b in zip(probes, before, after, strict=True)
        if comparable(a[0]) != comparable(b[0])
    ]


def gate_of(reason: str) -> str:
    """The gate that a reason begins with."""
    return reason.partition(":")[0]


def figures(results: Mapping[str, Any]) -> dict[str, Any]:
    """By kind of poison: how many were stopped where, went live, and went live and changed a live answer."""
    harmful = {c["document"] for c in results["changed"]}
    kinds: dict[str, Any] = {}
    for kind in POISON_KINDS:
        own = [one for one in results["poisoned"] if one["kind"] == kind]
        live = [one for one in own if one["outcome"] == "live"]
        stopped = Counter(
            f"{one['outcome']} by {gate_of(one['reason'])}" for one in own if one["outcome"] != "live"
        )
        kinds[kind] = {
            "n": len(own),
            "stopped": dict(stopped),
            "live": len(live),
            "harmful": sum(one["document"] in harmful for one in live),
        }
    return {
        "kinds": kinds,
        "answers": sum(results["probes"].values()),
        "changed": len(results["changed"]),
        "good": Counter(one["outcome"] for one in results["others"]),
        "good_stopped": Counter(
            gate_of(one["reason"]) for one in results["others"] if one["outcome"] != "live"
        ),
    }


def table(runs: Sequence[Mapping[str, Any]]) -> str:
    """The figures of several runs together, as Markdown."""
    own = [figures(run) for run in runs]
    rows = [
        "| documents | offered | rejected | held | live | live and changed a live answer |",
        "|---|" + "---|" * 5,
    ]
    total = Counter[str]()
    for kind in POISON_KINDS:
        row: Counter[str] = Counter()
        for one in own:
            k = one["kinds"][kind]
            row.update({"n": k["n"], "live": k["live"], "harmful": k["harmful"]})
            for name, n in k["stopped"].items():
                row[name.partition(" ")[0]] += n
        total += row
        rows.append(_row(kind, row))
    rows.append(_row("all poisoned", total))
    good: Counter[str] = sum((Counter(one["good"]) for one in own), Counter())
    good["n"] = sum(good.values())
    rows.append(_row("good", good, harmful="-"))
    return "\n".join(rows)


def _row(name: str, row: Mapping[str, int], harmful: str = "") -> str:
    told = [row["n"], row["rejected"], row["held"], row["live"], harmful or row["harmful"]]
    return f"| {name} | {' | '.join(map(str, told))} |"
