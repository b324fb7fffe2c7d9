"""What was seen of a version that is tried, as outcomes of a sequential test: by thumbs, and by verdicts on
answers that differ.

Knows how single votes and questions are kept from counting more than once. Knows nothing about how a version
is tried, and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from seal.grading.exact import comparable
from seal.grading.sequential import SequentialTest, Verdict
from seal.registry import Comparison, Rollout, Thumb
from seal.registry.records import RolloutSide


class RolloutConfig(BaseModel):
    """How a version is tried beside the live one, and what ends that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(
        default=0.1, gt=0, le=1, description="Share of the callers whom a canary answers, always the same."
    )
    shadow_share: float = Field(
        default=0.1, gt=0, le=1, description="Share of the questions that a shadow answers too, unseen."
    )
    error_rate: float = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        description="Probability, at most, that a version is promoted though it loses more often than the "
        "margin allows, and that one is reverted though it is not worse, however often that is looked at.",
    )
    margin: float = Field(
        default=0.1,
        ge=0,
        lt=0.5,
        description="Where only one of the two versions is right, the new one may be that one in 1/2 less "
        "the margin of the cases and still pass.",
    )
    per_author: int = Field(
        default=20, ge=1, description="Thumbs of one key on answers of one version that count, at most."
    )
    hours: float = Field(
        default=72.0, gt=0, description="Hours after which a rollout that nothing decided ends, undecided."
    )

    @property
    def test(self) -> SequentialTest:
        return SequentialTest(self.error_rate, self.margin)


@dataclass(frozen=True)
class RolloutEvidence:
    """What is known of a version that is tried. `wins` and `losses` are of thumbs in pairs and of judged
    differences together; the evidences are logarithms (nats), and `threshold` is that which decides."""

    wins: int
    losses: int
    thumbs_up: dict[RolloutSide, int]
    thumbs_down: dict[RolloutSide, int]
    judged: int
    for_it: float
    against_it: float
    threshold: float
    verdict: Verdict | None

    @property
    def reason(self) -> str:
        n = self.wins + self.losses
        return f"of {n} outcomes where one version was right, {self.wins} are the new one's"


def evidence_of(
    config: RolloutConfig, thumbs: Sequence[Thumb], comparisons: Sequence[Comparison]
) -> RolloutEvidence:
    """What thumbs and judged differences, each in their order, come to under a plan.

    The callers of the two versions are others, so that thumbs are paired as they come, the first of one with
    the first of the other; a pair counts if just one is up (Wald 1947, the sequential test of double
    dichotomies). So neither more callers nor more severe ones on one side favour the other.
    """
    votes = _votes(thumbs, config.per_author)
    outcomes = [new for new, old in zip(votes["candidate"], votes["live"], strict=False) if new != old]
    seen: set[str] = set()
    judged = 0
    for one in comparisons:
        name = comparable(one.question) or str(one.id)
        if one.better not in ("live", "candidate") or name in seen:
            continue  # a question that is asked a hundred times is one outcome
        seen.add(name)
        judged += 1
        outcomes.append(one.better == "candidate")
    wins, losses, test = sum(outcomes), len(outcomes) - sum(outcomes), config.test
    return RolloutEvidence(
        wins=wins,
        losses=losses,
        thumbs_up={side: sum(given) for side, given in votes.items()},
        thumbs_down={side: len(given) - sum(given) for side, given in votes.items()},
        judged=judged,
        for_it=test.for_it(wins, losses),
        against_it=test.against_it(wins, losses),
        threshold=test.threshold,
        verdict=test.verdict(wins, losses),
    )


def plan_of(rollout: Rollout) -> RolloutConfig:
    """The settings that stood when a rollout began: a plan is not changed while it is followed."""
    return RolloutConfig.model_validate(dict(rollout.settings))


def _votes(thumbs: Iterable[Thumb], per_author: int) -> dict[RolloutSide, list[bool]]:
    """The votes on either version, in order: the first of each conversation, and so many of an author."""
    votes: dict[RolloutSide, list[bool]] = {"live": [], "candidate": []}
    talks: set[tuple[str, str, RolloutSide]] = set()
    counted = Counter[tuple[str, RolloutSide]]()
    for one in thumbs:
        talk: tuple[str, str, RolloutSide] = (one.author, one.talk, one.side)
        author: tuple[str, RolloutSide] = (one.author, one.side)
        if talk in talks or counted[author] >= per_author:
            continue
        talks.add(talk)
        counted[author] += 1
        votes[one.side].append(one.up)
    return votes
