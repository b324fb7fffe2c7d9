"""A version beside the live one, over HTTP: shadow, canary, verdicts, and answers that end as they began."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from learners import CONFIG, Fake, Gates, begin, begin_knowing, fake, reopened
from seal.errors import DamageError
from seal.gates import Decision
from seal.gates.finding import Finding
from seal.learner import Learner
from seal.registry import Version
from seal.service.access.making import make_key
from seal.service.access.roles import Role
from seal.service.hosting import Hosting, Tenant
from seal.service.releasing import share_of
from seal.service.settings import AccessSettings, ServiceSettings
from services import RunningService, running

pytestmark = pytest.mark.slow

KNOWN, NEW = fake("release known"), fake("release new")
FREE = ServiceSettings(access=AccessSettings(key_rate="", tenant_rate="", write_rate=""))


@dataclass
class Released:
    """A service whose live version knows KNOWN, and a held one that knows NEW too."""

    service: RunningService
    client: httpx.Client
    learner: Learner
    live: Version
    held: Version

    def ok(self, method: str, path: str, **more: Any) -> Any:
        answer = self.client.request(method, path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, question: str, user: str | None = None, key: str = "", **more: Any) -> dict[str, Any]:
        asked = {"model": "live", "messages": [{"role": "user", "content": question}], "user": user, **more}
        headers = {"Authorization": f"Bearer {key}"} if key else None
        return self.ok("POST", "/v1/chat/completions", json=asked, headers=headers)

    def begin(self, mode: str, share: float, **rollout: Any) -> dict[str, Any]:
        if rollout:
            told = CONFIG.rollout.model_copy(update=rollout)
            self.learner.parts.config = CONFIG.model_copy(update={"rollout": told})
        body = {"version": self.held.id[:12], "mode": mode, "share": share}
        return self.ok("POST", "/v1/seal/release", json=body)

    def release(self) -> dict[str, Any]:
        return self.ok("GET", "/v1/seal/release")

    def prepared(self) -> None:
        number = self.release()["rollout"]["id"]
        until(lambda: self.service.hosting.tenants["w"].releasing._prepared == number)

    def thumb(self, answer: dict[str, Any], value: str) -> None:
        self.ok(
            "POST",
            "/v1/seal/feedback",
            json={"kind": "thumbs", "value": value, "answer": answer["seal"]["answer_id"]},
        )


def until(true: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def held_version(learner: Learner, gates: Gates, document: Fake) -> Version:
    gates.tell(document, "held")
    [told] = learner.learn([document.given()])
    assert told.outcome == "held" and told.version is not None
    return learner.version(told.version)


@pytest.fixture
def released(tmp_path: Path, toy: Path, gates: Gates) -> Iterator[Released]:
    gates.outcomes.clear()
    learner = begin_knowing(tmp_path / "w", toy, [KNOWN])
    held = held_version(learner, gates, NEW)
    live = learner.live()
    assert live is not None
    with running(Hosting([Tenant("w", learner)]), FREE) as service, service.client() as client:
        yield Released(service, client, learner, live, held)


def test_a_shadow_answers_unseen_and_where_it_differs_is_shown(released: Released) -> None:
    what = min(NEW.values)
    before = released.ask(NEW.question(what))
    released.begin("shadow", 1.0)
    released.prepared()
    after = released.ask(NEW.question(what))
    for field in ("version", "way", "documents", "probability"):
        assert after["seal"][field] == before["seal"][field]  # the caller sees nothing of it
    until(lambda: released.release()["rollout"]["seen"]["differing"] == 1)
    [one] = released.ok("GET", "/v1/seal/release/differences")["data"]
    assert (one["side"], one["question"]) == ("live", NEW.question(what))
    assert one["given"] == after["choices"][0]["message"]["content"] != one["other"]
    assert one["answer"] == after["seal"]["answer_id"]
    known = released.ask(KNOWN.question(min(KNOWN.values)))  # which both know alike
    until(lambda: released.release()["rollout"]["seen"]["compared"] == 2)
    assert known["seal"]["version"] == released.live.id
    assert released.release()["rollout"]["seen"]["differing"] == 1


def test_a_canary_answers_a_share_of_the_callers_and_always_the_same(released: Released) -> None:
    question = NEW.question(min(NEW.values))
    begun = released.begin("canary", 0.5)["rollout"]
    released.prepared()
    workspace = released.learner.workspace
    key = make_key(workspace, "w", name="other", roles=[Role.ASK])
    users = [f"user {n}" for n in range(12)]
    versions = {user: released.ask(question, user)["seal"]["version"] for user in users}
    assert set(versions.values()) == {released.live.id, released.held.id}
    for user in users:
        assert released.ask(question, user)["seal"]["version"] == versions[user]
    other = {user: released.ask(question, user, str(key[1]))["seal"]["version"] for user in users}
    expected = {user: share_of(str(begun["id"]), key[0].id, user) < 0.5 for user in users}
    assert {user: one == released.held.id for user, one in other.items()} == expected
    held = {"model": released.held.id, "messages": [{"role": "user", "content": question}]}
    assert released.client.post("/v1/chat/completions", json=held).status_code == 404
    why = {"question": question, "version": released.held.id}
    assert released.client.post("/v1/seal/why", json=why).status_code == 404
    assert workspace.version(released.held.id).state == "held"
    assert workspace.alias() == workspace.version(released.live.id)


def test_thumbs_promote_a_canary_once_and_for_all(released: Released) -> None:
    """Callers of the new version like it, those of the live one do not: after enough pairs it is live."""
    released.begin("canary", 0.5, per_author=100)
    released.prepared()
    question = NEW.question(min(NEW.values))
    for n in range(30):
        answer = released.ask(f"{question} {n}", f"user {n}")
        released.thumb(answer, "up" if answer["seal"]["version"] == released.held.id else "down")
    until(lambda: released.release()["rollout"] is None)
    told = released.release()
    assert told["live"]["id"] == released.held.id and told["past"][0]["state"] == "promoted"
    assert told["past"][0]["evidence"]["losses"] == 0
    actions = [entry.action for entry in released.learner.ledger()]
    assert actions[-3:] == ["rollout.promote", "version.approve", "alias.move"]
    assert released.learner.audit().sound
    assert released.ask(question)["seal"]["version"] == released.held.id


def judged(released: Released, better: str, n: int) -> None:
    """Asks until the two versions differed `n` times, and says who is right."""
    for k in range(100):
        if released.release()["rollout"]["seen"]["differing"] >= n:
            break
        released.ask(f"{NEW.question(min(NEW.values))} {k}")
        until(lambda k=k: released.release()["rollout"]["seen"]["compared"] == k + 1)
    differences = released.ok("GET", "/v1/seal/release/differences")["data"]
    assert len(differences) == n
    for one in differences:
        path = f"/v1/seal/release/differences/{one['id']}"
        assert released.ok("POST", path, json={"better": better})["judged_by"]
        assert released.client.post(path, json={"better": better}).status_code == 409


def test_a_persons_verdicts_revert_what_is_worse(released: Released) -> None:
    released.begin("shadow", 1.0, error_rate=0.2)
    released.prepared()
    judged(released, "live", 4)
    until(lambda: released.release()["rollout"] is None)
    past = released.release()["past"][0]
    assert (past["state"], past["evidence"]["losses"]) == ("reverted", 4)
    assert released.learner.version(released.held.id).state == "held"
    assert released.learner.live() == released.learner.version(released.live.id)


def test_nothing_goes_live_by_itself_while_the_brake_is_on(released: Released) -> None:
    released.begin("shadow", 1.0, error_rate=0.2)
    released.prepared()
    released.ok("POST", "/v1/seal/brake", json={"reason": "stop"})
    judged(released, "candidate", 4)
    assert released.release()["rollout"]["evidence"]["verdict"] == "promote"
    released.learner.settle_rollout()
    assert released.release()["rollout"]["state"] == "running"
    released.ok("DELETE", "/v1/seal/brake")
    until(lambda: released.release()["rollout"] is None)
    assert released.release()["live"]["id"] == released.held.id


def test_a_canary_that_fails_is_reverted_and_the_caller_is_answered(
    released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    released.begin("canary", 1.0)
    released.prepared()
    ask = released.learner.ask

    def fails(*given: Any, version: str | None = None, **more: Any) -> Any:
        if version == released.held.id:
            raise DamageError("a cell is not what was put")
        return ask(*given, version=version, **more)

    monkeypatch.setattr(released.learner, "ask", fails)
    answer = released.ask(KNOWN.question(min(KNOWN.values)))
    assert answer["seal"]["version"] == released.live.id
    told = released.release()
    assert told["rollout"] is None and "DamageError" in told["past"][0]["reason"]


def test_an_answer_ends_on_the_version_with_which_it_began(
    released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though that is reverted, or another is promoted, while it is written."""
    began, go_on, ask = threading.Event(), threading.Event(), released.learner.ask

    def slowly(*given: Any, **more: Any) -> Any:
        began.set()
        assert go_on.wait(20)
        return ask(*given, **more)

    question = NEW.question(min(NEW.values))
    for end, version in (("revert", released.held), ("promote", released.live)):
        share = 1.0 if end == "revert" else 1e-9
        released.begin("canary", share)
        released.prepared()
        began.clear()
        go_on.clear()
        monkeypatch.setattr(released.learner, "ask", slowly)
        answers: list[dict[str, Any]] = []
        asking = threading.Thread(target=lambda: answers.append(released.ask(question)))  # noqa: B023
        asking.start()
        assert began.wait(20)
        released.ok("POST", f"/v1/seal/release/{end}", json={})
        go_on.set()
        asking.join(20)
        assert answers[0]["seal"]["version"] == version.id
        monkeypatch.setattr(released.learner, "ask", ask)
    assert released.ask(question)["seal"]["version"] == released.held.id  # which is live by now


