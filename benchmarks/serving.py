"""What answering many callers together brings: requests a second, and the time to the first token.

    python benchmarks/serving.py [--model tiny] [--clients 1,8,32] [--adapters 0,1,16] [--requests 64]

Closed loops of callers, each of which asks again as soon as it is answered: all by the decoding loop, and in
the same run one after another by `seal.models.generate`, which is what a lock around the model gives. Every
request has a prompt of its own and writes exactly --tokens tokens; with adapters, request i is answered by
adapter i mod n. Medians of the rounds. The limit that is printed is that of memory: a pass reads all weights
once, so that no more passes a second are possible than the bandwidth (of reading a large block, measured
here) has room for, and of tokens: rows a pass. A small model in the processor's caches is not bound by it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from serving_stress import random_adapter

from seal.engine.memory import weight_bytes
from seal.engine.serving import AdapterSource, DecodingLoop, Request, ServingSettings
from seal.models import load_model
from seal.models.generate import generate
from seal.models.tokens import encode_prompt
from seal.training import Adapter, AdapterBank

_WARM = 8  # requests that are answered before it counts
_WORDS = "river mill bridge town mayor stone garden letter winter market".split()


@dataclass(frozen=True)
class Measured:
    """One round: how long it took, by the clock and of the processor, which suffers less from other work, and
    how long callers waited for the first token and for all of them."""

    seconds: float
    processor_s: float
    first_s: list[float]
    whole_s: list[float]

    def row(self, n: int, tokens: int) -> dict[str, float]:
        return {
            "requests_per_s": round(n / self.seconds, 2),
            "requests_per_processor_s": round(n / self.processor_s, 2),
            "tokens_per_s": round(n * tokens / self.seconds, 1),
            "first_token_median_ms": round(1000 * statistics.median(self.first_s), 1),
            "first_token_p95_ms": round(1000 * _high(self.first_s), 1),
            "whole_median_ms": round(1000 * statistics.median(self.whole_s), 1),
        }


def prompts(n: int) -> list[str]:
    """All unlike from their first words on, as those of callers who know nothing of one another."""
    return [
        f"{_WORDS[i % 10].capitalize()} {i}: {' '.join(_WORDS[(i * k) % 10] for k in range(1, 12))}\n"
        f"Question: Who is the {_WORDS[i % 10]}?\nAnswer:"
        for i in range(n)
    ]


def closed_loop(
    ask: Callable[[int], float],
    requests: Sequence[int],
    n_clients: int,
    processor_s: Callable[[], float] = time.process_time,
) -> Measured:
    """`ask` answers request i and returns when its first token came. What it raises is raised."""
    places, lock = iter(requests), threading.Lock()
    first: list[float] = []
    whole: list[float] = []

    def client() -> None:
        while True:
            with lock:
                i = next(places, None)
            if i is None:
                return
            since = time.perf_counter()
            told = ask(i)
            first.append(told - since)
            whole.append(time.perf_counter() - since)

    since, used = time.perf_counter(), processor_s()
    with ThreadPoolExecutor(n_clients) as callers:
        for one in [callers.submit(client) for _ in range(n_clients)]:
            one.result()
    return Measured(time.perf_counter() - since, processor_s() - used, first, whole)


class Together:
    """By the decoding loop."""

    def __init__(
        self, model: Any, tokenizer: Any, adapters: Sequence[Adapter], texts: Sequence[str], tokens: int
    ):
        rank = max((a.hyperparameters.rank for a in adapters), default=0)
        settings = ServingSettings(adapter_slots=max(1, len(adapters)), rank=rank, waiting=4096)
        self.loop = DecodingLoop(model, tokenizer, settings)
        self.sources = [AdapterSource(adapter.id, lambda a=adapter: a) for adapter in adapters]
        ids = [tuple(encode_prompt(tokenizer, text)) for text in texts]
        self.requests = [Request(row, tokens, ignore_eos=True) for row in ids]

    def __enter__(self) -> Callable[[int], float]:
        return self.ask

    def __exit__(self, *_: object) -> None:
        self.loop.close()

    def ask(self, i: int) -> float:
        source = self.sources[i % len(self.sources)] if self.sources else None
        stream = self.loop.submit(self.requests[i], source)
        next(iter(stream))
        told = time.perf_counter()
        stream.completion()
        return told


class OneByOne:
    """By `seal.models.generate` under a lock, with a bank that holds all adapters. Its first token comes with
    the last, as from a server without streaming. EOS is taken out of what ends the model's texts."""

    def __init__(
        self, model: Any, tokenizer: Any, adapters: Sequence[Adapter], texts: Sequence[str], tokens: int
    ):
        self.model, self.tokenizer, self.texts, self.tokens = model, tokenizer, texts, tokens
        self.adapters, self.lock, self.stack = adapters, threading.Lock(), ExitStack()

    def __enter__(self) -> Callable[[int], float]:
        self.bank = (
            self.stack.enter_context(AdapterBank.of(self.model, self.adapters)) if self.adapters else None
        )
        endings = self.model.generation_config
        self.stack.callback(setattr, endings, "eos_token_id", endings.eos_token_id)
        endings.eos_token_id = None
        return self.ask

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def ask(self, i: int) -> float:
        slots = None if self.bank is None else [i % len(self.adapters)]
        with self.lock:
            generate(
                self.model,
                _Endless(self.tokenizer),
                [self.texts[i]],
                adapters=self.bank,
                slots=slots,
                max_new_tokens=self.tokens,
            )
        return time.perf_counter()


class _Endless:
    """A tokenizer without an end."""

    eos_token_id = None

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def __call__(self, *args: Any, **how: Any) -> Any:
        return self._tokenizer(*args, **how)


def bandwidth_bytes_per_s(n_bytes: int = 1 << 28) -> float:
    """Of reading a large block, the best of five."""
    block = torch.ones(n_bytes // 4)
    best = 0.0
    for _ in range(5):
        since = time.perf_counter()
        block.sum()
        best = max(best, n_bytes / (time.perf_counter() - since))
    return best


def _high(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure answering many callers together.")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--clients", default="1,8,32")
    parser.add_argument("--adapters", default="0,1,16")
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    model, tokenizer = load_model(options.model, dtype=options.dtype)
    texts, rows = prompts(options.requests + _WARM), []
    for n_adapters in map(int, options.adapters.split(",")):
        adapters = [random_adapter(model, seed) for seed in range(n_adapters)]
        for n_clients in map(int, options.clients.split(",")):
            for name, kind in (("together", Together), ("one by one", OneByOne)):
                if kind is OneByOne and n_clients > 1:
                    continue  # a lock gives as many a second to any number of callers
                rounds = []
                for _ in range(options.rounds):
                    with kind(model, tokenizer, adapters, texts, options.tokens) as ask:
                        closed_loop(ask, range(options.requests, len(texts)), n_clients)
                        measured = closed_loop(ask, range(options.requests), n_clients)
                    rounds.append(measured.row(options.requests, options.tokens))
                row = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
                rows.append({"by": name, "adapters": n_adapters, "clients": n_clients, **row})
                print(json.dumps(rows[-1]), flush=True)
    limit = bandwidth_bytes_per_s() / weight_bytes(model)
    print(
        json.dumps(
            {"weights_mb": round(weight_bytes(model) / 1e6, 1), "passes_per_s_at_most": round(limit, 1)}
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
