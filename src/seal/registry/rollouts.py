"""Rollouts: a version that is tried beside the live one before it takes its place, one at a time.

Knows how a rollout begins and ends, and what was seen of both versions meanwhile. Knows nothing about who is
answered by which, and nothing about when enough was seen. That a held version is tried changes nothing of its
state: `live` refers to it once it was promoted, and not before.

    running ──▶ promoted    its version is live, by the same transaction
       ├──────▶ reverted    its version is held
       └──────▶ ended       the live version, or its own, is another by now; or a person ended it
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from seal.errors import InputError, StateError, UnknownNameError
from seal.registry.canonical import storable
from seal.registry.core import checked_json
from seal.registry.lineage import alias_target
from seal.registry.records import (
    LIVE,
    Better,
    Comparison,
    ComparisonCounts,
    Rollout,
    RolloutMode,
    RolloutSide,
    RolloutState,
    Thumb,
    Version,
)
from seal.registry.rollout_ends import running_rollout
from seal.registry.serving import Serving, may_be_live
from seal.registry.tables import AnswerRow, ComparisonRow, FeedbackRow, RolloutRow


class Rollouts(Serving):
    """The operations on rollouts and on what is seen in them."""

    def begin_rollout(
        self,
        version: str,
        *,
        mode: RolloutMode,
        share: float,
        settings: Mapping[str, Any] | None = None,
        reason: str = "",
        actor: str | None = None,
    ) -> Rollout:
        """Begins to try a version beside the live one. One of the same version that runs ends: this one takes
        its place.

        Raises UnknownNameError, InputError for a share that is none, StateError if another version is being
        tried, if none is live, or if the version could not be made live.
        """
        if mode not in ("shadow", "canary") or not 0 < share <= 1:
            raise InputError(f"a {mode} of {share}", "A shadow or a canary; a share above 0, up to 1.")
        with self.transaction() as session:
            row, live = self._find(session, version), alias_target(session, LIVE)
            if live is None:
                raise StateError("no version is live", "Learn something first.")
            if row.id == live:
                raise StateError(f"the version {row.id[:12]} is live already", "There is nothing to try.")
            if row.state == "rejected":
                raise StateError(f"the version {row.id[:12]} was rejected", "Choose another one.")
            may_be_live(row, live, approved=True)
            before = running_rollout(session)
            if before is not None and before.version != row.id:
                raise StateError(
                    f"the version {before.version[:12]} is being tried", "End that rollout first."
                )
            if before is not None:
                self._close_rollout(session, before, "ended", f"goes on as a {mode}", actor)
            session.flush()
            made = RolloutRow(
                id=(session.scalar(select(func.max(RolloutRow.id))) or 0) + 1,
                mode=mode,
                version=row.id,
                baseline=live,
                share=float(share),
                settings=checked_json(settings or {}, "the settings"),
                state="running",
                began_at=self.clock.now(),
                actor=storable(actor or self.actor, "the actor's name"),
                reason=storable(reason, "the reason", empty=True),
            )
            session.add(made)
            told = {
                "rollout": made.id,
                "version": row.id,
                "baseline": live,
                "mode": mode,
                "share": made.share,
            }
            told |= {"settings": json.loads(made.settings)}
            self._record(session, "rollout.begin", reason=reason, actor=actor, inputs=told)
            return _rollout(made)

    def promote_rollout(self, number: int, *, reason: str, actor: str | None = None) -> Version:
        """Makes the version that is tried live, with the end of its rollout. Raises StateError if the rollout
        has ended."""
        with self.transaction() as session:
            row = self._running(session, number)
            self._close_rollout(session, row, "promoted", reason, actor)
            if self._find(session, row.version).state == "held":
                return self.approve(row.version, reason=reason, actor=actor)
            return self.move_alias(LIVE, row.version, reason=reason, actor=actor)

    def revert_rollout(self, number: int, *, reason: str, actor: str | None = None) -> Rollout:
        """Ends a rollout against its version, which is then held if it was never live. Raises StateError
        if the rollout has ended."""
        with self.transaction() as session:
            row = self._running(session, number)
            self._close_rollout(session, row, "reverted", reason, actor)
            if self._find(session, row.version).state == "candidate":
                self.hold(row.version, reason=reason, actor=actor)
            return _rollout(row)

    def end_rollout(self, number: int, *, reason: str = "", actor: str | None = None) -> Rollout:
        """Ends a rollout without a verdict; its version stays as it is. Raises StateError if it has ended."""
        with self.transaction() as session:
            row = self._running(session, number)
            self._close_rollout(session, row, "ended", reason, actor)
            return _rollout(row)

    def rollout(self) -> Rollout | None:
        """The rollout that is under way; None if no version is being tried."""
        with self._reading() as session:
            row = running_rollout(session)
            return None if row is None else _rollout(row)

    def rollouts(self) -> list[Rollout]:
        """All rollouts, in the order in which they began."""
        with self._reading() as session:
            return [_rollout(row) for row in session.scalars(select(RolloutRow).order_by(RolloutRow.id))]

    def was_tried(self, version: str) -> bool:
        """Whether a rollout of this version, by its id, is or was under way."""
        with self._reading() as session:
            found = select(RolloutRow.id).where(RolloutRow.version == version).limit(1)
            return session.scalar(found) is not None

    # What is seen

    def add_comparison(
        self,
        rollout: int,
        side: RolloutSide,
        *,
        answer: str | None = None,
        question: str = "",
        given: str = "",
        other: str = "",
        same: bool | None = None,
        better: Better | None = None,
        judged_by: str = "",
    ) -> Comparison | None:
        """Records an answer that was given; and, with `same` True or False, that of the other version.
        None if the rollout has ended. Words are kept only of two that differ."""
        worded = same is False
        for text, what in ((question, "question"), (given, "answer"), (other, "answer")):
            storable(text, f"the {what}", empty=True)
        with self.transaction() as session:
            running = running_rollout(session)
            if running is None or running.id != rollout:
                return None
            row = ComparisonRow(
                id=(session.scalar(select(func.max(ComparisonRow.id))) or 0) + 1,
                rollout_id=rollout,
                at=self.clock.now(),
                side=side,
                answer=answer,
                question=question if worded else "",
                given=given if worded else "",
                other=other if worded else "",
                same=same,
                better=better,
                judged_by=judged_by,
                erased=False,
            )
            session.add(row)
            return _comparison(row)

    def judge_comparison(
        self, number: int, better: Better, *, judged_by: str, actor: str | None = None
    ) -> Comparison:
        """Says which of two answers that differ is right; `judged_by` is who or what says so.

        Raises UnknownNameError, StateError if they do not differ, were judged, or their rollout has ended.
        """
        with self.transaction() as session:
            row = session.get(ComparisonRow, number)
            if row is None:
                raise UnknownNameError(
                    f"there is no comparison {number}", "See `seal release --differences`."
                )
            running = running_rollout(session)
            if row.same is not False or row.better is not None or row.erased:
                raise StateError(
                    f"the comparison {number} is not to be judged", "It was, or nothing differs."
                )
            if running is None or running.id != row.rollout_id:
                raise StateError(
                    f"the rollout of comparison {number} has ended", "There is nothing to decide."
                )
            row.better, row.judged_by = better, storable(judged_by, "the judge")
            told = {"comparison": number, "rollout": row.rollout_id, "better": better}
            self._record(session, "rollout.judge", actor=actor, inputs=told)
            return _comparison(row)

    def comparisons(
        self, rollout: int, *, differing: bool = True, newest: int | None = None
    ) -> list[Comparison]:
        """What was seen in a rollout, the latest first: where the two differ, or all of it."""
        query = select(ComparisonRow).where(ComparisonRow.rollout_id == rollout)
        if differing:
            query = query.where(ComparisonRow.same.is_(False))
        with self._reading() as session:
            rows = session.scalars(query.order_by(ComparisonRow.id.desc()).limit(newest))
            return [_comparison(row) for row in rows]

    def comparison_counts(self, rollout: int) -> ComparisonCounts:
        """How much was seen in a rollout."""
        query = (
            select(ComparisonRow.side, ComparisonRow.same, func.count())
            .where(ComparisonRow.rollout_id == rollout)
            .group_by(ComparisonRow.side, ComparisonRow.same)
        )
        answered: dict[RolloutSide, int] = {"live": 0, "candidate": 0}
        compared = differing = 0
        with self._reading() as session:
            for side, same, n in session.execute(query):
                answered[cast(RolloutSide, side)] += n
                compared += n if same is not None else 0
                differing += n if same is False else 0
        return ComparisonCounts(answered, compared, differing)

    def rollout_thumbs(self, rollout: int) -> list[Thumb]:
        """The thumbs on answers of a rollout, in the order in which they came."""
        query = (
            select(ComparisonRow.side, FeedbackRow, AnswerRow.conversation)
            .join(FeedbackRow, FeedbackRow.answer_id == ComparisonRow.answer)
            .join(AnswerRow, AnswerRow.id == FeedbackRow.answer_id)
            .where(ComparisonRow.rollout_id == rollout, FeedbackRow.kind == "thumbs")
            .where(FeedbackRow.erased.is_(False))
            .order_by(FeedbackRow.sequence)
        )
        with self._reading() as session:
            return [
                Thumb(cast(RolloutSide, side), said.author, talk or str(said.answer_id), said.value == "up")
                for side, said, talk in session.execute(query)
            ]

    def rollout_corrections(self, rollout: int) -> list[tuple[Comparison, str]]:
        """Differences that nobody has judged, each with a right answer that was given and taken since."""
        query = (
            select(ComparisonRow, FeedbackRow.value)
            .join(FeedbackRow, FeedbackRow.answer_id == ComparisonRow.answer)
            .where(ComparisonRow.rollout_id == rollout, ComparisonRow.same.is_(False))
            .where(ComparisonRow.better.is_(None), ComparisonRow.erased.is_(False))
            .where(FeedbackRow.kind == "right_answer", FeedbackRow.state == "taken")
            .where(FeedbackRow.erased.is_(False))
            .order_by(FeedbackRow.sequence)
        )
        with self._reading() as session:
            return [(_comparison(row), value) for row, value in session.execute(query)]

    def _running(self, session: Session, number: int) -> RolloutRow:
        row = session.get(RolloutRow, number)
        if row is None or row.state != "running":
            now = "there is none" if row is None else f"it was {row.state}: {row.reason}"
            raise StateError(f"the rollout {number} is not under way ({now})", "See `seal release`.")
        return row


def _rollout(row: RolloutRow) -> Rollout:
    return Rollout(
        id=row.id,
        mode=cast(RolloutMode, row.mode),
        version=row.version,
        baseline=row.baseline,
        share=row.share,
        settings=json.loads(row.settings),
        state=cast(RolloutState, row.state),
        began_at=row.began_at,
        actor=row.actor,
        ended_at=row.ended_at,
        reason=row.reason,
    )


def _comparison(row: ComparisonRow) -> Comparison:
    return Comparison(
        id=row.id,
        rollout=row.rollout_id,
        at=row.at,
        side=cast(RolloutSide, row.side),
        answer=row.answer,
        question=row.question,
        given=row.given,
        other=row.other,
        same=row.same,
        better=cast("Better | None", row.better),
        judged_by=row.judged_by,
        erased=row.erased,
    )
