"""Documents, jobs, versions, why, feedback and the brake over HTTP, on a toy learner and its worker."""

from __future__ import annotations

import json
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners import Fake, Gates, begin, fake, learn_all, reopened, traces
from seal.errors import InputError
from seal.service import apart
from seal.service.access.making import make_key
from seal.service.hosting import Hosting, Tenant
from seal.service.teaching.uploads import bare_name, documents_of_upload
from seal.service.teaching.version_routes import zipped
from services import RunningService, running

KNOWN = fake("teaching known")
WHAT = min(KNOWN.values)


@dataclass
class Taught:
    """A service, its client with all roles, and a worker that studies."""

    service: RunningService
    client: httpx.Client
    tenant: Tenant

    def ok(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = self.client.request(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def ended(self, job: str) -> dict[str, Any]:
        """A job when it has ended."""
        until = time.monotonic() + 60
        while (told := self.ok("GET", f"/v1/fine_tuning/jobs/{job}"))["status"] in ("queued", "running"):
            assert time.monotonic() < until
            time.sleep(0.05)
        return told

    def post(self, document: Fake, status: int = 202, **more: Any) -> dict[str, Any]:
        body = {"text": document.text, "title": document.name}
        return self.ok("POST", "/v1/seal/documents", status, json=body, **more)["data"][0]

    def answer(self, question: str) -> dict[str, Any]:
        asked = {"model": "live", "messages": [{"role": "user", "content": question}]}
        return self.ok("POST", "/v1/chat/completions", json=asked)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates) -> Iterator[Taught]:
    learner = begin(tmp_path_factory.mktemp("teaching") / "w", toy)
    learn_all(learner, [KNOWN])
    tenant, stop = Tenant("w", learner), threading.Event()
    worker = threading.Thread(target=reopened(learner.path).work, args=(stop,))
    worker.start()
    with running(Hosting([tenant])) as service, service.client() as client:
        yield Taught(service, client, tenant)
        stop.set()
        worker.join()


def test_a_document_from_its_posting_to_its_forgetting(taught: Taught) -> None:
    new = fake("teaching a")
    posted = taught.post(new)
    assert (posted["state"], posted["id"]) == ("queued", new.id)
    job = taught.ended(posted["job"])
    assert job["status"] == "succeeded" and job["seal"]["documents"][new.id]["outcome"] == "live"
    assert taught.post(new)["state"] == "known"
    whole = taught.ok("GET", f"/v1/seal/documents/{new.id}")
    assert (
        whole["state"] == "live"
        and whole["text"] == new.text
        and any(line["kept"] for line in whole["lines"])
    )
    assert whole["exam"]
    renamed = taught.ok("PATCH", f"/v1/seal/documents/{new.id}", json={"title": f"{new.name} again"})
    assert renamed["title"] == f"{new.name} again"
    [checkpoint] = taught.ok("GET", f"/v1/fine_tuning/jobs/{job['id']}/checkpoints")["data"]
    assert checkpoint["fine_tuned_model_checkpoint"] == job["fine_tuned_model"]
    gone = taught.ended(taught.ok("DELETE", f"/v1/seal/documents/{new.id}", 202)["id"])
    assert gone["seal"]["forgotten"] == new.id and gone["status"] == "succeeded"
    while (
        taught.tenant.learner.workspace.pending_erasures()
    ):  # decided with the job's end, and then carried out
        time.sleep(0.05)
    taught.tenant.refresh(taught.tenant.learner.live())
    assert traces(taught.tenant.learner, new.words) == {}
    [erased] = [d for d in taught.ok("GET", "/v1/seal/documents?limit=1000")["data"] if d["id"] == new.id]
    assert (erased["state"], erased["title"]) == ("forgotten", "")
    assert taught.client.get(f"/v1/seal/documents/{new.id}").status_code == 404


def test_a_newer_document_takes_the_place_of_an_older_one(taught: Taught) -> None:
    older = fake("teaching older")
    taught.ended(taught.post(older)["job"])
    newer = fake("teaching newer")
    body = {"text": newer.text, "title": newer.name}
    [posted] = taught.ok("POST", f"/v1/seal/documents/{older.id}/supersede", 202, json=body)["data"]
    assert taught.ended(posted["job"])["status"] == "succeeded"
    [forget] = [
        j for j in taught.ok("GET", "/v1/fine_tuning/jobs")["data"] if j["seal"]["forgotten"] == older.id
    ]
    assert taught.ended(forget["id"])["status"] == "succeeded"
    states = {d["id"]: d["state"] for d in taught.ok("GET", "/v1/seal/documents?limit=1000")["data"]}
    assert (states[older.id], states[newer.id]) == ("forgotten", "live")


def test_files(taught: Taught) -> None:
    new = fake("teaching file")
    raw = f"# {new.name}\n\n{new.text}\n".encode()
    files = {"file": ("../../etc/notes.md", raw)}
    [told] = taught.ok("POST", "/v1/seal/documents/files", 202, files=files, data={"study": "false"})["data"]
    assert told["state"] == "stored" and told["title"] == new.name
    for name in ("x.exe", "..", "", "x"):
        answer = taught.client.post("/v1/seal/documents/files", files={"file": (name or " ", raw)})
        assert answer.status_code == 400, name
    answer = taught.client.post("/v1/seal/documents/files", files={"file": ("x.json", b"{]")})
    assert answer.status_code == 400 and "x.json" in answer.text and "/tmp" not in answer.text


@given(
    name=st.text(max_size=60)
    | st.sampled_from(["a/../b.md", "..\\..\\b.txt", "/etc/passwd.md", "a\0b.md", "." * 9])
)
def test_a_files_name_names_no_place(name: str) -> None:
    bare = bare_name(name)
    assert not any(sign in bare for sign in "/\\\0\n\u202e") and bare.strip(".") == bare.strip(".").strip()
    assert bare not in (".", "..") and len(bare) <= 200
    try:
        texts = documents_of_upload(b"The height of Brenk is 31 metres.", name)
    except InputError as error:
        assert "seal-upload-" not in str(error)
    else:
        assert [text.source for text in texts] == [""] and "document" not in texts[0].title.lower()


def test_openais_client_makes_a_job(taught: Taught) -> None:
    """Files, jobs, their events and checkpoints, as the openai package asks for them."""
    new, model = fake("teaching openai"), taught.tenant.learner.workspace.settings()["model"]
    client = openai.OpenAI(base_url=f"{taught.service.url}/v1", api_key=taught.service.key)
    file = client.files.create(file=("notes.txt", new.text.encode()), purpose="fine-tune")
    assert client.files.retrieve(file.id).bytes == len(new.text)
    headers = {"Idempotency-Key": "one"}
    job = client.fine_tuning.jobs.create(model=model, training_file=file.id, extra_headers=headers)
    assert (
        client.fine_tuning.jobs.create(model=model, training_file=file.id, extra_headers=headers).id == job.id
    )
    assert taught.ended(job.id)["status"] == "succeeded"
    done = client.fine_tuning.jobs.retrieve(job.id)
    assert done.status == "succeeded" and done.fine_tuned_model and done.finished_at and done.error is None
    assert client.models.retrieve(done.fine_tuned_model).id == done.fine_tuned_model
    assert next(iter(client.fine_tuning.jobs.list(limit=1))).id == job.id
    events = [event.message for event in client.fine_tuning.jobs.list_events(job.id, limit=2)]  # by pages
    assert events[0] == "the job is done" and events[-1] == "the job was queued" and len(events) > 3
    checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job.id))
    assert [one.fine_tuned_model_checkpoint for one in checkpoints] == [done.fine_tuned_model]
    with pytest.raises(openai.ConflictError):
        client.fine_tuning.jobs.cancel(job.id)
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.create(model="gpt-4o", training_file=file.id)
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.retrieve("ftjob-x")
    with pytest.raises(openai.ConflictError):
        client.fine_tuning.jobs.create(model=model, training_file=file.id)  # it is live already


