"""Whatever is done to a workspace, in whatever order: a held, rejected or erased version is never live, and a
rollout runs only beside the live version that it was begun with, of a version that could be live.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from seal.errors import StateError
from seal.registry import LIVE, Workspace
from workspaces import version

PICK = st.integers(0, 10_000)


class Machine(RuleBasedStateMachine):
    """A workspace beside a model of it in plain dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="registry-"))
        self.workspace = Workspace.init(self.folder / "w")
        self.states: dict[str, str] = {}
        self.parents: dict[str, str | None] = {}
        self.known: dict[str, frozenset[str]] = {}
        self.documents: dict[str, bool] = {}  # whether it was erased
        self.live: str | None = None
        self.stack: list[str] = []
        self.tried: str | None = None  # the version that is being tried
        self.rollouts: list[str] = []  # the states of all rollouts

    def teardown(self) -> None:
        assert self.workspace.audit().sound
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        self.make(0, 0)

    def a_version(self, n: int) -> str:
        return sorted(self.states)[n % len(self.states)]

    def expect(self, allowed: bool, act: Any) -> None:
        """The act succeeds if the model allows it, and otherwise is refused and changes nothing."""
        if allowed:
            act()
            return
        before = self.workspace.ledger()
        with pytest.raises(StateError):
            act()
        assert self.workspace.ledger() == before

    def goes_live(self, key: str) -> None:
        if key != self.live:
            self.stack = self.stack[: self.stack.index(key) + 1] if key in self.stack else [*self.stack, key]
        if key != self.live and self.tried is not None:
            self.ends("promoted" if key == self.tried else "ended")
        self.live, self.states[key] = key, "live-once"

    def ends(self, state: str) -> None:
        self.rollouts[-1], self.tried = state, None

    @rule(n=st.integers(0, 5))
    def add_document(self, n: int) -> None:
        self.documents[self.workspace.add_document(f"document {n}", title="x").id] = False

    @rule(n=PICK, which=st.integers(0, 63))
    def make(self, n: int, which: int) -> None:
        usable = sorted(key for key, erased in self.documents.items() if not erased)
        chosen = [key for i, key in enumerate(usable) if which >> i & 1]
        parent = self.a_version(n) if self.states and n % 3 else self.live
        made = version(self.workspace, chosen, parent=parent)
        self.states.setdefault(made.id, "candidate")
        assert made.state == self.states[made.id]
        self.parents[made.id], self.known[made.id] = parent, frozenset(chosen)

    @rule(which=st.integers(0, 63))
    def learn(self, which: int) -> None:
        self.make(0, which)
        made = next(reversed(self.states))
        if self.states[made] == "candidate" and self.parents[made] == self.live:
            self.workspace.move_alias(LIVE, made, reason="")
            self.goes_live(made)

    @rule(n=PICK)
    def hold(self, n: int) -> None:
        key = self.a_version(n)
        self.expect(self.states[key] == "candidate", lambda: self.workspace.hold(key, reason=""))
        if self.states[key] == "candidate":
            self.states[key] = "held"

    @rule(n=PICK)
    def approve(self, n: int) -> None:
        key = self.a_version(n)
        allowed = self.states[key] == "held" and self.parents[key] == self.live
        self.expect(allowed, lambda: self.workspace.approve(key, reason=""))
        if allowed:
            self.goes_live(key)

    @rule(n=PICK)
    def reject(self, n: int) -> None:
        key = self.a_version(n)
        allowed = self.states[key] != "rejected" and key != self.live
        self.expect(allowed, lambda: self.workspace.reject(key, reason=""))
        if allowed:
            self.states[key] = "rejected"
            if key == self.tried:
                self.ends("ended")

    @rule(n=PICK, mode=st.sampled_from(["shadow", "canary"]))
    def try_out(self, n: int, mode: Any) -> None:
        key = self.a_version(n)
        succeeds = self.states[key] in ("candidate", "held") and self.parents[key] == self.live
        allowed = self.live is not None and key != self.live and self.tried in (None, key)
        allowed = allowed and (succeeds or self.states[key] == "live-once")
        self.expect(allowed, lambda: self.workspace.begin_rollout(key, mode=mode, share=0.5))
        if allowed:
            if self.tried is not None:
                self.ends("ended")
            self.rollouts.append("running")
            self.tried = key

    @precondition(lambda self: self.rollouts)
    @rule(how=st.sampled_from(["promote", "revert", "end"]))
    def end_trying(self, how: str) -> None:
        number, key = len(self.rollouts), self.tried
        end = getattr(self.workspace, f"{how}_rollout")
        self.expect(key is not None, lambda: end(number, reason="told"))
        if key is None:
            return
        if how == "promote":
            self.goes_live(key)
        else:
            self.ends("reverted" if how == "revert" else "ended")
        if how == "revert" and self.states[key] == "candidate":
            self.states[key] = "held"

    @rule(n=PICK)
    def move(self, n: int) -> None:
        key = self.a_version(n)
        succeeds = self.states[key] == "candidate" and self.parents[key] == self.live
        allowed = succeeds or self.states[key] == "live-once"
        self.expect(allowed, lambda: self.workspace.move_alias(LIVE, key, reason=""))
        if allowed:
            self.goes_live(key)

    @rule(n=PICK)
    def name(self, n: int) -> None:
        key = self.a_version(n)
        bears = self.workspace.alias("candidate")
        allowed = self.states[key] != "rejected" or (bears is not None and bears.id == key)
        self.expect(allowed, lambda: self.workspace.move_alias("candidate", key, reason=""))

    @rule(n=PICK)
    def rollback_to(self, n: int) -> None:
        key = self.a_version(n)
        allowed = self.states[key] == "live-once"
        self.expect(allowed, lambda: self.workspace.rollback(key, reason=""))
        if allowed:
            self.goes_live(key)

    @rule()
    def rollback(self) -> None:
        usable = [key for key in self.stack[:-1] if self.states[key] == "live-once"]
        self.expect(bool(usable), lambda: self.workspace.rollback(reason=""))
        if usable:
            self.goes_live(usable[-1])

    @precondition(lambda self: self.documents)
    @rule(n=PICK)
    def erase(self, n: int) -> None:
        key = sorted(self.documents)[n % len(self.documents)]
        allowed = not self.documents[key] and (self.live is None or key not in self.known[self.live])
        self.expect(allowed, lambda: self.workspace.erase_document(key, reason=""))
        if allowed:
            self.documents[key] = True
            for name in (name for name, known in self.known.items() if key in known):
                self.states[name] = "rejected"
                if name == self.tried:
                    self.ends("ended")

    @rule()
    def crash(self) -> None:
        """What was acknowledged is there for a process that knows only the folder."""
        self.workspace = Workspace.open(self.workspace.path)

    @invariant()
    def agrees(self) -> None:
        found = {made.id: made for made in self.workspace.versions()}
        assert {key: made.state for key, made in found.items()} == self.states
        serving = self.workspace.alias()
        assert (serving.id if serving else None) == self.live
        if serving is not None:
            assert serving.state == "live-once" and not serving.erased
            assert not any(self.documents[document] for document in serving.documents)
        assert not any(made.aliases for made in found.values() if made.state == "rejected")
        assert [one.state for one in self.workspace.rollouts()] == self.rollouts
        running = self.workspace.rollout()
        assert (running and running.version) == self.tried
        if running is not None:
            tried = found[running.version]
            assert running.baseline == self.live != running.version and tried.state != "rejected"
            assert tried.state == "live-once" or tried.parent == self.live


TestFew = Machine.TestCase
TestFew.settings = settings(max_examples=12, stateful_step_count=25)


class ManyMachine(Machine):
    """The same, for longer."""


TestMany = pytest.mark.slow(ManyMachine.TestCase)
TestMany.settings = settings(max_examples=1000, stateful_step_count=50)
