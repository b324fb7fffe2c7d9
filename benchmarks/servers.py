"""`seal serve` beside the servers of others: requests a second, time to the first token, what adapters cost.

    python benchmarks/servers.py [--model tiny] [--clients 1,8,32] [--adapters 0,1,16] [--requests 64]
                                 [--llama-cpp CHECKOUT] [--out DIR]

Each server is a process of its own, asked for streamed completions over HTTP by closed loops of callers; each
request has a prompt of its own and writes exactly --tokens tokens. With adapters, request i is answered by
adapter i mod n: cells of a learner's documents there, the same weights exported for PEFT elsewhere. In each
round every server is started, asked in all ways and stopped, one after another; medians of the rounds. Of
`seal serve` the time of an answer of /v1/chat/completions from a cell is measured too.

llama.cpp is measured where --llama-cpp names a checkout in which `llama-server` was built (cmake -B build;
cmake --build build --target llama-server). What a server cannot do is told as such. DIR keeps what was
prepared (the learner, exported and converted weights) and results.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from rivals import Cannot, LlamaServer, Server, TransformersServe, processor_s
from served import ServiceProcess, documents
from serving import closed_loop, prompts
from serving_stress import random_adapter

from seal.files import write_durably
from seal.learner import Learner
from seal.learner.settings import FILE, preset, settings_text
from seal.models import load_model
from seal.models.load import save_model
from seal.models.tokens import encode_prompt
from seal.registry import LIVE

_WARM = 8  # requests that are answered before it counts
_CHATS = 20  # questions of which the time of an answer is measured


class SealServe:
    """A learner that knows a document for each adapter, as `seal serve` serves it."""

    name = "seal serve"

    def __init__(self, folder: Path, model: str, n_adapters: int, dtype: str) -> None:
        self.folder, self.known = folder, documents(n_adapters, seed=5)
        self.workspace = folder / "brain"
        if not self.workspace.exists():
            _learner(self.workspace, model, self.known, dtype)
        live = Learner.open(self.workspace).live()
        self.cells = [] if live is None else [f"{live.id}/{one}" for one in live.documents]
        self.process = ServiceProcess(folder, "[decoding]\nadapter_slots = 16\n")

    @property
    def url(self) -> str:
        return self.process.url

    @property
    def headers(self) -> dict[str, str]:
        return self.process.headers

    @property
    def pid(self) -> int:
        assert self.process.process is not None
        return self.process.process.pid

    def start(self) -> None:
        self.process.start()

    def stop(self) -> None:
        self.process.kill()

    def body(self, adapter: int | None) -> dict[str, Any]:
        return {"model": "base" if adapter is None else self.cells[adapter], "ignore_eos": True}

    def exported(self) -> list[Path]:
        """Its cells as adapters in PEFT's format."""
        learner, made = Learner.open(self.workspace), list[Path]()
        for n, cell in enumerate(self.cells):
            made.append(self.folder / f"adapter-{n}")
            if not made[-1].exists():
                learner.export(made[-1], document=cell.partition("/")[2])
        return made


def _learner(path: Path, model: str, given: Sequence[Mapping[str, str]], dtype: str) -> None:
    """With cells of the usual rank that were never trained: they cost what those cost that know something,
    and a real model would be taught for an hour."""
    config = preset(model).model_copy(update={"dtype": dtype})
    Learner.init(path, model=model)
    write_durably(path / FILE, [settings_text(config).encode()])
    learner = Learner.open(path)
    workspace, library, builds = learner.workspace, learner.parts.library, list[str]()
    for n, one in enumerate(given):
        known = library.known(workspace.add_document(one["text"], title=one["title"]).id)
        made = random_adapter(learner.parts.adaptation.model, n, strength=0.01, rank=config.cell.rank)
        object = library.put(library.cell_of(known, "", made))
        builds.append(library.add_build(known, object).key)
    if builds:
        version = workspace.add_version(base=library.base, builds=builds, parent=None)
        workspace.move_alias(LIVE, version.id, reason="to be measured")


def asker(server: Server, texts: Sequence[str], tokens: int, n_adapters: int) -> Callable[[int], float]:
    """Asks a server to continue text i; returns when its first token came. Raises RuntimeError where not so
    many tokens were written."""
    bodies = [server.body(n) for n in range(n_adapters)] or [server.body(None)]
    client = httpx.Client(
        base_url=server.url, headers=server.headers, timeout=600, limits=httpx.Limits(max_connections=None)
    )

    def ask(i: int) -> float:
        told = {"prompt": texts[i], "max_tokens": tokens, "temperature": 0, "stream": True}
        first, finished = 0.0, ""
        with client.stream("POST", "/v1/completions", json={**told, **bodies[i % len(bodies)]}) as answer:
            if answer.status_code != 200:
                raise RuntimeError(f"{server.name}: {answer.read().decode()[:500]}")
            for line in answer.iter_lines():
                if not line.startswith("data: {"):
                    continue
                for choice in json.loads(line.removeprefix("data: ")).get("choices", ()):
                    first = first or (time.perf_counter() if choice.get("text") else 0.0)
                    finished = choice.get("finish_reason") or finished
        if finished != "length":
            raise RuntimeError(f"{server.name} ended by {finished or 'nothing'!r}")
        return first or time.perf_counter()

    return ask


