"""The records of a run's folder: what its files say, one class a kind.

The fields of a class are the keys of its JSON object, in the order in which they are written. Knows nothing
about files (run_folder.py), and nothing about what is done with the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, NotRequired, Self, TypedDict

from seal.types import LEFT_RACE, Context, Lesson, Score, SelfEdit

Arm = Literal["seal", "random_selection"]
"""An arm of the outer loop: rewarded, or the control, which chooses by chance."""
RewardKind = Literal["accuracy", "likelihood", "own_exam", "sentences"]


@dataclass(frozen=True)
class Record:
    """One JSON object of a file. Keys that the class does not know are ignored when it is read."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        known = {one.name for one in fields(cls)}
        return cls(**{key: value for key, value in stored.items() if key in known})

    def to_json(self) -> dict[str, Any]:
        """The object as it is written; `notes` only where there are any."""
        return {key: value for key, value in asdict(self).items() if key != "notes" or value}


@dataclass(frozen=True)
class SelfEditRecord(Record):
    """A self-edit that was sampled in a round. `lines` counts the usable ones."""

    context: str
    sample: int
    text: str
    truncated: bool
    lines: int

    @classmethod
    def of(cls, context: Context, sample: int, edit: SelfEdit) -> SelfEditRecord:
        return cls(context.id, sample, edit.text, edit.truncated, len(edit.lines))

    @property
    def key(self) -> tuple[str, int]:
        return self.context, self.sample


@dataclass(frozen=True)
class ScoreRecord(Record):
    """The exam of one adapter: a sample trained with one seed. Without a measure it says why (`reason`), and
    in `notes` what was changed of what the self-edit asked for."""

    context: str
    sample: int
    seed: int
    accuracy: float | None
    likelihood: float | None
    coverage: float
    reason: str
    notes: Sequence[str] = ()

    @classmethod
    def of(cls, context: str, sample: int, seed: int, score: Score) -> ScoreRecord:
        reason = next((a.reason for a in score.answers if a.outcome == "ungraded"), "")
        measured = score.accuracy, score.likelihood, score.coverage
        return cls(context, sample, seed, *measured, reason, score.notes)

    @property
    def key(self) -> tuple[str, int, int]:
        return self.context, self.sample, self.seed

    @property
    def left(self) -> bool:
        """Whether the adapter was behind in its race, and has no reward for that."""
        return self.reason.startswith(LEFT_RACE)

    def reward(self, kind: RewardKind) -> float | None:
        return self.accuracy if kind == "accuracy" else self.likelihood


@dataclass(frozen=True)
class OwnExamRecord(Record):
    """The exam that the base wrote about a context: its questions with their answers."""

    context: str
    questions: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class DecisionRecord(Record):
    """The lesson of one context's samples: the kept ones by number and how much each counts, and pairs of a
    better and a worse one. None among `rewards` is ungraded, or has `left` a race; the control has no rewards
    at all."""

    context: str
    rewards: Sequence[float | None]
    baseline: float | None
    kept: Sequence[int]
    weights: Sequence[float]
    pairs: Sequence[Sequence[int]] = ()
    left: Sequence[int] = ()

    @classmethod
    def of(
        cls,
        context: str,
        rewards: Sequence[float | None],
        baseline: float | None,
        lesson: Lesson,
        left: Sequence[int] = (),
    ) -> DecisionRecord:
        weights = lesson.weights
        return cls(context, rewards, baseline, list(weights), list(weights.values()), lesson.pairs, left)

    @property
    def lesson(self) -> Lesson:
        weights = dict(zip(self.kept, self.weights, strict=True))
        return Lesson(weights, tuple((better, worse) for better, worse in self.pairs))

    @property
    def favoured(self) -> list[int]:
        """The samples that are to become likelier, each once."""
        weighted = [i for i, weight in zip(self.kept, self.weights, strict=True) if weight >= 0]
        return list(dict.fromkeys([*weighted, *(better for better, _ in self.pairs)]))

    def to_json(self) -> dict[str, Any]:
        stored = super().to_json().items()
        return {key: value for key, value in stored if key not in ("pairs", "left") or value}


@dataclass(frozen=True)
class PolicyUpdate(Record):
    """An update of the policy: on how many self-edits or pairs of them, and its last loss."""

    arm: Arm
    round: int
    examples: int
    loss: float


@dataclass(frozen=True)
class CheckRecord(Record):
    """Whether a round's policy was taken over, by its mean reward and that of the policy before it on the
    contexts that are kept for that. `p_value`: how likely a rise as large were if the new one were no better;
    it is taken if that is at most `error`. `standing`: the round whose policy is in force from then on; 0 is
    the base."""

    round: int
    contexts: int
    before: float | None
    proposed: float | None
    p_value: float
    error: float
    taken: bool
    standing: int


