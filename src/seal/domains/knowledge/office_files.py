"""Word documents (.docx) and electronic books (.epub) as Markdown: both hold HTML, or are made into it.

Knows where in these files the text is, and in which order. Needs mammoth for .docx, and for both what
web_pages.py needs (the extra `documents`).
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from typing import Final
from urllib.parse import unquote

from seal.domains.knowledge.encodings import decoded
from seal.domains.knowledge.sources import Source, libraries
from seal.domains.knowledge.titles import title_and_text
from seal.domains.knowledge.web_pages import markdown_from, parsed
from seal.errors import InputError, InputFileError, reason_of
from seal.types import Context

__all__ = ["docx_contexts", "epub_contexts"]

_MOST_BYTES: Final = 300_000_000  # that a packed file may unpack to
_STYLES: Final = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh"


def docx_contexts(source: Source) -> list[Context]:
    """A Word document as one passage. Raises InputFileError, InputError."""
    [mammoth] = libraries(source.where, "Word documents", "documents", "mammoth")
    _archive(source, "a Word document (.docx)")
    try:
        html = mammoth.convert_to_html(io.BytesIO(source.raw), style_map=_STYLES).value
    except Exception as error:  # fault-tolerance point: broken files raise whatever their parsers raise
        raise _broken(source, "a Word document (.docx)", error) from error
    return _context(source, "", markdown_from(html, source.where))


def epub_contexts(source: Source) -> list[Context]:
    """A book as one passage, its chapters in the order in which they are read. Raises InputFileError,
    InputError."""
    archive = _archive(source, "a book (.epub)")
    try:
        container = parsed(_member(archive, "META-INF/container.xml"), source.where)
        place = container.find("rootfile")["full-path"]
        package = parsed(_member(archive, place), source.where)
        spine = [item["idref"] for item in package.find_all("itemref") if item.get("linear") != "no"]
        listed = {item["id"]: item for item in package.find_all("item")}
        chapters = [
            listed[name]
            for name in spine
            if name in listed and "nav" not in listed[name].get("properties", "")
        ]
        folder = posixpath.dirname(place)
        told = []
        for item in chapters:
            name = posixpath.normpath(posixpath.join(folder, unquote(item["href"])))
            told.append(markdown_from(_member(archive, name), source.where))
    except InputFileError:
        raise
    except Exception as error:  # fault-tolerance point: broken files raise whatever their parsers raise
        raise _broken(source, "a book (.epub)", error) from error
    title = package.find("dc:title")
    return _context(
        source, " ".join(title.get_text().split()) if title else "", "\n\n".join(filter(None, told))
    )


def _context(source: Source, stated: str, markdown: str) -> list[Context]:
    heading, text = title_and_text(markdown)
    if stated and heading.casefold() != stated.casefold():
        heading, text = stated, markdown
    if not text.strip():
        raise InputError(f"{source.where}: there is no text in it.", "Save it as text, if it has any.")
    return [Context(id="", title=heading or source.stem, text=text)]


def _archive(source: Source, kind: str) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(io.BytesIO(source.raw))
    except zipfile.BadZipFile as error:
        raise _broken(source, kind, error) from error
    if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
        raise InputFileError(
            f"{source.where}: it would unpack to more than {_MOST_BYTES // 1_000_000} MB.",
            "Save its text alone.",
        )
    return archive


def _member(archive: zipfile.ZipFile, name: str) -> str:
    return decoded(archive.read(name), f"{name}").text


def _broken(source: Source, kind: str, error: Exception) -> InputFileError:
    return InputFileError(
        f"{source.where}: this cannot be read as {kind}: {reason_of(error)}.",
        "Open and save it anew, or save it as text; one with a password has to be saved without.",
    )
