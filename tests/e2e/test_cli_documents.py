"""What a user sees of a document: its lines and its exam, why it is not live and what to do about that, its
title corrected, what would be done, and where an answer is from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commands import KeptFolder, Said, caller, entered, quick_workspace, status_of
from learners import Gates, fake
from seal.learner import Learner
from seal.registry import Version, Workspace

A, B, C = fake("seen a"), fake("seen b"), fake("seen c")
WHAT = next(iter(A.values))
ASK = A.question(WHAT)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates) -> KeptFolder:
    """A is learned; the files of B and C are there."""
    with pytest.MonkeyPatch.context() as patch:
        folder = quick_workspace(tmp_path_factory.mktemp("begun"), toy, patch)
        for one in (A, B, C):
            (folder / f"{one.name}.md").write_text(f"# {one.name}\n\n{one.text}\n", encoding="utf-8")
        assert status_of("learn", f"{A.name}.md") == 0
    return KeptFolder(folder)


@pytest.fixture
def folder(begun: KeptFolder, gates: Gates, monkeypatch: pytest.MonkeyPatch) -> Path:
    return entered(begun.put_back(), monkeypatch)


@pytest.fixture
def said(folder: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    return caller(capsys)


def test_each_line_is_kept_or_has_a_reason(said: Said) -> None:
    told = json.loads(said("lines", A.name, "--json")[0])["lines"]
    kept = [line for line in told if line["kept"]]
    dropped = [line for line in told if not line["kept"]]
    assert kept and dropped and all(line["reason"] for line in dropped)
    assert all(line["sentence"] in A.text for line in told) and all(line["sentence"] for line in kept)
    out = said("lines", A.name)[0]
    assert f"{len(kept)} of {len(told)} lines learned" in out and "why not" not in out
    assert out.count("✓") == len(kept) and "kept for the exam" in out and f"{len(dropped)} more" in out
    out = said("lines", A.name, "--dropped")[0]
    assert out.count("✗") == out.count("why not: ") == len(dropped) and "✓" not in out
    out = said("lines", A.name, "--all")[0]
    assert (out.count("✓"), out.count("✗")) == (len(kept), len(dropped))
    said("lines", A.name, "--all", "--dropped", status=2)
    said("lines", "no such document", status=2)


def test_a_line_that_a_newer_document_replaces_is_no_longer_learned(said: Said, folder: Path) -> None:
    newer = A.changed("So it was told in May.", **{WHAT: "Brumaunil"})
    (folder / "newer.txt").write_text(newer.text, encoding="utf-8")
    said("learn", "newer.txt", "--title", "News")
    told = json.loads(said("lines", A.id, "--json")[0])["lines"]
    gone = [line for line in told if line["replaced"]]
    assert gone and all(A.values[WHAT] in line["text"] and not line["kept"] for line in gone)
    exam = json.loads(said("exam", A.id, "--json")[0])["questions"]
    assert {A.values[WHAT] in q["answers"] for q in exam if q["replaced"]} <= {True}


def test_the_exam_has_the_outcomes_of_the_report(said: Said, gates: Gates, folder: Path) -> None:
    told = json.loads(said("exam", A.name, "--json")[0])
    live = Learner.open("w").show()
    [report] = live.report["report"]["documents"]
    words = {1: "right", 0: "wrong", None: "ungraded"}
    assert [q["outcome"] for q in told["questions"]] == [words[v] for v in report["candidate"].values()]
    before = [q["before"] for q in told["questions"]]
    assert before == [words[v] for v in report["reference"].values()] and "right" not in before
    assert told["version"] == {"id": live.version.id, "state": "live"} and not told["given"]
    out = said("exam", A.name)[0]
    n = sum(v == 1 for v in report["candidate"].values())
    assert f"{n} of {len(told['questions'])} right in the live version" in out
    assert all(q["question"] in out and q["answers"][0] in out for q in told["questions"])
    gates.tell(B, "rejected")
    said("learn", f"{B.name}.md", status=1)
    assert json.loads(said("exam", B.name, "--json")[0])["version"]["state"] == "rejected"


def test_what_was_right_before_is_of_the_version_before_it_was_learned(
    said: Said, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later version is compared with one that knew the document already."""
    first = Learner.open("w").live()
    assert first is not None
    said("learn", f"{C.name}.md")
    items = [f"{A.id[:12]}/{n}" for n in range(len(A.values))]

    def report(workspace: Workspace, version: Version) -> Any:
        exam = {"candidate": dict.fromkeys(items, 1)}
        if version.id == first.id:
            return {"report": {"documents": [exam | {"reference": dict.fromkeys(items, 0)}]}}
        return {"report": {"documents": [], "retained": [exam | {"reference": dict.fromkeys(items, 1)}]}}

    monkeypatch.setattr("seal.learner.inspecting.report_of", report)
    told = json.loads(said("exam", A.name, "--json")[0])
    assert told["version"]["id"] != first.id
    assert {(q["outcome"], q["before"]) for q in told["questions"]} == {("right", "wrong")}