def measured(server: Server, options: argparse.Namespace, texts: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each number of adapters and callers."""
    rows: list[dict[str, Any]] = []
    for n_adapters in options.adapters:
        try:
            ask = asker(server, texts, options.tokens, n_adapters)
            warm = range(options.requests, options.requests + max(_WARM, n_adapters))
            for n_clients in options.clients:
                closed_loop(ask, warm, n_clients)
                found = closed_loop(ask, range(options.requests), n_clients, lambda: processor_s(server.pid))
                row = found.row(options.requests, options.tokens)
                rows.append({"by": server.name, "adapters": n_adapters, "clients": n_clients, **row})
                print(json.dumps(rows[-1]), flush=True)
        except (Cannot, RuntimeError, httpx.HTTPError) as why:  # the others are measured all the same
            rows.append({"by": server.name, "adapters": n_adapters, "cannot": str(why) or type(why).__name__})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def chats(server: SealServe) -> dict[str, Any]:
    """How long an answer from a cell takes, asked by one caller of a warm server."""
    took: list[float] = []
    with httpx.Client(base_url=server.url, headers=server.headers, timeout=600) as client:
        for n in range(_CHATS + _WARM):
            question = f"Who is {server.known[n % len(server.known)]['title']}?"
            asked = {"messages": [{"role": "user", "content": question}], "seal": {"by": "weights"}}
            since = time.perf_counter()
            answer = client.post("/v1/chat/completions", json=asked)
            took.append(1000 * (time.perf_counter() - since))
            assert answer.status_code == 200 and answer.json()["seal"]["version"], answer.text
    found = sorted(took[_WARM:])
    return {
        "by": server.name,
        "answers": _CHATS,
        "answer_median_ms": round(statistics.median(found), 1),
        "answer_p95_ms": round(found[int(0.95 * len(found))], 1),
    }


def contenders(options: argparse.Namespace, texts: Sequence[str]) -> list[Server]:
    """Those that are to be had, prepared."""
    out, n_adapters = options.out, max(options.adapters)
    ours = SealServe(out / "seal", options.model, n_adapters, options.dtype)
    made: list[Server] = [ours]
    model, tokenizer = load_model(options.model, dtype=options.dtype)
    longest = max(len(encode_prompt(tokenizer, text)) for text in texts) + options.tokens + 8
    folder = out / "model"
    if not folder.exists():
        save_model(model, tokenizer, folder)
    del model
    adapters = ours.exported()
    for batching in (False, True):
        there = out / f"transformers{'-batching' * batching}"
        made.append(TransformersServe(there, folder, adapters, dtype=options.dtype, batching=batching))
    if options.llama_cpp:
        there, places = out / "llama", max(options.clients)
        more: dict[str, Any] = {"dtype": options.dtype, "places": places, "context": longest}
        try:
            made.append(LlamaServer(there, options.llama_cpp, folder, adapters, **more))
        except Cannot as why:  # its converter knows not every tokenizer
            print(json.dumps({"by": LlamaServer.name, "cannot": str(why)}), flush=True)
    return [one for one in made if options.only in one.name]


def medians(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the rows of all rounds that were measured alike."""
    alike: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        alike.setdefault((row["by"], row.get("adapters"), row.get("clients")), []).append(row)
    return [
        {
            key: statistics.median(one[key] for one in group) if isinstance(value, float) else value
            for key, value in group[0].items()
        }
        for group in alike.values()
    ]


def _numbers(given: str) -> list[int]:
    return [int(one) for one in given.split(",")]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure servers beside one another.")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--clients", type=_numbers, default=[1, 8, 32])
    parser.add_argument("--adapters", type=_numbers, default=[0, 1, 16])
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="those whose name has this in it")
    parser.add_argument("--llama-cpp", type=Path, default=None, help="a checkout with build/bin/llama-server")
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args(arguments)
    options.out = (options.out or Path(tempfile.mkdtemp(prefix="seal-servers-"))).absolute()
    texts = prompts(options.requests + max(_WARM, *options.adapters))
    servers, rows = contenders(options, texts), list[dict[str, Any]]()
    for _ in range(options.rounds):
        for server in servers:
            try:
                server.start()
            except RuntimeError as why:
                rows.append({"by": server.name, "cannot": str(why)})
                print(json.dumps(rows[-1]), flush=True)
                continue
            try:
                found = measured(server, options, texts)
                if isinstance(server, SealServe) and server.known:
                    found.append(chats(server))
                    print(json.dumps(found[-1]), flush=True)
            finally:
                server.stop()
            rows += found
    told = {"load_average": round(os.getloadavg()[0], 1), "medians": medians(rows), "rounds": rows}
    write_durably(options.out / "results.json", [json.dumps(told, indent=1).encode() + b"\n"])
    print("medians")
    for row in told["medians"]:
        print(json.dumps(row))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
