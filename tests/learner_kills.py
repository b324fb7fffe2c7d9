"""A learner that is killed while it learns and forgets: by chance, at each commit, or at each of its writes.

    python tests/learner_kills.py FOLDER random N SEED [DATABASE]
    python tests/learner_kills.py FOLDER commits | points

DATABASE is the URL of an empty PostgreSQL database; without it the workspace's is a SQLite file. Run as a
program of its own, since it forks: loading torch for each kill would take most of the time. Prints one line
of JSON with counts, or fails with what was lost.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from sqlalchemy import Engine, event

from checkpoints import save_toy
from kills import die_at
from learners import Fake, begin, content, fake, learn_all, reopened, traces, word
from seal.learner import Learner, queue

queue.LEASE_S = 0.2  # that of a killed process has run out soon
queue.ATTEMPTS = 1_000_000
Ack = Callable[..., object]


class Life:
    """What was asked for, and what was acknowledged."""

    def __init__(self, folder: Path, seed: int, *, again: float, database: str = "") -> None:
        self.again = again  # how often what was cut off is asked for once more
        self.path, self.toy, self.rng = folder / "w", save_toy(folder / "toy"), random.Random(f"kills/{seed}")
        made = begin(self.path, self.toy, database=database)
        self.adaptation = made.parts.adaptation
        self.given: list[Fake] = []
        self.learned: set[str] = set()
        self.asked_to_forget: set[str] = set()
        self.forgotten: set[str] = set()
        self.last: tuple[list[Fake], Fake | None] | None = None

    def open(self) -> Learner:
        learner = reopened(self.path)
        learner.parts.adaptation = self.adaptation
        return learner

    def plan(self) -> tuple[list[Fake], Fake | None]:
        """The next documents, a newer one among them, and one to forget; or the last again, if cut off."""
        if self.last is not None and self.rng.random() < self.again:
            return self.last
        there = [one for one in self.given if one.id not in self.asked_to_forget]
        made = [fake(self.rng.random(), 2)]
        if there:
            about = self.rng.choice(there)
            made.append(about.changed(f"Note {self.rng.random()}.", **{min(about.values): word(self.rng)}))
        known = [one for one in there if one.id in self.learned]
        self.last = made, self.rng.choice(known) if len(known) > 2 else None
        return self.last

    def run(self, made: list[Fake], gone: Fake | None, ack: Ack) -> None:
        learner = self.open()
        ack("opened", "")
        told = learner.learn([one.given() for one in made])
        assert all(one.outcome in ("live", "known") for one in told), told
        for key in (one.id for one in made):
            ack("learned", key)
        if gone is not None:
            if not learner.workspace.document(gone.id).erased:
                learner.forget(gone.id)
            ack("forgotten", gone.id)

    def take(self, kind: str, what: str) -> None:
        if kind == "learned":
            self.learned.add(what)
        elif kind == "forgotten":
            self.forgotten.add(what)

    def check(self) -> None:
        """What was acknowledged is there, nothing is half there, and what is live answers."""
        learner = self.open()
        workspace, live = learner.workspace, learner.workspace.alias()
        assert (audit := workspace.audit()).sound, audit
        assert not workspace.pending_erasures()
        there = live.documents if live else ()
        builds = [workspace.build(key) for key in (live.builds if live else ())]
        of = [build.recipe["document"] for build in builds]
        assert len(of) == len(set(of)) and set(of) == set(there), "a document has one cell"
        assert self.learned - self.asked_to_forget <= set(there), "an acknowledged document is lost"
        assert all(v.state in ("live-once", "rejected") for v in workspace.versions()), "a half-made version"
        done = [job.outputs for job in workspace.jobs() if job.state == "done"]
        made = {one["version"] for outputs in done for one in outputs.get("documents", {}).values()}
        made |= {outputs["live"] for outputs in done if outputs.get("live")}
        assert {v.id for v in workspace.versions()} <= made, "a version of a job that is not done"
        queued = [job.inputs for job in workspace.jobs() if job.state in ("queued", "running")]
        waiting = {key for inputs in queued for key in inputs.get("documents", ())}
        for document in workspace.documents():
            if document.erased:
                assert document.id in self.asked_to_forget and document.id not in there
            else:
                assert document.id in there or document.id in waiting, "nobody would ever learn it"
        assert not any(job.state == "failed" for job in workspace.jobs())
        asked = [one for one in self.given if one.id in there]
        answers = learner.ask([one.question(max(one.values)) for one in asked]) if asked else []
        names = {one.id: one.name for one in self.given}
        for one, answer in zip(asked, answers, strict=True):
            assert answer.document is not None and names[answer.document] == one.name
        erased = {d.id for d in workspace.documents() if d.erased}
        assert self.forgotten <= erased, "an acknowledged erasure is lost"
        kept = {w for one in self.given if one.id not in erased for w in one.words}
        gone = {w for one in self.given if one.id in erased for w in one.words} - kept
        assert traces(learner, sorted(gone)) == {}, "an erased text is still there"

    def end(self) -> None:
        """A last run that nobody kills takes up all that was left: it is then as if there was no kill."""
        last = fake("last")
        self.given.append(last)
        self.run([last], None, self.take)
        self.check()
        learner = self.open()
        assert not [job for job in learner.workspace.jobs() if job.state in ("queued", "running")]
        there = {one.id: one for one in self.given}
        order = [there[d.id] for d in learner.workspace.documents() if not d.erased]
        fresh = begin(self.path.parent / "fresh", self.toy)
        fresh.parts.adaptation = self.adaptation
        for one in order:
            learn_all(fresh, [one])
        assert content(fresh) == content(learner)


def killed(life: Life, plan: tuple[list[Fake], Fake | None], *, die: Any = None, arm: Any = None) -> bool:
    """One child that learns and forgets until it is killed; whether it was."""
    made, gone = plan
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            if arm is not None:
                arm()
            life.run(made, gone, lambda *told: os.write(writing, json.dumps(told).encode() + b"\n"))
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
    os.close(writing)
    if die is not None:
        die(child, reading)
    _, status = os.waitpid(child, 0)
    life.given += [one for one in made if one not in life.given]
    if gone is not None:
        life.asked_to_forget.add(gone.id)
    with os.fdopen(reading, "rb") as pipe:
        for line in pipe.read().splitlines():
            life.take(*json.loads(line))
    if not os.WIFSIGNALED(status):
        life.last = None
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "a learner failed by itself"
    return os.WIFSIGNALED(status)


def by_chance(life: Life, n: int) -> None:
    """`n` children killed, each at some moment of what it does; those that end before do not count."""
    n_killed, longest_s, lived_s = 0, 0.3, 0.0

    def die(child: int, pipe: int) -> None:
        nonlocal lived_s
        select.select([pipe], [], [], 60)
        opened, last, lived_s = time.monotonic(), life.rng.uniform(0, longest_s), 0.0
        while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            lived_s = time.monotonic() - opened
            if lived_s >= last:
                return os.kill(child, signal.SIGKILL)
            time.sleep(0.002)

    while n_killed < n:
        was_killed = killed(life, life.plan(), die=die)
        longest_s = longest_s * 1.2 if was_killed else max(lived_s, 0.1)  # it changes with what is there
        n_killed += was_killed
        life.check()


def at_each(life: Life, arm: Callable[[int], None]) -> int:
    """A child that kills itself at its first point, then one at its second, until one lives to its end."""
    for _ in range(2):
        assert not killed(life, life.plan()), "so that there is something to forget"
    point = 0
    while True:
        alive = not killed(life, life.plan(), arm=partial(arm, point))
        life.check()
        if alive:
            return point
        point += 1


def die_at_commit(point: int) -> None:
    """Lets this process kill itself before one of its commits of something written, or at the next thing that
    it does with the database after one."""
    left, written = [point], [False]

    def counted(*_: object) -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    def executing(connection: Any, cursor: Any, statement: str, *_: object) -> None:
        written[0] = written[0] or statement.startswith(("INSERT", "UPDATE", "DELETE"))

    def committing(connection: Any) -> None:
        if written[0]:
            counted()

    def beginning(connection: Any) -> None:
        if written[0]:
            written[0] = False
            counted()

    event.listen(Engine, "before_cursor_execute", executing)
    event.listen(Engine, "commit", committing)
    event.listen(Engine, "begin", beginning)


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, mode, *rest = sys.argv[1:]
    seed, database = int(rest[1]) if rest else 0, rest[2] if len(rest) > 2 else ""
    life = Life(Path(folder), seed, again=0.8 if rest else 1, database=database)
    if mode == "random":
        by_chance(life, n := int(rest[0]))
    else:
        n = at_each(life, die_at_commit if mode == "commits" else die_at)
    life.end()
    print(json.dumps({"killed": n, "learned": len(life.learned), "forgotten": len(life.forgotten)}))
