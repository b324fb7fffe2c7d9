"""The verbs of a learner about what is live, and where: a version is tried beside the live one, an adapter is
loaded into another server.

Knows which part does what a verb says. Who may call what is the caller's to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal.errors import StateError
from seal.learner.parts import Parts
from seal.registry import Comparison, Push, Rollout, Version
from seal.registry.records import Better, RolloutMode

if TYPE_CHECKING:
    from seal.learner.pushing import Pushed, PushTarget
    from seal.learner.rolling_out import RolloutView


class AtRelease:
    """What a learner does about its releases beside studying."""

    parts: Parts

    # A version beside the live one

    def try_out(
        self,
        version: str,
        mode: RolloutMode,
        *,
        share: float | None = None,
        reason: str = "",
        actor: str | None = None,
    ) -> Rollout:
        """Begins to try a version beside the live one: as a "shadow" it answers a share of the questions too,
        unseen; as a "canary" it answers a share of the callers. A service does the rest, and a sequential
        test promotes the version or reverts it.

        Raises UnknownNameError, InputError for a share that is none, StateError if another version is being
        tried, or this one could not be made live.
        """
        from seal.learner.rolling_out import begin

        parts = self.parts
        return begin(
            parts.workspace, parts.config.rollout, version, mode, share=share, reason=reason, actor=actor
        )

    def rollout(self) -> Rollout | None:
        """The rollout that is under way."""
        return self.parts.workspace.rollout()

    def rollouts(self) -> list[RolloutView]:
        """All rollouts with what was seen in them, in the order in which they began."""
        from seal.learner.rolling_out import view

        return [view(self.parts.workspace, one) for one in self.parts.workspace.rollouts()]

    def differences(self, rollout: int | None = None, *, most: int | None = 100) -> list[Comparison]:
        """Where the two versions of a rollout, by default the latest, answered differently; the newest
        first."""
        there = self.parts.workspace.rollouts()
        if rollout is None and not there:
            return []
        number = there[-1].id if rollout is None else rollout
        return self.parts.workspace.comparisons(number, newest=most)

    def judge(self, difference: int, better: Better, *, actor: str | None = None) -> Comparison:
        """A person says which of two answers that differ is right. Raises UnknownNameError, StateError."""
        workspace = self.parts.workspace
        return workspace.judge_comparison(difference, better, judged_by=actor or workspace.actor, actor=actor)

    def settle_rollout(self) -> Rollout | None:
        """Promotes or reverts what is tried, if enough was seen; the rollout that then runs."""
        from seal.learner.rolling_out import settle

        running = self.rollout()
        return None if running is None else settle(self.parts.workspace, running, self.parts.config.judging)

    def promote(self, *, reason: str = "", actor: str | None = None) -> Version:
        """Makes the version that is tried live, whatever was seen. Raises StateError if none is."""
        return self.parts.workspace.promote_rollout(self._running().id, reason=reason, actor=actor)

    def revert(self, *, reason: str = "", actor: str | None = None) -> Rollout:
        """Ends the rollout against its version, at once. Raises StateError if none is under way."""
        return self.parts.workspace.revert_rollout(self._running().id, reason=reason, actor=actor)

    def _running(self) -> Rollout:
        running = self.rollout()
        if running is None:
            raise StateError("no version is being tried", "Begin with: seal release VERSION --canary")
        return running

    # An adapter on another server

    def push(self, target: PushTarget, *, version: str = "live", document: str | None = None) -> Pushed:
        """Loads a version, as `export` writes it, or one of its documents, into a running server, and
        compares there and here how likely answers are.

        Raises as `export` does, EndpointError if the server does not answer, StateError if it refuses the
        adapter or answers otherwise than here; nothing is left loaded then.
        """
        from seal.learner.pushing import push

        return push(self.parts, target, version=version, document=document)

    def pushes(self) -> list[Push]:
        """Which server was given what, and how far that is, in the order in which it was."""
        return self.parts.workspace.pushes()

    def settle_pushes(self) -> list[Push]:
        """Has servers let go of what was rolled back or forgotten; returns what they still have since they do
        not answer, and what is tried again by the next call."""
        if not self.parts.workspace.pushes():
            return []
        from seal.learner.pushing import settle

        return settle(self.parts.workspace)
