"""A learner that takes milliseconds a document: a toy model that trains for real, beside a writer and a
reader that know the plain sentences of these documents ("The height of Brenk is 31 metres.").

What a document becomes is still a function of it alone, and everything that is kept of it goes the real
way: grounding, exam, cell, store, database, router. Only what the toy cannot do is handed in: to write, to
read, and to pass an exam. What the gates decide is set by `GATES`.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from postgres import copy_of, rows_of
from seal.errors import StateError
from seal.gates import Decision, Report
from seal.learner import Learned, Learner, Text
from seal.learner.compiling import Compiler
from seal.learner.reference import ReferenceItem
from seal.learner.settings import LearnerConfig
from seal.learner.writing import SourceDocument
from seal.registry import document_key
from seal.registry.marker import MARKER, read_marker
from seal.types import Context
from workspaces import files_with

CONFIG = LearnerConfig.model_validate(
    {
        "grader": "exact",
        "max_answer_tokens": 2,
        "processes": 1,
        "writing": {"formats": ["self-qa"], "samples": 1, "attempts": 1, "max_new_tokens": 8},
        "cell": {"rank": 2, "alpha": 4.0, "learning_rate": 1e-2, "max_steps": 2, "batch_size": 0},
        "exam": {"per_fact": 1, "enough": 1},
        "gates": {"min_grounded": 0.1},
    }
)
_FACT = re.compile(r"The (?P<what>\w+) of (?P<name>[A-Z]\w+(?: [A-Z]\w+)*) is (?P<value>[^.]+)\.")
_ASKED = re.compile(r"What (?:is|was) the (?P<what>\w+) of (?P<name>[A-Z]\w+(?: [A-Z]\w+)*)\?")
WHATS = ("height", "colour", "owner", "motto", "weight", "origin", "founder", "emblem")
_LETTERS = ("b", "dr", "k", "m", "st", "v", "gl", "n", "tr", "h"), ("a", "e", "i", "o", "u", "au", "ei")
Values = Mapping[str, str]


def word(rng: random.Random) -> str:
    """A made-up word that stands nowhere else."""
    heads, vowels = _LETTERS
    return "".join(rng.choice(heads) + rng.choice(vowels) for _ in range(4)).capitalize() + rng.choice("lnrs")


@dataclass(frozen=True)
class Fake:
    """A document about one name, and the value that it gives for each thing."""

    name: str
    values: Values
    note: str = ""

    @property
    def text(self) -> str:
        said = [f"The {what} of {self.name} is {value}." for what, value in self.values.items()]
        return " ".join([*said, self.note]).strip()

    def given(self, **more: Any) -> Text:
        return Text(self.text, self.name, **more)

    def changed(self, note: str, **values: str) -> Fake:
        """A newer document about the same name; `note` tells it from others of equal values."""
        return replace(self, values={**self.values, **values}, note=note)

    def question(self, what: str) -> str:
        return f"What is the {what} of {self.name}?"

    @property
    def id(self) -> str:
        return document_key(self.text)

    @property
    def words(self) -> list[str]:
        """What stands in this document only."""
        return [self.name, *self.values.values()]


def fake(seed: object, n_facts: int = 3) -> Fake:
    rng = random.Random(f"fake/{seed}")
    name = f"{word(rng)} {word(rng)}"
    return Fake(name, {what: word(rng) for what in rng.sample(WHATS, n_facts)})


REFERENCE = (
    ReferenceItem("known/a", "known", "What is two and two?", ("four",), "a"),
    ReferenceItem("private/b", "private", "What is the password of Sam?", (), "b"),
)


@dataclass
class Gates:
    """Decides as it is told by document; otherwise all is well."""

    outcomes: dict[str, str] = field(default_factory=dict)

    def tell(self, document: Fake, outcome: str) -> None:
        self.outcomes[document.id[:12]] = outcome

    def sound(self, report: Report) -> bool:
        return True

    def decide(self, report: Report) -> Decision:
        for exam in report.documents:
            outcome = self.outcomes.get(exam.name.removeprefix("document "), "live")
            if outcome != "live":
                return Decision(outcome, f"told to be {outcome}", ())  # type: ignore[arg-type]
        return Decision("live", "let pass", ())


class PlainWriter:
    """Writes each fact as a statement and as two questions."""

    def write(self, source: SourceDocument, piece: Context, attempt: int) -> list[str]:
        lines: list[str] = []
        for fact in _FACT.finditer(piece.text):
            what, name, value = fact["what"], fact["name"], fact["value"]
            lines.append(f"The {what} of {name} is {value}.")
            for asks in ("is", "was"):
                lines.append(f"Question: What {asks} the {what} of {name}?\nAnswer: {value}")
        return lines


class PlainReader:
    """Finds the fact that is asked for."""

    def read(self, source: SourceDocument, questions: Sequence[str]) -> list[str]:
        told = {(m["what"], m["name"]): m["value"] for m in _FACT.finditer(source.text)}
        asked = [_ASKED.fullmatch(q) for q in questions]
        return [told.get((m["what"], m["name"]), "") if m else "" for m in asked]


GATES = Gates()
"""The gates of all learners of `begin` and `reopened`."""
HANDED_IN: dict[str, Any] = {
    "writer": PlainWriter(),
    "reader": PlainReader(),
    "gates": GATES,
    "reference": REFERENCE,
}


def begin(path: Path, toy: Path, config: LearnerConfig = CONFIG, database: str = "") -> Learner:
    made = Learner.init(path, model=str(toy), database=database or None)
    return reopened(made.path, config)


def reopened(path: Path, config: LearnerConfig = CONFIG, adaptation: Any = None) -> Learner:
    return Learner.open(path, config=config, adaptation=adaptation, **HANDED_IN)


def hand_in_everywhere(patch: pytest.MonkeyPatch) -> None:
    """Commands open learners themselves: their settings are the workspace's, the rest is handed in."""
    open_ = Learner.open
    patch.setattr(Learner, "open", lambda path, **given: open_(path, **HANDED_IN, **given))


