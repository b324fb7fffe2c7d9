"""What a server promises to those who run it: readiness, figures, limits, an orderly end."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from learners import Gates, begin, fake, learn_all, reopened
from seal.service.hosting import Hosting, Tenant
from seal.service.settings import LimitSettings, ServiceSettings
from service_documents import DOCUMENTS
from services import RunningService, running

A = DOCUMENTS[0]
QUESTION = A.question(next(iter(A.values)))
ASKED = {"model": "live", "messages": [{"role": "user", "content": QUESTION}]}
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[2])
from learners import reopened
from services import serve_here
serve_here(reopened(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates) -> Path:
    made = begin(tmp_path_factory.mktemp("operations") / "w", toy)
    learn_all(made, [A])
    return made.path


def test_figures_are_the_callers_and_need_a_key(toy_service: RunningService) -> None:
    with toy_service.client() as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        assert client.get("/metrics", headers={"Authorization": ""}).status_code == 401
        client.post("/v1/chat/completions", json=ASKED)
        told = client.get("/metrics").text
        for line in (
            'seal_requests_total{route="/v1/chat/completions",status="200"}',
            'seal_answers_total{way="weights"}',
            'seal_tokens_total{kind="completion"}',
            "seal_requests_in_flight",
        ):
            assert line in told


def test_an_answer_is_sent_whole(toy_service: RunningService) -> None:
    """Of a client that keeps its connection: the body does not wait until the client has acknowledged the
    headers, which takes 40 ms."""
    quickest = float("inf")
    with toy_service.client() as client:
        for turn in range(30):
            start = time.perf_counter()
            assert client.get("/healthz").status_code == 200
            if turn >= 10:  # the first ones on a connection are acknowledged at once
                quickest = min(quickest, time.perf_counter() - start)
    assert quickest < 0.03


@contextmanager
def slowly(tenant: Tenant, seconds: float) -> Iterator[None]:
    """Inside, every question takes so long."""
    ask = tenant.learner.ask

    def slow(*given: Any, **more: Any) -> Any:
        time.sleep(seconds)
        return ask(*given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tenant.learner, "ask", slow)
        yield


def test_what_is_too_much_is_refused_at_once(workspace: Path) -> None:
    tenant = Tenant("w", reopened(workspace))
    limits = LimitSettings(requests=2, request_s=2.0, body_bytes=4096)
    with (
        running(Hosting([tenant]), ServiceSettings(limits=limits)) as service,
        service.client() as client,
        ThreadPoolExecutor(8) as pool,
    ):

        def post(_: int) -> tuple[httpx.Response, float]:
            began = time.monotonic()
            return client.post("/v1/chat/completions", json=ASKED), time.monotonic() - began

        assert post(0)[0].status_code == 200
        with slowly(tenant, 0.6):
            made = list(pool.map(post, range(8)))
        refused = [(answer, took) for answer, took in made if answer.status_code == 503]
        assert len(refused) == 6 and all(took < 0.5 for _, took in refused)
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer, _ in refused)
        assert {answer.json()["error"]["code"] for answer, _ in refused} == {"overloaded"}
        assert sum(answer.status_code == 200 for answer, _ in made) == 2
        with slowly(tenant, 2.5):
            late, took = post(0)
        assert late.status_code == 503 and late.json()["error"]["code"] == "timeout" and took < 2.4
        large = client.post("/v1/completions", json={"prompt": "a" * 5000})
        assert large.status_code == 413 and large.json()["error"]["message"]


def test_a_jobs_events_come_for_as_long_as_it_takes(workspace: Path) -> None:
    """Longer than any other answer may: a study of a real model takes minutes."""
    tenant = Tenant("w", reopened(workspace))
    limits = ServiceSettings(limits=LimitSettings(request_s=2.0))
    with running(Hosting([tenant]), limits) as service, service.client() as client:
        [job] = [one.job for one in tenant.learner.submit([fake("operations waiting").given()])]
        threading.Timer(3.5, lambda: tenant.learner.cancel(int(job or 0))).start()
        told = client.get(f"/v1/fine_tuning/jobs/ftjob-{job}/events?stream=true").text
        assert "cancelled" in told and told.endswith("data: [DONE]\n\n")


def test_nothing_that_a_client_sends_is_a_fault_of_the_server(toy_service: RunningService) -> None:
    with toy_service.client() as client:
        for content in (
            b"",
            b"{",
            b"[]",
            b'{"messages": 3}',
            b"\xff",
            b'{"prompt": [[]]}',
            b'{"prompt": []}',
        ):
            for path in ("/v1/chat/completions", "/v1/completions", "/tokenize", "/detokenize"):
                answer = client.post(path, content=content, headers={"Content-Type": "application/json"})
                assert answer.status_code < 500, (path, content, answer.text)
                if answer.status_code >= 400:
                    error = answer.json()["error"]
                    assert answer.status_code == 400 and error["message"] and "code" in error
        for path, status in (("/v1/nothing", 404), ("/v1/models/nothing", 404), ("/v1/completions", 405)):
            answer = client.get(path)
            assert answer.status_code == status and answer.json()["error"]["message"]
        assert client.put("/v1/seal/documents").headers["allow"] == "GET, POST"
        assert client.put("/v1/seal/documents/files").headers["allow"] == "POST"
        assert client.get("/healthz", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"


@contextmanager
def process(workspace: Path) -> Iterator[tuple[subprocess.Popen[str], str, dict[str, str]]]:
    """A server in a process of its own: the process, its address and the headers with its key."""
    tests = str(Path(__file__).parents[1])
    with (workspace.parent / "log").open("w") as log:
        started = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(workspace), tests],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert started.stdout is not None
    try:
        url, key = started.stdout.readline().split()
        yield started, url, {"Authorization": f"Bearer {key}"}
    finally:
        started.kill()
        started.wait()


def test_a_server_that_is_to_end_answers_first_and_the_next_one_serves_the_same(workspace: Path) -> None:
    told: list[httpx.Response] = []
    with process(workspace) as (server, url, headers):

        def post() -> None:
            told.append(httpx.post(f"{url}/v1/chat/completions", json=ASKED, headers=headers, timeout=30))

        post()
        asking = threading.Thread(target=post)
        httpx.post(f"{url}/slow", timeout=30)  # every answer from now on takes a second
        asking.start()
        time.sleep(0.4)
        server.send_signal(signal.SIGTERM)
        asking.join()
        assert server.wait(20) == 0
        log = (workspace.parent / "log").read_text()
        assert '"status": 200' in log and '"level": "error"' not in log, log
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/healthz")
    with running(Hosting([Tenant("w", reopened(workspace))])) as service, service.client() as client:
        told.append(client.post("/v1/chat/completions", json=ASKED))
    assert [answer.status_code for answer in told] == [200] * 3, [answer.text for answer in told]
    contents = {answer.json()["choices"][0]["message"]["content"] for answer in told}
    assert len(contents) == 1 and len({answer.headers["x-seal-version"] for answer in told}) == 1
