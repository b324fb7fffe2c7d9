"""The content-addressed store: files named by the sha256 of what is in them.

Knows nothing about what the objects are, nor who refers to them. A name is made from the content, so an
object never changes, two equal ones are one, and every read can tell whether it is still what was put.

    store/ab/cdef…          an object of bytes
    store/ab/cdef….folder   a folder: JSON that lists the path, digest and size of each of its files
    store/incoming/         objects in the making
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from seal.errors import DamageError, InputError, InputFileError
from seal.files import (
    incoming,
    make_folder,
    put_in_place,
    sweep,
    sync_folder,
    write_all,
    write_durably,
    writing,
)
from seal.registry.canonical import canonical, is_digest, sha256

_CHUNK_BYTES = 1 << 20
_FOLDER = ".folder"
_AGAIN = "Restore the workspace from a copy, or roll back to a version that does not use it."


@dataclass(frozen=True)
class Member:
    """One file of a folder in the store; `path` is relative, with / between its parts."""

    path: str
    digest: str
    size_bytes: int


class Store:
    """The objects under one folder. Any number of processes may use it at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._incoming = path / "incoming"

    def create(self) -> None:
        make_folder(self._incoming)

    def put_bytes(self, data: bytes) -> str:
        """Stores the bytes durably; returns their digest. Raises OutputError."""
        return self._put([data])

    def put_file(self, path: Path) -> str:
        """Stores what is in a file. Raises InputFileError if it cannot be read, OutputError."""
        return self._put(_chunks(path))

    def put_folder(self, folder: Path) -> str:
        """Stores every file below a folder, and a manifest that lists them; returns the manifest's digest.

        Raises InputFileError if there is nothing, or something that is no plain file, OutputError.
        """
        found = sorted(p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
        if not found:
            raise InputFileError(f"{folder} has no files to store", "Name a folder that holds files.")
        odd = next((p for p in found if p.is_symlink() or not p.is_file()), None)
        if odd is not None:
            raise InputFileError(
                f"{odd} is a link or no plain file", "Copy what it refers to into the folder."
            )
        files = []
        for path in found:
            digest = self.put_file(path)
            size = self._place(digest).stat().st_size
            files.append({"path": path.relative_to(folder).as_posix(), "digest": digest, "bytes": size})
        return self._put([canonical({"files": files}).encode("ascii")], suffix=_FOLDER)

    def read(self, digest: str) -> bytes:
        """The object's bytes, checked. Raises DamageError if it is missing or not what was put."""
        path = self._found(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise _unreadable(path, error) from error
        if sha256(data) != digest:
            raise _damaged(path)
        return data

    def file(self, digest: str) -> Path:
        """Where the object's file is, its content checked; for reading, at once. Raises DamageError."""
        path, hashed = self._found(digest), hashlib.sha256()
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    hashed.update(chunk)
        except OSError as error:
            raise _unreadable(path, error) from error
        if hashed.hexdigest() != digest:
            raise _damaged(path)
        return path

    def is_folder(self, digest: str) -> bool:
        return self._place(digest, _FOLDER).is_file()

    def members(self, digest: str) -> tuple[Member, ...]:
        """The files of a folder object; none for an object of bytes. Raises DamageError."""
        if not self.is_folder(digest):
            self._found(digest)
            return ()
        files = json.loads(self.read(digest))["files"]
        return tuple(Member(f["path"], f["digest"], f["bytes"]) for f in files)

    def check_out(self, digest: str, folder: Path) -> None:
        """Writes a folder object's files below `folder`, each checked. Raises DamageError, OutputError."""
        for member in self.members(digest):
            path = PurePosixPath(member.path)
            if path.is_absolute() or ".." in path.parts:
                raise DamageError(f"the folder object {digest} names a file outside of it: {path}", _AGAIN)
            write_durably(folder / path, _chunks(self.file(member.digest)))

    def contains(self, digest: str) -> bool:
        """Whether there is an object of this name, whatever its state."""
        return self._place(digest).is_file() or self.is_folder(digest)

    def check(self, digest: str) -> str:
        """What is wrong with an object or, of a folder, with its files; empty if nothing is."""
        try:
            self.file(digest)
            for member in self.members(digest):
                self.file(member.digest)
        except DamageError as error:
            return error.message
        return ""

    def digests(self) -> Iterator[str]:
        """The names of all objects."""
        names = {p.parent.name + p.name.removesuffix(_FOLDER) for p in self.path.glob("??/*")}
        yield from sorted(name for name in names if is_digest(name))

    def reached(self, digests: Iterable[str], *, damaged_ok: bool = False) -> set[str]:
        """These objects, as far as they exist, and the files of those that are folders.

        Raises DamageError if a folder's list is damaged; with `damaged_ok` its files are left out.
        """
        found = {digest for digest in digests if self.contains(digest)}
        for folder in [digest for digest in found if self.is_folder(digest)]:
            try:
                found |= {member.digest for member in self.members(folder)}
            except DamageError:
                if not damaged_ok:
                    raise
        return found

    def garbage(self, referenced: Collection[str]) -> list[str]:
        """The objects that are none of `referenced`, nor a file of one of them."""
        kept = self.reached(referenced)
        return [digest for digest in self.digests() if digest not in kept]

    def erase(self, digest: str) -> None:
        """Removes the object, durably; nothing happens if there is none. Raises OutputError."""
        for path in (self._place(digest), self._place(digest, _FOLDER)):
            with writing(path):
                if path.is_file():
                    path.unlink()
                    sync_folder(path.parent)

    def sweep(self) -> None:
        """Removes what killed writers left half-written. Raises OutputError."""
        with writing(self._incoming):
            sweep(self._incoming)

    def _put(self, chunks: Iterable[bytes], suffix: str = "") -> str:
        hashed = hashlib.sha256()
        with writing(self.path), incoming(self._incoming) as (part, handle):
            for chunk in chunks:
                hashed.update(chunk)
                write_all(handle, chunk)
            digest = hashed.hexdigest()
            path = self._place(digest, suffix)
            make_folder(path.parent)
            # An object that is there already is replaced by its equal: that mends it if it was damaged.
            put_in_place(part, handle, path, mode=0o444)
        return digest

    def _place(self, digest: str, suffix: str = "") -> Path:
        if not is_digest(digest):
            raise InputError(f"{digest!r} is no digest", "Give 64 digits of 0-9 and a-f.")
        return self.path / digest[:2] / (digest[2:] + suffix)

    def _found(self, digest: str) -> Path:
        for path in (self._place(digest), self._place(digest, _FOLDER)):
            if path.is_file():
                return path
        raise DamageError(f"the object {digest} is missing from {self.path}", _AGAIN)


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise InputFileError(
            f"{path} cannot be read: {error.strerror or error}", "Check its name."
        ) from error


def _damaged(path: Path) -> DamageError:
    return DamageError(f"{path} is damaged: its content does not match its name, which is its sha256", _AGAIN)


def _unreadable(path: Path, error: OSError) -> DamageError:
    return DamageError(f"{path} cannot be read: {error.strerror or error}", _AGAIN)