def test_the_brake_and_a_job_that_is_cancelled(taught: Taught) -> None:
    """Events come as a stream; what waits behind the brake can be cancelled, and is done when it may."""
    brake = taught.ok("POST", "/v1/seal/brake", json={"reason": "look first"})
    assert brake["on"] and brake["actor"].startswith("first")
    first, second = taught.post(fake("teaching b")), taught.post(fake("teaching c"))
    time.sleep(1)
    assert taught.ok("GET", f"/v1/fine_tuning/jobs/{first['job']}")["status"] == "queued"
    cancelled = taught.ok("POST", f"/v1/fine_tuning/jobs/{first['job']}/cancel")
    assert cancelled["status"] == "cancelled" and cancelled["error"] is None
    assert taught.ok("DELETE", "/v1/seal/brake")["on"] is False
    url = f"/v1/fine_tuning/jobs/{second['job']}/events?stream=true"
    with taught.client.stream("GET", url) as stream:
        sent = [line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: ")]
    assert sent[-1] == "[DONE]"
    messages = [json.loads(one)["message"] for one in sent[:-1]]
    assert messages[0] == "the job was queued" and messages[-1] == "the job is done"
    assert not taught.ok("GET", "/v1/seal/brake")["on"]
    actions = [e["action"] for e in taught.ok("GET", "/v1/seal/ledger?limit=1000")["data"]]
    assert {"brake.pull", "brake.release", "job.cancel"} <= set(actions)


def test_why_correct_and_ask_again(taught: Taught) -> None:
    question = KNOWN.question(WHAT)
    answer = taught.answer(question)
    why = taught.ok("POST", "/v1/seal/why", json={"answer": answer["id"]})
    assert why["document"] == KNOWN.id and why["title"] == KNOWN.name and why["question"] == question
    assert why["version"] == answer["seal"]["version"]
    asked = taught.ok("POST", "/v1/seal/why", json={"question": question})
    assert asked["document"] == KNOWN.id and asked["evidence_nats"] is not None
    said = {"kind": "right_answer", "value": "Zandor", "answer": answer["id"]}
    taken = taught.ok("POST", "/v1/seal/feedback", json=said)
    assert taken["state"] == "taken" and taught.ended(taken["job"])["status"] == "succeeded"
    again = taught.ok("POST", "/v1/seal/why", json={"question": question})
    assert again["document"] == taken["document"] and [s["document"] for s in again["superseded"]] == [
        KNOWN.id
    ]
    secret = make_key(taught.tenant.learner.workspace, "w", name="other", roles=["ask"], trust=0.1)[1]
    other = httpx.Client(
        base_url=taught.service.url, headers={"Authorization": f"Bearer {secret}"}, timeout=30
    )
    said = {"kind": "right_answer", "value": "Mirkun", "question": question}
    held = other.post("/v1/seal/feedback", json=said).json()
    assert held["state"] == "held" and held["trust"] == 0.1 and held["job"] is None
    assert [f["id"] for f in taught.ok("GET", "/v1/seal/feedback?held=true")["data"]] == [held["id"]]
    latest = taught.ok("GET", "/v1/seal/feedback?limit=1")
    assert [f["id"] for f in latest["data"]] == [held["id"]] and latest["has_more"]
    before = taught.ok("GET", f"/v1/seal/feedback?after={held['id']}")["data"]
    assert held["id"] not in [f["id"] for f in before] and before
    assert taught.client.get("/v1/seal/feedback?after=fb_none").status_code == 404
    refused = taught.ok("POST", f"/v1/seal/feedback/{held['id']}/refuse", json={"reason": "no"})
    assert refused["state"] == "refused"
    assert taught.client.post(f"/v1/seal/feedback/{held['id']}/accept").status_code == 409
    thumbs = {"kind": "thumbs", "value": "down", "answer": taught.answer("Who is Nobody at all?")["id"]}
    taught.ok("POST", "/v1/seal/feedback", json=thumbs)
    assert "Who is Nobody at all?" in [w["question"] for w in taught.ok("GET", "/v1/seal/wanted")["data"]]
    other.close()


def test_trust_is_at_most_that_of_the_key(taught: Taught) -> None:
    secret = make_key(taught.tenant.learner.workspace, "w", name="t", roles=["teach"], trust=0.25)[1]
    headers, new = {"Authorization": f"Bearer {secret}"}, fake("teaching trust")
    body = {"text": new.text, "title": new.name, "trust": 1.0, "study": False}
    answer = httpx.post(f"{taught.service.url}/v1/seal/documents", json=body, headers=headers, timeout=30)
    assert answer.status_code == 202
    assert taught.ok("GET", f"/v1/seal/documents/{new.id}")["trust"] == 0.25


def test_held_approved_rolled_back(taught: Taught, gates: Gates) -> None:
    new, before = fake("teaching held"), taught.tenant.learner.live()
    assert before is not None
    gates.tell(new, "held")
    posted = taught.post(new)
    job = taught.ended(posted["job"])
    held = job["seal"]["documents"][new.id]["version"]
    assert (
        job["fine_tuned_model"] is None and taught.ok("GET", f"/v1/seal/versions/{held}")["state"] == "held"
    )
    shown = taught.ok("GET", f"/v1/seal/versions/{held}")
    assert shown["report"]["decision"]["outcome"] == "held" and new.id in [
        d["id"] for d in shown["documents"]
    ]
    approved = taught.ok("POST", f"/v1/seal/versions/{held}/approve", json={"reason": "seen"})
    assert approved["live"] and approved["id"] == held
    back = taught.ok("POST", "/v1/seal/rollback", json={"reason": "no"})
    assert back["live"] and back["id"] == before.id
    assert taught.ok("POST", f"/v1/seal/versions/{held}/reject", json={})["state"] == "rejected"
    assert taught.client.post(f"/v1/seal/versions/{held}/approve", json={}).status_code == 409


def test_the_ledger_by_pages_and_verified(taught: Taught) -> None:
    whole = taught.ok("GET", "/v1/seal/ledger?limit=1000")
    first = taught.ok("GET", "/v1/seal/ledger?limit=3")
    rest = taught.ok("GET", f"/v1/seal/ledger?limit=1000&after={first['last_id']}")
    assert first["has_more"] and first["data"] + rest["data"] == whole["data"]
    anchor = whole["data"][-1]["hash"]
    for query in (f"anchor={anchor}", f"anchor={anchor}&everything=true"):
        assert taught.ok("GET", f"/v1/seal/ledger/verification?{query}")["sound"]
    told = taught.ok("GET", f"/v1/seal/ledger/verification?anchor={'0' * 63}1")
    assert not told["sound"] and "anchor" in told["ledger"]["problem"]


def test_export_and_diff_are_done_apart(
    taught: Taught, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a process of their own, which here is this one."""
    own = reopened(taught.tenant.path)

    def here(folder: Path, verb: str, **told: Any) -> Any:
        assert folder == taught.tenant.path
        return apart.VERBS[verb](own, told)

    monkeypatch.setattr(apart, "in_process", here)
    answer = taught.client.get(f"/v1/seal/versions/live/export?document={KNOWN.id}")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    names = {name.partition("/")[2] for name in zipfile.ZipFile(BytesIO(answer.content)).namelist()}
    assert {"adapter_config.json", "adapter_model.safetensors", "README.md"} <= names
    versions = [v for v in taught.ok("GET", "/v1/seal/versions")["data"] if v["state"] == "live-once"]
    changes = taught.ok("GET", f"/v1/seal/versions/{versions[0]['id']}/diff")["data"]
    assert isinstance(changes, list)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("x")
    assert zipfile.ZipFile(zipped(tmp_path / "a")).namelist() == ["a/x"]


def test_errors_come_back_from_a_process_apart(tmp_path: Path, toy: Path) -> None:
    learner = begin(tmp_path / "w", toy)
    with pytest.raises(LookupError, match="there is no version 'live'"):
        apart.in_process(learner.path, "diff", before="live", after="live")
