"""What learning some documents would do and cost, before anything is done: `seal learn --dry-run`.

Reads texts, settings and the record of earlier studies. Stores nothing and loads no model, so that what a
writer makes of a text is not foreseen. Tokens are counted by a rule of thumb; seconds are those that earlier
studies of this workspace took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from seal.domains.knowledge.screen import screen
from seal.domains.knowledge.units import units_of
from seal.learner.documents import Text, sift
from seal.learner.recognising import recognised
from seal.learner.settings import LearnerConfig
from seal.registry import LIVE, Document, Workspace

_CHARS_A_TOKEN = 4  # of English; other scripts have fewer
_STUDIES = 8  # of which the pace is taken, the last ones
Foreseen: TypeAlias = Literal["learn", "known", "rejected", "hold"]


@dataclass(frozen=True)
class DocumentForecast:
    """What would become of one document. "hold": it is learned, and then a person is asked.

    `like` are live documents that it nearly repeats, or whose title it has: what it contradicts of them it
    replaces. `units` are its sentences, rows and items.
    """

    document: str
    title: str
    outcome: Foreseen
    reason: str
    units: int
    tokens: int
    given_questions: int
    like: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyForecast:
    """All documents together. `tokens_written` and `steps` are the most that the settings allow; `seconds` is
    None where no study of this workspace says how fast it is."""

    documents: tuple[DocumentForecast, ...]
    model: str
    writer: str
    tokens_written: int
    steps: int
    seconds: float | None
    studies: int

    @property
    def to_learn(self) -> tuple[DocumentForecast, ...]:
        return tuple(one for one in self.documents if one.outcome in ("learn", "hold"))


def forecast(workspace: Workspace, config: LearnerConfig, texts: Sequence[Text]) -> StudyForecast:
    """Raises DamageError if the text of a live document is damaged."""
    live = workspace.alias(LIVE)
    texts = recognised(workspace, texts)
    decided, _ = sift(texts, live, config.screen)
    known = {key: workspace.document(key) for key in (live.documents if live else ())}
    told = {key: workspace.text(key) for key in known}
    documents = []
    for n, given in enumerate(texts):
        if n in decided:
            outcome: Foreseen = "known" if decided[n].outcome == "known" else "rejected"
            documents.append(_of_one(given, outcome, decided[n].reason))
            continue
        trust = config.trust if given.trust is None else given.trust
        above = {key: told[key] for key, one in known.items() if one.trust > trust}
        flags = screen(given.title, given.text, config.screen, known=above)
        reason = next((f"screening: {flag.reason}" for flag in flags), "")
        near = " ".join(f.reason for f in screen(given.title, given.text, config.screen, known=told))
        like = (one.title or key[:12] for key, one in known.items() if key in near or _same_title(one, given))
        documents.append(_of_one(given, "hold" if reason else "learn", reason, tuple(like)))
    fresh = [given for n, given in enumerate(texts) if n not in decided]
    settings = workspace.settings()
    pace, studies = pace_of(workspace)
    return StudyForecast(
        tuple(documents),
        settings["model"],
        settings["writer"],
        sum(_most_written(config, one.units) for one in documents if one.outcome in ("learn", "hold")),
        len(fresh) * config.cell.max_steps,
        None if pace is None else pace * sum(len(given.text) for given in fresh),
        studies,
    )


def _most_written(config: LearnerConfig, n_units: int) -> int:
    """The tokens that are written about a document at most."""
    if config.method == "units":
        units = config.units
        return n_units * units.samples * units.attempts * units.max_new_tokens
    writing = config.writing
    return len(writing.formats) * writing.samples * writing.attempts * writing.max_new_tokens


def _of_one(given: Text, outcome: Foreseen, reason: str, like: tuple[str, ...] = ()) -> DocumentForecast:
    return DocumentForecast(
        given.document,
        given.title,
        outcome,
        reason,
        len(units_of(given.title, given.text)),
        -(-len(given.text) // _CHARS_A_TOKEN),
        len(given.questions),
        like,
    )


def pace_of(workspace: Workspace) -> tuple[float | None, int]:
    """Seconds that a character took in the last studies, and how many studies say so; the documents that were
    erased since do not count."""
    began: dict[int, str] = {}
    took: list[tuple[float, int]] = []
    texts = {d.id for d in workspace.documents() if not d.erased}
    jobs = {job.id: job for job in workspace.jobs() if job.kind == "study" and job.state == "done"}
    for entry in workspace.ledger():
        job = entry.inputs.get("job")
        if job not in jobs:
            continue
        if entry.action == "job.claim":
            began[job] = entry.time
        elif entry.action == "job.finish" and job in began:
            own = [key for key in jobs[job].inputs.get("documents", ()) if key in texts]
            if own:
                chars = sum(len(workspace.text(key)) for key in own)
                took.append((_seconds(began[job], entry.time), chars))
    last = [one for one in took[-_STUDIES:] if one[0] > 0 and one[1] > 0]
    if not last:
        return None, 0
    return sum(s for s, _ in last) / sum(n for _, n in last), len(last)


def _seconds(began: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def _same_title(known: Document, given: Text) -> bool:
    return bool(known.title) and known.title.casefold() == given.title.casefold()
