"""Which documents are known already, whatever their white space; and whose title a document corrects.

A document is its title and text together. The same text under another title corrects the title where it can
be the same document: it is from the same file, a person gave the title, or the text itself names what it is
about, so that the title is but a label. A text that leaves that to its title ("Open from 9 to 5.") is another
document under another one. Two labels that come together are of one document, in whatever order they come.
Knows nothing about screening or study.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from seal.errors import DamageError, InputFileError
from seal.files import write_durably
from seal.learner.documents import Text, told_of_title
from seal.registry import Document, Workspace, document_key
from seal.registry.digests import is_label, normal_key, plain
from seal.types import Question

RECORD = "sources.json"
"""In a workspace's folder: which documents came from which file, by digests."""


def recognised(
    workspace: Workspace, texts: Sequence[Text], notice: Callable[[str], None] | None = None
) -> list[Text]:
    """The documents with the ids that they have or will have (`Text.document`). Those that are stored have
    the stored text and title; titles that they correct are corrected and `notice` is told, unless it is None.
    One whose text is damaged is like no other.

    Raises InputFileError if the record of files cannot be read.
    """
    keys = [normal_key(given.text) for given in texts]
    stored = workspace.documents_of_text(keys)
    there = workspace.present_among([document_key(given.text, given.title) for given in texts])
    texts = _under_one_label(keys, texts, stored)
    called = {(key, _title(given)) for key, given in zip(keys, texts) if _is_titled(given)}
    sources = _sources(workspace.path)
    made: dict[tuple[str, str], str] = {}
    found: list[Text] = []
    for key, given in zip(keys, texts):
        same = stored.get(key, [])
        document = _same(given, same)
        if document is None:
            left = [one for one in same if (key, plain(one.title)) not in called]
            if len(left) == 1 and _corrects(given, left[0], sources):
                document = left[0] if notice is None else _retitled(workspace, left[0], given, notice)
                stored[key] = [document if one.id == document.id else one for one in same]
        if document is not None:
            with suppress(DamageError):  # named: whoever needs this text is told
                given = replace(given, text=workspace.text(document.id))
            found.append(replace(given, title=document.title, document=document.id))
            continue
        if not _is_titled(given):  # it is what is called by a title in the same call, if anything is
            titles = (title for text, title in called if text == key)
            given = replace(given, title=next(titles, given.title))
        name = (key, _title(given))
        if name not in made:
            digest = document_key(given.text, given.title)
            if digest in there:
                digest = document_key(given.text, given.title, distinct=True)
            made[name] = digest
            there.add(digest)
        found.append(replace(given, document=made[name]))
    return _with_all_questions(found)


def _with_all_questions(texts: Sequence[Text]) -> list[Text]:
    """The texts, each with the questions of all that are the same document: which of them is learned does not
    decide about its exam."""
    asked: dict[str, list[Question]] = {}
    for one in texts:
        asked.setdefault(one.document, []).extend(one.questions)
    return [replace(one, questions=tuple(dict.fromkeys(asked[one.document]))) for one in texts]


def _under_one_label(
    keys: Sequence[str], texts: Sequence[Text], stored: Mapping[str, Sequence[Document]]
) -> list[Text]:
    """The texts with one title for all that are but labels of the same text: one that it is stored under, or
    else the one that it names first. What is stored under its own title stays so."""
    labels: dict[str, list[str]] = {}
    for key, given in zip(keys, texts):
        if _is_titled(given) and is_label(given.title, given.text):
            labels.setdefault(key, []).append(_title(given))
    found: list[Text] = []
    for key, given in zip(keys, texts):
        mine, known = labels.get(key, []), [plain(one.title) for one in stored.get(key, ())]
        if len(set(mine)) > 1 and _title(given) in mine and _title(given) not in known:
            told = plain(given.text).casefold()
            ranked = sorted(
                set(mine), key=lambda one: (one not in known, told.find(one.casefold()), -len(one), one)
            )
            given = replace(given, title=ranked[0])
        found.append(given)
    return found


def remember_sources(folder: Path, learned: Iterable[tuple[str, str]]) -> None:
    """Keeps from which file each document came: pairs of a source and a document's id."""
    told = _sources(folder)
    before = json.dumps(told)
    for source, document in learned:
        if source and document:
            told[source] = list(dict.fromkeys([*told.get(source, []), document]))
    if json.dumps(told) != before:
        write_durably(folder / RECORD, [json.dumps(told, indent=1).encode()])


def _sources(folder: Path) -> dict[str, list[str]]:
    path = folder / RECORD
    try:
        told: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputFileError(
            f"{path} cannot be read",
            "Restore it, or remove it: it only tells a corrected title from a new document.",
        ) from error
    return told


def _same(given: Text, there: Sequence[Document]) -> Document | None:
    """The stored document that a text is, as it is called now. A text without a title is any of its text."""
    by_name = [one for one in there if plain(one.title) == _title(given)]
    return next(iter(by_name if _is_titled(given) else [*by_name, *there]), None)


def _is_titled(given: Text) -> bool:
    return given.titled and bool(_title(given))


def _corrects(given: Text, document: Document, sources: dict[str, list[str]]) -> bool:
    """Whether another title for a text is the same document's."""
    if given.corrects or not document.title.strip():
        return True
    if given.source and document.id in sources.get(given.source, ()):
        return True
    told = plain(given.text).casefold()
    return any(title.casefold() in told for title in (plain(document.title), _title(given)))


def _retitled(
    workspace: Workspace, document: Document, given: Text, notice: Callable[[str], None]
) -> Document:
    after = workspace.retitle_document(document.id, _title(given))
    notice(told_of_title(document.title, after))
    return after


def _title(given: Text) -> str:
    return plain(given.title)
