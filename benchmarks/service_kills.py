"""Kills servers and study workers under load, and looks whether anything that was acknowledged is lost.

    python benchmarks/service_kills.py [--kills 1000] [--out DIR]

A server is asked, taught and told feedback by several callers, and after a random time it, or the worker that
studies for it, is killed (SIGKILL). The next one is started on the same workspace, and must be able to answer
within 10 seconds. Then everything that was acknowledged before is asked for: each answer by its id, each
document, each job, each piece of feedback; the live version is the one that was live, or a later one; no
study made more than one version; the ledger's chain holds. What was acknowledged is in DIR/acknowledged.json
and the counts in DIR/results.json, so that a run that was stopped goes on. Exits with 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
from served import ServiceProcess, documents, share

from seal.files import write_durably

_MOST_S = 10.0  # a server that was killed has to answer again within so long
_QUEUED = 3  # documents that wait to be studied, at most
_KINDS = ("answers", "documents", "jobs", "feedback")
_SEEN = 200  # of each kind so many are looked for after a kill: the latest, and others by chance


class Acknowledged:
    """What a server said it has done, and must not lose."""

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, threading.Lock()
        told = json.loads(path.read_text()) if path.exists() else {}
        self.ids: dict[str, list[str]] = {kind: told.get(kind, []) for kind in _KINDS}
        self.live: int = told.get("live", 0)

    def add(self, kind: str, id: str) -> None:
        with self._lock:
            self.ids[kind].append(id)

    def some(self, kind: str, rng: random.Random) -> list[str]:
        ids = self.ids[kind]
        return list(dict.fromkeys([*ids[-_SEEN // 2 :], *rng.sample(ids, min(len(ids), _SEEN // 2))]))

    def write(self) -> None:
        with self._lock:
            write_durably(self.path, [json.dumps({**self.ids, "live": self.live}).encode()])


class Load:
    """Callers of one server, until it is gone. `taught` counts documents over all servers."""

    def __init__(self, service: ServiceProcess, acknowledged: Acknowledged, seed: int) -> None:
        self.service, self.acknowledged, self.seed = service, acknowledged, seed
        self.over = threading.Event()
        self.unexpected: list[str] = []
        works = (self._ask, self._ask, self._ask, self._teach, self._say)
        self._threads = [
            threading.Thread(target=self._calling, args=[work, n]) for n, work in enumerate(works)
        ]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()

    def _calling(self, work: Callable[[httpx.Client, random.Random], None], n: int) -> None:
        rng = random.Random(f"{self.seed}/{n}")
        with self.service.client() as client:
            while not self.over.is_set():
                with suppress(httpx.TransportError):  # it was killed: nothing was acknowledged
                    work(client, rng)
                time.sleep(rng.uniform(0, 0.05))

    def _json(self, answer: httpx.Response) -> Any:
        if answer.status_code >= 500 and answer.status_code != 503:
            self.unexpected.append(f"{answer.request.url.path}: {answer.status_code} {answer.text[:200]}")
        return answer.json() if answer.is_success else None

    def _ask(self, client: httpx.Client, rng: random.Random) -> None:
        title = rng.choice(self._titles())
        asked = {
            "messages": [{"role": "user", "content": f"{rng.choice(('Who', 'What', 'Where'))} is {title}?"}]
        }
        told = self._json(client.post("/v1/chat/completions", json=asked))
        if told is not None:
            self.acknowledged.add("answers", told["seal"]["answer_id"])

    def _teach(self, client: httpx.Client, rng: random.Random) -> None:
        waiting = self._json(client.get("/v1/fine_tuning/jobs?limit=20"))
        if (
            waiting is None
            or sum(job["status"] in ("queued", "running") for job in waiting["data"]) >= _QUEUED
        ):
            time.sleep(0.5)
            return
        [given] = documents(1, seed=rng.randrange(1 << 30))
        told = self._json(client.post("/v1/seal/documents", json=given))
        if told is not None and (one := told["data"][0])["job"] is not None:
            self.acknowledged.add("documents", one["id"])
            self.acknowledged.add("jobs", one["job"])

    def _say(self, client: httpx.Client, rng: random.Random) -> None:
        if self.acknowledged.ids["answers"]:
            answer = rng.choice(self.acknowledged.ids["answers"][-100:])
            told = self._json(
                client.post("/v1/seal/feedback", json={"kind": "thumbs", "value": "up", "answer": answer})
            )
            if told is not None:
                self.acknowledged.add("feedback", told["id"])
        time.sleep(0.2)

    def _titles(self) -> list[str]:
        return [one["title"] for one in documents(4, seed=1)]


def lost_of(client: httpx.Client, acknowledged: Acknowledged, rng: random.Random) -> list[str]:
    """What was acknowledged and is not there."""
    lost: list[str] = []
    for answer in acknowledged.some("answers", rng):
        # Why it was given may be beyond telling (409: what it was from is gone); that it was is not.
        if client.post("/v1/seal/why", json={"answer": answer}).status_code not in (200, 409):
            lost.append(answer)
    for document in acknowledged.some("documents", rng):
        if client.get(f"/v1/seal/documents/{document}").status_code != 200:
            lost.append(document)
    for job in acknowledged.some("jobs", rng):
        if client.get(f"/v1/fine_tuning/jobs/{job}").status_code != 200:
            lost.append(job)
        elif len(client.get(f"/v1/fine_tuning/jobs/{job}/checkpoints").json()["data"]) > 1:
            lost.append(f"{job} made more than one version")
    there = {one["id"] for one in client.get("/v1/seal/feedback?limit=1000").json()["data"]}
    lost += [one for one in acknowledged.ids["feedback"][-500:] if one not in there]
    if not client.get("/v1/seal/ledger/verification").json()["sound"]:
        lost.append("the ledger's chain")
    versions = client.get("/v1/seal/versions?limit=1000").json()["data"]
    live = max((one["sequence"] for one in versions if one["live"]), default=0)
    if live < acknowledged.live:
        lost.append(f"version {acknowledged.live} was live, and now {live} is")
    acknowledged.live = live
    return lost


def kill(service: ServiceProcess, rng: random.Random) -> str:
    """Kills the server, or a worker of its, if there is one; what it was."""
    workers = service.workers()
    if workers and rng.random() < 0.5:
        with suppress(psutil.NoSuchProcess):
            os.kill(workers[0].pid, signal.SIGKILL)
            return "worker"
    service.kill()
    return "server"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Kill servers and workers under load.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--longest", type=float, default=20.0, help="seconds between two kills, at most")
    parser.add_argument("--out", type=Path, default=None, help="the folder of the run, to go on with it")
    options = parser.parse_args(arguments)
    out = options.out or Path(tempfile.mkdtemp(prefix="seal-kills-"))
    results = out / "results.json"
    before = json.loads(results.read_text()) if results.exists() else {}
    counts = Counter[str](before.get("counts", {}))
    starts: list[float] = before.get("starts_s", [])
    lost: list[str] = before.get("lost", [])
    with ServiceProcess(out) as service:
        acknowledged = Acknowledged(out / "acknowledged.json")
        while counts["kills"] < options.kills:
            rng = random.Random(f"kills/{counts['kills']}")
            if service.process is None or service.process.poll() is not None:
                starts.append(round(service.start(), 2))
            load = Load(service, acknowledged, counts["kills"])
            with service.client() as client:
                lost += lost_of(client, acknowledged, rng)
            load.begin()
            time.sleep(rng.uniform(0.2, options.longest))
            counts[kill(service, rng)] += 1
            counts["kills"] += 1
            load.end()
            lost += load.unexpected
            acknowledged.write()
            told = {
                "counts": counts,
                "acknowledged": {kind: len(ids) for kind, ids in acknowledged.ids.items()},
                "lost": lost,
                "starts_s": starts,
                "start_p50_s": share(starts, 0.5),
                "start_most_s": max(starts),
                "starts_over_10_s": sum(one > _MOST_S for one in starts),
                "load_average": round(os.getloadavg()[0], 1),
            }
            write_durably(results, [json.dumps(told, indent=1).encode() + b"\n"])
            print(json.dumps({**told, "starts_s": len(starts)}), flush=True)
        if service.process is None or service.process.poll() is not None:
            service.start()
        with service.client() as client:
            lost += lost_of(client, acknowledged, random.Random(0))
    print(*lost, sep="\n")
    return 1 if lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
