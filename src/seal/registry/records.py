"""What a workspace gives to those who ask: frozen records. Knows nothing about tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from seal.registry.ledger import ChainCheck

State: TypeAlias = Literal["candidate", "held", "rejected", "live-once"]
JobState: TypeAlias = Literal["queued", "running", "done", "failed"]

LIVE = "live"
"""The alias of the version that answers."""


@dataclass(frozen=True)
class Document:
    """A source. `id` is the sha256 of its text; an erased one has neither title nor text.

    `first_title` is the title that its lines were written and its cell was trained under, where that was
    corrected since; None if it never was.
    """

    id: str
    sequence: int
    title: str
    trust: float
    added_at: str
    learned_at: str | None = None
    erased: bool = False
    first_title: str | None = None

    @property
    def compiled_title(self) -> str:
        """The title under which it is compiled: that of its lines, so that the same is built again."""
        return self.title if self.first_title is None else self.first_title


@dataclass(frozen=True)
class Line:
    """A line of a self-edit: `kept` for training, or dropped for a `reason`.

    `sentence` is the one of the source that supports it. Whether newer documents replaced it is a property of
    a version, and stands in the recipe of the build ("retired").
    """

    text: str
    kept: bool = True
    reason: str = ""
    sentence: str = ""


@dataclass(frozen=True)
class ExamQuestion:
    """A question about a document. `origin` says where it is from: "given", or "self" if a model wrote it."""

    text: str
    answers: tuple[str, ...]
    origin: str
    position: int


@dataclass(frozen=True)
class Build:
    """An adapter. `key` is the digest of what it was made of, `object` the digest of what came out."""

    key: str
    object: str
    base: str
    writer: str
    sources: tuple[str, ...]
    recipe: Mapping[str, Any]
    seed: int
    environment: str
    created_at: str
    erased: bool = False


@dataclass(frozen=True)
class Version:
    """A release. `content` is the digest of what it knows (base, builds, settings): two histories that lead
    to the same knowledge share it. `id` also covers the parent and the report."""

    id: str
    sequence: int
    content: str
    base: str
    parent: str | None
    builds: tuple[str, ...]
    documents: tuple[str, ...]
    settings: Mapping[str, Any]
    report: str | None
    state: State
    created_at: str
    erased: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """A piece of work in the queue; `kind` says which ("study", "forget", "approve")."""

    id: int
    kind: str
    state: JobState
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    reason: str
    attempts: int
    created_at: str
    ended_at: str | None


@dataclass(frozen=True)
class Lease:
    """The right to do a job and to commit what came of it. `token` rises with every lease of the workspace,
    so an older one is known to be stale."""

    job: int
    token: int
    kind: str
    owner: str
    attempt: int
    lease_s: float
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Audit:
    """What a check of the whole workspace found: the ledger's chain, and everything else that is wrong."""

    ledger: ChainCheck
    problems: tuple[str, ...]
    n_objects: int

    @property
    def sound(self) -> bool:
        return self.ledger.sound and not self.problems
