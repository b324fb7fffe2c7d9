"""The documents of a set with their questions, and which answers are right once newer documents are live.

Reads `examples/real_documents`, or a file of the same form whose documents stand in the folder of its name.
Knows nothing about models.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seal.domains.knowledge import load_contexts
from seal.errors import InputError, InputFileError
from seal.hints import did_you_mean
from seal.learner import Text
from seal.types import Question

ROOT = Path(__file__).parents[2] / "examples" / "real_documents"
HALVES = ("development", "evaluation", "final")


@dataclass(frozen=True)
class Asked:
    """A question about a document. `superseded_by` is the file of a newer document of equal trust that says
    otherwise, and `answers_then` what is right once that is live too."""

    id: str
    question: Question
    tags: tuple[str, ...] = ()
    superseded_by: str = ""
    answers_then: tuple[str, ...] = ()

    def now(self, live: Collection[str]) -> Question:
        """The question with the answers that are right when the documents of these files are live."""
        if self.superseded_by in live:
            return Question(self.question.text, self.answers_then, self.question.id)
        return self.question


@dataclass(frozen=True)
class RealDocument:
    """A document, and what users ask about it."""

    file: str
    kind: str
    language: str
    title: str
    text: str
    asked: tuple[Asked, ...]

    @property
    def given(self) -> Text:
        """As it is handed to `learn`: its questions are no exam of the learner's."""
        return Text(self.text, self.title)


def named(files: str) -> list[str]:
    """Files out of a flag that lists them with commas."""
    return [name for name in files.split(",") if name]


def load_half(name: str, only: Sequence[str] = ()) -> list[RealDocument]:
    """The documents of a set (a half, or `final`), or of a file of questions; `only` takes those of these
    files, with or without their suffix.

    Raises InputError, InputFileError.
    """
    path = ROOT / f"{name}.json" if name in HALVES else Path(name)
    if name not in HALVES and path.suffix != ".json":
        raise InputError(
            f"there is no set {name!r}", f"Take one of {', '.join(HALVES)}, or a .json file like theirs."
        )
    contexts = load_contexts(path)  # checks the form of all that is read below
    records = json.loads(path.read_text(encoding="utf-8"))
    if len(contexts) != len(records):
        raise InputError(f"{path}: a document stands in it twice", "Take it out once.")
    documents = [_document(path, record) for record in records]
    if not only:
        return documents
    by_name = {d.file: d for d in documents} | {Path(d.file).stem: d for d in documents}
    for one in only:
        if one not in by_name:
            raise InputError(f"{path} has no document {one!r}", did_you_mean(one, list(by_name)))
    chosen = {by_name[one].file for one in only}
    return [d for d in documents if d.file in chosen]


def _document(path: Path, record: dict[str, Any]) -> RealDocument:
    file = record.get("file", record["title"])
    there = path.with_suffix("") / file
    if "file" in record:
        [context] = load_contexts(there)
        if context.text != record["context"].strip():
            raise InputFileError(
                f"{there} is not the text that {path.name} has of it", "Put the same text in both."
            )
    asked = tuple(
        Asked(
            f"{file}/{n}",
            Question(q["question"], tuple(q["answers"]), f"{file}/{n}"),
            tuple(q.get("tags", ())),
            q.get("superseded", {}).get("by", ""),
            tuple(q.get("superseded", {}).get("answers", ())),
        )
        for n, q in enumerate(record["questions"])
    )
    kind, language = record.get("kind", ""), record.get("language", "")
    return RealDocument(file, kind, language, record["title"], record["context"].strip(), asked)
