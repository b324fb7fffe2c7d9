"""The learner's commands: what they print, that wrong input ends with 2, a message and a hint, and never with
a traceback, that --json is JSON and nothing else, and that Ctrl-C ends with 130 and loses nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from commands import KeptFolder, entered, quick_workspace
from learners import Gates, fake
from seal.cli import main
from seal.learner.compiling import Compiler
from seal.registry import Workspace

A, B, C = fake("cli a"), fake("cli b"), fake("cli c")
WHAT = next(iter(A.values))
ASK = A.question(WHAT)
Run = Callable[..., str]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates) -> KeptFolder:
    """A workspace that knows A, beside files of B and C."""
    with pytest.MonkeyPatch.context() as patch:
        folder = quick_workspace(tmp_path_factory.mktemp("begun"), toy, patch)
        for one in (A, B, C):
            (folder / f"{one.name}.txt").write_text(one.text, encoding="utf-8")
        assert main(["learn", f"{A.name}.txt"]) == 0
    return KeptFolder(folder)


@pytest.fixture
def folder(begun: KeptFolder, gates: Gates, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All commands are about its workspace."""
    return entered(begun.put_back(), monkeypatch)


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*tokens: str) -> str:
        capsys.readouterr()
        assert main(tokens) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command that must end with 2 and change nothing of what is live; what it says."""

    def run(*tokens: str) -> str:
        live = Workspace.open(folder / "w").alias()
        capsys.readouterr()
        assert main(tokens) == 2
        said = capsys.readouterr()
        assert said.err.startswith("error: ") and "Traceback" not in said.err and "Traceback" not in said.out
        assert "\n  " in said.err, f"no hint: {said.err}"
        assert Workspace.open(folder / "w").alias() == live
        return said.err

    return run


def test_a_life_of_a_document(run: Run, folder: Path) -> None:
    assert "knows 2 documents" in run("learn", f"{B.name}.txt")
    listed = run("documents")
    assert listed.count(" live ") == 2 and A.name in listed
    said = run("why", ASK)
    assert A.name in said and A.id[:12] in said and "replaced" not in said
    newer = A.changed("So it was told in May.", **{WHAT: "Brumaunil"})
    (folder / "newer.txt").write_text(newer.text, encoding="utf-8")
    assert f"replaces what document {A.id[:12]} said" in run("learn", "newer.txt", "--title", A.name)
    said = run("why", ASK)
    assert "replaced" in said and A.values[WHAT] in said and newer.id[:12] in said
    assert "forgotten" in run("forget", newer.id[:8])
    assert "replaced" not in run("why", ASK)
    assert " erased " in run("documents")


def test_json_is_json_and_nothing_else(run: Run, folder: Path) -> None:
    told = json.loads(run("learn", f"{B.name}.txt", "--json"))
    assert [one["outcome"] for one in told["documents"]] == ["live"]
    assert [one["outcome"] for one in json.loads(run("learn", f"{B.name}.txt", "--json"))["documents"]] == [
        "known"
    ]
    (answer,) = json.loads(run("ask", ASK, "--json"))
    assert answer["document"] == A.id and answer["question"] == ASK
    (why,) = json.loads(run("why", ASK, "--json"))
    assert why["document"] == A.id and {"verdict", "evidence_nats"} <= why.keys()
    assert [d["live"] for d in json.loads(run("documents", "--json"))] == [True, True]
    first = json.loads(run("versions", "--json"))[0]["id"]
    assert isinstance(json.loads(run("diff", first, "live", "--json")), list)
    done = json.loads(run("export", "out", "--document", A.name, "--json"))
    assert done["questions"] == 3 and (folder / "out" / "README.md").is_file()
    assert json.loads(run("forget", B.name, "--json"))["forgotten"] == B.id
    assert json.loads(run("rollback", "--json"))["live"]


def test_held_documents_end_with_1(run: Run, folder: Path, gates: Gates, capsys: Any) -> None:
    gates.tell(B, "held")
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["learn", f"{B.name}.txt", "--json"])
    told = json.loads(capsys.readouterr().out)["documents"]
    assert ended.value.code == 1 and [one["outcome"] for one in told] == ["held"]
    run("learn", f"{C.name}.txt")
    assert "knows 3 documents" in run("approve", told[0]["version"][:12])
    assert json.loads(run("ask", B.question(min(B.values)), "--json"))[0]["document"] == B.id


def test_documents_that_cannot_be_read(refused: Run, folder: Path) -> None:
    assert "no such file" in refused("learn", "missing.txt") and "missing.txt" in refused(
        "learn", "missing.txt"
    )
    (folder / "empty.txt").write_text(" \n")
    assert "empty.txt" in refused("learn", "empty.txt")
    (folder / "binary.txt").write_bytes(b"\x00\x01 no text")
    assert "no text" in refused("learn", "binary.txt")
    (folder / "broken.json").write_text("[{")
    assert "broken JSON" in refused("learn", "broken.json")
    (folder / "none").mkdir()
    refused("learn", "none")
    assert "no document is named" in refused("learn")
    assert "trust" in refused("learn", f"{B.name}.txt", "--trust", "2")
    assert "trust" in refused("learn", f"{B.name}.txt", "--trust", "nan")


def exam_of(title: str) -> dict[str, Any]:
    return {"title": title, "context": "x", "questions": [{"question": "q?", "answer": "a"}]}


def test_titles_and_questions_that_do_not_fit(refused: Run, run: Run, folder: Path) -> None:
    assert "one title for 2 documents" in refused("learn", f"{B.name}.txt", f"{C.name}.txt", "--title", "x")
    exam = folder / "exam.json"
    exam.write_text(
        json.dumps(
            [{"title": t, "context": "x", "questions": [{"question": "q?", "answer": "a"}]} for t in "xy"]
        )
    )
    said = refused("learn", f"{B.name}.txt", "--questions", "exam.json")
    assert "no questions for any of the documents" in said and B.name in said
    exam.write_text(json.dumps([{"question": "q?"}]))
    refused("learn", f"{B.name}.txt", "--questions", "exam.json")
    refused("learn", f"{B.name}.txt", "--questions", "missing.json")
    exam.write_text(
        json.dumps([{"title": B.name, "context": "x", "questions": [{"question": "q?", "answer": "a"}]}])
    )
    run("learn", f"{B.name}.txt", "--questions", "exam.json")


@pytest.mark.parametrize("data", [b"", b" \n ", b"\xff\xfe"])
def test_an_input_without_text(refused: Run, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    for tokens in (("learn", "-"), ("ask", "-"), ("why", "-")):
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data), encoding="utf-8"))
        refused(*tokens)


def test_names_that_are_not_known(refused: Run, folder: Path) -> None:
    close = A.name[:-1] + "x"
    said = refused("forget", close)
    assert f"no document {close!r}" in said and A.name in said
    for command in (
        ("ask", ASK, "--version"),
        ("why", ASK, "--version"),
        ("diff",),
        ("export", "out", "--version"),
    ):
        assert "there is no version 'lvie'" in (said := refused(*command, "lvie")) and "live" in said
    assert A.name in refused("export", "out", "--document", close)
    for command in ("ask", "why"):
        refused(command)
        refused(command, " ")
    assert not (folder / "out").exists()


def test_exports_that_cannot_be_made(refused: Run, folder: Path, gates: Gates) -> None:
    (folder / "there").mkdir()
    assert "exists already" in refused("export", "there")
    assert "cannot be written" in refused("export", f"{A.name}.txt/out")
    gates.tell(B, "held")
    with pytest.raises(SystemExit):
        main(["learn", f"{B.name}.txt"])
    held = Workspace.open(folder / "w").versions()[-1]
    for command in (("export", "out"), ("ask", ASK), ("why", ASK)):
        assert "is held" in refused(*command, "--version", held.id[:12])
    assert "does not know document" in refused("export", "out", "--document", B.name)
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    "text, words",
    [
        ("sample = 3\n", "sample"),
        ("[writing]\nsamples = 0\n", "writing.samples"),
        ("[writing]\nformats = ['no-such']\n", "no-such"),
        ("[cell]\nlearning_rate = 'high'\n", "cell.learning_rate"),
        ("[cell\n", "broken TOML"),
        ("autonomy = 'wild'\n", "autonomy"),
        ("grader = 'none'\n", "none"),
        ("seed = -1\n", "seed"),
    ],
)
def test_settings_that_are_wrong(refused: Run, folder: Path, text: str, words: str) -> None:
    path = folder / "w" / "learner.toml"
    path.write_text(text)
    for tokens in (
        ("learn", f"{B.name}.txt"),
        ("ask", ASK),
        ("why", ASK),
        ("forget", A.name),
        ("export", "out"),
    ):
        assert words in refused(*tokens)
    path.write_bytes(b"seed = 1 # \xff")
    assert "learner.toml" in refused("ask", ASK)


def test_no_workspace(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for tokens in (
        ("learn", f"{B.name}.txt"), ("ask", "x"), ("why", "x"), ("forget", "x"), ("documents",),
        ("diff", "a"), ("export", "out"),
    ):  # fmt: skip
        assert main([*tokens, "--workspace", "nowhere"]) == 2
        said = capsys.readouterr().err
        assert "there is no folder nowhere" in said and "seal init nowhere" in said


def test_a_damaged_cell_ends_with_2(refused: Run, folder: Path) -> None:
    workspace = Workspace.open(folder / "w")
    for build in workspace.version("live").builds:
        for member in workspace.store.members(workspace.build(build).object):
            path = workspace.store.file(member.digest)
            data = path.read_bytes()
            path.unlink()
            path.write_bytes(data[:-1] + b"?")
    for command in ("ask", "why"):
        assert "is damaged" in refused(command, ASK)
    assert "is damaged" in refused("export", "out")


def test_ctrl_c_while_forgetting(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = A.changed("So it was told in May.", **{WHAT: "Brumaunil"})
    (folder / "newer.txt").write_text(newer.text, encoding="utf-8")
    run("learn", "newer.txt", "--title", A.name)
    with monkeypatch.context() as patch:
        patch.setattr(Compiler, "train", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert main(["forget", newer.id]) == 130
    said = capsys.readouterr().err
    assert "nothing was written" not in said and "next `seal learn` or `seal forget`" in said
    run("learn", f"{B.name}.txt")
    assert [d["erased"] for d in json.loads(run("documents", "--json"))] == [False, True, False]


PROGRAM = """
import sys, time, pytest, torch
torch.set_num_threads(1)
from learners import hand_in_everywhere
from seal.cli import main
from seal.learner.compiling import Compiler
hand_in_everywhere(pytest.MonkeyPatch())
train = Compiler.train
def slowly(*given):
    open("training", "w").close()
    time.sleep(60)
    return train(*given)
Compiler.train = slowly
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("flags", [(), pytest.param(("--json",), marks=pytest.mark.slow)])
def test_ctrl_c_while_learning(run: Run, folder: Path, flags: tuple[str, ...]) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "learn", f"{B.name}.txt", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # Where the tests run in the background of a shell, it would inherit that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 120
    while not (folder / "training").exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130 and "Traceback" not in err and "next `seal learn`" in err, err
    assert not flags or out == ""
    started = time.monotonic()
    assert "knows 3 documents" in run("learn", f"{C.name}.txt")
    assert time.monotonic() - started < 15, "waited for the lease of one that was stopped"
