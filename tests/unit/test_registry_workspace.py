"""A workspace: what commits together, what may be live, what an erasure leaves, whose lease counts."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from seal.errors import (
    DamageError,
    InputError,
    InputFileError,
    OutputError,
    StaleLeaseError,
    StateError,
    UnknownNameError,
)
from seal.registry import LIVE, Line, Workspace
from seal.types import Question
from workspaces import SetClock, build, files_with, learn, version

SECRET = "The heron of Quillmere nests on the ninth arch."


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def workspace(tmp_path: Path, clock: SetClock) -> Workspace:
    return Workspace.init(tmp_path / "w", clock=clock)


def live(workspace: Workspace) -> str:
    found = workspace.alias()
    assert found is not None
    return found.id


def test_a_workspace_is_opened_as_it_was_made(tmp_path: Path) -> None:
    made = Workspace.init(tmp_path / "w", model="some/model", writer="other/model", actor="ada")
    opened = Workspace.open(tmp_path / "w")
    assert opened.settings() == made.settings() and opened.settings()["writer"] == "other/model"
    assert [entry.actor for entry in opened.ledger()] == ["ada"]
    assert opened.audit().sound


def test_folders_that_are_no_workspace(tmp_path: Path, workspace: Workspace) -> None:
    with pytest.raises(InputError, match="is a workspace already"):
        Workspace.init(workspace.path)
    with pytest.raises(InputFileError, match="there is no folder"):
        Workspace.open(tmp_path / "missing")
    with pytest.raises(InputFileError, match="is no workspace"):
        Workspace.open(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("x")
    with pytest.raises(OutputError, match=r"holds other files \(mine.txt\)"):
        Workspace.init(tmp_path / "other")


def test_a_making_that_was_cut_off_is_taken_up(workspace: Workspace) -> None:
    (workspace.path / "workspace.toml").unlink()
    with pytest.raises(InputFileError, match="making was cut off"):
        Workspace.open(workspace.path)
    with pytest.raises(InputError, match="was begun with model tiny"):
        Workspace.init(workspace.path, model="another")
    again = Workspace.init(workspace.path)
    assert again.settings() == workspace.settings() and len(again.ledger()) == 1


def test_documents_lines_and_exams_round_trip(workspace: Workspace) -> None:
    document = workspace.add_document(SECRET, title="Herons", trust=0.5)
    assert workspace.add_document(SECRET, title="Another title") == document
    assert workspace.text(document.id) == SECRET and workspace.documents() == [document]
    lines = [Line("Herons nest.", sentence=SECRET), Line("Herons fly.", False, "not in the source")]
    exam = [Question("Where does it nest?", ("the ninth arch", "ninth"))]
    for _ in range(2):
        workspace.record_lines(document.id, lines, writer="tiny")
        workspace.record_exam(document.id, exam, origin="given")
    assert workspace.lines(document.id) == lines
    assert [(q.text, q.answers) for q in workspace.exam(document.id)] == [(exam[0].text, exam[0].answers)]
    with pytest.raises(StateError, match="recorded before, and are others"):
        workspace.record_lines(document.id, lines[:1], writer="tiny")
    actions = [entry.action for entry in workspace.ledger()]
    assert actions == ["workspace.init", "document.add", "lines.record", "exam.record"]


@pytest.mark.parametrize("text, words", [("", "empty"), ("a\0b", "NUL"), ("a\ud800", "surrogate")])
def test_texts_that_cannot_be_stored(workspace: Workspace, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        workspace.add_document(text, title="x")
    assert workspace.documents() == []


def test_a_version_its_alias_and_the_ledger_commit_together(workspace: Workspace) -> None:
    _, first = learn(workspace, "One.")
    before = workspace.ledger()
    with pytest.raises(RuntimeError), workspace.transaction():
        made = version(workspace, first.documents, parent=first.id, report=workspace.store.put_bytes(b"{}"))
        workspace.move_alias(LIVE, made.id, reason="x")
        assert live(workspace) == made.id, "within, what was done is seen"
        raise RuntimeError
    assert live(workspace) == first.id and len(workspace.versions()) == 1
    assert workspace.ledger() == before and workspace.audit().sound


def test_a_part_that_fails_is_undone_alone(workspace: Workspace) -> None:
    _, first = learn(workspace, "One.")
    with workspace.transaction():
        made = version(workspace, [], parent=first.id)
        with pytest.raises(StateError):
            workspace.approve(made.id, reason="it is not held")
        workspace.hold(made.id, reason="x")
    assert workspace.version(made.id).state == "held" and workspace.audit().sound


def test_ids_follow_from_the_content(workspace: Workspace, tmp_path: Path) -> None:
    document, first = learn(workspace, "One.")
    same = version(workspace, [document.id])
    assert same.id == first.id and len(workspace.versions()) == 1
    other = Workspace.init(tmp_path / "other", clock=SetClock("two"))
    learn(other, "Two.")
    learn(other, "One.")
    alone = version(other, [document.id], parent=live(other))
    assert alone.content == first.content, "what is known is the same, whatever came before"
    assert alone.id != first.id


def test_the_same_inputs_that_give_another_adapter_are_an_error(workspace: Workspace) -> None:
    document = workspace.add_document("One.", title="x")
    made = build(workspace, [document.id])
    other = workspace.store.put_bytes(b"other weights")
    with pytest.raises(DamageError, match="from the same base, writer, sources, recipe and seed"):
        workspace.add_build(
            base="tiny", writer="tiny", sources=[document.id], recipe={"rank": 4}, seed=0, object=other
        )
    assert workspace.build(made.key) == made


def test_what_is_referred_to_must_be_there(workspace: Workspace) -> None:
    document = workspace.add_document("One.", title="x")
    parts: dict[str, Any] = {"base": "tiny", "writer": "tiny", "recipe": {}, "seed": 0}
    there = workspace.store.put_bytes(b"weights")
    with pytest.raises(DamageError, match="not in"):
        workspace.add_build(**parts, sources=[document.id], object="0" * 64)
    with pytest.raises(UnknownNameError, match="no document"):
        workspace.add_build(**parts, sources=["f" * 64], object=there)
    with pytest.raises(UnknownNameError, match="no build"):
        workspace.add_version(base="tiny", builds=["f" * 64], parent=None)
    with pytest.raises(UnknownNameError, match="parent"):
        workspace.add_version(base="tiny", builds=[], parent="f" * 64)
    with pytest.raises(DamageError, match="report"):
        workspace.add_version(base="tiny", builds=[], parent=None, report="0" * 64)


def test_held_and_rejected_versions_are_never_live(workspace: Workspace) -> None:
    _, first = learn(workspace, "One.")
    held = version(workspace, [], parent=first.id)
    workspace.hold(held.id, reason="level ask")
    with pytest.raises(StateError, match="is held"):
        workspace.move_alias(LIVE, held.id, reason="")
    with pytest.raises(StateError, match="was never live"):
        workspace.rollback(held.id, reason="")
    assert live(workspace) == first.id
    assert workspace.approve(held.id, reason="fine").state == "live-once" and live(workspace) == held.id
    with pytest.raises(StateError, match="is live"):
        workspace.reject(held.id, reason="")
    workspace.rollback(reason="not fine")
    workspace.reject(held.id, reason="not fine")
    for act in (workspace.approve, workspace.hold, workspace.rollback):
        with pytest.raises(StateError, match="rejected"):
            act(held.id, reason="")
    with pytest.raises(StateError, match="rejected"):
        workspace.move_alias("candidate", held.id, reason="")


def test_an_alias_of_a_rejected_version_is_removed(workspace: Workspace) -> None:
    made = version(workspace, [])
    workspace.move_alias("candidate", made.id, reason="")
    workspace.reject(made.id, reason="worse")
    assert workspace.alias("candidate") is None
    first, second = [e for e in workspace.ledger() if e.action in ("alias.move", "version.reject")]
    assert (first.inputs["before"], first.outputs["after"], first.reason) == (None, made.id, "")
    assert (second.inputs["version"], second.reason) == (made.id, "worse")
    assert workspace.audit().sound


def test_a_candidate_succeeds_its_parent_only(workspace: Workspace) -> None:
    _, first = learn(workspace, "One.")
    a, b = (version(workspace, d, parent=first.id) for d in ([], first.documents))
    workspace.hold(b.id, reason="")
    workspace.move_alias(LIVE, a.id, reason="")
    with pytest.raises(StateError, match="what changed in between would be undone"):
        workspace.approve(b.id, reason="")
    assert workspace.version(b.id).state == "held"
    workspace.rollback(first.id, reason="")
    assert workspace.approve(b.id, reason="").aliases == (LIVE,)


def test_rollback_goes_to_what_was_succeeded(workspace: Workspace) -> None:
    first, second, third = (learn(workspace, text)[1].id for text in ("One.", "Two.", "Three."))
    assert workspace.rollback(reason="").id == second
    assert workspace.rollback(reason="").id == first
    with pytest.raises(StateError, match="no earlier version"):
        workspace.rollback(reason="")
    _, fourth = learn(workspace, "Four.")
    assert workspace.rollback(reason="").id == first, "not the third, which was rolled back"
    assert workspace.rollback(third[:8], reason="").id == third
    assert [e.outputs["after"] for e in workspace.ledger() if e.action == "alias.move"] == [
        first, second, third, second, first, fourth.id, first, third
    ]  # fmt: skip


def test_versions_are_found_by_what_people_type(workspace: Workspace) -> None:
    _, made = learn(workspace, "One.")
    assert workspace.version(LIVE) == workspace.version(made.id) == workspace.version(made.id[:4]) == made
    for name in ("liv", made.id[:3], "zzzz", "%" * 8):
        with pytest.raises(UnknownNameError):
            workspace.version(name)
    for name in ("", "with space", "abc123", "ä"):
        with pytest.raises(InputError, match="cannot be an alias"):
            workspace.move_alias(name, made.id, reason="")


def remember(workspace: Workspace, text: str) -> str:
    """A document with its words in every place where they may stand."""
    document = workspace.add_document(text, title=text)
    workspace.record_lines(document.id, [Line(text, sentence=text), Line(text, False, "x")], writer="tiny")
    workspace.record_exam(document.id, [Question(text + "?", (text,))], origin="self")
    return document.id


def test_an_erased_text_is_in_no_file(workspace: Workspace) -> None:
    with workspace.transaction():
        for n in range(60):  # so that pages split, and what was on them is copied about
            remember(workspace, f"{n} is a number of no importance. " * 5)
    first = version(workspace, [])
    workspace.move_alias(LIVE, first.id, reason="")
    document = remember(workspace, SECRET)
    knows = version(
        workspace, [document], parent=first.id, report=workspace.store.put_bytes(SECRET.encode() + b"!")
    )
    workspace.move_alias(LIVE, knows.id, reason="learned")
    workspace.store.put_bytes(b"what a killed study left: " + SECRET.encode())
    with pytest.raises(StateError, match=r"the live version .* knows the document"):
        workspace.erase_document(document, reason="asked for")
    without = version(workspace, [], parent=knows.id)
    assert without.content == first.content, "never having learned it and having forgotten it are the same"
    workspace.move_alias(LIVE, without.id, reason="forgotten")
    assert files_with(workspace.path, SECRET.encode())
    workspace.erase_document(document, reason="asked for")
    assert files_with(workspace.path, SECRET.encode()) == []
    assert files_with(workspace.path, b"adapter 0 ['" + document.encode()) == []
    assert workspace.garbage() == [] == workspace.pending_erasures()
    assert workspace.lines(document) == [] == workspace.exam(document)
    told = [e for e in workspace.ledger() if e.action == "document.erase"]
    assert [entry.inputs for entry in told] == [{"document": document}]
    assert workspace.version(knows.id).state == "rejected"
    with pytest.raises(StateError, match="knows a document that was erased"):
        workspace.rollback(knows.id, reason="")
    with pytest.raises(StateError, match="was erased"):
        workspace.text(document)
    assert workspace.rollback(reason="").id == first.id, "the default passes over what was erased"
    assert workspace.audit().sound


def test_an_erased_document_can_be_learned_again(workspace: Workspace) -> None:
    first = version(workspace, [])
    document = remember(workspace, SECRET)
    version(workspace, [document], parent=first.id)
    workspace.erase_document(document, reason="")
    with pytest.raises(StateError, match="was erased"):
        build(workspace, [document])
    assert remember(workspace, SECRET) == document and workspace.text(document) == SECRET
    again = version(workspace, [document], parent=first.id, report=workspace.store.put_bytes(b"{}"))
    assert again.state == "candidate" and workspace.audit().sound


def test_an_erasure_that_was_cut_off_is_finished_at_the_next_opening(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = remember(workspace, SECRET)

    def refuse() -> None:
        raise OutputError("no")

    with monkeypatch.context() as patch:
        patch.setattr(workspace, "finish_erasures", refuse)
        workspace.erase_document(document, reason="")
    assert workspace.pending_erasures() and files_with(workspace.path, SECRET.encode())
    assert "still have to be erased" in workspace.audit().problems[0]
    opened = Workspace.open(workspace.path)
    assert not opened.pending_erasures() and files_with(workspace.path, SECRET.encode()) == []
    assert opened.audit().sound


def test_erasing_a_text_that_is_also_a_file_of_an_adapter_spares_the_adapter(workspace: Workspace) -> None:
    folder = workspace.path.parent / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    kept = workspace.add_document("One.", title="x")
    made = workspace.store.put_folder(folder)
    workspace.add_build(base="tiny", writer="tiny", sources=[kept.id], recipe={}, seed=0, object=made)
    hostile = workspace.add_document('{"peft_type": "LORA"}', title="x")
    workspace.erase_document(hostile.id, reason="")
    assert workspace.audit().sound and not workspace.pending_erasures()


def test_stale_tokens_are_refused(workspace: Workspace, clock: SetClock) -> None:
    job = workspace.enqueue("study", {"documents": []})
    first = workspace.claim(owner="a", lease_s=10)
    assert first is not None and workspace.claim(owner="b") is None, "one study at a time"
    clock.seconds += 9
    workspace.renew(first)
    clock.seconds += 9
    assert workspace.claim(owner="b") is None
    clock.seconds += 1
    second = workspace.claim(owner="b", lease_s=10)
    assert second is not None and second.job == job.id and second.token > first.token and second.attempt == 2
    made = version(workspace, [])
    with pytest.raises(StaleLeaseError), workspace.transaction(lease=first):
        workspace.move_alias(LIVE, made.id, reason="")
    for act in (
        lambda: workspace.renew(first),
        lambda: workspace.finish(first, {}),
        lambda: workspace.fail(first, reason="x"),
    ):
        with pytest.raises(StaleLeaseError, match="Nothing was committed"):
            act()
    assert workspace.alias() is None
    with workspace.transaction(lease=second):
        workspace.move_alias(LIVE, made.id, reason="")
        workspace.finish(second, {"version": made.id})
    assert workspace.job(job.id).state == "done" and workspace.claim() is None
    with pytest.raises(StaleLeaseError):
        workspace.finish(second, {})
    assert workspace.audit().sound


def test_a_lease_of_another_start_of_the_machine_runs_out_by_being_watched(
    workspace: Workspace, clock: SetClock
) -> None:
    workspace.enqueue("study", {})
    lease = workspace.claim(lease_s=10)
    assert lease is not None
    later = SetClock("another boot")
    watcher = Workspace.open(workspace.path, clock=later)
    assert watcher.claim() is None
    later.seconds += 9
    workspace.renew(lease)
    assert watcher.claim() is None
    later.seconds += 9
    assert watcher.claim() is None
    later.seconds += 1
    taken = watcher.claim()
    assert taken is not None and taken.token == lease.token + 1


def test_jobs_are_done_in_order_and_their_ends_are_kept(workspace: Workspace) -> None:
    workspace.enqueue("study", {"n": 1})
    workspace.enqueue("study", {"n": 2})
    for n, end in ((1, "failed"), (2, "done")):
        lease = workspace.claim()
        assert lease is not None and lease.inputs == {"n": n}
        workspace.fail(lease, reason="NaN") if end == "failed" else workspace.finish(lease, {"n": n})
    assert [(j.state, j.reason, j.outputs) for j in workspace.jobs()] == [
        ("failed", "NaN", {}), ("done", "", {"n": 2})
    ]  # fmt: skip


def test_threads_take_turns(workspace: Workspace) -> None:
    def work(name: str) -> None:
        for n in range(5):
            workspace.add_document(f"{name} {n}", title="x")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [d.sequence for d in workspace.documents()] == list(range(1, 16))
    assert workspace.audit().sound


def test_a_document_is_learned_when_it_is_first_live(workspace: Workspace, clock: SetClock) -> None:
    document = workspace.add_document("One.", title="x")
    made = version(workspace, [document.id])
    assert workspace.document(document.id).learned_at is None
    clock.time = "2030-01-01T00:00:00+00:00"
    workspace.move_alias(LIVE, made.id, reason="")
    assert workspace.document(document.id).learned_at == clock.time


@pytest.mark.parametrize(
    "change, words",
    [
        (
            "UPDATE aliases SET version_id = (SELECT id FROM versions WHERE sequence = 1)",
            "alias 'live'",
        ),
        ("UPDATE versions SET state = 'live-once' WHERE sequence = 3", "while the ledger tells of held"),
        ("UPDATE versions SET settings = '{\"x\":1}' WHERE sequence = 1", "its row does not give its id"),
        ("UPDATE version_builds SET object = (SELECT object FROM builds LIMIT 1)", "does not give its id"),
        ("UPDATE builds SET seed = 7 WHERE key = (SELECT key FROM builds LIMIT 1)", "does not give its key"),
        ("UPDATE documents SET text = (SELECT object FROM builds LIMIT 1)", "text is not the one"),
        ("DELETE FROM alias_moves WHERE sequence = (SELECT max(sequence) FROM alias_moves)", "alias 'live'"),
    ],
)
def test_audit_finds_rows_that_were_changed(workspace: Workspace, change: str, words: str) -> None:
    import sqlite3

    learn(workspace, "One.")
    _, second = learn(workspace, "Two.")
    workspace.hold(version(workspace, [], parent=second.id).id, reason="")
    assert workspace.audit().sound
    raw = sqlite3.connect(workspace.path / "workspace.db")
    raw.execute(change)
    raw.commit()
    raw.close()
    found = workspace.audit()
    assert not found.sound and any(words in problem for problem in found.problems), found


def test_audit_finds_a_damaged_object_and_the_live_version_stays(workspace: Workspace) -> None:
    document, made = learn(workspace, "One.")
    path = next((workspace.path / "store").glob(f"{document.id[:2]}/*"))
    path.chmod(0o644)
    path.write_bytes(b"Two.")
    with pytest.raises(DamageError, match="is damaged"):
        workspace.text(document.id)
    assert any("is damaged" in problem for problem in workspace.audit().problems)
    assert live(Workspace.open(workspace.path)) == made.id


def test_the_ledger_says_who_what_when_why_and_with_which_code(workspace: Workspace) -> None:
    _, made = learn(workspace, "One.")
    moved = workspace.ledger()[-1]
    assert (moved.action, moved.actor, moved.reason) == ("alias.move", workspace.actor, "learned")
    assert moved.inputs == {"name": "live", "before": None} and moved.outputs == {"after": made.id}
    assert {"seal", "code", "python", "sqlalchemy", "sqlite"} <= set(moved.software)
    json.dumps(moved.software)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_read(workspace: Workspace) -> None:
    _, made = learn(workspace, "One.")
    places = [workspace.path, *workspace.path.rglob("*")]
    modes = {place: place.stat().st_mode for place in places}
    try:
        for place in reversed(places):
            place.chmod(0o500 if place.is_dir() else 0o400)
        opened = Workspace.open(workspace.path)
        assert live(opened) == made.id and opened.audit().sound
        for act in (
            lambda: opened.add_document("Two.", title="x"),
            lambda: opened.add_version(base="tiny", builds=[], parent=made.id),
            lambda: opened.store.put_bytes(b"x"),
        ):
            with pytest.raises(OutputError, match="cannot be written"):
                act()
        with pytest.raises(OutputError):
            Workspace.init(workspace.path / "inner")
    finally:
        for place in places:
            place.chmod(modes[place])
    assert live(Workspace.open(workspace.path)) == made.id
