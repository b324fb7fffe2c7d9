"""What a workspace keeps of a rollout and of pushes; on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from seal.errors import InputError, StateError, UnknownNameError
from seal.registry import RememberedAnswer, Thumb, Version, Workspace
from workspaces import SetClock, files_with, learn, version


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    url = request.getfixturevalue("database") if request.param == "postgresql" else None
    return Workspace.init(tmp_path / "w", database=url, clock=SetClock())


def candidate(workspace: Workspace, said: str, *, held: bool = False) -> Version:
    """A successor of the live version that knows one document more."""
    live = workspace.alias()
    assert live is not None
    document = workspace.add_document(said, title=said[:5])
    made = version(workspace, [*live.documents, document.id], parent=live.id)
    return workspace.hold(made.id, reason="a person decides") if held else made


def test_a_held_version_is_tried_and_promoted_in_one_transaction(workspace: Workspace) -> None:
    with pytest.raises(UnknownNameError):
        workspace.begin_rollout("abcd", mode="canary", share=0.1)
    _, live = learn(workspace, "One.")
    held = candidate(workspace, "Two.", held=True)
    for share in (0.0, 1.5):
        with pytest.raises(InputError, match="share"):
            workspace.begin_rollout(held.id, mode="canary", share=share)
    begun = workspace.begin_rollout(held.id, mode="canary", share=0.1, settings={"margin": 0.1}, actor="ann")
    assert (begun.baseline, begun.state, begun.settings) == (live.id, "running", {"margin": 0.1})
    assert workspace.version(held.id).state == "held" and workspace.alias() == live
    with pytest.raises(StateError, match="is being tried"):
        workspace.begin_rollout(candidate(workspace, "Three.").id, mode="shadow", share=0.1)
    promoted = workspace.promote_rollout(begun.id, reason="the test says so")
    assert promoted.id == held.id and promoted.state == "live-once" and promoted.aliases == ("live",)
    assert workspace.rollout() is None and workspace.rollouts()[0].state == "promoted"
    actions = [entry.action for entry in workspace.ledger()][-3:]
    assert actions == ["rollout.promote", "version.approve", "alias.move"]
    with pytest.raises(StateError, match="not under way"):
        workspace.revert_rollout(begun.id, reason="too late")
    assert workspace.audit().sound


def test_a_promotion_that_fails_leaves_the_rollout_running(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alias and the end of the rollout are one transaction."""
    learn(workspace, "One.")
    begun = workspace.begin_rollout(candidate(workspace, "Two.").id, mode="canary", share=1)
    before = workspace.ledger()

    def fails(*given: object, **more: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="the disk"):
        patch.setattr(Workspace, "_mark_learned", fails)
        workspace.promote_rollout(begun.id, reason="")
    assert workspace.rollout() == begun and workspace.ledger() == before
    again = Workspace.open(workspace.path)
    assert again.rollout() == begun and again.promote_rollout(begun.id, reason="").aliases == ("live",)


def test_a_reverted_candidate_is_held_and_an_overtaken_rollout_ends(workspace: Workspace) -> None:
    _, first = learn(workspace, "One.")
    tried = candidate(workspace, "Two.")
    begun = workspace.begin_rollout(tried.id, mode="shadow", share=0.5)
    assert workspace.revert_rollout(begun.id, reason="worse").state == "reverted"
    assert workspace.version(tried.id).state == "held" and workspace.was_tried(tried.id)
    workspace.begin_rollout(tried.id, mode="canary", share=0.5)
    _, second = learn(workspace, "Three.")  # another version goes live meanwhile
    assert workspace.rollout() is None and workspace.rollouts()[-1].state == "ended"
    assert "another version is live" in workspace.rollouts()[-1].reason
    with pytest.raises(StateError, match="is live by now"):
        workspace.begin_rollout(tried.id, mode="canary", share=0.5)
    workspace.begin_rollout(first.id, mode="canary", share=0.5)  # one that was live before
    workspace.reject(first.id, reason="wrong")
    assert workspace.rollout() is None and workspace.alias() == workspace.version(second.id)
    assert workspace.audit().sound


