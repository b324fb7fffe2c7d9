"""A folder whose files are kept learned: what is new in it is learned, and the text of a changed file takes
the place of that file's earlier text.

Knows files and the texts in them. What belongs to which file is kept in the workspace, by digests: a document
that is forgotten leaves no word there. Knows nothing about how often the folder is looked at, or how it is
shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seal.domains.knowledge.load import files_of
from seal.errors import InputError, InputFileError
from seal.files import write_durably
from seal.learner.documents import Learned, Text, load_documents
from seal.learner.learner import Learner
from seal.learner.recognising import recognised
from seal.registry import Document
from seal.registry.canonical import sha256

RECORD = "watched.json"
Stamps = dict[Path, tuple[int, int]]


@dataclass
class WatchedFile:
    """What is known of a file: the documents whose text it has now, and those whose text it had before and
    that are not forgotten yet."""

    now: list[str]
    earlier: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FolderPass:
    """What one look at a folder came to. `removed` are documents of files that are gone, `waiting` are
    earlier texts of files whose present text is not live."""

    learned: tuple[Learned, ...] = ()
    forgotten: tuple[Document, ...] = ()
    unreadable: tuple[InputError, ...] = ()
    removed: tuple[Document, ...] = ()
    waiting: tuple[Document, ...] = ()


class WatchedFolder:
    """One folder, for one learner."""

    def __init__(
        self, learner: Learner, folder: Path, *, trust: float | None = None, forget_removed: bool = False
    ) -> None:
        """Raises InputFileError if there is no such folder."""
        if not folder.is_dir():
            raise InputFileError(f"{folder} is no folder", "Name a folder whose files are to be learned.")
        self.learner, self.folder = learner, folder
        self.trust, self.forget_removed = trust, forget_removed
        self._told: set[str] = set()
        self._name = sha256(str(folder.resolve()).encode())

    def stamps(self) -> Stamps:
        """When each file was changed last, and its size: what tells a change without reading."""
        found: Stamps = {}
        for path in self._files():
            try:
                told = path.stat()
            except OSError:  # gone since it was listed
                continue
            found[path] = (told.st_mtime_ns, told.st_size)
        return found

    def look(self) -> FolderPass:
        """Learns what is new, lets the texts of changed files take the place of their earlier ones, and looks
        for files that are gone. Raises what `Learner.learn` and `Learner.forget` do."""
        files = self._record()
        texts, unreadable = self._read()
        fresh: list[Text] = []
        for path, own in self._recognised(texts).items():
            keys = [text.document for text in own]
            known = files.setdefault(_digest(self.folder, path), WatchedFile([]))
            if set(keys) != set(known.now):
                fresh += own
                known.earlier = [k for k in dict.fromkeys([*known.earlier, *known.now]) if k not in keys]
                known.now = keys
        replacing = sorted({key for one in files.values() for key in one.earlier} - _present(files))
        live = self.learner.live()
        known_live = set(live.documents) if live else set()
        replacing = [key for key in replacing if key in known_live]
        learned = self.learner.learn(fresh, replacing=replacing) if fresh else []
        self._keep(files)
        forgotten, waiting = self._settle(files)
        gone = self._gone(files, {_digest(self.folder, path) for path in self._files()})
        removed = [one for key in gone if (one := self._document(key)) is not None]
        if self.forget_removed:
            forgotten += [self.learner.forget(one.id) for one in removed]
            removed = []
        self._keep(files)
        return FolderPass(tuple(learned), tuple(forgotten), tuple(unreadable), tuple(removed), tuple(waiting))

    def settle(self) -> tuple[Document, ...]:
        """Forgets earlier texts whose successors have gone live since, by a person's approval."""
        files = self._record()
        forgotten, _ = self._settle(files)
        if forgotten:
            self._keep(files)
        return tuple(forgotten)

    def _settle(self, files: dict[str, WatchedFile]) -> tuple[list[Document], list[Document]]:
        """Earlier texts that were forgotten, and those that stay since what follows them is not live."""
        live = self.learner.live()
        known = set(live.documents) if live else set()
        forgotten: list[Document] = []
        waiting: list[Document] = []
        for one in files.values():
            there = [d for key in one.earlier if (d := self._document(key)) is not None]
            if not set(one.now) <= known:
                waiting += there
                continue
            present = _present(files)
            forgotten += [self.learner.forget(d.id) for d in there if d.id not in present]
            one.earlier = []
        return forgotten, waiting

    def _gone(self, files: dict[str, WatchedFile], there: set[str]) -> list[str]:
        """Documents whose file is gone and that stand in no other one. Files of which nothing is left to
        forget are dropped."""
        gone = {name: one for name, one in files.items() if name not in there}
        left = {name: one for name, one in files.items() if name in there}
        present = _present(left)
        keys = [k for one in gone.values() for k in (*one.now, *one.earlier) if k not in present]
        for name, one in gone.items():
            own = [k for k in (*one.now, *one.earlier) if k in keys and self._document(k) is not None]
            if self.forget_removed or not own:
                del files[name]
        return list(dict.fromkeys(keys))

    def _document(self, key: str) -> Document | None:
        """A document that is stored and was not erased."""
        document = next((d for d in self.learner.documents() if d.id == key), None)
        return None if document is None or document.erased else document

    def _files(self) -> list[Path]:
        try:
            return files_of(self.folder)
        except InputFileError:  # there is none
            return []

    def _read(self) -> tuple[dict[Path, list[Text]], list[InputError]]:
        texts: dict[Path, list[Text]] = {}
        unreadable: list[InputError] = []
        for path in self._files():
            try:
                texts[path] = load_documents(path, trust=self.trust, notice=self._notice)
            except InputError as error:
                unreadable.append(error)
        return texts, unreadable

    def _notice(self, text: str) -> None:
        """Tells what is to be known of a file; every file is read at each look, and it is told once."""
        if text not in self._told:
            self._told.add(text)
            self.learner.parts.watch.notice(text)

    def _recognised(self, texts: dict[Path, list[Text]]) -> dict[Path, list[Text]]:
        """The texts with the ids of their documents. A heading that was corrected is so here at once."""
        every = [text for own in texts.values() for text in own]
        found = iter(recognised(self.learner.workspace, every, self.learner.parts.watch.notice))
        return {path: [next(found) for _ in own] for path, own in texts.items()}

    def _record(self) -> dict[str, WatchedFile]:
        """What is known of this folder's files, by the digests of their names."""
        told = _stored(self.learner.path / RECORD).get(self._name, {})
        return {name: WatchedFile(one["now"], one["earlier"]) for name, one in told.items()}

    def _keep(self, files: dict[str, WatchedFile]) -> None:
        path = self.learner.path / RECORD
        told = {name: {"now": one.now, "earlier": one.earlier} for name, one in files.items()}
        write_durably(path, [json.dumps({**_stored(path), self._name: told}, indent=1).encode()])


def _present(files: dict[str, WatchedFile]) -> set[str]:
    return {key for one in files.values() for key in one.now}


def _digest(folder: Path, path: Path) -> str:
    return sha256(path.relative_to(folder).as_posix().encode())


def _stored(path: Path) -> dict[str, Any]:
    """What is kept of all folders. Raises InputFileError."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputFileError(
            f"{path} cannot be read", "Restore it, or remove it: files are then taken for new."
        ) from error
    return told
