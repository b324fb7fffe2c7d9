"""What was made of one document: its lines, kept or dropped and why, and its exam with the outcomes that were
measured.

Reads the workspace only: no model is loaded, and nothing is measured anew. Knows nothing about how it is
printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from seal.grading.lexical import words
from seal.learner.showing import report_of
from seal.registry import LIVE, Build, Document, Line, Version, Workspace
from seal.self_edits.pair_lines import question_of
from seal.text import sentences

_LEAST_ALIKE = 0.2
Recorded: TypeAlias = Literal["right", "wrong", "ungraded", "not recorded"]


@dataclass(frozen=True)
class LineRecord:
    """A line with what became of it. `reason` says why it was dropped or is no longer trained on; `sentence`
    is the one of the document that it is about, empty if none is like it. `replaced`: a newer document says
    otherwise, in the live version."""

    text: str
    kept: bool
    reason: str
    sentence: str
    replaced: bool = False


@dataclass(frozen=True)
class DocumentLines:
    """All that was written about a document for its present cell. `version` is the one that has that cell:
    the live one, or else the newest; None if none does."""

    document: Document
    version: Version | None
    lines: tuple[LineRecord, ...]


@dataclass(frozen=True)
class ExamRecord:
    """A question of an exam, with the outcomes that were recorded: of the version that was asked, and of the
    one before the document was learned. `replaced`: a newer document answers it otherwise."""

    question: str
    answers: tuple[str, ...]
    outcome: Recorded
    before: Recorded
    replaced: bool = False


@dataclass(frozen=True)
class DocumentExam:
    """A document's exam. `given`: by a person, and not by the model."""

    document: Document
    version: Version | None
    given: bool
    questions: tuple[ExamRecord, ...]


def lines_of(workspace: Workspace, document: Document) -> DocumentLines:
    """Raises DamageError if the text is damaged."""
    version, build = _newest(workspace, document.id)
    writer = build.writer if build else _last_writer(workspace, document.id)
    stored = workspace.lines(document.id, writer=writer) if writer else []
    retired = set(build.recipe.get("retired", ())) if build else set()
    told = sentences(workspace.text(document.id))
    lines = tuple(
        LineRecord(
            line.text,
            line.kept and n not in retired,
            "a newer document says otherwise" if n in retired and line.kept else line.reason,
            line.sentence or _nearest(line, document.title, told),
            n in retired,
        )
        for n, line in enumerate(stored)
    )
    return DocumentLines(document, version, lines)


def exam_of(workspace: Workspace, document: Document) -> DocumentExam:
    """Raises DamageError if the report is damaged."""
    version, build = _newest(workspace, document.id)
    given = workspace.exam(document.id, origin="given")
    writer = build.writer if build else _last_writer(workspace, document.id)
    stored = given or workspace.exam(document.id, origin=f"self/{writer}")
    learned = None if build is None else workspace.first_with(build.key)
    now = _outcomes(workspace, version, "candidate", ("documents", "retained"))
    before = _outcomes(workspace, learned, "reference", ("documents",))
    gone = _replaced_answers(workspace, document.id, build)
    questions = tuple(
        ExamRecord(
            question.text,
            question.answers,
            _word(now, f"{document.id[:12]}/{n}"),
            _word(before, f"{document.id[:12]}/{n}"),
            question.answers[0] in gone,
        )
        for n, question in enumerate(stored)
    )
    return DocumentExam(document, version, bool(given), questions)


def _newest(workspace: Workspace, document: str) -> tuple[Version | None, Build | None]:
    """The version that knows a document and its build in it: the live one, or else the newest."""
    live = workspace.alias(LIVE)
    for version in ([live] if live else []) + workspace.versions()[::-1]:
        if document not in version.documents:
            continue
        for key in version.builds:
            build = workspace.build(key)
            if build.recipe.get("document") == document and not build.erased:
                return version, build
    return None, None


def _last_writer(workspace: Workspace, document: str) -> str | None:
    """Who wrote the lines that were recorded last."""
    for entry in reversed(workspace.ledger()):
        if entry.action == "lines.record" and entry.inputs.get("document") == document:
            return str(entry.inputs["writer"])
    return None


def _nearest(line: Line, title: str, told: list[str]) -> str:
    """The sentence that shares most words with a line which no sentence supports, the title's aside."""
    own = set(words(line.text)) - set(words(title))

    def alike(sentence: str) -> float:
        other = set(words(sentence))
        return len(own & other) / max(1, len(own))

    best = max(told, key=alike, default="")
    return best if best and alike(best) >= _LEAST_ALIKE else ""


def _replaced_answers(workspace: Workspace, document: str, build: Build | None) -> set[str]:
    """Answers that only lines give which a newer document replaces (as `KnownDocument.retired_answers`)."""
    retired = set(build.recipe.get("retired", ())) if build else set()
    if build is None or not retired:
        return set()
    gone: set[str] = set()
    left: set[str] = set()
    for n, line in enumerate(workspace.lines(document, writer=build.writer)):
        pair = question_of(line.text)
        if pair is not None and n in retired:
            gone.add(pair[1])
        elif pair is not None and line.kept:
            left.add(pair[1])
    return gone - left


def _outcomes(workspace: Workspace, version: Version | None, of: str, parts: Sequence[str]) -> dict[str, Any]:
    """All outcomes by item in these parts of a version's report: of the candidate, or of the reference, which
    is the version before. A document's own exam comes before what was asked of it again later."""
    told = None if version is None else report_of(workspace, version)
    report = told.get("report", {}) if isinstance(told, Mapping) else {}
    found: dict[str, Any] = {}
    for exam in (exam for part in parts for exam in report.get(part, ())):
        for item, outcome in exam.get(of, {}).items():
            found.setdefault(item, outcome)
    return found


def _word(outcomes: Mapping[str, Any], item: str) -> Recorded:
    if item not in outcomes:
        return "not recorded"
    value = outcomes[item]
    return "ungraded" if value is None else "right" if value == 1 else "wrong"
