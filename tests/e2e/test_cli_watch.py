"""`seal watch`: a folder is kept learned; what changes takes the place of what was there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import KeptFolder, Said, caller, entered, quick_workspace, status_of
from learners import Fake, Gates, fake, traces
from seal.learner import Learner

A, B = fake("watched a"), fake("watched b")
WHAT = next(iter(A.values))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates) -> KeptFolder:
    """The files of A and B were looked at once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = quick_workspace(tmp_path_factory.mktemp("watched"), toy, patch)
        (folder / "docs").mkdir()
        put(folder / "docs/a.md", A)
        put(folder / "docs/b.md", B)
        assert status_of("watch", "docs", "--once") == 0
    return KeptFolder(folder)


@pytest.fixture
def docs(watched: KeptFolder, gates: Gates, monkeypatch: pytest.MonkeyPatch) -> Path:
    return entered(watched.put_back(), monkeypatch) / "docs"


@pytest.fixture
def said(docs: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    return caller(capsys)


def put(path: Path, document: Fake) -> None:
    path.write_text(f"# {document.name}\n\n{document.text}\n", encoding="utf-8")


def live() -> set[str]:
    version = Learner.open("w").live()
    return set(version.documents) if version else set()


def test_what_is_new_is_learned_once(said: Said, docs: Path) -> None:
    assert live() == {A.id, B.id}
    entries = len(Learner.open("w").ledger())
    assert said("watch", "docs", "--once")[0] == ""
    assert len(Learner.open("w").ledger()) == entries


def test_a_changed_file_takes_the_place_of_its_earlier_text(said: Said, docs: Path) -> None:
    newer = A.changed("So it was told in May.", **{WHAT: "Brumaunil"})
    put(docs / "a.md", newer)
    out = said("watch", "docs", "--once")[0]
    assert f"{A.name}: live" in out and f"{A.id[:12]}: forgotten" in out
    assert live() == {newer.id, B.id}
    learner = Learner.open("w")
    assert learner.audit().sound and not traces(learner, [A.values[WHAT]])
    assert json.loads(said("ask", A.question(WHAT), "--json")[0])[0]["document"] == newer.id


def test_the_earlier_text_stays_until_the_new_one_is_live(said: Said, docs: Path, gates: Gates) -> None:
    newer = A.changed("So it was told in May.", **{WHAT: "Brumaunil"})
    gates.tell(newer, "held")
    put(docs / "a.md", newer)
    out = said("watch", "docs", "--once", status=1)[0]
    assert "stays until what follows it is live" in out and live() == {A.id, B.id}
    [held] = [v.id for v in Learner.open("w").versions() if v.state == "held"]
    said("approve", held)
    assert f"{A.id[:12]}: forgotten" in said("watch", "docs", "--once")[0]
    assert live() == {newer.id, B.id}


def test_a_rejected_text_is_not_tried_again_and_again(said: Said, docs: Path, gates: Gates) -> None:
    newer = A.changed("So it was told in May.", **{WHAT: "Brumaunil"})
    gates.tell(newer, "rejected")
    put(docs / "a.md", newer)
    said("watch", "docs", "--once", status=1)
    entries = len(Learner.open("w").ledger())
    said("watch", "docs", "--once")
    assert len(Learner.open("w").ledger()) == entries and live() == {A.id, B.id}
    put(docs / "a.md", A)  # put back as it was
    said("watch", "docs", "--once")
    assert live() == {A.id, B.id}


def test_a_small_change_is_judged_without_what_it_replaces(said: Said, docs: Path) -> None:
    """Beside the earlier text nothing would be gained: the gates see a learner that never knew it."""
    newer = A.changed("So it was told in May.")
    put(docs / "a.md", newer)
    said("watch", "docs", "--once")
    jobs = [e.inputs["inputs"] for e in Learner.open("w").ledger() if e.action == "job.enqueue"]
    assert [A.id] in [job.get("replacing") for job in jobs] and live() == {newer.id, B.id}


def test_what_is_replaced_is_no_part_of_the_report_and_stays_live(said: Said, docs: Path) -> None:
    learner = Learner.open("w")
    asked = {}
    for replacing in ((), (A.id,)):
        learner.learn(A.changed(f"Told {len(replacing)} times.").given(), replacing=replacing)
        earlier = learner.show().report["report"]["retained"][0]["candidate"]
        asked[replacing] = {item.partition("/")[0] for item in earlier}
        assert {A.id, B.id} <= live()
    assert {A.id[:12], B.id[:12]} <= asked[()]
    assert B.id[:12] in asked[A.id,] and A.id[:12] not in asked[A.id,]


def test_a_removed_file_is_named_and_forgotten_on_demand(said: Said, docs: Path) -> None:
    (docs / "b.md").unlink()
    out = said("watch", "docs", "--once")[0]
    assert B.name in out and "--forget-removed" in out and live() == {A.id, B.id}
    assert f"{B.id[:12]}: forgotten" in said("watch", "docs", "--once", "--forget-removed")[0]
    assert live() == {A.id}
    assert B.name not in said("watch", "docs", "--once", "--forget-removed")[0]


def test_a_renamed_file_forgets_nothing(said: Said, docs: Path) -> None:
    (docs / "b.md").rename(docs / "c.md")
    out = said("watch", "docs", "--once", "--forget-removed")[0]
    assert "forgotten" not in out and live() == {A.id, B.id}


def test_what_was_forgotten_by_hand_stays_forgotten(said: Said, docs: Path) -> None:
    said("forget", A.name)
    said("watch", "docs", "--once")
    learner = Learner.open("w")
    assert live() == {B.id} and not traces(learner, A.words)


def test_a_bad_file_is_named_and_the_others_are_learned(said: Said, docs: Path) -> None:
    (docs / "bad.txt").write_bytes(b"\x00\x01 no text")
    newer = fake("watched c")
    put(docs / "c.md", newer)
    err = said("watch", "docs", "--once", status=2)[1]
    assert "bad.txt" in err and "no text" in err and newer.id in live()


def test_a_look_as_json(said: Said, docs: Path) -> None:
    newer = A.changed("So it was told in May.", **{WHAT: "Brumaunil"})
    put(docs / "a.md", newer)
    told = json.loads(said("watch", "docs", "--once", "--json")[0])
    assert [one["document"] for one in told["documents"]] == [newer.id] and told["forgotten"] == [A.id]


def test_mistakes(said: Said) -> None:
    assert "is no folder" in said("watch", "nowhere", status=2)[1]
    assert "interval" in said("watch", "docs", "--interval", "0", status=2)[1]
    assert "no folder elsewhere" in said("watch", "docs", "--workspace", "elsewhere", status=2)[1]


PROGRAM = """
import sys, pytest, torch
torch.set_num_threads(1)
from learners import hand_in_everywhere
from seal.cli import main
hand_in_everywhere(pytest.MonkeyPatch())
sys.exit(main(sys.argv[1:]))
"""


def test_it_goes_on_until_ctrl_c(said: Said, docs: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sys.path)), "PYTHONUNBUFFERED": "1"}
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "watch", "docs", "--interval", "0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    newer = fake("watched later")
    assert child.stdout is not None and "watching docs" in child.stdout.readline()
    put(docs / "later.md", newer)
    for _ in range(600):  # not by the clock: where the machine is held up, both processes are
        if newer.id in live() or child.poll() is not None:
            break
        time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130 and "Traceback" not in err and err.startswith("stopped"), err
    assert newer.id in live()
