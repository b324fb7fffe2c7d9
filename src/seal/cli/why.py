"""`seal why`: where an answer is from, and the evidence for it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from seal.cli.ask import Questions, VersionFlag, questions_of
from seal.cli.console import Display
from seal.cli.workspace import JsonFlag, WorkspaceFlag, date, open_learner, print_json, short

if TYPE_CHECKING:
    from seal.learner.explaining import Why

_VERDICTS = {
    "document": "it is from this document",
    "read": "it was read in this document, in the lines above",
    "unknown": "the documents do not say it, and the base model does not know it",
    "base": "no document: it is what the base model says",
    "weak": "with the document taken out the answer stays: it may not be from there",
}


def why(
    *questions: Questions,
    version: VersionFlag = None,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Say why an answer is what it is: the document and its sentence, the lines of the self-edit that taught
    it, and how likely the answer is with that document and without it. What a newer document replaced is
    shown too.
    """
    asked = questions_of(questions)
    reasons = open_learner(workspace).why(asked, version=version)
    if json:
        print_json([{**asdict(w), "verdict": w.verdict, "evidence_nats": w.evidence_nats} for w in reasons])
        return
    console = Display().console
    for n, one in enumerate(reasons):
        if n:
            console.print()
        for label, text in rows_of(one):
            console.print(Text.assemble((f"{label:<10}", "bold"), text))


def rows_of(one: Why) -> list[tuple[str, str]]:
    """What is known of an answer, each with its name."""
    rows = [("question", one.question), ("answer", one.answer or "(nothing)")]
    rows.append(("version", short(one.version) if one.version else "the base model"))
    if one.document is not None:
        learned = f", live since {date(one.learned_at)} UTC" if one.learned_at else ""
        rows.append(("document", f"{one.title or '(no title)'}  {short(one.document)}{learned}"))
        rows.append(("sentence", one.sentence or "(none of its lines gives this answer)"))
        for i, line in enumerate(one.lines):
            rows.append(
                (("read" if one.way == "reading" else "lines") if i == 0 else "", line.replace("\n", "  "))
            )
    evidence = f"probability {one.probability:.3f}"
    if one.without_source is not None:
        evidence += f", without the document {one.without_source:.3g}"
    rows.append(("evidence", evidence))
    rows.append(("", _VERDICTS[one.verdict]))
    for other in one.superseded:
        said = other.line.replace("\n", "  ")
        rows.append(
            ("replaced", f"{said}  ({other.title}, {short(other.document)}, of {date(other.added_at)} UTC)")
        )
    return rows
