"""Contexts from files: texts, pages, books, data sets, tables, and folders of these.

Knows which reader a file has, by its suffix, or by how it begins where it has none. Says exactly what is
wrong with a file and where. Knows nothing about training. The kinds of files stand under `load_contexts`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from seal.domains.knowledge.office_files import docx_contexts, epub_contexts
from seal.domains.knowledge.pdf_files import pdf_contexts
from seal.domains.knowledge.records import json_contexts, json_lines_contexts, json_questions
from seal.domains.knowledge.sources import Notice, Reader, Source, empty, silent
from seal.domains.knowledge.table_files import (
    csv_contexts,
    csv_questions,
    parquet_contexts,
    parquet_questions,
)
from seal.domains.knowledge.titles import title_and_text
from seal.domains.knowledge.web_pages import html_contexts
from seal.errors import InputError, InputFileError
from seal.hints import guess
from seal.signs import in_characters
from seal.types import Context, Question

_SHOWN: Final = 5  # how many names an error lists before it says "and n more"


def load_contexts(path: str | Path, *, notice: Notice = silent) -> list[Context]:
    """Return the contexts in a file, or in all files of a folder and its subfolders, ordered by name.

    - `.json`: SQuAD (`{"data": [{"title", "paragraphs": [{"context", "qas": [...]}]}]}`), or records: a list,
      one alone, or a table of them as pandas writes it.
    - `.jsonl`, `.ndjson`: one record a line. A record is `{"title", "context" or "text", "questions":
      [{"question", "answer" or "answers"}]}`; `questions` may be absent, or one `question` with its answers
      stands in the record itself. Questions that cannot be answered (SQuAD 2) are left out.
    - `.csv`, `.tsv`, `.parquet`: rows that are such records; a table without a column `context` or `text` is
      one passage.
    - `.txt`, `.md`, `.markdown`: one passage without questions. Its title stands in its front matter, or is
      the Markdown heading at its top, or else the file's name.
    - `.html`, `.docx`, `.epub`, `.pdf`: one passage; needs the extra `documents`.

    In a folder, hidden files and files of other kinds are passed over. Contexts with the same title and text
    become one, with the questions of all of them. Ids depend on title and text only. `notice` is told what a
    person should know: an encoding that had to be found out, questions that were left out.

    Raises:
        InputFileError: the file is missing, unreadable, empty, of an unknown kind, no text or broken.
        InputError: a record has the wrong shape, or a passage, question or answer is missing or empty.
    """
    path = Path(path)
    if path.is_dir():
        contexts = [context for file in files_of(path) for context in _load_file(file, notice)]
    else:
        contexts = _load_file(path, notice)
    return _merge(map(_in_characters, contexts))


def contexts_in(raw: bytes, where: str, *, notice: Notice = silent) -> list[Context]:
    """The contexts in what has no name, as the standard input: what it is shows in how it begins, and is text
    where nothing does. Raises as `load_contexts` does."""
    return _merge(map(_in_characters, _contexts(_READERS[_suffix_of(raw)], Source(raw, where, "", notice))))


def load_questions(path: str | Path, *, notice: Notice = silent) -> list[Question]:
    """The questions in a file that names no passage: a list of them as JSON, JSON Lines or a table.

    Raises InputFileError, InputError.
    """
    path = Path(path)
    _reader(path)  # which says what is wrong with the name
    if path.suffix.lower() not in _QUESTIONS:
        raise InputFileError(f"{path}: this holds no questions.", f"Give one of {', '.join(_QUESTIONS)}.")
    return list(map(_asked, _QUESTIONS[path.suffix.lower()](Source.of_file(path, notice))))


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


def _in_characters(context: Context) -> Context:
    """The context without halves of surrogate pairs, which JSON can escape and names of files can have."""
    questions = tuple(map(_asked, context.questions))
    title, text = in_characters(context.title), in_characters(context.text)
    return replace(context, title=title, text=text, questions=questions)


def _asked(question: Question) -> Question:
    answers = tuple(map(in_characters, question.answers))
    return replace(
        question, text=in_characters(question.text), answers=answers, id=in_characters(question.id)
    )


def _load_file(path: Path, notice: Notice) -> list[Context]:
    return _contexts(_reader(path), Source.of_file(path, notice))


def _contexts(reader: Reader, source: Source) -> list[Context]:
    if not source.raw.strip():
        raise empty(source.where)
    contexts = [replace(context, id=context_id(context.title, context.text)) for context in reader(source)]
    if not contexts:
        raise InputFileError(
            f"{source.where}: there is no passage in the file.", "Put at least one record in it."
        )
    return contexts


def _suffix_of(raw: bytes) -> str:
    """What a file without a name is, by how it begins."""
    if raw.startswith(b"%PDF-"):
        return ".pdf"
    if raw.startswith(b"PAR1"):
        return ".parquet"
    if raw.startswith(b"PK\x03\x04"):
        return ".epub" if b"application/epub+zip" in raw[:200] else ".docx"
    start = raw[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if _HTML.match(start):
        return ".html"
    if _RECORDS.match(start):
        return ".jsonl" if _SECOND_LINE.search(raw) else ".json"
    return ".md"


def _reader(path: Path) -> Reader:
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


def _document_contexts(source: Source) -> list[Context]:
    title, body = title_and_text(source.text().replace("\r\n", "\n").replace("\r", "\n"))
    if not body:
        raise InputError(
            f"{source.where}: the passage is empty: there is a heading and no text.", "Write the passage."
        )
    return [Context(id="", title=title or source.stem, text=body)]


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


_HTML: Final = re.compile(rb"<(?:!doctype\s+html|html[\s>]|\?xml[^>]*>\s*<(?:!doctype\s+html|html))", re.I)
_RECORDS: Final = re.compile(rb"\{\s*\"|\[\s*\{\s*\"")
_SECOND_LINE: Final = re.compile(rb"\A\s*\{[^\n]*\}[^\S\n]*\n\s*\{")
_READERS: Final[dict[str, Reader]] = {
    ".json": json_contexts,
    ".jsonl": json_lines_contexts,
    ".ndjson": json_lines_contexts,
    ".csv": csv_contexts,
    ".tsv": csv_contexts,
    ".parquet": parquet_contexts,
    ".txt": _document_contexts,
    ".md": _document_contexts,
    ".markdown": _document_contexts,
    ".html": html_contexts,
    ".htm": html_contexts,
    ".xhtml": html_contexts,
    ".docx": docx_contexts,
    ".epub": epub_contexts,
    ".pdf": pdf_contexts,
}
SUFFIXES: Final = tuple(_READERS)
"""Of the files that are read."""
_QUESTIONS: Final[dict[str, Callable[[Source], Iterable[Question]]]] = {
    ".json": json_questions,
    ".jsonl": json_questions,
    ".ndjson": json_questions,
    ".csv": csv_questions,
    ".tsv": csv_questions,
    ".parquet": parquet_questions,
}
