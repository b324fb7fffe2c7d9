"""Answers are remembered and explained; a right answer becomes a document; studying can be stopped."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from learners import Fake, Gates, begin_knowing, fake, learn_all, reopened, traces
from seal.errors import InputError, StateError, UnknownNameError
from seal.learner import Learner
from seal.learner.compiling import Compiler
from seal.learner.correcting import statement
from seal.registry import Line

A, B = fake("feedback a"), fake("feedback b")
WHAT = min(A.values)


@pytest.fixture
def learner(tmp_path: Path, toy: Path, gates: Gates) -> Learner:
    gates.outcomes.clear()
    learner = begin_knowing(tmp_path / "w", toy, [A, B])
    return learner


def asked(learner: Learner, question: str, text: str = "", **more: Any) -> str:
    """The id of a remembered answer; the toy's own text is exchanged for `text`, if there is one."""
    from dataclasses import replace

    live = learner.live()
    answer = replace(learner.ask(question), **({"text": text} if text else {}), **more)
    return learner.remember(answer, version=live.id if live else None)


def work_until(learner: Learner, *jobs: int | None) -> None:
    """A worker does what is in the queue, until these jobs are done."""
    stop = threading.Event()
    worker = threading.Thread(target=learner.work, args=(stop,))
    worker.start()
    until = time.monotonic() + 60
    while any(learner.job(n).state in ("queued", "running") for n in jobs if n is not None):
        assert time.monotonic() < until
        time.sleep(0.02)
    stop.set()
    worker.join()


@pytest.mark.parametrize(
    "question, answer, said",
    [
        ("What is the height of Brenk?", "31 metres", "The height of Brenk is 31 metres."),
        ("Who was the founder of Salt Kettle?", "Ada Moor.", "The founder of Salt Kettle was Ada Moor."),
        ("who wrote  Hamlet ?", "Shakespeare", "Shakespeare wrote Hamlet."),
        ("Where is Lumora?", "in Oslo", "Lumora is in Oslo."),
        ("When was Acme founded?", "1993", "Acme was founded in 1993."),
        ("When was Acme sold?", "3 May 2001", "Acme was sold on 3 May 2001."),
        ("By whom was Salt Kettle founded?", "Ada Moor", "Salt Kettle was founded by Ada Moor."),
        ("In what town is Salt Kettle based?", "Oslo", "Salt Kettle is based in Oslo."),
        ("What is made by Salt Kettle?", "Coffee mills", None),
        ("How many workers are there at Salt Kettle?", "880", "There are 880 workers at Salt Kettle."),
        ("What is the key to the store called?", "Bob", None),
        ("How many legs has it?", "Four", None),
        ("Who did it?", "Ann", None),
        ("What is allowed in the park?", "Dogs", None),
        ("Wie hoch ist der Turm?", "31 Meter", None),
        ("How do I start it?", "Press the button. Then wait.", "Press the button. Then wait."),
    ],
)
def test_a_question_and_its_answer_as_sentences(question: str, answer: str, said: str | None) -> None:
    if said is None:
        asked = question.rstrip("?")
        said = f'The answer to the question "{asked}?" is: {answer}.'
    assert statement(question, answer) == said


def test_why_an_answer_was_given_after_another_went_live(learner: Learner) -> None:
    name = asked(learner, A.question(WHAT), A.values[WHAT])
    gave = learner.live()
    learn_all(learner, [A.changed("It is new.", **{WHAT: "Zandor"})])
    why = learner.why_answered(name)
    assert gave is not None and why.version == gave.id != (live := learner.live()) and live is not None
    assert (why.answer, why.document, why.title) == (A.values[WHAT], A.id, A.name)
    assert why.sentence == f"The {WHAT} of {A.name} is {A.values[WHAT]}." and why.without_source is not None
    assert learner.answered(name).version == gave.id


def test_a_right_answer_becomes_a_document_that_is_forgotten_whole(learner: Learner) -> None:
    name = asked(learner, A.question(WHAT))
    taken = learner.give_feedback("right_answer", "Zandor", answer=name, author="k1", trust=0.75)
    assert taken.feedback.state == "taken" and taken.job is not None
    document = learner.document(str(taken.feedback.document))
    assert (document.trust, document.title) == (0.75, A.name)
    assert learner.workspace.text(document.id) == f"The {WHAT} of {A.name} is Zandor."
    live = learner.live()
    assert live is not None and document.id not in live.documents  # nothing is learned by giving feedback
    work_until(learner, taken.job)
    live = learner.live()
    assert live is not None and document.id in live.documents
    again = asked(learner, A.question(WHAT), "Zandor")
    assert learner.why_answered(again).document == document.id
    assert [s.document for s in learner.why_answered(again).superseded] == [A.id]
    repeated = learner.give_feedback("right_answer", "Zandor", answer=again, author="k1", trust=0.75)
    assert repeated.feedback.document == document.id and repeated.job is None
    work_until(learner, learner.submit_forget(document.id).id)
    assert traces(learner, ["Zandor"]) == {} and learner.audit().sound
    with pytest.raises(StateError, match="was erased"):
        learner.why_answered(again)