def test_whoever_asks_does_not_wait_for_the_shadow(
    released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, asked = released.learner.ask, threading.Event()

    def slow_shadow(*given: Any, version: str | None = None, **more: Any) -> Any:
        if version == released.held.id:
            asked.set()
            time.sleep(2)
        return ask(*given, version=version, **more)

    released.begin("shadow", 1.0)
    released.prepared()
    monkeypatch.setattr(released.learner, "ask", slow_shadow)
    released.ask(KNOWN.question(min(KNOWN.values)))
    started = time.monotonic()
    for what in KNOWN.values:
        released.ask(KNOWN.question(what))
    assert time.monotonic() - started < 2 and asked.wait(10)


def test_autonomy_canary_tries_what_passed_by_itself(tmp_path: Path, toy: Path) -> None:
    findings = tuple(Finding(gate, "it", "pass", "it does") for gate in ("acquisition", "retention"))

    class Passing(Gates):
        def decide(self, report: Any) -> Decision:
            return Decision("held", "all gates passed; the autonomy is 'canary'", findings)

    learner = begin(tmp_path / "w", toy, CONFIG.model_copy(update={"autonomy": "canary"}))
    learner.parts.gates = Passing()
    [first] = learner.learn([KNOWN.given()])
    assert first.outcome == "live"  # there was nothing to try it beside
    [second] = learner.learn([NEW.given()])
    running_now = learner.rollout()
    assert second.outcome == "held" and running_now is not None and running_now.version == second.version
    assert (running_now.mode, running_now.actor, running_now.share) == ("canary", "rollout", 0.1)
    [third] = learner.learn([fake("release third").given()])
    assert third.outcome == "held" and learner.rollout() == running_now
    again = reopened(learner.path)  # as after a kill
    assert again.rollout() == running_now
    again.promote(reason="a person says so")
    assert again.live() == again.version(str(second.version)) and again.rollout() is None
    assert replace(running_now, state="promoted").version == again.rollouts()[0].rollout.version
