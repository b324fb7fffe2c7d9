"""What a workspace gives to those who ask: frozen records. Knows nothing about tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from seal.registry.ledger import ChainCheck

State: TypeAlias = Literal["candidate", "held", "rejected", "live-once"]
JobState: TypeAlias = Literal["queued", "running", "done", "failed"]
FeedbackKind: TypeAlias = Literal["thumbs", "comment", "right_answer", "demonstration"]
FeedbackState: TypeAlias = Literal["noted", "taken", "held", "refused"]
RolloutMode: TypeAlias = Literal["shadow", "canary"]
RolloutState: TypeAlias = Literal["running", "promoted", "reverted", "ended"]
RolloutSide: TypeAlias = Literal["live", "candidate"]
Better: TypeAlias = Literal["live", "candidate", "neither"]
PushState: TypeAlias = Literal["loading", "loaded", "unloading", "gone", "refused"]

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

    @property
    def cancelled(self) -> bool:
        """Whether somebody took it out of the queue, or ended it."""
        return self.state == "failed" and self.outputs.get("cancelled") is True


@dataclass(frozen=True)
class JobEvent:
    """How far a job had come at a time. The message has no words of any document."""

    job: int
    position: int
    at: str
    message: str


@dataclass(frozen=True)
class Brake:
    """Since when, by whom and why all studying is stopped."""

    since: str
    actor: str
    reason: str


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
class AccessKey:
    """The right to use a workspace over a network, by roles. `trust` is that in what its holder teaches, None
    the workspace's default; `used_on` is the last day on which it was used."""

    id: str
    name: str
    roles: tuple[str, ...]
    trust: float | None
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None
    used_on: str | None = None

    def valid_at(self, now: str) -> bool:
        """`now` is as the clock tells it: UTC, ISO 8601."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True)
class RememberedAnswer:
    """An answer that was given, and by whom it was asked for (`key`).

    `source` is the document that it is from, `documents` are all that may have words in it, `passage` is the
    sentence recited or the text read for it. An erased one has neither question nor text.
    """

    id: str
    at: str
    question: str
    text: str
    way: str
    version: str | None
    probability: float
    source: str | None = None
    documents: tuple[str, ...] = ()
    passage: str = ""
    stated: bool | None = None
    conversation: str | None = None
    key: str | None = None
    erased: bool = False


@dataclass(frozen=True)
class Feedback:
    """What somebody, `author`, said of an answer or a conversation.

    `value` is "up" or "down", the comment, or the right answer to `question`. `state`: "noted"; of a right
    answer, "taken" (it became `document`), "held" for a person, or "refused", with the `reason`.
    """

    id: str
    at: str
    kind: FeedbackKind
    question: str
    value: str
    author: str
    trust: float | None
    state: FeedbackState
    reason: str
    answer: str | None = None
    conversation: str | None = None
    document: str | None = None
    erased: bool = False


@dataclass(frozen=True)
class Rollout:
    """A version that is tried beside the live one, `baseline`.

    "shadow": it answers a `share` of the questions too, and nobody sees it; "canary": it answers a `share` of
    the callers. `settings` is the plan of the test that ends it, as it was when it began. `state`: "running",
    "promoted" (it is live), "reverted" (it is held), or "ended" by something else, with the `reason`.
    """

    id: int
    mode: RolloutMode
    version: str
    baseline: str
    share: float
    settings: Mapping[str, Any]
    state: RolloutState
    began_at: str
    actor: str
    ended_at: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """A question that was answered while a rollout ran, by the version of its `side`; `answer` is the id that
    the answer was given under.

    `given` is that answer and `other` the other version's, if that was asked as well; `same`: they say the
    same, and then no words are kept. `better` is the verdict on two that differ, by whom or what in
    `judged_by`.
    """

    id: int
    rollout: int
    at: str
    side: RolloutSide
    answer: str | None
    question: str = ""
    given: str = ""
    other: str = ""
    same: bool | None = None
    better: Better | None = None
    judged_by: str = ""
    erased: bool = False


@dataclass(frozen=True)
class ComparisonCounts:
    """How many questions of a rollout were answered by either version, by both, and differently."""

    answered: Mapping[RolloutSide, int]
    compared: int
    differing: int


@dataclass(frozen=True)
class Thumb:
    """A thumb, up or down, on an answer of a rollout; `talk` is the conversation, or else the answer."""

    side: RolloutSide
    author: str
    talk: str
    up: bool


@dataclass(frozen=True)
class Push:
    """A version's adapter, or one document's, on another server, under a name that no other adapter has.

    `folder` is where its files are, and `path` the same as the server sees it. `key_env` is the variable with
    the server's key. `state`: "loading"; "loaded" (and verified); "unloading", while the server does not
    answer, for the `problem`; "gone"; or "refused", since it answered otherwise there than here.
    """

    id: int
    server: str
    kind: str
    name: str
    version: str
    document: str | None
    folder: str
    path: str
    key_env: str | None
    state: PushState
    at: str
    tries: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Webhook:
    """An address that is told of what happens; `told` is the last entry of the ledger that it took, and
    `failures` counts its refusals since."""

    id: str
    url: str
    created_at: str
    told: int
    failures: int
    secret: str = field(repr=False, default="")


@dataclass(frozen=True)
class Audit:
    """What a check of the whole workspace found: the ledger's chain, and everything else that is wrong."""

    ledger: ChainCheck
    problems: tuple[str, ...]
    n_objects: int

    @property
    def sound(self) -> bool:
        return self.ledger.sound and not self.problems
