"""A version is tried beside the live one: begun, compared with it, and promoted or reverted by what was seen.

Knows what a difference is (answers that do not say the same, by meaning) and what judges one: the gold answer
of an exam, a right answer that somebody gave, or a person. Knows nothing about who asks, and nothing about
when the answers are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from seal.grading.exact import comparable
from seal.learner.agreement import Judging, agree
from seal.learner.rollout_evidence import RolloutConfig, RolloutEvidence, evidence_of, plan_of
from seal.registry import Comparison, ComparisonCounts, Rollout, Workspace
from seal.registry.records import Better, RolloutMode, RolloutSide

if TYPE_CHECKING:
    from seal.learner.answering import Answer

Gold = Mapping[str, Sequence[str]]
"""The gold answers of exams, by their questions in comparable form."""
ACTOR = "rollout"
EXAM, CORRECTION = "exam", "correction"


@dataclass(frozen=True)
class RolloutView:
    """A rollout with what was seen in it so far."""

    rollout: Rollout
    counts: ComparisonCounts
    evidence: RolloutEvidence


def begin(
    workspace: Workspace,
    config: RolloutConfig,
    version: str,
    mode: RolloutMode,
    *,
    share: float | None = None,
    reason: str = "",
    actor: str | None = None,
) -> Rollout:
    """Begins to try a version by the settings of now. Raises what `Workspace.begin_rollout` does."""
    usual = config.share if mode == "canary" else config.shadow_share
    return workspace.begin_rollout(
        version,
        mode=mode,
        share=usual if share is None else share,
        settings=config.model_dump(mode="json"),
        reason=reason,
        actor=actor,
    )


def view(workspace: Workspace, rollout: Rollout) -> RolloutView:
    """A rollout with what was seen in it."""
    seen = workspace.comparisons(rollout.id)[::-1]
    evidence = evidence_of(plan_of(rollout), workspace.rollout_thumbs(rollout.id), seen)
    return RolloutView(rollout, workspace.comparison_counts(rollout.id), evidence)


def gold_of(workspace: Workspace, rollout: Rollout) -> Gold:
    """The gold answers of the exams of all documents that either version knows."""
    versions = [workspace.version(name) for name in (rollout.version, rollout.baseline)]
    documents = {key for version in versions for key in version.documents}
    return {comparable(one.text): one.answers for key in documents for one in workspace.exam(key)}


def compare(
    workspace: Workspace,
    rollout: Rollout,
    side: RolloutSide,
    answer: str | None,
    given: Answer,
    other: Answer | None,
    gold: Gold,
    judging: Judging,
) -> Comparison | None:
    """Records an answer that was given by one side's version, and, if the other was asked too, how the two
    compare; None if the rollout has ended."""
    if other is None:
        return workspace.add_comparison(rollout.id, side, answer=answer)
    better: Better | None = None
    same = given.way == other.way == "base" or agree(given.question, given.text, other.text, judging)
    answers = gold.get(comparable(given.question), ())
    if not same and answers:
        right = [_right(given.question, answers, one.text, judging) for one in (given, other)]
        better = _better(side, *right)
    return workspace.add_comparison(
        rollout.id,
        side,
        answer=answer,
        question=given.question,
        given=given.text,
        other=other.text,
        same=same,
        better=better,
        judged_by=EXAM if better else "",
    )


def settle(workspace: Workspace, rollout: Rollout, judging: Judging) -> Rollout | None:
    """Judges what can be judged by now, and ends a rollout if that decides it, or if its time is up; the
    rollout that then runs. While the brake is on none is promoted."""
    first = {one.id: (one, right) for one, right in reversed(workspace.rollout_corrections(rollout.id))}
    for one, right in first.values():
        found = [_right(one.question, (right,), text, judging) for text in (one.given, one.other)]
        better = _better(one.side, *found) or "neither"
        workspace.judge_comparison(one.id, better, judged_by=CORRECTION, actor=ACTOR)
    seen = view(workspace, rollout).evidence
    if seen.verdict == "revert":
        workspace.revert_rollout(rollout.id, reason=f"worse: {seen.reason}", actor=ACTOR)
    elif seen.verdict == "promote" and workspace.brake() is None:
        workspace.promote_rollout(rollout.id, reason=f"passed: {seen.reason}", actor=ACTOR)
    elif seen.verdict is None and _hours(rollout.began_at, workspace.clock.now()) >= plan_of(rollout).hours:
        workspace.revert_rollout(rollout.id, reason=f"undecided: {seen.reason}", actor=ACTOR)
    return workspace.rollout()


def _right(question: str, answers: Sequence[str], text: str, judging: Judging) -> bool:
    return any(agree(question, gold, text, judging) for gold in answers)


def _better(side: RolloutSide, given: bool, other: bool) -> Better | None:
    """Whose answer is right, if just one is: that of the side was `given`."""
    if given == other:
        return None
    second: RolloutSide = "live" if side == "candidate" else "candidate"
    return side if given else second


def _hours(began: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(began)).total_seconds() / 3600