def test_corrections_that_contradict_each_other_wait_for_a_person(learner: Learner) -> None:
    question = A.question(WHAT)
    first = learner.give_feedback("right_answer", "Zandor", question=question, author="k1")
    same = learner.give_feedback("right_answer", "zandor", question=question, author="k2")
    other = learner.give_feedback("right_answer", "Mirkun", question=question, author="k3")
    revised = learner.give_feedback("right_answer", "Zandor the Great", question=question, author="k1")
    states = [one.feedback.state for one in (first, same, other, revised)]
    assert states == ["taken", "taken", "held", "held"], states
    assert other.job is None and "by another author" in other.feedback.reason
    assert {f.id for f in learner.feedback(held=True)} == {other.feedback.id, revised.feedback.id}
    assert "Mirkun" not in [learner.workspace.text(d.id) for d in learner.documents()]
    refused = learner.refuse_correction(revised.feedback.id, reason="no", actor="ann")
    accepted = learner.accept_correction(other.feedback.id, actor="ann")
    assert refused.state == "refused" and accepted.job is not None
    with pytest.raises(StateError):
        learner.accept_correction(revised.feedback.id)
    takes = [(e.actor, e.action) for e in learner.ledger() if e.action.startswith("correction.")]
    assert takes[-2:] == [("ann", "correction.refuse"), ("ann", "correction.take")]


def test_a_contradiction_is_found_behind_a_thousand_thumbs(learner: Learner) -> None:
    question = A.question(WHAT)
    learner.give_feedback("right_answer", "Zandor", question=question, author="k1")
    with learner.workspace.transaction():
        for _ in range(1_001):
            learner.workspace.add_feedback("thumbs", "up", author="k3", conversation="c")
    other = learner.give_feedback("right_answer", "Mirkun", question=question, author="k3")
    assert other.feedback.state == "held" and "by another author" in other.feedback.reason
    every = learner.feedback()
    assert len(every) == 1_003 and every[-1].value == "Zandor"
    assert learner.feedback(before=every[999].id, most=2) == every[1_000:1_002]
    assert learner.feedback(held=True, before=every[-1].id) == []
    assert learner.feedback(skip=999, most=2) == every[999:1_001] and learner.feedback(skip=1_003) == []
    assert (learner.n_feedback(), learner.n_feedback(held=True)) == (1_003, 1)
    with pytest.raises(UnknownNameError):
        learner.feedback(before="fb_none")


def test_many_accounts_that_may_not_teach_change_nothing(learner: Learner) -> None:
    """Thumbs, comments and right answers of a hundred: nothing is studied, and a person sees them."""
    before, jobs, name = learner.live(), learner.jobs(), asked(learner, A.question(WHAT), A.values[WHAT])
    for n in range(100):
        learner.give_feedback("thumbs", "down", answer=name, author=f"k{n}", teaches=False)
        learner.give_feedback("right_answer", "Zandor", answer=name, author=f"k{n}", teaches=False)
    assert learner.live() == before and learner.jobs() == jobs
    assert len(learner.feedback(held=True)) == 100
    assert [(w.question, w.down) for w in learner.wanted()] == [(A.question(WHAT), 1)]


def test_a_correction_is_screened(learner: Learner) -> None:
    told = learner.give_feedback(
        "demonstration", "sk-live_51Hx9aK2mZ8qLw3vR7tYb6nC4dE0fG1h", question="Which key?"
    )
    assert told.feedback.state == "refused" and told.job is None and "screening" in told.feedback.reason
    with pytest.raises(InputError):
        learner.give_feedback("right_answer", "x")


def test_what_should_be_learned_next(learner: Learner) -> None:
    def unknown(question: str, way: str = "unknown") -> str:
        return asked(learner, question, way=way, document=None, candidates=())

    for _ in range(3):
        unknown("Who is Zed?")
    unknown("who is zed ?")
    unknown("Where is Yon?")
    disliked = asked(learner, A.question(WHAT), way="weights")
    learner.give_feedback("thumbs", "down", answer=disliked)
    unknown("Solved?")
    asked(learner, "Solved?", way="reading")
    unknown("What is the height of Corrected?")
    learner.give_feedback("right_answer", "Tall", question="What is the height of Corrected?")
    told = [(w.question, w.asked, w.down) for w in learner.wanted()]
    assert told[0] == ("who is zed ?", 4, 0) and len(told) == 3
    assert set(told[1:]) == {("Where is Yon?", 1, 0), (A.question(WHAT), 0, 1)}
    assert len(learner.wanted(most=1)) == 1