def test_an_exam_that_is_given(said: Said, folder: Path) -> None:
    exam = [{"title": C.name, "context": "x", "questions": [{"question": C.question(w), "answer": v}
             for w, v in C.values.items()]}]  # fmt: skip
    (folder / "exam.json").write_text(json.dumps(exam))
    said("learn", f"{C.name}.md", "--questions", "exam.json")
    told = json.loads(said("exam", C.name, "--json")[0])
    assert told["given"] and [q["question"] for q in told["questions"]] == [C.question(w) for w in C.values]
    assert "given by a person" in said("exam", C.name)[0]


def test_a_reason_comes_with_what_to_do(said: Said, folder: Path) -> None:
    (folder / "key.txt").write_text("The password of the gate is: hunter2secret!9. The gate is in Tarvin.")
    out = said("learn", "key.txt", status=1)[0]
    assert "rejected" in out and "→ Take the secret out of the text" in out
    [told] = json.loads(said("learn", "key.txt", "--json", status=1)[0])["documents"]
    assert told["advice"].startswith("Take the secret out")


def test_show_is_short_and_long(said: Said, gates: Gates) -> None:
    gates.tell(B, "held")
    said("learn", f"{B.name}.md", status=1)
    [held] = [v["id"] for v in json.loads(said("versions", "--json")[0]) if v["state"] == "held"]
    out = said("show", held[:12])[0]
    assert "knows     2 documents" in out and A.name in out and "told to be held" in out
    assert f"seal approve {held[:12]}" in out and '"report"' not in out
    long = said("show", held, "--long")[0]
    assert '"report"' in long and held in long and "What happened to it" in long
    assert len(long.splitlines()) > 3 * len(out.splitlines())


def test_a_title_is_corrected(said: Said, folder: Path) -> None:
    before = Learner.open("w").live()
    answer = json.loads(said("ask", ASK, "--json")[0])[0]
    out = said("retitle", A.name, "Another name")[0]
    assert "Another name" in out and repr(A.name) in out and "learn its text again" in out
    learner = Learner.open("w")
    [document] = learner.documents()
    assert (document.title, document.first_title) == ("Another name", A.name)
    assert learner.live() == before and learner.audit().sound
    after = json.loads(said("ask", ASK, "--json")[0])[0]
    assert (after["text"], after["probability"]) == (answer["text"], answer["probability"])
    assert after["title"] == "Another name"
    entry = learner.ledger()[-1]
    assert entry.action == "document.retitle" and entry.inputs == {"document": A.id}
    assert "Another name" not in str(learner.ledger())
    said("retitle", "Another name", " ", status=2)
    said("retitle", A.name, "x", status=2)  # nothing is called so any more


def test_the_same_text_under_another_title_corrects_it(said: Said, folder: Path) -> None:
    (folder / "again.md").write_text(f"# New heading\n\n{A.text}\n", encoding="utf-8")
    assert "'New heading' now" in said("learn", "again.md")[0]
    (folder / "plain name.txt").write_text(A.text, encoding="utf-8")  # the name of a file corrects nothing
    assert "known" in said("learn", "plain name.txt")[0]
    assert Learner.open("w").documents()[0].title == "New heading"
    said("learn", "plain name.txt", "--title", A.name)
    [document] = Learner.open("w").documents()
    assert (document.title, document.first_title) == (A.name, None)


