"""Work that is cut off, that fails, or that two processes want at once; a disk that takes no more."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from learners import (
    Gates,
    begin_knowing,
    content,
    fake,
    learn_all,
    reopened,
    slept_past_its_lease,
    traces,
)
from seal.engine.start import Silent
from seal.errors import OutputError
from seal.learner import Learner, queue
from seal.learner.compiling import Compiler
from seal.registry import store as registry_store

A, B, C = fake("job a"), fake("job b"), fake("job c")


@pytest.fixture
def learner(tmp_path: Path, toy: Path, gates: Gates) -> Learner:
    learner = begin_knowing(tmp_path / "w", toy, [A])
    return learner


class Noting(Silent):
    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)


def left_behind(learner: Learner, kind: str, **inputs: Any) -> None:
    """A job whose process was killed while it was at it."""
    workspace = learner.workspace
    workspace.enqueue(kind, inputs)
    assert workspace.claim(lease_s=1e-6) is not None


def test_what_a_killed_process_left_is_done_first(learner: Learner) -> None:
    document = learner.workspace.add_document(B.text, title=B.name)
    left_behind(learner, "study", documents=[document.id])
    learner.parts.watch = watch = Noting()
    (told,) = learner.learn([C.given()])
    assert told.outcome == "live" and watch.notices == ["finished job 2, which an earlier process had left"]
    live = learner.workspace.alias()
    assert live is not None and set(live.documents) == {A.id, B.id, C.id}


def test_the_same_command_after_a_kill(learner: Learner) -> None:
    """What it is about was done meanwhile, by the job that was left behind."""
    document = learner.workspace.add_document(B.text, title=B.name)
    left_behind(learner, "study", documents=[document.id])
    (told,) = learner.learn([B.given()])
    live = learner.workspace.alias()
    assert live is not None and (told.document, told.outcome, told.version) == (B.id, "known", live.id)
    left_behind(learner, "forget", forget=B.id)
    learner.forget(B.id)
    assert [job.state for job in learner.workspace.jobs()] == ["done"] * 5
    assert traces(learner, B.words) == {} and content(learner) is not None


def test_what_a_killed_process_was_to_forget_is_forgotten(learner: Learner) -> None:
    learn_all(learner, [B])
    left_behind(learner, "forget", forget=B.id)
    learner.learn([C.given()])
    assert traces(learner, B.words) == {}


class Broken(Exception):
    pass


def test_a_study_that_fails_does_not_block_the_next(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(learner)
    with monkeypatch.context() as patch:
        patch.setattr(Compiler, "train", lambda *_: (_ for _ in ()).throw(Broken(B.text)))
        with pytest.raises(Broken):
            learner.learn([B.given()])
    assert content(learner) == before
    job = learner.workspace.jobs()[-1]
    assert (job.state, job.reason) == ("failed", "it failed with Broken")  # and none of the document's words
    learn_all(learner, [C])
    learn_all(learner, [B])


def test_what_was_left_and_fails_is_not_our_failure(learner: Learner) -> None:
    document = learner.workspace.add_document(B.text, title=B.name)
    left_behind(learner, "study", documents=[document.id])
    path = learner.workspace.store.file(B.id)
    path.unlink()
    path.write_bytes(b"other words")
    learner.parts.watch = watch = Noting()
    (told,) = learner.learn([C.given()])
    assert told.outcome == "live" and len(watch.notices) == 1 and "failed" in watch.notices[0]
    assert [job.state for job in learner.workspace.jobs()] == ["done", "failed", "done"]


def test_a_job_that_ends_its_process_each_time_is_given_up(learner: Learner) -> None:
    document = learner.workspace.add_document(B.text, title=B.name)
    learner.workspace.enqueue("study", {"documents": [document.id]})
    for _ in range(queue.ATTEMPTS):
        assert learner.workspace.claim(lease_s=1e-6) is not None
    (told,) = learner.learn([C.given()])
    assert told.outcome == "live"
    assert [job.state for job in learner.workspace.jobs()] == ["done", "failed", "done"]
    learn_all(learner, [B])


def test_one_that_was_stopped_gives_its_job_back_at_once(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is stopped: only a process that ended by itself has failed."""
    before = content(learner)
    with monkeypatch.context() as patch:
        patch.setattr(Compiler, "train", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        for _ in range(queue.ATTEMPTS + 1):
            with pytest.raises(KeyboardInterrupt):
                learner.learn([B.given()])
    assert content(learner) == before
    started = time.monotonic()
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waited for a lease to run out"))
    told = reopened(learner.workspace.path).learn([B.given()])
    assert [one.outcome for one in told] == ["known"] and time.monotonic() - started < queue.LEASE_S
    assert {job.state for job in learner.workspace.jobs()} == {"done"}


def test_one_whose_job_passed_on_commits_nothing(learner: Learner) -> None:
    """It slept past its lease; another process took over and is done."""
    slept_past_its_lease(learner, B, C)
    live = learner.workspace.alias()
    assert live is not None and set(live.documents) == {A.id, B.id, C.id}
    assert len(live.builds) == 3 and learner.workspace.audit().sound


def test_two_at_once(learner: Learner) -> None:
    """They learn some of the same documents: one after the other, and each once."""
    found: dict[int, Any] = {}

    def learn(n: int) -> None:
        own = reopened(learner.workspace.path)
        try:
            found[n] = [one.outcome for one in own.learn([d.given() for d in ((B, C), (C, B))[n]])]
        except BaseException as error:
            found[n] = error

    threads = [threading.Thread(target=learn, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, found.values())) == ["['known', 'known']", "['live', 'live']"]
    live = learner.workspace.alias()
    assert live is not None and len(live.builds) == 3 and learner.workspace.audit().sound


@pytest.mark.parametrize("at", [0, 1, 3, 5])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_takes_no_more(
    learner: Learner, monkeypatch: pytest.MonkeyPatch, at: int, number: int
) -> None:
    before, n_written = content(learner), [0]
    write_all = registry_store.write_all  # type: ignore[attr-defined]

    def refuse(handle: int, data: bytes) -> None:
        n_written[0] += 1
        if n_written[0] > at:
            raise OSError(number, os.strerror(number))
        write_all(handle, data)

    with monkeypatch.context() as patch:
        patch.setattr(registry_store, "write_all", refuse)
        with pytest.raises(OutputError, match=os.strerror(number)):
            learner.learn([B.given()])
    for one in (learner, reopened(learner.workspace.path)):
        assert content(one) == before and one.ask([A.question(min(A.values))])[0].document == A.id
    learn_all(learner, [B])
    assert learner.workspace.audit().sound


FULL = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from learners import begin, content, fake, learn_all, reopened
from seal.errors import OutputError
disk, toy = Path(sys.argv[1]), Path(sys.argv[2])
a = fake("full")
learner = begin(disk / "w", toy)
learn_all(learner, [a])
before, n = content(learner), 0
filler = open(disk / "filler", "wb", buffering=0)
try:
    while True:
        filler.write(b"x" * 4096)
except OSError:
    pass
filler.truncate(max(0, filler.tell() - int(sys.argv[3])))
try:
    for n in range(100):
        learner.learn([fake(n).given()])
        before = content(learner)
    raise SystemExit("the disk was never full")
except OutputError as error:
    print(error)
for one in (learner, reopened(learner.workspace.path)):
    assert content(one) == before
    assert one.ask([a.question(min(a.values))])[0].document == a.id
filler.truncate(0)
assert reopened(learner.workspace.path).learn([fake("after").given()])[0].outcome == "live"
assert learner.workspace.audit().sound
"""


@pytest.mark.parametrize(
    "free_bytes",
    [pytest.param(0, marks=pytest.mark.slow), 40_000, pytest.param(200_000, marks=pytest.mark.slow)],
)
def test_a_full_disk(tmp_path: Path, toy: Path, free_bytes: int) -> None:
    """A real one of 6 MB, where one may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    program = f'{sys.executable} -c "$SCRIPT" {disk} {toy} {free_bytes}'
    script = f"mount -t tmpfs -o size=6m none {disk} && exec {program}"
    environment = os.environ | {"SCRIPT": FULL, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    made = ["unshare", "--mount", "--map-root-user", "sh", "-c", script]
    try:
        done = subprocess.run(made, capture_output=True, text=True, env=environment, timeout=300)
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if "Traceback" not in done.stderr and done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert "The disk is full." in done.stdout


def test_a_workspace_that_cannot_be_written(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import Engine, event

    before = content(learner)

    words = {"sqlite": "PRAGMA query_only=ON", "postgresql": "SET TRANSACTION READ ONLY"}

    def read_only(connection: Any) -> None:
        connection.exec_driver_sql(words[connection.dialect.name])

    event.listen(Engine, "begin", read_only)
    try:
        other = reopened(learner.workspace.path)
        with pytest.raises(OutputError):
            other.learn([B.given()])
        with pytest.raises(OutputError):
            other.forget(A.id)
        assert other.ask([A.question(min(A.values))])[0].document == A.id
        assert other.why([A.question(min(A.values))])[0].document == A.id
    finally:
        event.remove(Engine, "begin", read_only)
    assert content(learner) == before


def test_a_cache_that_is_broken_is_made_anew(learner: Learner) -> None:
    (path,) = (learner.workspace.path / ".cache").glob("*.json")
    for broken in (b"", b"[1]", b"5", b"\xff", b'[["a"]]', b"{}"):
        path.unlink(missing_ok=True)
        path.write_bytes(broken)
        other = reopened(learner.workspace.path)
        assert other.ask(["What is two and two?"])[0].document is None
