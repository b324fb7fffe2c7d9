"""The worker process: it studies what was posted, while answers are given, and ends with its server."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from learners import begin, fake
from seal.learner import Learner, Text
from seal.service.hosting import Tenant
from seal.service.studying import StudyWorker

OSLO = Text("Marten Kvale is a painter. Marten Kvale lives in Oslo.", "Marten Kvale")


def test_it_is_started_when_something_waits(
    tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not for what the brake stops; one that fails is started again after a rest."""
    learner = begin(tmp_path / "w", toy)
    worker, started = StudyWorker(Tenant("w", learner)), list[int]()

    class Process:
        def __init__(self) -> None:
            started.append(len(started))

        def poll(self) -> int | None:
            return None if len(started) == 1 else 1

    monkeypatch.setattr(worker, "_started", Process)
    worker.look()
    learner.pull_brake()
    learner.submit(fake("worker").given())
    worker.look()
    assert started == []
    learner.release_brake()
    worker.look()
    worker.look()
    assert started == [0]
    started.append(1)  # from here on it has ended, with an error
    worker.look()
    worker.look()
    assert started == [0, 1]
    monkeypatch.setattr("seal.service.studying.time.monotonic", lambda: time.time() + 1e6)
    worker.look()
    assert started == [0, 1, 2]


@pytest.mark.slow  # half a minute on idle cores
def test_a_process_studies_and_ends_with_its_server(tmp_path: Path) -> None:
    """The embedded model, in a process that knows nothing but the folder."""
    learner = Learner.init(tmp_path / "w", model="tiny")
    [posted] = learner.submit(OSLO, actor="key k")
    assert posted.job is not None
    worker = StudyWorker(Tenant("w", learner), idle_s=120)
    worker.look()
    process = worker._process
    assert process is not None
    until = time.monotonic() + 300
    while learner.job(posted.job).state in ("queued", "running"):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.2)
    job = learner.job(posted.job)
    assert job.state == "done" and posted.document in job.outputs["documents"], job
    assert any("training" in event.message for event in learner.job_events(posted.job))
    worker.end()
    assert process.poll() == 0
