"""What was found out about files, kept in the user's cache folder for as long as the files stay as they are.

A file is taken for unchanged if its place, size, inode and both of its times (of the content and of the
entry) are what they were: nothing that writes to it leaves all of these alone, and the second time cannot be
set back. One that was changed a moment ago could be changed again within the same tick of the clock; nothing
is kept of it yet. Knows nothing about what is found out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from seal.files import cache_folder, write_durably

_Found = TypeVar("_Found", bound=str | int | float | bool)
_SETTLED_s = 2.0  # the coarsest clock of a file system in use, FAT's


def state_of(files: Iterable[Path], facts: Sequence[str] = ()) -> str:
    """Names the present state of these files together with `facts`; empty if it cannot be relied on."""
    told: list[object] = [*facts]
    now = time.time()
    for file in files:
        try:
            one = os.stat(file)
        except OSError:
            return ""
        if max(one.st_mtime, one.st_ctime) > now - _SETTLED_s:
            return ""
        place = os.path.realpath(file)
        told.append([place, one.st_size, one.st_ino, one.st_dev, one.st_mtime_ns, one.st_ctime_ns])
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def place_of(kind: str, state: str) -> Path:
    """Where what is known of a state is kept."""
    return cache_folder() / kind / state


def remembered(
    kind: str, files: Sequence[Path], facts: Sequence[str], find: Callable[[], _Found], *, anew: bool = False
) -> _Found:
    """What `find` says of the files, from the cache if it was found before; `anew` finds it in any case."""
    before = state_of(files, facts)
    path = place_of(kind, f"{before}.json")
    if before and not anew:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return json.loads(path.read_text(encoding="utf-8"))["found"]
    found = find()
    if before and before == state_of(files, facts):
        drop_gone(kind, "*.json")
        keep(path, json.dumps({"found": found, "of": [os.path.realpath(file) for file in files]}))
    return found


def drop_gone(kind: str, pattern: str) -> None:
    """Removes what is kept of files ("of") that are not there any more."""
    for path in (cache_folder() / kind).glob(pattern):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if not all(map(os.path.exists, json.loads(path.read_text(encoding="utf-8"))["of"])):
                if "/" in pattern:
                    shutil.rmtree(path.parent)
                else:
                    path.unlink()


def keep(path: Path, text: str) -> None:
    """Writes a file of the cache; a cache that cannot be written is done without."""
    with contextlib.suppress(OSError):
        write_durably(path, [text.encode()])
