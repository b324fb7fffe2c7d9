"""What a service does with five times as many questions as it can answer, while it studies.

    python benchmarks/service_overload.py [--seconds 60] [--times 5] [--clients 16] [--out DIR]

First its capacity: so many callers, each of whom asks again as soon as it is answered, for a sixth of the
time. Then questions come at five times that rate, whatever became of those before (an open loop: each has a
connection of its own), while documents wait in the queue and are studied. Counted are answers, refusals and
what was neither; the time of each, by the caller's clock, in which connecting is, and by the server's log;
how late questions were sent, which is the callers' own waiting; and the server's memory. Nothing
that was accepted may be lost: a request that gets no whole answer at all is one. DIR/results.json has the
figures; a run that was stopped is begun again on the same workspace. Exits with 1 if something was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from served import ServiceProcess, documents, share

from seal.files import write_durably

_PATH = "/v1/chat/completions"
_SETTINGS = "[limits]\nrequests = 64\nthreads = 16\n"
_LOOK_S = 0.25
_PATIENCE_S = 120


@dataclass
class Counted:
    """What came of requests: the milliseconds of answers and of refusals, and what was neither."""

    answered_ms: list[float] = field(default_factory=list)
    refused_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    not_sent: int = 0
    lost: list[str] = field(default_factory=list)
    memory_bytes: list[int] = field(default_factory=list)

    async def ask(self, service: ServiceProcess, question: str) -> None:
        """By a connection of its own, and no more than that: what a client's library does costs more than
        the refusal that is to be measured."""
        began = time.perf_counter()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        except OSError:
            self.not_sent += 1  # no connection: nobody accepted it
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                writer.write(_request(service, question))
                answer = await reader.read()
        except (OSError, TimeoutError) as error:
            self.lost.append(type(error).__name__)
            return
        finally:
            writer.close()
        took = 1000 * (time.perf_counter() - began)
        head, _, body = answer.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        status, whole = head.split(b" ", 2)[1:2], len(body) == int(fields.get(b"content-length", -1))
        if whole and status == [b"200"] and json.loads(body)["choices"]:
            self.answered_ms.append(took)
        elif whole and status in ([b"429"], [b"503"]) and b"retry-after" in fields:
            self.refused_ms.append(took)
        else:
            self.lost.append(f"{status}, {len(answer)} bytes")


def _request(service: ServiceProcess, question: str) -> bytes:
    body = json.dumps({"messages": [{"role": "user", "content": question}]}).encode()
    fields = {**service.headers, "Host": "127.0.0.1", "Content-Type": "application/json"}
    fields |= {"Content-Length": str(len(body)), "Connection": "close"}
    told = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {_PATH} HTTP/1.1\r\n{told}\r\n".encode() + body


async def capacity(service: ServiceProcess, questions: Sequence[str], n: int, seconds: float) -> float:
    """Answers a second to `n` callers, each of whom waits for an answer before asking again."""
    counted, until = Counted(), time.monotonic() + seconds

    async def caller(at: int) -> None:
        while time.monotonic() < until:
            await counted.ask(service, questions[at % len(questions)])
            at += n

    await asyncio.gather(*map(caller, range(n)))
    return len(counted.answered_ms) / seconds


async def overload(service: ServiceProcess, questions: Sequence[str], rate: float, seconds: float) -> Counted:
    """Questions at a steady rate, whatever becomes of those before."""
    counted, began, tasks = Counted(), time.monotonic(), set[asyncio.Task[None]]()
    sent, looked = 0, 0.0
    while (passed := time.monotonic() - began) < seconds:
        while sent < rate * passed:
            counted.late_ms.append(1000 * (passed - sent / rate))
            task = asyncio.create_task(counted.ask(service, questions[sent % len(questions)]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            sent += 1
        if passed > looked:
            counted.memory_bytes.append(service.memory_bytes())
            looked = passed + _LOOK_S
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    counted.memory_bytes.append(service.memory_bytes())
    return counted


def told(
    counted: Counted, answers_per_s: float, rate: float, logged: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The figures of a run."""

    def spread(values: Sequence[float]) -> dict[str, float]:
        return {
            name: round(share(values, part), 1) for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        }

    n = len(counted.answered_ms) + len(counted.refused_ms) + len(counted.lost) + counted.not_sent
    server = {status: [one["ms"] for one in logged if one["status"] == status] for status in (200, 503)}
    megabytes = [round(b / 2**20, 1) for b in counted.memory_bytes]
    return {
        "capacity_per_s": round(answers_per_s, 1),
        "asked_per_s": round(rate, 1),
        "asked": n,
        "answered": len(counted.answered_ms),
        "refused": len(counted.refused_ms),
        "not_connected": counted.not_sent,
        "lost": len(counted.lost),
        "sent_late_ms": spread(counted.late_ms),
        "answered_ms": spread(counted.answered_ms),
        "refused_ms": spread(counted.refused_ms),
        "answered_ms_by_the_server": spread(server[200]),
        "refused_ms_by_the_server": spread(server[503]),
        "refused_within_100_ms": _within(counted.refused_ms),
        "refused_within_100_ms_by_the_server": _within(server[503]),
        "memory_mb": {"first": megabytes[0], "most": max(megabytes), "last": megabytes[-1]},
    }


def _within(values_ms: Sequence[float], most_ms: float = 100) -> float:
    return round(sum(ms <= most_ms for ms in values_ms) / max(1, len(values_ms)), 4)


def _known(client: httpx.Client) -> str:
    """The title of a document that is live, which is taught if there is none. Nothing waits to be studied."""
    for job in client.get("/v1/fine_tuning/jobs?limit=1000").json()["data"]:
        if job["status"] in ("queued", "running"):
            client.post(f"/v1/fine_tuning/jobs/{job['id']}/cancel")
    for one in client.get("/v1/seal/documents?limit=1000").json()["data"]:
        if one["state"] == "live":
            return str(one["title"])
    [given] = documents(1, seed=0)
    told = client.post("/v1/seal/documents", json=given).raise_for_status().json()["data"][0]
    client.get(f"/v1/fine_tuning/jobs/{told['job']}/events?stream=true", timeout=None)
    return given["title"]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Overload a service while it studies.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--times", type=float, default=5)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--studied", type=int, default=6, help="documents that wait to be studied meanwhile")
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args(arguments)
    out = options.out or Path(tempfile.mkdtemp(prefix="seal-overload-"))
    with ServiceProcess(out, _SETTINGS) as service:
        service.start()
        with service.client() as client:
            title = _known(client)
            questions = [f"{what} {title}?" for what in ("Who is", "Where is", "What is", "When was")]
            rate = asyncio.run(capacity(service, questions, options.clients, options.seconds / 6))
            for one in documents(options.studied, seed=int(time.time())):
                client.post("/v1/seal/documents", json=one).raise_for_status()
            since = service.log.stat().st_size
            counted = asyncio.run(overload(service, questions, options.times * rate, options.seconds))
            jobs = client.get("/v1/fine_tuning/jobs", params={"limit": options.studied}).json()["data"]
        figures = told(counted, rate, options.times * rate, service.logged(_PATH, since))
        figures["studies_done_or_begun_meanwhile"] = sum(job["status"] != "queued" for job in jobs)
        figures["load_average"] = round(os.getloadavg()[0], 1)
        figures["stopped_with"] = service.stop()
    write_durably(out / "results.json", [json.dumps(figures, indent=1).encode() + b"\n"])
    print(json.dumps(figures, indent=1))
    print(*counted.lost[:20], sep="\n")
    return 1 if counted.lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
