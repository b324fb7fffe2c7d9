"""A learner that is killed, again and again: by chance, or at each of its own writes, syncs and commits.

    python tests/kills.py FOLDER random N SEED
    python tests/kills.py FOLDER points

Run as a program of its own, since it forks: starting Python anew for each kill would take most of the time.
Prints one line of JSON with counts, or fails with what was lost.
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

from sqlalchemy import Engine, event

from seal.registry import LIVE, Line, Workspace, document_key, store
from workspaces import files_with, version

LEASE_S = 0.001  # that of a killed worker has run out before the next one asks


def study(workspace: Workspace, ack: Callable[..., None]) -> None:
    """One study: take a job, learn its document or forget an old one, commit all of it at once."""
    lease = workspace.claim(lease_s=LEASE_S)
    if lease is None:
        job = workspace.enqueue("study", {"n": len(workspace.jobs())})
        ack("enqueued", job.id)
        lease = workspace.claim(lease_s=LEASE_S)
    assert lease is not None
    text = f"secret-{lease.inputs['n']}-" * 20
    document = workspace.add_document(text, title=text)
    ack("document", document.id)
    workspace.record_lines(document.id, [Line(text)], writer="tiny")
    live = workspace.alias()
    known = [*(live.documents if live else ()), document.id]
    forgotten = known[0] if len(known) > 3 else None
    with workspace.transaction(lease=lease):
        report = workspace.store.put_bytes(json.dumps({"job": lease.job}).encode())
        kept = [key for key in known if key != forgotten]
        made = version(workspace, kept, parent=live.id if live else None, report=report)
        workspace.move_alias(LIVE, made.id, reason="study")
        workspace.finish(lease, {"version": made.id})
    ack("live", made.id)
    if forgotten is not None:
        workspace.erase_document(forgotten, reason="kills")
        ack("erased", forgotten)


def check(path: Path, acks: dict[str, list[Any]], *, whole: bool) -> None:
    """Everything that was acknowledged is there, and nothing is half there."""
    workspace = Workspace.open(path)
    found = {made.id: made for made in workspace.versions()}
    done = [job for job in workspace.jobs() if job.state == "done"]
    assert len(found) == len(done), "a study that ended has one version, and a version a study that ended"
    assert {job.outputs["version"] for job in done} == set(found)
    assert set(acks["live"]) <= set(found), "an acknowledged version is lost"
    live = workspace.alias()
    if acks["live"]:
        assert live is not None and live.sequence >= found[acks["live"][-1]].sequence
    if live is not None:
        assert live.state == "live-once" and live.sequence == max(made.sequence for made in found.values())
        for key in live.builds:
            workspace.store.file(workspace.build(key).object)
    assert set(acks["enqueued"]) <= {job.id for job in workspace.jobs()}, "an acknowledged job is lost"
    documents = {document.id: document for document in workspace.documents()}
    assert set(acks["document"]) <= set(documents), "an acknowledged document is lost"
    assert not workspace.pending_erasures()
    assert all(documents[key].erased for key in acks["erased"]), "an acknowledged erasure is lost"
    if whole:
        audit = workspace.audit()
        assert audit.sound, audit
        for number in range(len(workspace.jobs())):
            text = f"secret-{number}-" * 20
            document = documents.get(document_key(text))
            if document is not None and document.erased:
                assert files_with(path, text.encode()) == [], "an erased text is still there"


def killed(
    path: Path,
    acks: dict[str, list[Any]],
    n_studies: int,
    *,
    die: Callable[[int, int], None] = lambda child, pipe: None,
    arm: Callable[[], None] = lambda: None,
) -> bool:
    """One child that works until it is killed; whether it was. `die` kills it, `arm` makes it kill itself."""

    def ack(kind: str, what: Any) -> None:
        os.write(writing, json.dumps([kind, what]).encode() + b"\n")

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            arm()
            workspace = Workspace.open(path)
            ack("opened", path.name)
            for _ in range(n_studies):
                study(workspace, ack)
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
    os.close(writing)
    die(child, reading)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        for line in pipe.read().splitlines():
            kind, what = json.loads(line)
            acks[kind].append(what)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "a worker failed by itself"
    return os.WIFSIGNALED(status)


def by_chance(path: Path, n: int, seed: int) -> dict[str, int]:
    rng, acks = random.Random(seed), new_acks()
    Workspace.init(path)
    n_killed, begun = 0, time.monotonic()
    assert not killed(path, acks, 1), "so that it is known how long a study takes here"
    longest_s = 2 * (time.monotonic() - begun)
    for round_ in range(n):

        def die(child: int, pipe: int) -> None:
            if rng.random() < 0.8:  # the others are killed while they open the workspace, as a rule
                select.select([pipe], [], [], 60)
            time.sleep(rng.uniform(0, longest_s))
            os.kill(child, signal.SIGKILL)

        n_killed += killed(path, acks, 1000, die=die)
        check(path, acks, whole=round_ % 10 == 9 or round_ == n - 1)
    return {"killed": n_killed, **{kind: len(what) for kind, what in acks.items()}}


def at_each_point(path: Path) -> dict[str, int]:
    """A child that kills itself at its first point, then one at its second, until one lives to its end."""
    acks, point = new_acks(), 0
    Workspace.init(path)
    assert not killed(path, acks, 4), "so that each study from now on forgets a document too"
    while True:
        alive = not killed(path, acks, 1, arm=partial(die_at, point))
        check(path, acks, whole=point % 5 == 0 or alive)
        if alive:
            return {"killed": point, **{kind: len(what) for kind, what in acks.items()}}
        point += 1


def die_at(point: int) -> None:
    """Lets this process kill itself before its call number `point` to the system, or at a commit."""
    left = [point]

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*given: Any, **named: Any) -> Any:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return call(*given, **named)

        return instead

    for name in ("fsync", "replace", "unlink", "fchmod"):
        setattr(os, name, counted(getattr(os, name)))
    # not os.write, with which acknowledgements are made
    name = "write_all"
    setattr(store, name, counted(getattr(store, name)))
    for moment in ("begin", "commit", "rollback"):
        event.listen(Engine, moment, counted(lambda connection: None))
    event.listen(Engine, "before_cursor_execute", counted(lambda *_: None))


def new_acks() -> dict[str, list[Any]]:
    return {"opened": [], "enqueued": [], "document": [], "live": [], "erased": []}


if __name__ == "__main__":
    folder, mode, *rest = sys.argv[1:]
    counts = by_chance(Path(folder), *map(int, rest)) if mode == "random" else at_each_point(Path(folder))
    print(json.dumps(counts))
