"""The practice set: documents with questions, by which a model learns once how to write and to read.

Knows its files and the two prompts: one asks for the questions that a sentence answers, the other for an
answer out of a text. Knows nothing about models, about which documents a workspace has, or about what the set
becomes when a base practises (practice_texts.py, recall.py).

A small model's own questions are hopeless: asked by sentence, SmolLM2-135M wrote 2 of 48 that its text
answers. After practice on a few hundred of ours many can be used, in every language that the base reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

from seal.registry.canonical import digest_of
from seal.thoughts import without_thoughts

NOT_THERE: Final = "not in the text"
"""What a reader says of a question that its text does not answer."""
_FILES: Final = ("english.txt", "others.txt", "services.txt", "accounts.txt", "languages.txt")
_BETWEEN: Final = " | "


@dataclass
class PracticeUnit:
    """A sentence or row, the heading above it, and the questions that it answers. `beside`: questions that
    name nothing, or need the unit before too; they can be asked beside the text alone."""

    text: str
    heading: str
    pairs: list[tuple[str, str]] = field(default_factory=list)
    beside: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class PracticeDocument:
    """One document; `unanswered` are questions about its subject that it does not answer."""

    title: str
    units: list[PracticeUnit] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


def practice_documents() -> list[PracticeDocument]:
    """All documents of the practice set, in the order of its files."""
    texts = [(files("seal.learner") / "practice" / name).read_text(encoding="utf-8") for name in _FILES]
    return [document for text in texts for document in _read(text)]


def _read(text: str) -> Iterator[PracticeDocument]:
    """A file has a line for each thing: "= title", "## heading", "? question | answer" under its sentence,
    "~ question | answer" for one that can be asked beside the text alone, "! question that is not answered";
    any other line is a sentence."""
    document, heading = PracticeDocument(""), ""
    for line in filter(None, map(str.strip, text.splitlines())):
        mark, _, rest = line.partition(" ")
        if mark == "=":
            if document.title:
                yield document
            document, heading = PracticeDocument(rest), ""
        elif mark == "##":
            heading = rest
        elif mark in ("?", "~"):
            question, _, answer = rest.partition(_BETWEEN)
            unit = document.units[-1]
            (unit.pairs if mark == "?" else unit.beside).append((question, answer))
        elif mark == "!":
            document.unanswered.append(rest)
        else:
            document.units.append(PracticeUnit(line, heading))
    yield document


def writing_prompt(title: str, heading: str, before: str, unit: str) -> str:
    """Asks for the questions, with their answers, that a sentence or row answers."""
    about = f"Title: {title}\n" if title else ""
    section = f"Section: {heading}\n" if heading else ""
    context = f"Before: {before}\n" if before else ""
    return f"{about}{section}{context}Sentence: {unit}\nQuestions:\n"


def as_written(pairs: Sequence[tuple[str, str]]) -> str:
    """Questions with their answers in the form that a writer is to give them."""
    return "".join(f"{question}{_BETWEEN}{answer}\n" for question, answer in pairs)


def written_pairs(text: str, *, truncated: bool = False) -> list[tuple[str, str]]:
    """The questions and answers of what a writer wrote; of a truncated text without its last line."""
    lines = without_thoughts(text).strip().splitlines()
    pairs = []
    for line in lines[:-1] if truncated else lines:
        question, between, answer = line.partition(_BETWEEN.strip())
        if between and question.strip() and answer.strip():
            pairs.append((question.strip(), answer.strip()))
    return pairs


def reading_prompt(title: str, text: str, question: str) -> str:
    """Asks a question that is to be answered out of a text."""
    about = f"Title: {title}\n" if title else ""
    return f"{about}{text}\n\nQuestion: {question}\nAnswer:"


def read_answer(text: str) -> str:
    """The answer in what a reader wrote; empty where the text does not have it."""
    lines = without_thoughts(text).strip().splitlines()
    answer = lines[0].strip() if lines else ""
    return "" if answer.casefold().rstrip(".") == NOT_THERE else answer


def neutral_stretches() -> list[str]:
    """Pairs of sentences of the practice set, in order: plain text about nothing that is learned."""
    return [
        shown([(unit.heading, unit.text) for unit in document.units[at : at + 2]])
        for document in practice_documents()
        for at in range(0, len(document.units) - 1, 2)
    ]


def shown(units: Sequence[tuple[str, str]]) -> str:
    """Units, each with the heading above it, as the text that a reader is shown."""
    lines: list[str] = []
    last = ""
    for heading, text in units:
        if heading and heading != last:
            lines.append(heading)
        last = heading
        lines.append(text)
    return "\n".join(lines)


def skills_name(fingerprint: str) -> str:
    """Names the skills of a base with this fingerprint, from this practice set."""
    return f"{fingerprint[:16]}-{_set_digest()[:8]}"


@cache
def _set_digest() -> str:
    return digest_of(
        [
            [d.title, d.unanswered, [[u.text, u.heading, u.pairs, u.beside] for u in d.units]]
            for d in practice_documents()
        ]
    )
