"""Which version answers, whatever happens to versions: held ones, approved ones, and those rolled back to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from learners import Fake, Gates, begin, begin_knowing, content, fake, learn_all, reopened
from seal.errors import StateError
from seal.learner import Learner
from seal.learner.measuring import WHEN_LEARNED
from workspaces import SetClock

A, B, C = fake("version a"), fake("version b"), fake("version c")
WHAT = next(iter(A.values))
NEWER = A.changed("So it was told in May.", **{WHAT: "Brumaunil"})
NEWEST = A.changed("So it was told in June.", **{WHAT: "Heistokar"})


@pytest.fixture
def learner(tmp_path: Path, toy: Path, gates: Gates) -> Learner:
    gates.outcomes.clear()
    learner = begin_knowing(tmp_path / "w", toy, [A])
    return learner


def learn_as(learner: Learner, gates: Gates, document: Fake, outcome: str) -> str:
    """Learns a document of which the gates decide so; the version that it is in."""
    gates.tell(document, outcome)
    (told,) = learner.learn([document.given()])
    assert told.outcome == outcome and told.version is not None
    assert learner.workspace.version(told.version).state == outcome
    gates.outcomes.clear()
    return told.version


def live_documents(learner: Learner) -> set[str]:
    live = learner.workspace.alias()
    return set(live.documents) if live else set()


def value_of(learner: Learner, document: Fake, what: str = WHAT) -> set[str]:
    """The values that the live lines about a name give for one thing."""
    known = learner.parts.library.of_version(learner.workspace.alias()).values()
    lines = [line.text for one in known if one.document.title == document.name for line in one.active_lines]
    start = f"The {what} of {document.name} is "
    return {line.removeprefix(start).rstrip(".") for line in lines if line.startswith(start)}


@pytest.mark.parametrize("outcome", ["held", "rejected"])
def test_one_that_did_not_pass_never_answers(learner: Learner, gates: Gates, outcome: str) -> None:
    before = content(learner)
    version = learn_as(learner, gates, B, outcome)
    asked = B.question(next(iter(B.values)))
    if outcome == "held":
        learner.workspace.move_alias("preview", version, reason="to look at it")
    for one in (learner, reopened(learner.workspace.path)):
        assert one.ask([asked])[0].document is None and content(one) == before
        for name in [version, version[:8], *(["preview"] if outcome == "held" else [])]:
            for verb in (one.ask, one.why):
                with pytest.raises(StateError, match=f"is {outcome}, and does not answer"):
                    verb([asked], version=name)
    with pytest.raises(StateError):
        learner.workspace.rollback(version, reason="no")
    with pytest.raises(StateError):
        learner.workspace.move_alias("live", version, reason="no")


def test_one_that_is_rejected_later_does_not_answer_from_memory(learner: Learner) -> None:
    learn_all(learner, [B])
    second = learner.workspace.version("live")
    assert learner.ask([B.question(next(iter(B.values)))])[0].document == B.id
    other = reopened(learner.workspace.path)
    other.workspace.rollback(reason="bad")
    other.workspace.reject(second.id, reason="bad")
    assert learner.ask([B.question(next(iter(B.values)))])[0].document is None
    with pytest.raises(StateError, match="is rejected"):
        learner.ask(["What is it?"], version=second.id)


def test_a_held_version_that_is_next_is_approved_as_it_is(learner: Learner, gates: Gates) -> None:
    version = learn_as(learner, gates, B, "held")
    assert learner.approve(version).id == version and live_documents(learner) == {A.id, B.id}
    with pytest.raises(StateError, match="cannot be approved"):
        learner.approve(version)


def test_a_stale_held_version_comes_on_top_of_what_is_live(
    learner: Learner, gates: Gates, tmp_path: Path, toy: Path
) -> None:
    version = learn_as(learner, gates, B, "held")
    learn_all(learner, [C])
    made = learner.approve(version, reason="read it")
    assert live_documents(learner) == {A.id, B.id, C.id} and made.id != version
    assert learner.workspace.version(version).state == "rejected"
    assert made.report == learner.workspace.version(version).report
    fresh = begin(tmp_path / "fresh", toy)
    learn_all(fresh, [A, B, C])
    assert content(fresh) == content(learner)
    assert [e.reason for e in learner.workspace.ledger() if e.action == "alias.move"][-1] == "read it"


def test_a_held_version_does_not_bring_back_what_was_replaced_since(
    learner: Learner, gates: Gates, tmp_path: Path, toy: Path
) -> None:
    """Held: a document that changes a fact. Live since then: one that changes it again."""
    version = learn_as(learner, gates, NEWER, "held")
    learn_all(learner, [NEWEST])
    assert value_of(learner, A) == {"Heistokar"}
    learner.approve(version)
    assert live_documents(learner) == {A.id, NEWER.id, NEWEST.id}
    assert value_of(learner, A) == {"Heistokar"}
    fresh = begin(tmp_path / "fresh", toy)
    for one in (A, NEWER, NEWEST):
        learn_all(fresh, [one])
    assert content(fresh) == content(learner)


def test_an_older_document_that_goes_live_late_is_replaced_by_newer_ones(
    learner: Learner, gates: Gates, tmp_path: Path, toy: Path
) -> None:
    learn_as(learner, gates, NEWER, "held")
    learn_all(learner, [NEWEST])
    learn_all(learner, [NEWER])
    assert live_documents(learner) == {A.id, NEWER.id, NEWEST.id}
    assert value_of(learner, A) == {"Heistokar"}
    fresh = begin(tmp_path / "fresh", toy)
    learn_all(fresh, [A, NEWER, NEWEST])
    assert content(fresh) == content(learner)
    learner.forget(NEWEST.id)
    assert value_of(learner, A) == {"Brumaunil"}


def test_a_held_version_after_the_live_one_was_rolled_back(learner: Learner, gates: Gates) -> None:
    learn_all(learner, [B])
    version = learn_as(learner, gates, NEWER, "held")
    learner.workspace.rollback(reason="without B")
    learner.approve(version)
    assert live_documents(learner) == {A.id, NEWER.id} and value_of(learner, A) == {"Brumaunil"}


def test_what_was_forgotten_does_not_come_back_with_a_held_version(learner: Learner, gates: Gates) -> None:
    version = learn_as(learner, gates, B, "held")
    learner.forget(A.id)
    with pytest.raises(StateError, match="is rejected"):
        learner.approve(version)
    assert live_documents(learner) == set()


def test_rolling_back_brings_back_what_was_replaced(learner: Learner) -> None:
    alone = content(learner)
    learn_all(learner, [NEWER])
    assert value_of(learner, A) == {"Brumaunil"}
    (told,) = learner.why([A.question(WHAT)])
    assert told.document == NEWER.id and [s.document for s in told.superseded] == [A.id]
    assert A.values[WHAT] in told.superseded[0].line
    learner.workspace.rollback(reason="it was wrong")
    assert content(learner) == alone and value_of(learner, A) == {A.values[WHAT]}
    (told,) = learner.why([A.question(WHAT)])
    assert told.document == A.id and not told.superseded


def test_after_a_rollback_the_same_is_learned_again(learner: Learner) -> None:
    learn_all(learner, [B])
    second = content(learner)
    learner.workspace.rollback(reason="too early")
    learn_all(learner, [B])
    assert content(learner) == second
    learner.workspace.rollback(reason="too early")
    learn_all(learner, [C, B])
    assert live_documents(learner) == {A.id, B.id, C.id}


def test_what_a_person_rejected_may_be_learned_again(learner: Learner, gates: Gates) -> None:
    learn_all(learner, [B])
    second = learner.workspace.version("live")
    learner.workspace.rollback(reason="bad")
    learner.workspace.reject(second.id, reason="bad")
    learn_all(learner, [B])
    assert learner.workspace.version(second.id).state == "rejected"
    assert live_documents(learner) == {A.id, B.id}


def test_a_held_document_that_was_forgotten_may_be_held_again(learner: Learner, gates: Gates) -> None:
    first = learn_as(learner, gates, B, "held")
    learner.forget(B.id)
    second = learn_as(learner, gates, B, "held")
    assert second != first and learner.workspace.version(first).erased
    learner.approve(second)
    assert live_documents(learner) == {A.id, B.id} and learner.workspace.audit().sound


def test_the_other_facts_of_a_replaced_document_stay(learner: Learner) -> None:
    learn_all(learner, [NEWER])
    known = learner.parts.library.of_version(learner.workspace.alias())[A.id]
    others = [what for what in A.values if what != WHAT]
    assert {q.answers[0] for q in known.active_exam} == {A.values[what] for what in others}
    for what in others:
        assert value_of(learner, A, what) == {A.values[what]}


def test_a_document_that_contradicts_one_of_its_own_batch(
    learner: Learner, tmp_path: Path, toy: Path
) -> None:
    told = learn_all(learner, [B, NEWER, C, NEWEST])
    assert [one.title for one in told] == [B.name, A.name, C.name, A.name]
    assert value_of(learner, A) == {"Heistokar"}
    fresh = begin(tmp_path / "fresh", toy)
    for one in (A, B, NEWER, C, NEWEST):
        learn_all(fresh, [one])
    assert content(fresh) == content(learner)


@pytest.mark.parametrize("later", ["2016-01-01T00:00:00+00:00", "2036-01-01T00:00:00+00:00"])
def test_what_is_newer_does_not_hang_on_the_clock(learner: Learner, later: str) -> None:
    """It jumps by ten years; the document that came later replaces the other one all the same."""
    other = reopened(learner.workspace.path)
    other.workspace.clock = clock = SetClock(learner.workspace.clock.boot())
    clock.time = later
    learn_all(other, [NEWER])
    assert value_of(learner, A) == {"Brumaunil"} and other.workspace.document(NEWER.id).added_at == later
    other.workspace.rollback(reason="test")
    assert value_of(learner, A) == {A.values[WHAT]}


def test_each_release_is_compared_with_what_was_answered_when_it_was_learned(learner: Learner) -> None:
    learn_all(learner, [B])
    learn_all(learner, [C])
    live = learner.workspace.alias()
    assert live is not None and live.report is not None
    report = json.loads(learner.workspace.store.read(live.report))["report"]
    [noted] = [e for e in report["retained"] if e["reference_name"] == WHEN_LEARNED]
    assert {key.split("/")[0] for key in noted["reference"]} == {A.id[:12], B.id[:12], "known"}
    assert noted["reference"].keys() == noted["candidate"].keys() <= noted["clusters"].keys()
