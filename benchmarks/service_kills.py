"""Kills servers and study workers under load, and looks whether anything that was acknowledged is lost.

    python benchmarks/service_kills.py [--kills 1000] [--servers 2] [--seed kills] [--out DIR]

Servers of one workspace are asked, taught and told feedback by several callers each. After a random time some
or all of them and of the workers that study for them are killed (SIGKILL), at once or one shortly after
another, while the callers go on. Those that are gone are started again on the same workspace, and must be
able to answer within 10 seconds. Then it is asked for what was acknowledged: answers by their ids, documents,
jobs, feedback; the live version is the one that was live, or a later one; no document was put into two
versions; the ledger's chain holds. Between the kills that is the latest of each kind and some by chance, at
the end all of them. What was acknowledged is in DIR/acknowledged.json and the counts in DIR/results.json, so
that a run that was stopped goes on. Exits with 1 if anything was lost, or answered as it should not be.

One start in ten is that of a program, as users start it; the others are forks of a process that has done the
imports (`preloaded.py`), so that a thousand kills take an hour and not four. Times of starts are told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from preloaded import Preloaded, preloaded
from served import ServiceProcess, documents, share

from seal.files import write_durably
from seal.registry import Workspace

_MOST_S = 10.0  # a server that was killed has to answer again within so long
_QUEUED = 3  # documents that wait to be studied, at most
_KINDS = ("answers", "documents", "jobs", "feedback")
_SEEN = 40  # of each kind so many are looked for after kills: the latest, and others by chance
_ASKED = 6  # of the answers are asked for by HTTP
_COLD = 0.1  # of the starts are those of a program
_SERVERS_TOO = 0.75  # else workers alone are killed
_LONG = 0.2  # of the cycles are ten times as long: studies come to their end, and are killed there too
_LONGER = 10.0
_PATIENCE_S = 600.0  # the machine may stand still


class Acknowledged:
    """What a server said it has done, and must not lose."""

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, threading.Lock()
        told = json.loads(path.read_text()) if path.exists() else {}
        self.ids: dict[str, list[str]] = {kind: told.get(kind, []) for kind in _KINDS}
        self.live: int = told.get("live", 0)
        self.versions: set[str] = set(told.get("versions", []))

    def add(self, kind: str, id: str) -> None:
        with self._lock:
            self.ids[kind].append(id)

    def see(self, version: str) -> None:
        """An answer named it."""
        with self._lock:
            self.versions.add(version)

    def some(self, kind: str, rng: random.Random, share: int | None) -> list[str]:
        """The latest, and as many by chance; or all."""
        ids = self.ids[kind]
        if share is None:
            return ids
        return list(dict.fromkeys([*ids[-share // 2 :], *rng.sample(ids, min(len(ids), share // 2))]))

    def counts(self) -> dict[str, int]:
        return {kind: len(ids) for kind, ids in self.ids.items()} | {"versions": len(self.versions)}

    def write(self) -> None:
        with self._lock:
            told = {**self.ids, "live": self.live, "versions": sorted(self.versions)}
            write_durably(self.path, [json.dumps(told).encode()])


@dataclass(frozen=True)
class Cycle:
    """What was killed, what was answered as it should not be, and how often callers were told to wait."""

    killed: Counter[str]
    unexpected: list[str]
    refused: int


class Load:
    """Callers of one server, until they are told to end."""

    def __init__(self, service: ServiceProcess, acknowledged: Acknowledged, seed: str) -> None:
        self.service, self.acknowledged, self.seed = service, acknowledged, seed
        self.over, self.killed = threading.Event(), threading.Event()
        self.unexpected: list[str] = []
        self.refused = 0
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
        with self.service.client(timeout=_PATIENCE_S) as client:
            while not self.over.is_set():
                try:
                    work(client, rng)
                except httpx.TransportError as error:
                    if not self.killed.is_set():  # nothing was done to it, and still it did not answer
                        self.unexpected.append(f"{type(error).__name__} of a server that was not killed")
                    return
                time.sleep(rng.uniform(0, 0.05))

    def _json(self, answer: httpx.Response) -> Any:
        if answer.status_code == 503 and "retry-after" in answer.headers:
            self.refused += 1
        elif answer.status_code >= 500:
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
            if (version := told["seal"]["version"]) is not None:
                self.acknowledged.see(version)

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


def lost_of(
    killing: Killing, acknowledged: Acknowledged, rng: random.Random, share: int | None = _SEEN
) -> list[str]:
    """What was acknowledged and is not there, of `share` of each kind, or of all."""
    with killing.servers[0].client(timeout=_PATIENCE_S) as client:
        return _lost_answers(client, killing.workspace, acknowledged, rng, share) + _lost_rest(
            client, acknowledged, rng, share
        )


def _lost_answers(
    client: httpx.Client, path: Path, acknowledged: Acknowledged, rng: random.Random, share: int | None
) -> list[str]:
    """They are looked for in the workspace; a few are asked for, since why one was given takes a while."""
    told = acknowledged.some("answers", rng, share)
    there = {one.id for one in Workspace.open(path).answers(newest=sys.maxsize)} if told else set[str]()
    lost = [f"answer {one}" for one in told if one not in there]
    for answer in told[-_ASKED // 2 :] + rng.sample(told, min(len(told), _ASKED // 2)):
        # Why it was given may be beyond telling (409: what it was from is gone); that it was is not.
        if client.post("/v1/seal/why", json={"answer": answer}).status_code not in (200, 409):
            lost.append(f"answer {answer}, when it is asked why")
    return lost


def _lost_rest(
    client: httpx.Client, acknowledged: Acknowledged, rng: random.Random, share: int | None
) -> list[str]:
    lost: list[str] = []
    for document in acknowledged.some("documents", rng, share):
        if client.get(f"/v1/seal/documents/{document}").status_code != 200:
            lost.append(f"document {document}")
    for job in acknowledged.some("jobs", rng, share):
        if client.get(f"/v1/fine_tuning/jobs/{job}").status_code != 200:
            lost.append(f"job {job}")
        elif len(client.get(f"/v1/fine_tuning/jobs/{job}/checkpoints").json()["data"]) > 1:
            lost.append(f"{job} made more than one version")
    there = {one["id"] for one in all_of(client, "/v1/seal/feedback")}
    lost += [f"feedback {one}" for one in acknowledged.some("feedback", rng, share) if one not in there]
    if not client.get("/v1/seal/ledger/verification").json()["sound"]:
        lost.append("the ledger's chain")
    return lost + lost_versions(all_of(client, "/v1/seal/versions"), acknowledged)


def lost_versions(versions: Sequence[dict[str, Any]], acknowledged: Acknowledged) -> list[str]:
    """What of the versions is not as it was told, or not as it may be."""
    lost: list[str] = []
    live = max((one["sequence"] for one in versions if one["live"]), default=0)
    if live < acknowledged.live:
        lost.append(f"version {acknowledged.live} was live, and now {live} is")
    acknowledged.live = live
    known = {one["id"]: one for one in versions}
    lost += [f"version {one}" for one in acknowledged.versions if one not in known]
    added = Counter[str]()
    for one in versions:
        before = known[one["parent"]]["documents"] if one["parent"] else []
        added.update(set(one["documents"]) - set(before))
    return lost + [f"{document} was put into {n} versions" for document, n in added.items() if n > 1]


def all_of(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    """A whole list, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        after = {"after": found[-1]["id"]} if found else {}
        told = client.get(path, params={"limit": "1000", **after}).raise_for_status().json()
        found += told["data"]
        if not told["has_more"]:
            return found


