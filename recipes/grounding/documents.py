"""The documents of the experiment, and which lines about them were judged.

A document stands in documents.json, or names a file of examples/real_documents. A judged line stands in
judged.jsonl. Knows nothing about models.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seal.domains.knowledge import load_contexts
from seal.errors import SealError

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
Verdict = Literal["supported", "unsupported", "ambiguous"]
"""What a reader says: the document states it; it does not, or not of that; it does, but nobody can tell from
the question what is asked for, or the question makes no sense."""


@dataclass(frozen=True)
class GroundedDocument:
    """A document in one language; `half` is "calibration" or "held-out"."""

    id: str
    language: str
    half: str
    title: str
    text: str


@dataclass(frozen=True)
class JudgedLine:
    """A line that a model wrote about a unit of a document, or about several, and what a reader says of it.
    `unit` is the text that the writer was shown."""

    document: str
    language: str
    model: str
    format: str
    unit: str
    line: str
    verdict: Verdict


def load_documents() -> list[GroundedDocument]:
    """All documents in the order of documents.json."""
    records = json.loads((FOLDER / "documents.json").read_text(encoding="utf-8"))
    documents = []
    for record in records:
        file = record.pop("file", "")
        text = load_contexts(ROOT / file)[0].text if file else record.pop("text")
        documents.append(GroundedDocument(text=text, **record))
    return documents


def load_judged() -> list[JudgedLine]:
    """All judged lines in the order of judged.jsonl."""
    text = (FOLDER / "judged.jsonl").read_text(encoding="utf-8")
    return [JudgedLine(**json.loads(line)) for line in text.splitlines()]


def run_program(main: Callable[[], None]) -> None:
    """Runs a program of this folder; what a user can mend is said without a traceback."""
    try:
        main()
    except SealError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
