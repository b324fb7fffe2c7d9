"""`seal show`: one version: what it knows, why it was decided on as it was, and what to do about that."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from seal.cli.console import Display, table
from seal.cli.workspace import (
    JsonFlag,
    WorkspaceFlag,
    date,
    open_learner,
    print_json,
    say,
    short,
    show_entries,
    state_of,
    version_json,
)

if TYPE_CHECKING:
    from seal.learner.showing import VersionRecord

_TITLES = 6  # that the short form names


def show(
    version: Annotated[str, Parameter(help="An alias (live), an id, or the first digits of one.")] = "live",
    *,
    long: Annotated[
        bool,
        Parameter(negative=(), help="Everything: digests, documents, builds, the whole report, the history."),
    ] = False,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Show a version: what it knows, what was decided on it and why, and what can be done about that.

    With --long all of its record: the documents and builds that it descends from, its report, its history.
    """
    shown = open_learner(workspace).show(version)
    if json:
        told = {
            **version_json(shown.version),
            "lineage": [asdict(build) for build in shown.builds],
            "report": {"object": shown.version.report, "content": shown.report},
            "history": [asdict(entry) for entry in shown.history],
        }
        print_json(told)
    elif long:
        _long(shown)
    else:
        _short(shown)


def _short(shown: VersionRecord) -> None:
    made = shown.version
    came = f", made from {short(made.parent)}" if made.parent else ""
    say(f"version   {short(made.id)}, {state_of(made)}; of {date(made.created_at)} UTC{came}")
    titles = [d.title or short(d.id) for d in shown.documents if not d.erased]
    more = f" and {len(titles) - _TITLES} more" if len(titles) > _TITLES else ""
    n = len(shown.documents)
    named = f": {', '.join(titles[:_TITLES])}{more}" if titles else ""
    say(f"knows     {n} document{'' if n == 1 else 's'}{named}")
    names = {f"document {d.id[:12]}": d.title or f"document {d.id[:12]}" for d in shown.documents}
    for n, exam in enumerate(_exams(shown.report, names)):
        say(f"{'exam' if n == 0 else '':<10}{exam}")
    reason = shown.reason
    if reason:
        say(f"why       {reason}")
    if made.state in ("held", "rejected"):
        _what_to_do(shown, names, reason)
    if made.state == "held":
        say(f"to do     seal approve {short(made.id)}   or   seal reject {short(made.id)}")
    say("(all of it: --long)")


def _what_to_do(shown: VersionRecord, names: Mapping[str, str], reason: str) -> None:
    """Each finding that stopped it, with what can be done about it."""
    from seal.learner.advising import advice

    findings = list(_stopped(shown.report))
    for n, (gate, about, said) in enumerate(findings):
        say(f"{'stopped' if n == 0 else '':<10}{gate}: {names.get(about, about)}: {said}")
    known = [d.title or short(d.id) for d in shown.documents]
    own = known[0] if len(known) == 1 else ""
    reasons = [f"{gate}: {about}: {said}" for gate, about, said in findings] or [reason]
    words = (advice(one, document=own, version=short(shown.version.id)) for one in reasons)
    for one in dict.fromkeys(filter(None, words)):
        say(f"{'':<10}→ {one}")


def _exams(report: Any, names: Mapping[str, str]) -> Iterator[str]:
    """The exams of the documents that a version added, in figures."""
    for exam in _part(report, "documents"):
        after = sum(v == 1 for v in exam.get("candidate", {}).values())
        before = sum(v == 1 for v in exam.get("reference", {}).values())
        n = len(exam.get("candidate", {}))
        name = str(exam.get("name", ""))
        yield f"{names.get(name, name)}: {after} of {n} questions right ({before} before)"


def _stopped(report: Any) -> Iterator[tuple[str, str, str]]:
    """The findings that did not pass: (gate, about what, what it says)."""
    told = report.get("decision", {}) if isinstance(report, Mapping) else {}
    for finding in told.get("findings", ()):
        if finding.get("judgement") != "pass":
            yield finding["gate"], finding["about"], finding["reason"]


def _part(report: Any, name: str) -> list[Any]:
    told = report.get("report", {}) if isinstance(report, Mapping) else {}
    return list(told.get(name, ()))


def _long(shown: VersionRecord) -> None:
    made = shown.version
    say(f"version    {made.id}")
    say(f"state      {state_of(made)}")
    say(f"aliases    {', '.join(made.aliases) or '–'}")
    say(f"made from  {short(made.parent)}")
    say(f"content    {made.content}")
    say(f"base       {made.base}")
    rows = [[short(d.id), "(erased)" if d.erased else d.title, f"{d.trust:g}"] for d in shown.documents]
    Display().console.print(table("Documents", ["document", "title", "trust"], rows, words=True))
    rows = [[short(b.key), short(b.object), str(len(b.sources)), str(b.seed)] for b in shown.builds]
    Display().console.print(table("Builds", ["build", "object", "documents", "seed"], rows))
    if shown.report is not None:
        say(f"Report\n{jsonlib.dumps(shown.report, indent=2, ensure_ascii=False)}")
    show_entries("What happened to it", shown.history)