class Killing:
    """The servers of a workspace, and what becomes of them."""

    def __init__(self, out: Path, n_servers: int, forks: Preloaded) -> None:
        self.forks = forks
        self.workspace = out / "brain"
        self.servers = [ServiceProcess(out) for _ in range(n_servers)]

    def start(self, starts: dict[str, list[float]], rng: random.Random) -> None:
        """Starts those that are gone, together."""
        began = time.monotonic()
        gone = [one for one in self.servers if not one.running]
        forked = rng.random() >= _COLD
        for server in gone:
            server.begin(self.forks if forked else None)
        for server in gone:
            server.wait_until_ready()
            starts["forked" if forked else "program"].append(round(time.monotonic() - began, 2))

    def workers(self) -> list[psutil.Process]:
        """The study workers of all servers, also of those that are gone."""
        servers = {one.process.pid for one in self.servers if one.process is not None}
        with suppress(psutil.NoSuchProcess):
            forks = [one for one in psutil.Process(self.forks.pid).children() if one.pid not in servers]
            return forks + [worker for one in self.servers if one.running for worker in one.workers()]
        return []

    def kill(self, loads: Mapping[ServiceProcess, Load], rng: random.Random) -> Counter[str]:
        """Kills workers and servers in random order, in random pace; how many of which."""
        killed = Counter[str]()
        victims: list[ServiceProcess | psutil.Process] = list(self.workers())
        if not victims or rng.random() < _SERVERS_TOO:
            victims += rng.sample(self.servers, rng.randint(1, len(self.servers)))
        rng.shuffle(victims)
        longest = rng.choice((0.0, 0.1, 2.0))
        for victim in victims:
            time.sleep(rng.uniform(0, longest))
            if isinstance(victim, ServiceProcess):
                loads[victim].killed.set()
                victim.kill()
                killed["server"] += 1
            else:
                with suppress(psutil.NoSuchProcess):
                    if victim.status() != psutil.STATUS_ZOMBIE:  # it has not ended by itself
                        victim.kill()
                        killed["worker"] += 1
        return killed


