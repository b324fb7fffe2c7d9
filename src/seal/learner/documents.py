"""Documents as they come in, and what becomes of each.

Knows files and texts, and which documents need no study: those that screening refuses, and those that are
known. Knows nothing about models, and imports none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from seal.domains.knowledge import load_contexts
from seal.domains.knowledge.load import files_of
from seal.domains.knowledge.screen import ScreenConfig, screen
from seal.errors import InputError, InputFileError
from seal.registry import Version, document_key
from seal.types import Context, Question

if TYPE_CHECKING:
    from seal.registry import Document, Workspace

REFERENCE_FILE = "reference.json"
"""In a workspace's folder: the user's own questions that no update may spoil."""
_SUFFIXES = (".txt", ".md", ".markdown", ".json", ".jsonl")
_TAKEN = (
    "Give a text, a path, a seal.Text, or a list of these. A file is named by a Path, or by a str that names "
    "one that exists."
)

DocumentOutcome: TypeAlias = Literal["live", "held", "rejected", "known"]


@dataclass(frozen=True)
class Text:
    """A document as it comes in. `trust` None is the workspace's default; `questions` are its exam, if one is
    given. `titled` False: the title is no more than the file's name, and corrects no other.
    """

    text: str
    title: str = ""
    trust: float | None = None
    questions: tuple[Question, ...] = ()
    titled: bool = field(default=True, compare=False)


Given: TypeAlias = str | os.PathLike[str] | Text
"""One thing that can be learned: a text, the path of a file or folder, or a `Text`."""


@dataclass(frozen=True)
class Learned:
    """What became of a document, and why. `before` and `after` are its exam's right answers of
    `questions`.
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


def load_documents(path: str | os.PathLike[str], *, trust: float | None = None) -> list[Text]:
    """The documents in a file, or in all files of a folder: .txt, .md, .json, .jsonl, as `load_contexts`
    reads them.

    Raises InputFileError, InputError.
    """
    path = Path(path)
    names = {file.stem for file in files_of(path)} if path.is_dir() else {path.stem}
    return [Text(c.text, c.title, trust, c.questions, c.title not in names) for c in load_contexts(path)]


def load_readable(
    path: str | os.PathLike[str], *, trust: float | None = None
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
            texts += load_documents(file, trust=trust)
        except InputError as error:
            wrong.append(error)
    return texts, wrong


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
    if text and not any(map(str.isspace, text)) and (_has_separator(text) or text.endswith(_SUFFIXES)):
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


def with_questions(texts: Sequence[Text], path: Path) -> list[Text]:
    """The documents with the exams in a file of passages with questions, matched by title; for one document a
    file with one exam will do. Raises InputError if no exam is for any of them, and what `load_contexts`
    does.
    """
    exams = {c.title: c.questions for c in load_contexts(path) if c.questions}
    given = [exams.get(text.title, ()) for text in texts]
    if len(texts) == 1 and len(exams) == 1:
        given = list(exams.values())
    if not any(given):
        raise InputError(
            f"{path} has no questions for any of the documents",
            "Its records need the documents' titles: " + ", ".join(repr(t.title) for t in texts[:3]),
        )
    return [replace(text, questions=tuple(own)) for text, own in zip(texts, given, strict=True)]


def sift(
    texts: Sequence[Text], live: Version | None, config: ScreenConfig
) -> tuple[dict[int, Learned], dict[str, int]]:
    """Which documents need no study, with what becomes of them by position; and the positions of the others
    by the document's key.
    """
    decided: dict[int, Learned] = {}
    fresh: dict[str, int] = {}
    for n, given in enumerate(texts):
        flags = screen(given.title, given.text, config)
        refused = next((flag for flag in flags if flag.action == "reject"), None)
        key = document_key(given.text)
        if refused is not None:
            decided[n] = Learned("", given.title, "rejected", f"screening: {refused.reason}")
        elif live is not None and key in live.documents:
            decided[n] = Learned(key, given.title, "known", "this very text is known already", live.id)
        elif key in fresh:
            decided[n] = Learned(key, given.title, "known", "this very text came twice")
        else:
            fresh[key] = n
    return decided, fresh


def correct_titles(
    workspace: Workspace, texts: Sequence[Text], notice: Callable[[str], None]
) -> dict[str, str]:
    """Gives documents that are stored already the titles that they come with now; returns what each was
    called before, by its key."""
    stored = {d.id: d for d in workspace.documents() if not d.erased}
    corrected: dict[str, str] = {}
    for given in texts:
        document = stored.get(document_key(given.text))
        if document is None or not given.titled or not given.title or document.id in corrected:
            continue
        if document.title != given.title:
            corrected[document.id] = document.title
            notice(told_of_title(document.title, workspace.retitle_document(document.id, given.title)))
    return corrected


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