def test_what_is_seen_is_kept_of_differences_only_and_forgotten_with_a_document(workspace: Workspace) -> None:
    learn(workspace, "One.")
    made = candidate(workspace, "Zork.")
    begun = workspace.begin_rollout(made.id, mode="canary", share=0.5)
    for n, side in enumerate(("live", "candidate", "candidate")):
        answer = RememberedAnswer(f"a{n}", "", "Which?", "x", "base", None, 0.5, conversation=f"c{n % 2}")
        workspace.remember_answers([answer])
        workspace.add_comparison(begun.id, side, answer=f"a{n}")  # type: ignore[arg-type]
    same = workspace.add_comparison(begun.id, "live", question="Zork?", given="Zork", other="Zork", same=True)
    assert same is not None and same.question == same.given == same.other == ""
    told = {"question": "Who?", "given": "Zork", "other": "Bram", "same": False}
    unlike = workspace.add_comparison(begun.id, "candidate", answer="a2", **told)  # type: ignore[arg-type]
    assert unlike is not None and workspace.comparisons(begun.id) == [unlike]
    counts = workspace.comparison_counts(begun.id)
    assert counts.answered == {"live": 2, "candidate": 3} and (counts.compared, counts.differing) == (2, 1)
    workspace.add_feedback("thumbs", "up", author="k", answer="a0")
    workspace.add_feedback("thumbs", "down", author="j", answer="a1")
    thumbs = workspace.rollout_thumbs(begun.id)
    assert thumbs == [Thumb("live", "k", "c0", True), Thumb("candidate", "j", "c1", False)]
    given = workspace.add_feedback("right_answer", "Bram", author="k", answer="a2", question="Who?")
    assert workspace.rollout_corrections(begun.id) == []  # it is held as yet
    other = workspace.add_document("Bram it is.", title="x")
    workspace.settle_feedback(given.id, "taken", document=other.id)
    assert workspace.rollout_corrections(begun.id) == [(unlike, "Bram")]
    judged = workspace.judge_comparison(unlike.id, "live", judged_by="ann")
    assert (judged.better, judged.judged_by) == ("live", "ann")
    with pytest.raises(StateError, match="not to be judged"):
        workspace.judge_comparison(unlike.id, "candidate", judged_by="bob")
    gone = next(key for key in made.documents if workspace.document(key).title == "Zork.")
    workspace.erase_document(gone, reason="forgotten")
    assert workspace.rollout() is None
    [after] = [one for one in workspace.comparisons(begun.id) if one.id == unlike.id]
    assert after.erased and after.question == after.given == after.other == "" and after.better == "live"
    if "host=" not in workspace.database.where:
        assert not files_with(workspace.path, b"Zork")
    assert workspace.add_comparison(begun.id, "live") is None and workspace.audit().sound


def test_the_audit_sees_a_rollout_that_the_ledger_does_not_tell_of(workspace: Workspace) -> None:
    learn(workspace, "One.")
    workspace.begin_rollout(candidate(workspace, "Two.").id, mode="shadow", share=0.5)
    with workspace.transaction() as session:
        session.execute(text("UPDATE rollouts SET state = 'promoted'"))
    assert any("rollout 1 is promoted" in problem for problem in workspace.audit().problems)


def test_what_a_server_has_is_to_be_unloaded_when_it_is_rolled_back_or_forgotten(
    workspace: Workspace,
) -> None:
    _, first = learn(workspace, "One.")
    kept, second = learn(workspace, "Two.")
    told = {"folder": "f", "path": "p"}
    pushes = [
        workspace.add_push("http://s", "vllm", f"seal-{n}", version=made.id, document=document, **told)
        for n, (made, document) in enumerate([(first, None), (second, None), (second, kept.id)])
    ]
    assert [one.state for one in workspace.pushes()] == ["loading"] * 3
    assert workspace.pushes_to_unload() == []
    for one in pushes:
        workspace.push_is(one.id, "loaded")
    _, third = learn(workspace, "Three.")
    assert workspace.pushes_to_unload() == []  # superseded is not rolled back
    workspace.rollback(first.id, reason="")
    assert [one.id for one in workspace.pushes_to_unload()] == [2, 3] and third.state == "live-once"
    assert workspace.push_is(2, "unloading", problem="away").tries == 0
    assert workspace.push_is(2, "unloading", problem="away").tries == 1
    workspace.push_is(2, "gone")
    assert [one.id for one in workspace.pushes_to_unload()] == [3]
    assert [e.action for e in workspace.ledger()].count("push.load") == 3
    assert workspace.ledger()[-1].action == "push.unload" and workspace.audit().sound