def cycle(killing: Killing, acknowledged: Acknowledged, seed: str, longest_s: float) -> Cycle:
    """Load for a random time, then kills."""
    rng = random.Random(seed)
    loads = {one: Load(one, acknowledged, f"{seed}/{one.port}") for one in killing.servers}
    for load in loads.values():
        load.begin()
    time.sleep(rng.uniform(0.2, longest_s * (_LONGER if rng.random() < _LONG else 1)))
    killed = killing.kill(loads, rng)
    for load in loads.values():
        load.end()
    acknowledged.write()
    unexpected = [one for load in loads.values() for one in load.unexpected]
    return Cycle(killed, unexpected, sum(load.refused for load in loads.values()))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Kill servers and workers under load.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument(
        "--longest",
        type=float,
        default=6.0,
        help="seconds of load before kills, at most; ten times in one of five",
    )
    parser.add_argument("--seed", default="kills", help="what is killed when follows from it")
    parser.add_argument("--out", type=Path, default=None, help="the folder of the run, to go on with it")
    options = parser.parse_args(arguments)
    out = options.out or Path(tempfile.mkdtemp(prefix="seal-kills-"))
    out.mkdir(parents=True, exist_ok=True)
    results = out / "results.json"
    before = json.loads(results.read_text()) if results.exists() else {}
    counts = Counter[str](before.get("counts", {}))
    starts: dict[str, list[float]] = before.get("starts_s", {"program": [], "forked": []})
    lost: list[str] = before.get("lost", [])
    acknowledged = Acknowledged(out / "acknowledged.json")

    def told(**more: Any) -> None:
        figures = {
            "counts": counts,
            "acknowledged": acknowledged.counts(),
            "lost": lost,
            **more,
            "starts": {kind: _spread(times) for kind, times in starts.items() if times},
            "load_average": round(os.getloadavg()[0], 1),
        }
        whole = {**figures, "starts_s": starts}
        write_durably(results, [json.dumps(whole, indent=1).encode() + b"\n"])
        print(json.dumps(figures), flush=True)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped; the same --out goes on with it"))
    with ExitStack() as stack:
        killing = Killing(out, options.servers, stack.enter_context(preloaded(out)))
        for server in killing.servers:
            stack.enter_context(server)
        while counts["server"] + counts["worker"] < options.kills:
            seed = f"{options.seed}/{counts['cycles']}"
            killing.start(starts, random.Random(seed))
            lost += lost_of(killing, acknowledged, random.Random(seed))
            done = cycle(killing, acknowledged, seed, options.longest)
            counts.update(done.killed)
            counts.update({"cycles": 1, "refused": done.refused})
            lost += done.unexpected
            told()
        killing.start(starts, random.Random())
        lost += lost_of(killing, acknowledged, random.Random(), None)
        with killing.servers[0].client(timeout=_PATIENCE_S) as client:
            jobs = Counter(one["status"] for one in all_of(client, "/v1/fine_tuning/jobs"))
            told(looked_at_all=True, jobs=jobs)
    print(*lost, sep="\n")
    return 1 if lost else 0


def _spread(times: Sequence[float]) -> dict[str, float]:
    return {
        "n": len(times),
        "p50_s": share(times, 0.5),
        "p95_s": share(times, 0.95),
        "most_s": max(times, default=0.0),
        "over_10_s": sum(one > _MOST_S for one in times),
    }


if __name__ == "__main__":
    raise SystemExit(main())
