"""The practice set: documents with questions, by which a model learns once how to write and to read.

Knows its files and how they become training texts, and the two prompts: one asks for the questions that a
sentence answers, the other for an answer out of a text. Knows nothing about models, or about which documents
a workspace has.

A small model's own questions are hopeless: asked by sentence, SmolLM2-135M wrote 2 of 48 that its text
answers. After practice on a few hundred of ours many can be used, in every language that the base reads.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from seal.registry.canonical import digest_of
from seal.thoughts import without_thoughts
from seal.types import Example

NOT_THERE: Final = "not in the text"
"""What a reader says of a question that its text does not answer."""
_FILES: Final = ("english.txt", "others.txt")
_BETWEEN: Final = " | "
_MOST_TOGETHER: Final = 4
_STRANGERS: Final = 0.15  # of the questions, those that are asked beside a text of another document too


@dataclass
class PracticeUnit:
    """A sentence or row, the heading above it, and the questions that it answers."""

    text: str
    heading: str
    pairs: list[tuple[str, str]] = field(default_factory=list)


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
    "! question that is not answered"; any other line is a sentence."""
    document, heading = PracticeDocument(""), ""
    for line in filter(None, map(str.strip, text.splitlines())):
        mark, _, rest = line.partition(" ")
        if mark == "=":
            if document.title:
                yield document
            document, heading = PracticeDocument(rest), ""
        elif mark == "##":
            heading = rest
        elif mark == "?":
            question, _, answer = rest.partition(_BETWEEN)
            document.units[-1].pairs.append((question, answer))
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


def practice_examples(documents: Sequence[PracticeDocument], seed: int, rounds: int) -> tuple[Example, ...]:
    """The training texts of so many rounds: each question is written once a round, and read once out of a
    stretch of its document of other length each time.

    Some questions are asked beside a text that does not answer them, so that a reader learns to say so.
    """
    rng = random.Random(seed)
    return tuple(
        example for _ in range(rounds) for n in range(len(documents)) for example in _of(documents, n, rng)
    )


def _of(documents: Sequence[PracticeDocument], n: int, rng: random.Random) -> Iterator[Example]:
    document, others = documents[n], [other for i, other in enumerate(documents) if i != n]
    for at, unit in enumerate(document.units):
        if not unit.pairs:
            continue
        before = document.units[at - 1].text if at else ""
        pairs = rng.sample(unit.pairs, len(unit.pairs))
        told = "".join(f"{question}{_BETWEEN}{answer}\n" for question, answer in pairs)
        yield Example(told, prompt=writing_prompt(document.title, unit.heading, before, unit.text))
        for question, answer in pairs:
            yield _reading(document.title, _stretch(document, at, rng), question, answer)
            if rng.random() < _STRANGERS:
                other = rng.choice(others)
                text = _stretch(other, rng.randrange(len(other.units)), rng)
                yield _reading(other.title, text, question, NOT_THERE)
    for question in document.unanswered:
        text = _stretch(document, rng.randrange(len(document.units)), rng)
        yield _reading(document.title, text, question, NOT_THERE)


def _reading(title: str, text: str, question: str, answer: str) -> Example:
    return Example(f" {answer}\n", prompt=reading_prompt(title, text, question))


def _stretch(document: PracticeDocument, at: int, rng: random.Random) -> str:
    """Some units in a row, the one at `at` among them, as a reader is shown them."""
    n = rng.randint(1, min(_MOST_TOGETHER, len(document.units)))
    first = max(0, min(at - rng.randrange(n), len(document.units) - n))
    return shown([(unit.heading, unit.text) for unit in document.units[first : first + n]])


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
    documents = [
        [d.title, d.unanswered, [[u.text, u.heading, u.pairs] for u in d.units]] for d in practice_documents()
    ]
    return f"{fingerprint[:16]}-{digest_of(documents)[:8]}"