@dataclass(frozen=True)
class AnswerRecord(Record):
    """One question of an exam with its answer. `reason` says why it is ungraded or wrong, if known."""

    question: str
    gold: str
    answer: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class EvaluationRecord(Record):
    """The exam of one held-out context by one method."""

    method: str
    context: str
    accuracy: float | None
    likelihood: float | None
    coverage: float
    notes: Sequence[str] = field(default=(), kw_only=True)
    answers: Sequence[AnswerRecord]

    @classmethod
    def of(cls, method: str, score: Score) -> EvaluationRecord:
        answers = [
            AnswerRecord(a.question, a.gold[0] if a.gold else "", a.answer, a.outcome, a.reason)
            for a in score.answers
        ]
        measured = score.accuracy, score.likelihood, score.coverage
        return cls(method, score.context_id, *measured, answers, notes=score.notes)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        answers = [AnswerRecord.from_json(answer) for answer in stored["answers"]]
        return super().from_json({**stored, "answers": answers})


@dataclass(frozen=True)
class WrittenRecord(Record):
    """The self-edit that a method trained on for one held-out context."""

    method: str
    context: str
    text: str
    truncated: bool

    @classmethod
    def of(cls, method: str, context: Context, edit: SelfEdit) -> WrittenRecord:
        return cls(method, context.id, edit.text, edit.truncated)


@dataclass(frozen=True)
class ChoiceRecord(Record):
    """Which of several directives fits a task: its text, None to leave the model as it is. `likelihoods`:
    those that each candidate was chosen by; None where nothing had to be tried."""

    method: str
    context: str
    text: str | None
    likelihoods: Sequence[float] | None


@dataclass(frozen=True)
class CommitteeRecord(Record):
    """Whose adapters answered a task together, and what they thought of every candidate of each test grid."""

    method: str
    context: str
    directives: Sequence[str]
    candidates: Sequence[Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class FixedScore(Record):
    """A fixed directive's exam on one training task."""

    text: str
    context: str
    accuracy: float | None
    likelihood: float | None

    def reward(self, kind: RewardKind) -> float | None:
        return self.accuracy if kind == "accuracy" else self.likelihood


@dataclass(frozen=True)
class FixedChoice(Record):
    """The best fixed directive, with how many trainings and how many candidates it was searched."""

    directive: Mapping[str, Any]
    trainings: int
    candidates: int


class MethodRow(TypedDict):
    """One method's figures. No interval: one context alone bears none."""

    name: str
    accuracy: float | None
    ci95: list[float] | None
    n_contexts: int
    n_questions: int
    coverage: float


class DifferenceRow(TypedDict):
    """The mean of a − b, paired by context."""

    a: str
    b: str
    mean: float
    ci95: list[float] | None


class FamilyRow(TypedDict):
    """How many tasks a family has, and how many of them each method solved."""

    family: str
    n: int
    solved: dict[str, int]


class RoundRow(TypedDict):
    """One finished round of one arm: its rewards, what was kept, and the policy that learned from that.
    `taken` says whether it was taken over, where that is checked."""

    arm: Arm
    round: int
    n_self_edits: int
    n_ungraded: int
    n_failed_adapters: int
    mean_reward: float | None
    mean_reward_kept: float | None
    n_kept: int
    loss: float
    policy: str
    taken: NotRequired[bool]


class EndpointCosts(TypedDict):
    """What the endpoint that wrote a run's self-edits was asked and counted, all sittings together."""

    model: str
    requests: int
    refused: int
    prompt_tokens: int
    completion_tokens: int


class Results(TypedDict):
    """`results.json` of a run that examines methods. `families` and `best_fixed` are of few-shot runs."""

    seed: int
    wall_s: float
    peak_memory_bytes: int | None
    model: dict[str, Any]
    methods: list[MethodRow]
    differences: list[DifferenceRow]
    endpoint: NotRequired[EndpointCosts]
    families: NotRequired[list[FamilyRow]]
    best_fixed: NotRequired[dict[str, Any] | None]


class TrainingResults(TypedDict):
    """`results.json` of `seal train`."""

    seed: int
    wall_s: float
    model: dict[str, Any]
    rounds: list[RoundRow]
    endpoint: NotRequired[EndpointCosts]


def accuracies(records: Sequence[EvaluationRecord], method: str) -> dict[str, float | None]:
    """Context → accuracy of one method."""
    return {r.context: r.accuracy for r in records if r.method == method}


def context_named(context_id: str) -> Context:
    """A context of which nothing but its id is known, for a self-edit to be read again."""
    return Context(context_id, "", "")
