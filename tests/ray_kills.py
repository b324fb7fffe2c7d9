"""A run on several Ray nodes on this machine: one is killed, one joins, the driver is killed once.

    python tests/ray_kills.py FOLDER CONFIG

CONFIG is a recipe for `seal train`. Runs it here and on the cluster, and prints one line of JSON: what
happened when, how long it took, and the digests of both run folders, file by file.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NODES = 3  # that work, beside the head, which does not
CHANGES_WITH_TIME = ("metrics.jsonl", "results.json")
_WAIT_S = 900.0


def driver(config: str, out: Path, *flags: str) -> subprocess.Popen[str]:
    """`seal train` as a process of its own; what it says goes into a file beside its folder."""
    code = "import sys; from seal.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "train", f"--config={config}", f"--out={out}", *flags]
    with out.with_suffix(".log").open("a") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, text=True)


def ended(process: subprocess.Popen[str], out: Path) -> None:
    if process.wait(_WAIT_S) != 0:
        raise AssertionError(out.with_suffix(".log").read_text()[-3000:])


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a run folder that does not hold times."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in CHANGES_WITH_TIME
    }


def lines_of(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def until(seen: Callable[[], bool], process: subprocess.Popen[str], what: str) -> None:
    end = time.monotonic() + _WAIT_S
    while not seen():
        assert process.poll() is None, f"the driver ended before {what}"
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.05)


def wait_for_nodes() -> None:
    """Lets Ray wait for a node that starts beside other work: its own 30 s are too few there."""
    services: Any = importlib.import_module("ray._private.services")
    get_node = services.get_node

    def patient(*given: Any) -> Any:
        end = time.monotonic() + _WAIT_S
        while True:
            try:
                return get_node(*given)
            except RuntimeError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    services.get_node = patient


def on_cluster(config: str, out: Path) -> dict[str, Any]:
    """The run on the cluster, with what happens to it; returns when, in seconds."""
    wait_for_nodes()
    made: Any = importlib.import_module("ray.cluster_utils").Cluster
    cluster, at = made(initialize_head=True, head_node_args={"num_cpus": 0}), {}
    for _ in range(NODES):
        cluster.add_node(num_cpus=1)
    scores, began = out / "rounds/1/scores.jsonl", time.monotonic()
    try:
        first = driver(config, out, "--executor=ray", f"--address={cluster.address}")
        until(lambda: lines_of(scores) > 0, first, "the first scores")
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        at["node killed"] = round(time.monotonic() - began, 1)
        cluster.add_node(num_cpus=1)
        at["node joined"] = round(time.monotonic() - began, 1)
        recorded = lines_of(scores)
        until(lambda: lines_of(scores) > recorded, first, "scores after the kill")
        first.send_signal(signal.SIGKILL)
        first.wait()
        at["driver killed"] = round(time.monotonic() - began, 1)
        at["scores then"] = lines_of(scores)
        ended(driver(config, out, "--executor=ray", f"--address={cluster.address}"), out)
        at["finished"] = round(time.monotonic() - began, 1)
    finally:
        cluster.shutdown()
    return at


def main(folder: Path, config: str) -> dict[str, Any]:
    os.environ |= {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    here, there = folder / "here", folder / "there"
    began = time.monotonic()
    ended(driver(config, here), here)
    here_s = round(time.monotonic() - began, 1)
    happened = on_cluster(config, there)
    return {
        "here_s": here_s,
        "happened": happened,
        "here": digests(here),
        "there": digests(there),
        "told": there.with_suffix(".log").read_text(),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))
