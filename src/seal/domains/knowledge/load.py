"""Contexts from files: SQuAD JSON, lists of records (JSON, JSON Lines), text and Markdown, folders of these.

Knows file formats and says exactly what is wrong with a file and where. Knows nothing about training.
The records of each format are listed under `load_contexts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from seal.domains.knowledge.records import json_contexts, json_lines_contexts
from seal.errors import InputError, InputFileError
from seal.hints import guess
from seal.types import Context, Question

_SHOWN: Final = 5  # how many names an error lists before it says "and n more"


def load_contexts(path: str | Path) -> list[Context]:
    """Return the contexts in a file, or in all files of a folder and its subfolders, ordered by name.

    - `.json`: SQuAD v1.1 (`{"data": [{"title", "paragraphs": [{"context", "qas": [...]}]}]}`; unanswerable
      questions of v2 are left out), or a list of records, or one record.
    - `.jsonl`: one record a line. A record is `{"title", "context" or "text", "questions": [{"question",
      "answer" or "answers"}]}`; `questions` may be absent.
    - `.txt`, `.md`, `.markdown`: one passage without questions. Its title is the first Markdown heading,
      which is taken out of the text, or else the file's name.

    In a folder, hidden files and files of other kinds are passed over. Contexts with the same title and text
    become one, with the questions of all of them. Ids depend on title and text only.

    Raises:
        InputFileError: the file is missing, unreadable, empty, of an unknown kind, not UTF-8 or broken JSON.
        InputError: a record has the wrong shape, or a passage, question or answer is missing or empty.
    """
    path = Path(path)
    if path.is_dir():
        contexts = [context for file in files_of(path) for context in _load_file(file)]
    else:
        contexts = _load_file(path)
    return _merge(contexts)


def require_questions(contexts: Sequence[Context]) -> None:
    """Check that there are contexts and that each can be examined.

    Raises:
        InputError: there is no context at all, or some have no questions; the message names them.
    """
    if not contexts:
        raise InputError(
            "there are no contexts to examine.", "Give a file or folder with at least one passage."
        )
    without = [context.title or context.id for context in contexts if not context.questions]
    if without:
        names = ", ".join(f'"{name}"' for name in without[:_SHOWN])
        more = f" and {len(without) - _SHOWN} more" if len(without) > _SHOWN else ""
        raise InputError(
            f"{len(without)} of {len(contexts)} contexts have no questions, and an exam needs them: "
            f"{names}{more}.",
            'Add "questions": [{"question": "...", "answer": "..."}] to each record, or leave the exam out.',
        )


def context_id(title: str, text: str) -> str:
    """Return the id of a context: 16 hexadecimal digits of the SHA-256 of its title and text."""
    return hashlib.sha256(f"{title}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _load_file(path: Path) -> list[Context]:
    reader = _reader(path)
    text = _read_text(path)
    if not text.strip():
        raise InputFileError(f"{path}: the file is empty.", "Put at least one passage in it.")
    contexts = [
        replace(context, id=context_id(context.title, context.text)) for context in reader(text, path)
    ]
    if not contexts:
        raise InputFileError(f"{path}: there is no passage in the file.", "Put at least one record in it.")
    return contexts


def _reader(path: Path) -> Callable[[str, Path], Iterable[Context]]:
    suffix = path.suffix.lower()
    if suffix in _READERS and not path.exists():
        raise _missing(path)
    if suffix in _READERS:
        return _READERS[suffix]
    if not path.exists():
        raise _missing(path)
    hint = guess(suffix, _READERS, cutoff=0.5, shown=str)
    kind = f'unknown file suffix "{path.suffix}"' if path.suffix else "the file has no suffix"
    raise InputFileError(
        f"{path}: {kind}.{hint}",
        f"Rename or convert it to one of {', '.join(_READERS)}; plain text is .txt.",
    )


def _missing(path: Path) -> InputFileError:
    siblings = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = guess(path.name, siblings, shown=lambda name: str(path.parent / name))
    return InputFileError(f"{path}: there is no such file.{hint}", "Check the path.")


def _read_text(path: Path) -> str:
    if not path.is_file():  # a pipe or a device could block for ever
        raise InputFileError(f"{path}: this is not a regular file.", "Give a file or a folder.")
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputFileError(
            f"{path}: the file cannot be read: {reason}.", "Check its permissions."
        ) from error
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"{path}: the file is not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start}."
        utf16 = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        hint = "It looks like UTF-16; save it" if utf16 else "Save it"
        raise InputFileError(message, f"{hint} as UTF-8.") from error
    return text.removeprefix("\ufeff")


def files_of(folder: Path) -> list[Path]:
    """The files in a folder and its subfolders that `load_contexts` reads, ordered by name. Raises
    InputFileError if there is none."""
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in _READERS
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    ]
    if not files:
        raise InputFileError(
            f"{folder}: the folder holds no file that can be read.",
            f"Put files in it: {', '.join(_READERS)}.",
        )
    return files


def _document_contexts(text: str, path: Path) -> list[Context]:
    lines = text.splitlines()
    title = path.stem
    fenced = False
    for index, line in enumerate(lines):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        bare = line.strip()
        marks = len(bare) - len(bare.lstrip("#"))
        heading = bare[marks:].rstrip("#").strip()
        is_heading = 1 <= marks <= 6 and bare[marks : marks + 1] in (" ", "\t") and heading
        if is_heading and not fenced:
            title = heading
            del lines[index]
            break
    body = "\n".join(lines).strip()
    if not body:
        raise InputError(
            f"{path}: the passage is empty: there is a heading and no text.", "Write the passage."
        )
    return [Context(id="", title=title, text=body)]


def _merge(contexts: Iterable[Context]) -> list[Context]:
    merged: dict[str, Context] = {}
    for context in contexts:
        first = merged.get(context.id)
        if first is None:
            merged[context.id] = context
        else:
            merged[context.id] = replace(first, questions=first.questions + context.questions)
    return [
        replace(context, questions=_unique_questions(context.id, context.questions))
        for context in merged.values()
    ]


def _unique_questions(context: str, questions: Iterable[Question]) -> tuple[Question, ...]:
    """Drop repeated questions, and give each an id of its own within the context."""
    kept: list[Question] = []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    ids: set[str] = set()
    for question in questions:
        key = (question.text, question.answers)
        if key in seen:
            continue
        seen.add(key)
        name = question.id or f"{context}-{len(kept)}"
        while name in ids:
            name = f"{name}-{len(kept)}"
        ids.add(name)
        kept.append(replace(question, id=name))
    return tuple(kept)


_READERS: Final[dict[str, Callable[[str, Path], Iterable[Context]]]] = {
    ".json": json_contexts,
    ".jsonl": json_lines_contexts,
    ".txt": _document_contexts,
    ".md": _document_contexts,
    ".markdown": _document_contexts,
}
