"""Documents as they come in, and what becomes of each.

Knows files and texts, and which documents need no study: those that screening refuses, and those that are
known. Knows nothing about models, and imports none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from seal.domains.knowledge import load_contexts
from seal.domains.knowledge.load import SUFFIXES, contexts_in, files_of, load_questions
from seal.domains.knowledge.screen import ScreenConfig, screen
from seal.domains.knowledge.sources import Notice, silent, stem_of
from seal.errors import InputError, InputFileError
from seal.registry import Version
from seal.registry.canonical import sha256
from seal.types import Context, Question

if TYPE_CHECKING:
    from seal.registry import Document

REFERENCE_FILE = "reference.json"
"""In a workspace's folder: the user's own questions that no update may spoil."""
TAUGHT = "taught"
"""The origin of questions with answers that a person gave for a document to be learned by, not examined."""
_TAKEN = (
    "Give a text, a path, a seal.Text, or a list of these. A file is named by a Path, or by a str that names "
    "one that exists."
)

DocumentOutcome: TypeAlias = Literal["live", "read", "held", "rejected", "known"]


@dataclass(frozen=True)
class Text:
    """A document as it comes in. `trust` None is the workspace's default; `questions` are its exam, if one is
    given.

    `titled` False: the title is no more than the file's name. `corrects`: a person says that this is the
    title of the text, whatever it was called before. `source` is a digest of the file it is from, and
    `document` the id that it has in a workspace.
    """

    text: str
    title: str = ""
    trust: float | None = None
    questions: tuple[Question, ...] = ()
    titled: bool = field(default=True, compare=False)
    corrects: bool = field(default=False, compare=False)
    source: str = field(default="", compare=False, repr=False)
    document: str = field(default="", compare=False, repr=False)


Given: TypeAlias = str | os.PathLike[str] | Text
"""One thing that can be learned: a text, the path of a file or folder, or a `Text`."""


@dataclass(frozen=True)
class Learned:
    """What became of a document, and why. `before` and `after` are its exam's right answers of
    `questions`.

    "read": its cell was refused and nothing of it is in the weights; it is live all the same, and questions
    about it are answered by reading it.
    """

    document: str
    title: str
    outcome: DocumentOutcome
    reason: str
    version: str | None = None
    lines_kept: int = 0
    lines_written: int = 0
    before: int = 0
    after: int = 0
    questions: int = 0
    supersedes: tuple[str, ...] = ()


def load_documents(
    path: str | os.PathLike[str], *, trust: float | None = None, notice: Notice = silent
) -> list[Text]:
    """The documents in a file, or in all files of a folder, as `load_contexts` reads them.

    `notice` is told what a person should know, such as an encoding that had to be found out. Raises
    InputFileError, InputError.
    """
    path = Path(path)
    if path.is_dir():
        return [text for file in files_of(path) for text in load_documents(file, trust=trust, notice=notice)]
    source = sha256(os.fsencode(path.resolve()))
    contexts = load_contexts(path, notice=notice)
    return [
        Text(c.text, c.title, trust, c.questions, c.title != stem_of(path), source=source) for c in contexts
    ]


def load_readable(
    path: str | os.PathLike[str], *, trust: float | None = None, notice: Notice = silent
) -> tuple[list[Text], list[InputError]]:
    """The same, file by file: what can be read, and what is wrong with each file that cannot.

    Raises InputFileError if there is no such file or folder, or no file in it.
    """
    path = Path(path)
    if not path.exists():
        return load_documents(path), []  # which says what is missing, and what may have been meant
    files = files_of(path) if path.is_dir() else [path]
    texts: list[Text] = []
    wrong: list[InputError] = []
    for file in files:
        try:
            texts += load_documents(file, trust=trust, notice=notice)
        except InputError as error:
            wrong.append(error)
    return texts, wrong


def documents_in(
    raw: bytes, where: str, *, trust: float | None = None, notice: Notice = silent
) -> list[Text]:
    """The documents in what has no name, such as the standard input. Raises as `load_documents` does."""
    contexts = contexts_in(raw, where, notice=notice)
    return [Text(c.text, c.title, trust, c.questions, bool(c.title)) for c in contexts]


def documents_of(given: Given | Sequence[Given]) -> list[Text]:
    """What was handed to `learn` as documents.

    A `Path` is the path of a file or folder. A `str` is a text, unless it names a file or folder that exists;
    one that only looks like a path (no white space in it, and a separator or one of the suffixes) is a
    mistake, and no document.

    Raises InputError for anything else, InputFileError for a path that cannot be read.
    """
    if isinstance(given, (str, os.PathLike, Text)):
        return _documents(given)
    if isinstance(given, (bytes, bytearray)) or not isinstance(given, Iterable):
        raise InputError(f"{_shown(given)} is no document", _TAKEN)
    made = [text for one in given for text in _documents(one)]
    if not made:
        raise InputError("no document is given: the list is empty", _TAKEN)
    return made


def _documents(given: Any) -> list[Text]:
    if isinstance(given, Text):
        if not isinstance(given.text, str) or not isinstance(given.title, str):
            raise InputError(f"a Text of {_shown(given.text)}", "Its text and its title are of type str.")
        checked_trust(given.trust)
        return [given]
    if isinstance(given, str) and not _is_path(given):
        return [Text(given)]
    if isinstance(given, (str, os.PathLike)):
        return load_documents(Path(os.fsdecode(given)))
    raise InputError(f"{_shown(given)} is no document", _TAKEN)


def _is_path(text: str) -> bool:
    """Whether a str names a file or folder. Raises InputFileError if it only looks so."""
    if "\n" not in text and "\0" not in text and text and os.path.exists(text):
        return True
    if text and not any(map(str.isspace, text)) and (_has_separator(text) or text.lower().endswith(SUFFIXES)):
        raise InputFileError(
            f"there is no file or folder {text}",
            "Check the path. If it is meant as a document's text, wrap it: seal.Text(...).",
        )
    return False


def _has_separator(text: str) -> bool:
    return os.sep in text or bool(os.altsep and os.altsep in text)


def _shown(given: object) -> str:
    """A value and its type for a message, shortened."""
    said = repr(given)
    return f"{said if len(said) <= 40 else said[:37] + '...'} of type {type(given).__name__}"


def checked_trust(trust: float | None) -> float | None:
    """`trust` if it is none or from 0 to 1. Raises InputError."""
    if trust is not None and not 0 <= trust <= 1:
        raise InputError(f"the trust is {trust}", "Give a number from 0 (none) to 1 (full).")
    return trust


def with_questions(texts: Sequence[Text], path: Path, *, notice: Notice = silent) -> list[Text]:
    """The documents with the exams in a file.

    A passage with questions is the exam of the document that has its text, or else its title: paragraphs
    under one title keep their own. For one document a list of questions will do, and so will one exam. Raises
    InputError if no exam is for any of them, and what `load_contexts` does.
    """
    try:
        exams = [c for c in load_contexts(path, notice=notice) if c.questions]
    except InputError as error:
        exams = []
        asked = _plain_questions(path, error, notice)
        if len(texts) != 1:
            raise InputError(
                f"{path} has questions without passages, and there are {len(texts)} documents",
                'Give each question its document: {"title": ..., "context": ..., "questions": [...]}.',
            ) from error
        return [replace(texts[0], questions=tuple(asked))]
    if len(texts) == 1 and len(exams) == 1:
        return [replace(texts[0], questions=exams[0].questions)]
    given = _matched(texts, exams)
    if not any(given):
        raise InputError(
            f"{path} has no questions for any of the documents",
            "Its records need the documents' titles: " + ", ".join(repr(t.title) for t in texts[:3]),
        )
    return [replace(text, questions=own) for text, own in zip(texts, given, strict=True)]


def _plain_questions(path: Path, error: InputError, notice: Notice) -> list[Question]:
    """The questions of a file that is no file of passages. Raises InputError, `error` if it is none of
    these either."""
    try:
        asked = load_questions(path, notice=notice)
    except InputFileError:
        raise error from None
    except InputError as other:
        of_passages = "question" not in other.message or "questions[" in error.message
        raise (error if of_passages else other) from None
    if not asked:
        raise InputError(f"{path} has no questions that can be answered", "Give each its answer.")
    return asked


def _matched(texts: Sequence[Text], exams: Sequence[Context]) -> list[tuple[Question, ...]]:
    """For each document the questions of the passages that are its text or stand in it; where none does,
    those under its title whose passage is no other document's."""
    told = [" ".join(text.text.split()) for text in texts]
    own: list[list[Question]] = [[] for _ in texts]
    left: list[Context] = []
    for exam in exams:
        passage = " ".join(exam.text.split())
        whole = [at for at, text in enumerate(told) if text == passage]
        titled = [at for at in whole if texts[at].title == exam.title]
        parts = [at for at, text in enumerate(told) if passage in text and texts[at].title == exam.title]
        found = titled or whole or parts
        for at in found:
            own[at] += exam.questions
        if not found:
            left.append(exam)
    for exam in left:
        for at, text in enumerate(texts):
            if text.title == exam.title and not any(q in own[at] for q in exam.questions):
                own[at] += exam.questions
    return [tuple(dict.fromkeys(questions)) for questions in own]


