"""Files that are whole or absent after a kill or a power cut: written beside, synced, renamed, synced.

Knows nothing about what is in them. A failed sync is never tried again: the system may report success the
second time for pages that it has already thrown away. What `write_durably` is making is locked, so that a
file left by a writer that was killed can be told from one that is still growing; `write_beside` is for places
that nobody sweeps.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from seal.errors import OutputError, SealError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns the system's refusal to write into an OutputError that says what to do."""
    try:
        yield
    except OSError as error:
        if isinstance(error, SealError):  # told already, and perhaps about another file
            raise
        if error.errno in _FULL:
            hint = (
                "The disk is full. Free some space and run the same command again: what was there before is "
                "there still; nothing was changed."
            )
        elif error.errno == errno.EIO:
            hint = "The disk reports an error. Copy the folder to another disk before going on."
        else:
            hint = "Make the folder writable, or choose another."
        raise OutputError(f"{path} cannot be written: {error.strerror or error}", hint) from error


def cache_folder() -> Path:
    """The user's own folder for what can be made again: $SEAL_CACHE, or else $XDG_CACHE_HOME/seal, or else
    ~/.cache/seal."""
    if own := os.environ.get("SEAL_CACHE"):
        return Path(own).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seal"


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable: without it a renamed file may be gone after a power cut."""
    sync_file(folder)


def sync_file(path: Path) -> None:
    """Makes what was written to a file durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """The folder, and those above it, durably."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with writing(folder):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


@contextlib.contextmanager
def incoming(folder: Path) -> Iterator[tuple[Path, int]]:
    """A new file in `folder`, with its handle, locked; removed at the end if it is still there."""
    path, handle = _locked_file(folder)
    try:
        yield path, handle
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def put_in_place(beside: Path, handle: int, path: Path, *, mode: int = 0o644) -> None:
    """Makes the written file durable, then its name."""
    os.fchmod(handle, mode)
    os.fsync(handle)
    os.replace(beside, path)
    sync_folder(path.parent)


def write_durably(path: Path, chunks: Iterable[bytes]) -> None:
    """The whole file, or nothing. Raises OutputError."""
    with writing(path):
        make_folder(path.parent)
        with incoming(path.parent) as (part, handle):
            for chunk in chunks:
                write_all(handle, chunk)
            put_in_place(part, handle, path)


def write_beside(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` make a file or a folder beside `path`, makes it durable and gives it its name.

    For what only its own writer knows how to write; one writer at a time. Raises OutputError.
    """
    beside = path.with_name(f".{path.name}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(beside)
        try:
            write(beside)
            _sync_all(beside)
            if path.is_dir():
                shutil.rmtree(path)
            beside.replace(path)
            sync_folder(path.parent)
        finally:
            _remove(beside)


def _sync_all(path: Path) -> None:
    """Makes a file durable, or all that is in a folder."""
    for inner in sorted(path.rglob("*")) if path.is_dir() else ():
        if inner.is_file():
            sync_file(inner)
    if path.is_dir():
        sync_folder(path)
    elif path.exists():
        sync_file(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def sweep(folder: Path) -> list[Path]:
    """Removes what killed writers left in `folder` half-written; what a living one is writing stays."""
    removed: list[Path] = []
    for path in sorted(folder.glob("*.part")) if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                removed.append(path)
            except BlockingIOError:
                pass  # its writer lives
            finally:
                os.close(handle)
    return removed


def _locked_file(folder: Path) -> tuple[Path, int]:
    make_folder(folder)
    while True:
        path = folder / f".{uuid.uuid4().hex}.part"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return path, handle
        os.close(handle)  # a sweep took it in the moment before it was locked