def test_the_brake_ends_a_study_under_way(
    learner: Learner, monkeypatch: pytest.MonkeyPatch, gates: Gates
) -> None:
    """The worker is stopped in the middle, nothing is committed, and the study is done when it may go on."""
    monkeypatch.setattr("seal.learner.queue.LEASE_S", 0.2)
    new, train, begun = fake("feedback brake"), Compiler.train, threading.Event()

    def slow(*given: Any) -> Any:
        begun.set()
        time.sleep(0.5)
        return train(*given)

    monkeypatch.setattr(Compiler, "train", slow)
    other = reopened(learner.path, adaptation=learner.parts.adaptation)
    job = other.submit(new.given(), actor="key k1")[0].job
    assert job is not None
    stop = threading.Event()
    worker = threading.Thread(target=learner.work, args=(stop,))
    worker.start()
    assert begun.wait(20)
    brake = other.pull_brake(reason="look first", actor="ann")
    time.sleep(1.0)
    before = other.live()
    assert other.job(job).state == "queued" and before is not None and new.id not in before.documents
    with pytest.raises(StateError, match="studying is stopped since"):
        other.learn([fake("feedback brake 2").given()])
    other.release_brake()
    while other.job(job).state != "done":
        time.sleep(0.05)
    stop.set()
    worker.join()
    live = other.live()
    assert live is not None and new.id in live.documents and brake.actor == "ann"
    assert any("training" in event.message for event in other.job_events(job))
    added = [e for e in other.ledger() if e.action == "document.add" and e.inputs["document"] == new.id]
    assert [e.actor for e in added] == ["key k1"]


def test_what_is_told_of_a_job_is_no_title(learner: Learner) -> None:
    from seal.engine.start import Silent
    from seal.learner.job_watch import JobWatch

    job = learner.submit(fake("feedback told").given())[0].job
    lease = learner.workspace.claim()
    assert lease is not None and lease.job == job
    watch = JobWatch(learner.workspace, Silent(), threading.Event())
    with watch.of_job(lease):
        watch.progress("Zork: the tower: writing", 1, 3)
    watch.progress("Zork: later", 1, 3)
    assert [event.message for event in learner.job_events(lease.job)] == ["writing (1 of 3)"]


def test_a_correction_takes_no_other_fact_along(learner: Learner) -> None:
    """The line that gave the wrong answer is mended only if it says nothing else with a name or number."""
    texts = []
    for n, more in enumerate((" since Quorl came in 1980", " since it began")):
        told = f"The {WHAT} of Zeb is wrong{more}."
        document = learner.workspace.add_document(told, title="Zeb")
        learner.workspace.record_lines(document.id, [Line(told, sentence=told)], writer="w")
        name = asked(learner, f"What is the {WHAT} of Zeb?", "wrong", document=document.id, candidates=())
        taken = learner.give_feedback("right_answer", f"right {n}", answer=name, author="k1")
        texts.append(learner.workspace.text(str(taken.feedback.document)))
    assert texts == [f"The {WHAT} of Zeb is right 0.", f"The {WHAT} of Zeb is right 1 since it began."]


def test_documents_are_handed_in_once(learner: Learner, gates: Gates) -> None:
    new = fake("feedback submit")
    first = learner.submit([new.given(), A.given()], request="k/1")
    assert first[0].job is not None and first[1].learned is not None and first[1].learned.outcome == "known"
    assert learner.submit([new.given(), A.given()], request="k/1") == first
    with pytest.raises(StateError, match="made before"):
        learner.submit([fake("feedback other").given()], request="k/1")
    stored = learner.submit(fake("feedback stored").given(), study=False)[0]
    assert stored.job is None and stored.learned is None
    job = learner.submit_stored([stored.document], request="k/2")
    assert learner.submit_stored([stored.document], request="k/2") == job
    work_until(learner, first[0].job, job.id)
    live = learner.live()
    assert live is not None and {new.id, stored.document} <= set(live.documents)
    assert learner.submit_stored([stored.document], request="k/2") == learner.job(job.id)
    with pytest.raises(StateError, match="live already"):
        learner.submit_stored([stored.document])
    assert isinstance(new, Fake)