def sift(
    texts: Sequence[Text], live: Version | None, config: ScreenConfig
) -> tuple[dict[int, Learned], dict[str, int]]:
    """Which documents need no study, with what becomes of them by position; and the positions of the others
    by the document's key. The texts are `recognised`.
    """
    decided: dict[int, Learned] = {}
    fresh: dict[str, int] = {}
    for n, given in enumerate(texts):
        flags = screen(given.title, given.text, config)
        refused = next((flag for flag in flags if flag.action == "reject"), None)
        key = given.document
        if refused is not None:
            decided[n] = Learned("", given.title, "rejected", f"screening: {refused.reason}")
        elif live is not None and key in live.documents:
            decided[n] = Learned(key, given.title, "known", "this very text is known already", live.id)
        elif key in fresh:
            decided[n] = Learned(key, given.title, "known", "this very text came twice")
        else:
            fresh[key] = n
    return decided, fresh


def told_of_title(before: str, document: Document) -> str:
    """That a title was corrected, and what that leaves as it was."""
    said = f"document {document.id[:12]} was called {before!r}, and is called {document.title!r} now"
    if document.first_title is None:
        return said
    return (
        f"{said}; its lines and its cell are still those of the title {document.first_title!r}: to make them "
        "anew, forget it and learn its text again"
    )


def contexts_with_questions(path: Path) -> list[Context]:
    """The passages of a file that have questions. Raises InputError if none has."""
    contexts = [c for c in load_contexts(path) if c.questions]
    if not contexts:
        raise InputError(f"{path} has no questions", 'Give records with "questions", as for `seal eval`.')
    return contexts
