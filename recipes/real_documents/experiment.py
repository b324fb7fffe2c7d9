"""A model learns the documents of a half one by one, and is asked every question in every way.

What became of each document and every answer are recorded at once, so that a run that was stopped goes on
with the next document or question. Answers belong to the version that gave them: after more was learned they
are asked for again. Knows nothing about what is right; figures.py grades.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recipes.real_documents.halves import RealDocument
from recipes.real_documents.records import Records, kept, peak_memory
from seal.engine.start import Silent, Watch
from seal.errors import InputError, StateError
from seal.learner import Learner
from seal.learner.ways import By
from seal.registry import Version, document_key

BASE = "base"
WAYS: tuple[By, ...] = ("auto", "reading", "weights")
_WARM_UP = "Is anybody there?"


def answers_by(learner: Learner, way: By) -> bool:
    """Whether the learner can be asked in this way; asks it something, so that all is loaded then."""
    try:
        learner.ask(_WARM_UP, by=way)
    except StateError:
        return False
    return True


class RealRun:
    """One model on some documents, in one folder. `opened` gives a learner on the run's workspace with
    nothing in its caches; the loaded model may be the same one each time."""

    def __init__(
        self,
        folder: Path,
        documents: Sequence[RealDocument],
        opened: Callable[[], Learner],
        watch: Watch | None = None,
    ) -> None:
        self.folder, self.documents, self.opened = folder, documents, opened
        self.watch = watch or Silent()
        self.learned, self.answers = Records(folder / "learned.jsonl"), Records(folder / "answers.jsonl")

    def ask_base(self) -> None:
        """Asks the bare base, of which no version is part."""
        todo = self._unasked(BASE, "")
        if not todo:
            return
        learner = self.opened()
        bare = learner.parts.bare_mind() if learner.live() else None  # live: documents were added later

        def answer(question: str) -> Any:
            return bare.ask([question])[0] if bare else learner.ask(question)

        answer(_WARM_UP)
        self._ask(BASE, "", todo, answer)

    def learn(self) -> None:
        """Learns each document by itself, in order, unless it is known what became of it."""
        done = {r["file"] for r in self.learned.all if r["event"] == "learned"}
        begun = {r["file"] for r in self.learned.all if r["event"] == "began"}
        todo = [d for d in self.documents if d.file not in done]
        if not todo:
            return
        started = time.perf_counter()
        learner = self.opened()
        learner.ask(_WARM_UP)  # loading the model, and making it ready once, is no document's time
        self.learned.add({"event": "prepared", "seconds": time.perf_counter() - started})
        for n, document in enumerate(todo):
            self.watch.progress(
                f"{document.file} ({n + 1} of {len(todo)}, {len(document.text.split())} words)", n, len(todo)
            )
            self.learned.add({"event": "began", "file": document.file, "at": time.time()})
            started = time.perf_counter()
            [told] = learner.learn([document.given])
            seconds = time.perf_counter() - started
            record = asdict(told)
            if told.outcome == "known":  # by the run that this one goes on from
                record["outcome"] = "live"
            self.learned.add(
                {
                    "event": "learned",
                    "file": document.file,
                    **record,
                    "seconds": seconds,
                    "interrupted": document.file in begun,
                    "words": len(document.text.split()),
                    "characters": len(document.text),
                    "dropped": _dropped(learner, document_key(document.text)),
                    "memory": peak_memory(),
                }
            )
            self.watch.notice(f"{document.file}: {record['outcome']} in {seconds:.0f} s. {told.reason}")

    def ask_all(self) -> None:
        """Asks the live version every question, in every way."""
        version = _name(self.opened().live())
        for way in WAYS:
            todo = self._unasked(way, version)
            if todo:
                fresh = self.opened()  # what one way remembers must not make another one quick
                if answers_by(fresh, way):
                    self._ask(way, version, todo, lambda q, a=fresh, w=way: a.ask(q, by=w))

    def ask_cold(self, times: int) -> None:
        """Times `seal ask` from its start, as a user waits for it."""
        live = self.opened().live()
        if not times or live is None:
            return
        questions = [d.asked[0].question.text for d in self.documents if d.file in live_files(self.learned)]
        kept(
            self._cold_path(live),
            lambda: [_cold(self.folder / "workspace", q) for q in questions[:times]],
        )

    def cold(self, live: Version | None) -> list[dict[str, Any]]:
        """What `ask_cold` measured with this version."""
        path = self._cold_path(live)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []

    def answers_of(self, live: Version | None) -> list[dict[str, Any]]:
        """The answers of this version, and of the bare base."""
        versions = ("", _name(live))
        return [a for a in self.answers.all if a["version"] in versions]

    def _cold_path(self, live: Version | None) -> Path:
        return self.folder / f"cold-{_name(live)[:12]}.json"

    def _unasked(self, way: str, version: str) -> list[tuple[RealDocument, int]]:
        done = {r["id"] for r in self.answers.all if (r["way"], r["version"]) == (way, version)}
        return [(d, n) for d in self.documents for n, q in enumerate(d.asked) if q.id not in done]

    def _ask(
        self, way: str, version: str, todo: Sequence[tuple[RealDocument, int]], answer: Callable[[str], Any]
    ) -> None:
        for at, (document, n) in enumerate(todo):
            if not at or todo[at - 1][0] is not document:
                self.watch.progress(f"asking by {way}: {document.file}", at, len(todo))
            question = document.asked[n]
            started = time.perf_counter()
            said = answer(question.question.text)
            self.answers.add(
                {
                    "way": way,
                    "version": version,
                    "id": question.id,
                    "file": document.file,
                    "question": question.question.text,
                    "text": said.text,
                    "by": said.way,
                    "document": said.document,
                    "probability": said.probability,
                    "seconds": time.perf_counter() - started,
                }
            )


def _name(live: Version | None) -> str:
    return live.id if live else "none"


def live_files(learned: Records) -> set[str]:
    """The files of the documents that went live."""
    last = {r["file"]: r["outcome"] for r in learned.all if r["event"] == "learned"}
    return {file for file, outcome in last.items() if outcome in ("live", "read")}


def _dropped(learner: Learner, key: str) -> dict[str, int]:
    """How many lines about a document were dropped, by reason. A screened one is not in the workspace."""
    if key not in {d.id for d in learner.documents()}:
        return {}
    return dict(Counter(line.reason for line in learner.workspace.lines(key) if not line.kept).most_common())


def _cold(workspace: Path, question: str) -> dict[str, Any]:
    command = [sys.executable, "-c", "from seal.cli import main; main()", "ask", question, "--json"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--workspace", str(workspace)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise InputError(f"`seal ask` ended with {process.returncode}", f"Run it: {' '.join(command[3:])}")
    unit = 1 if sys.platform == "darwin" else 1024
    text = json.loads(out)[0]["text"]
    return {"question": question, "text": text, "seconds": seconds, "bytes": usage.ru_maxrss * unit}