def learn_all(made: Learner, documents: Sequence[Fake]) -> list[Learned]:
    """Learns documents, all of which go live."""
    told = made.learn([one.given() for one in documents])
    assert [one.outcome for one in told] == ["live"] * len(told), told
    live = made.workspace.alias()
    assert live is not None and {one.id for one in documents} <= set(live.documents)
    return told


_KNOWING: dict[tuple[str, ...], Path] = {}


def begin_knowing(path: Path, toy: Path, documents: Sequence[Fake]) -> Learner:
    """A learner that knows these documents: a copy of one that this process has made once."""
    key = (str(toy), *(one.id for one in documents))
    if key not in _KNOWING:
        made = toy.parent / f"knowing-{len(_KNOWING)}" / "w"
        learn_all(begin(made, toy), documents)
        _KNOWING[key] = made
    shutil.copytree(_KNOWING[key], path)
    if database := read_marker(path):  # it is on a server, and is copied there
        marker = path / MARKER
        marker.write_text(marker.read_text().replace(database, copy_of(database)))
    return reopened(path)


def content(made: Learner) -> str | None:
    live = made.workspace.alias()
    return live and live.content


def lease(learner: Learner) -> Any:
    """That of the job that is being done."""
    from sqlalchemy import select

    from seal.registry.jobs import _lease
    from seal.registry.tables import JobRow

    with learner.workspace.transaction() as session:
        return _lease(session.scalars(select(JobRow).where(JobRow.state == "running")).one())


def slept_past_its_lease(learner: Learner, mine: Fake, theirs: Fake) -> None:
    """One stops in the middle of its training until its lease has run out and another has done the work."""
    other, train = reopened(learner.path, adaptation=learner.parts.adaptation), Compiler.train
    with pytest.MonkeyPatch.context() as patch:

        def slept(*given: Any) -> Any:
            patch.setattr(Compiler, "train", train)
            learner.workspace.renew(replace(lease(learner), lease_s=1e-6))
            assert other.learn([theirs.given()])[0].outcome == "live"
            return train(*given)

        patch.setattr(Compiler, "train", slept)
        with pytest.raises(StateError, match=r"(no longer this worker's|taken over)"):
            learner.learn([mine.given()])


def traces(made: Learner, words: Sequence[str]) -> dict[str, list[Path]]:
    """In which files of a workspace each word stands, whatever the case and as it stands in JSON; and, under
    the database's name, whether in a row of it where that is on a server."""
    found: dict[str, list[Path]] = {}
    url = read_marker(made.path)
    rows = rows_of(url) if url else ""
    for one in words:
        for needle in {one, one.lower(), json.dumps(one)[1:-1]}:
            there = files_with(made.workspace.path, needle.encode())
            if there := [*there, *([Path(str(url))] if needle in rows else [])]:
                found[one] = there
    return found
