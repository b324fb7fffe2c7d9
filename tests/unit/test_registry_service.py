"""What a workspace keeps for a service: keys, answers, feedback, the brake, jobs that are cancelled or
asked for twice, addresses to be told; on SQLite and on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from seal.errors import InputError, StaleLeaseError, StateError, UnknownNameError
from seal.registry import LIVE, RememberedAnswer, Workspace
from seal.registry.database import server_url
from workspaces import SetClock, files_with, learn, version


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    url = request.getfixturevalue("database") if request.param == "postgresql" else None
    return Workspace.init(tmp_path / "w", database=url, clock=SetClock())


@pytest.fixture
def holds(workspace: Workspace, request: pytest.FixtureRequest) -> Callable[[str], bool]:
    """Whether a word is anywhere in a workspace: in its files, or in the tables on the server."""
    database = request.getfixturevalue("database") if "host=" in workspace.database.where else None

    def search(word: str) -> bool:
        if files_with(workspace.path, word.encode()):
            return True
        if database is None:
            return False
        engine = create_engine(server_url(database))
        with engine.connect() as connection:
            names = inspect(connection).get_table_names()
            rows = [tuple(row) for n in names for row in connection.execute(text(f"SELECT * FROM {n}"))]
        engine.dispose()
        return word in repr(rows)

    return search


def given(workspace: Workspace, name: str, **more: object) -> RememberedAnswer:
    told = {
        "id": name, "at": "", "question": "Which?", "text": "That.", "way": "weights", "version": None,
        "probability": 0.5,
    }  # fmt: skip
    one = RememberedAnswer(**(told | more))  # type: ignore[arg-type]
    workspace.remember_answers([one])
    return workspace.answer(name)


def test_a_key_from_its_making_to_its_end(workspace: Workspace) -> None:
    made = workspace.add_key(
        "k1", "$hash$", name="ann", roles=["teach", "ask"], trust=0.5, expires_at="2026-02"
    )
    assert made.roles == ("ask", "teach") and workspace.key_hash("k1") == (made, "$hash$")
    assert made.valid_at("2026-01-31") and not made.valid_at("2026-02-01")
    with pytest.raises(StateError, match="named 'ann' is in use"):
        workspace.add_key("k2", "$hash$", name="ann", roles=["ask"])
    with pytest.raises(InputError, match="no role"):
        workspace.add_key("k2", "$hash$", name="bob", roles=[])
    n = len(workspace.ledger())
    workspace.key_used("k1")
    assert workspace.key("ann").used_on == "2026-01-01" and len(workspace.ledger()) == n
    assert workspace.revoke_key("ann", reason="lost").revoked_at is not None
    assert not workspace.key("k1").valid_at("2026-01-01")
    assert workspace.add_key("k2", "$other$", name="ann", roles=["ask"]).id == workspace.key("ann").id == "k2"
    actions = [entry.action for entry in workspace.ledger()]
    assert actions == ["workspace.init", "key.add", "key.revoke", "key.add"]
    assert "hash$" not in repr(workspace.ledger()) and workspace.key_hash("k3") is None
    assert workspace.audit().sound


def test_forgetting_takes_the_words_out_of_answers_and_feedback(
    workspace: Workspace, holds: Callable[[str], bool]
) -> None:
    """Of those that the document gave or may have given, and of what was said of them; of no others."""
    kept, _ = learn(workspace, "Kept text.")
    gone, _ = learn(workspace, "Gone text.")
    given(
        workspace,
        "a1",
        source=gone.id,
        question="Zork asked",
        text="Zork",
        passage="Zork read",
        conversation="c",
    )
    given(workspace, "a2", source=kept.id, documents=(kept.id, gone.id), text="Zork beside")
    given(workspace, "a3", text="Zork guessed")
    given(workspace, "a4", source=kept.id, question="Kept?", text="Stays.")
    said = workspace.add_feedback("comment", "Zork it is", author="k", answer="a1")
    right = workspace.add_feedback("right_answer", "Zork", author="k", answer="a3", question="Zork?")
    assert (said.state, right.state) == ("noted", "held")
    taken = workspace.settle_feedback(right.id, "taken", document=gone.id)
    stays = workspace.add_feedback("thumbs", "up", author="k", answer="a4")
    assert taken.document == gone.id and holds("Zork")
    live = workspace.alias()
    assert live is not None
    workspace.rollback(reason="to forget")
    workspace.erase_document(gone.id, reason="forgotten")
    assert not holds("Zork")
    assert [workspace.answer(name).erased for name in ("a1", "a2", "a3", "a4")] == [True, True, True, False]
    assert workspace.feedback(said.id).erased and workspace.feedback(right.id).erased
    assert workspace.feedback(stays.id) == stays and workspace.answer("a4").text == "Stays."
    assert [one.id for one in workspace.answers()] == ["a4"]
    assert workspace.ledger()[-1].outputs["answers"] == 3 and workspace.ledger()[-1].outputs["feedback"] == 2
    with pytest.raises(StateError, match="was erased"):
        workspace.add_feedback("thumbs", "down", author="k", answer="a1")
    late = given(workspace, "a5", source=gone.id, question="Zork again", text="Zork")
    assert late.erased and not holds("Zork") and workspace.audit().sound


@pytest.mark.slow
def test_more_answers_than_a_statement_has_values(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path / "w")
    gone, _ = learn(workspace, "Gone text.")
    one = RememberedAnswer("", "", "Zork?", "Zork", "reading", None, 0.5, documents=(gone.id,))
    workspace.remember_answers([replace(one, id=f"a{n}") for n in range(40_000)])
    workspace.add_feedback("comment", "Zork", author="k", answer="a39999")
    live = workspace.alias()
    assert live is not None
    empty = version(workspace, [], parent=live.id)
    workspace.move_alias(LIVE, empty.id, reason="to forget")
    workspace.erase_document(gone.id, reason="forgotten")
    assert workspace.ledger()[-1].outputs["answers"] == 40_000
    assert files_with(workspace.path, b"Zork") == [] and workspace.answers() == []


def test_what_feedback_may_say(workspace: Workspace) -> None:
    given(workspace, "a1")
    with pytest.raises(InputError, match="up or down"):
        workspace.add_feedback("thumbs", "sideways", author="k", answer="a1")
    with pytest.raises(InputError, match="what the feedback is about"):
        workspace.add_feedback("comment", "fine", author="k")
    with pytest.raises(UnknownNameError):
        workspace.add_feedback("comment", "fine", author="k", answer="a2")
    held = workspace.add_feedback("demonstration", "Like this.", author="k", question="How?")
    assert workspace.all_feedback(state="held") == [held]
    refused = workspace.settle_feedback(held.id, "refused", reason="wrong")
    assert workspace.all_feedback(state="held") == [] and refused.reason == "wrong"
    with pytest.raises(StateError, match="is refused"):
        workspace.settle_feedback(held.id, "taken", document="x")
    assert workspace.drop_answers("2027-01-01") == 1  # nothing was said of it


def test_the_brake(workspace: Workspace) -> None:
    """A study under way can no longer be committed; forgetting goes on; afterwards the study is done."""
    study = workspace.enqueue("study", {"documents": []})
    lease = workspace.claim()
    assert lease is not None and lease.job == study.id
    brake = workspace.pull_brake(reason="stop", actor="ann")
    assert workspace.pull_brake(reason="again", actor="bob") == brake == workspace.brake()
    with pytest.raises(StaleLeaseError), workspace.transaction(lease=lease):
        workspace.finish(lease, {})
    assert workspace.claim() is None
    forget = workspace.enqueue("forget", {"forget": "x"})
    other = workspace.claim()
    assert other is not None and other.job == forget.id
    workspace.finish(other, {})
    assert workspace.claim() is None
    workspace.release_brake()
    again = workspace.claim()
    assert again is not None and (again.job, again.attempt) == (study.id, 1) and workspace.brake() is None


def test_a_cancelled_job_commits_nothing(workspace: Workspace) -> None:
    first, second = (workspace.enqueue("study", {"documents": [name]}) for name in "ab")
    lease = workspace.claim()
    assert lease is not None
    workspace.tell_job(first.id, "writing")
    workspace.tell_job(first.id, "training")
    assert [e.message for e in workspace.job_events(first.id, after=1)] == ["training"]
    assert workspace.cancel(first.id, actor="ann").cancelled and workspace.cancel(second.id).cancelled
    with pytest.raises(StaleLeaseError):
        workspace.finish(lease, {})
    with pytest.raises(StateError, match="has ended"):
        workspace.cancel(first.id)
    assert workspace.claim() is None


def test_a_request_that_is_repeated(workspace: Workspace) -> None:
    first = workspace.enqueue("study", {"documents": ["a"]}, request="k/1")
    assert workspace.enqueue("study", {"documents": ["a"]}, request="k/1") == first
    assert workspace.job_of_request("k/1") == first and len(workspace.jobs()) == 1
    with pytest.raises(StateError, match="made before"):
        workspace.enqueue("study", {"documents": ["b"]}, request="k/1")
    assert workspace.enqueue("study", {"documents": ["a"]}).id == 2


def test_a_webhook_is_told_from_where_it_was(workspace: Workspace) -> None:
    hook = workspace.add_webhook("https://example.org/x", "whsec_x")
    assert hook.told == 1 and "whsec_x" not in repr(workspace.ledger()) + repr(hook)
    assert workspace.webhook_failed(hook.id) == 1 and workspace.webhook_failed(hook.id) == 2
    workspace.webhook_told(hook.id, 2)
    assert [(one.told, one.failures) for one in workspace.webhooks()] == [(2, 0)]
    workspace.drop_webhook(hook.id)
    assert workspace.webhooks() == []
    with pytest.raises(UnknownNameError):
        workspace.drop_webhook(hook.id)