def test_what_is_built_again_after_a_correction_is_the_same(said: Said, folder: Path) -> None:
    """A newer document replaces a fact and is forgotten: the older cell is built by its first title."""
    before = Learner.open("w").live()
    said("retitle", A.name, "Another name")
    newer = A.changed("So it was told in May.", **{WHAT: "Brumaunil"})
    (folder / "newer.txt").write_text(newer.text, encoding="utf-8")
    assert "replaces what document" in said("learn", "newer.txt", "--title", "News")[0]
    said("forget", "News")
    after = Learner.open("w").live()
    assert before is not None and after is not None and after.content == before.content


def test_a_document_that_was_not_written_about_takes_the_new_title_whole(said: Said) -> None:
    workspace = Learner.open("w").workspace
    made = workspace.add_document("Nobody has written about it.", title="old")
    assert workspace.retitle_document(made.id, "new").first_title is None
    again = workspace.add_document("Nobody has written about it.", title="old")
    assert again.title == "new"


def test_a_bad_file_does_not_stop_the_others(said: Said, folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "docs" / "bad.txt").write_bytes(b"\x00\x01 no text")
    (folder / "docs" / "empty.md").write_text("  ")
    (folder / "docs" / "good.md").write_text(f"# {B.name}\n\n{B.text}")
    out, err = said("learn", "docs", status=2)
    assert f"{B.name}: live" in out
    assert "bad.txt" in err and "no text" in err and "empty.md" in err and "error:" not in err
    told = json.loads(said("learn", "docs", "--json", status=2)[0])
    assert [one["outcome"] for one in told["documents"]] == ["known"] and len(told["passed_over"]) == 2
    err = said("learn", "docs/bad.txt", "docs/empty.md", "docs/none.md", status=2)[1]
    assert all(name in err for name in ("docs/bad.txt", "docs/empty.md", "docs/none.md"))
    assert "error: none of 3 files can be read" in err
    (folder / "many").mkdir()
    for at in range(25):
        (folder / "many" / f"{at:02}.txt").write_text(" ")
    err = said("learn", "many", status=2)[1]
    assert "19.txt" in err and "20.txt" not in err and "5 more files" in err
    out, err = said("learn", "docs/good.md", "docs/none.md", status=2)
    assert f"{B.name}: known" in out and "passed over: docs/none.md" in err


def test_a_dry_run_says_what_would_be_done_and_stores_nothing(said: Said, folder: Path) -> None:
    (folder / "key.txt").write_text("The password of the gate is: hunter2secret!9. The gate is in Tarvin.")
    entries = len(Learner.open("w").ledger())
    files = ["key.txt", f"{A.name}.md", f"{B.name}.md"]
    out = said("learn", *files, "--dry-run")[0]
    assert "would be rejected" in out and f"= {A.name}: known" in out and f"+ {B.name}: to learn" in out
    assert "1 of 3 documents would be learned" in out and "nothing was stored" in out
    assert "by what the last study of this workspace took" in out
    told = json.loads(said("learn", *files, "--dry-run", "--json")[0])
    assert [one["outcome"] for one in told["documents"]] == ["rejected", "known", "learn"]
    assert told["seconds"] > 0 and told["documents"][2]["units"] == len(B.values)
    assert len(Learner.open("w").ledger()) == entries and len(Learner.open("w").documents()) == 1
    newer = A.changed("So it was told in May.", **{WHAT: "Brumaunil"})
    (folder / "newer.txt").write_text(newer.text, encoding="utf-8")
    assert f"like {A.name!r}" in said("learn", "newer.txt", "--dry-run")[0]


def test_the_output_has_answers_and_stderr_where_they_are_from(said: Said) -> None:
    out, err = said("ask", ASK, "Who is the king of Spain?")
    assert len(out.splitlines()) == 2  # one line a question, for programs
    first, second = err.splitlines()
    assert A.name in first and "from what was learned" in first
    assert "no document says this: the base model's own guess" in second
    told = json.loads(said("ask", ASK, "Who is the king of Spain?", "--by", "weights", "--json")[0])
    assert [one["way"] for one in told] == ["weights", "base"]
    assert (
        told[0]["title"] == A.name
        and {"probability", "document", "candidates", "improbable"} <= told[0].keys()
    )
    said("ask", ASK, "--by", "guessing", status=2)
