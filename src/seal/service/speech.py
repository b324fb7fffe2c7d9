"""Generation by a base or by one of a version's cells, under one lock a base.

The names and forms are those of `seal.engine.serving`, which takes this module's place.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import torch
from anyio import to_thread

from seal.errors import InputError
from seal.models.generate import generate
from seal.training import Adapter, AdapterBank

T = TypeVar("T")


@dataclass(frozen=True)
class AdapterSource:
    key: str
    load: Callable[[], Adapter]
    fingerprint: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Request:
    prompt: tuple[int, ...]
    max_new_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    stop: tuple[str, ...] = ()
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    logprobs: int | None = None
    echo_from: int | None = None
    timeout_s: float | None = None
    ignore_eos: bool = False


@dataclass(frozen=True)
class TokenLog:
    token: int
    logprob: float
    likeliest: bool
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class TokenEvent:
    token: int
    text: str
    logprob: float | None = None
    top_logprobs: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Completion:
    text: str
    tokens: tuple[int, ...]
    finish_reason: Literal["stop", "length", "cancelled"]
    logprobs: tuple[TokenLog, ...] = ()
    prompt_logprobs: tuple[TokenLog, ...] = ()
    prompt_tokens: int = 0
    cached_tokens: int = 0
    fingerprint: tuple[float, ...] = ()


class Stream:
    """One request's tokens, of which all come at once."""

    def __init__(self, make: Callable[[], Completion]) -> None:
        self._make = make

    def completion(self, timeout_s: float | None = None) -> Completion:
        return self._make()

    def cancel(self) -> None:
        pass

    def __iter__(self) -> Iterator[TokenEvent]:
        made = self._made = self._make()
        logs = made.logprobs or (None,) * len(made.tokens)
        for i, (token, log) in enumerate(zip(made.tokens, logs, strict=True)):
            text = made.text if i == 0 else ""
            yield TokenEvent(token, text, log.logprob if log else None, log.top if log else ())

    async def __aiter__(self) -> AsyncIterator[TokenEvent]:
        for event in await to_thread.run_sync(lambda: list(self)):
            yield event


class DecodingLoop:
    """One request after the other."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer, self.lock = model, tokenizer, threading.RLock()

    def submit(self, request: Request, adapter: AdapterSource | None = None) -> Stream:
        context = getattr(self.model.config, "max_position_embeddings", None)
        if context is not None and len(request.prompt) + request.max_new_tokens > context:
            raise InputError(
                f"a prompt of {len(request.prompt)} tokens with {request.max_new_tokens} new ones is longer "
                f"than the model's context of {context}"
            )
        return Stream(lambda: self._run(request, adapter))

    def generate(
        self, requests: Sequence[Request], adapters: Sequence[AdapterSource | None] | None = None
    ) -> list[Completion]:
        given = adapters or [None] * len(requests)
        return [self._run(r, a) for r, a in zip(requests, given, strict=True)]

    def alone(self, function: Callable[[], T]) -> T:
        with self.lock:
            return function()

    def close(self, drain: bool = True, timeout_s: float = 30) -> None:
        pass

    def forget(self, key: str) -> None:
        pass

    def _run(self, request: Request, source: AdapterSource | None) -> Completion:
        with self.lock:
            banked = AdapterBank.of(self.model, [source.load()]) if source else nullcontext()
            with banked as bank:
                return self._complete(request, bank)

    def _complete(self, request: Request, bank: AdapterBank | None) -> Completion:
        prompt, text, tokens, reason = list(request.prompt), "", [], "length"
        if request.max_new_tokens:
            [written] = generate(
                self.model,
                _Ids(self.tokenizer, prompt),
                ["x"],
                adapters=bank,
                slots=[0] if bank else None,
                max_new_tokens=request.max_new_tokens,
                temperature=request.temperature,
                top_p=request.top_p,
                seeds=[request.seed],
                stop=request.stop,
            )
            text, reason = written.text, "length" if written.truncated else "stop"
            tokens = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        ids = torch.tensor([prompt + tokens])
        with torch.inference_mode(), bank.route([0], 1) if bank else nullcontext():
            logs = self.model(input_ids=ids).logits[0].float().log_softmax(-1)
        told = [_log(logs[i - 1], int(ids[0, i]), request.logprobs or 0) for i in range(1, ids.shape[1])]
        start = len(prompt) if request.echo_from is None else max(1, request.echo_from)
        return Completion(
            text,
            tuple(tokens),
            reason,  # type: ignore[arg-type]
            tuple(told[len(prompt) - 1 :]) if request.logprobs is not None else (),
            tuple(told[start - 1 : len(prompt) - 1]),
            len(prompt),
        )


def _log(logs: torch.Tensor, token: int, k: int) -> TokenLog:
    top = logs.topk(max(1, k))
    pairs = tuple(zip(top.indices.tolist(), top.values.tolist(), strict=True))
    return TokenLog(token, float(logs[token]), pairs[0][0] == token, pairs[:k])


class _Ids:
    """A tokenizer that reads a given prompt."""

    def __init__(self, tokenizer: Any, ids: list[int]) -> None:
        self._tokenizer, self._ids_ = tokenizer, ids

    def __call__(self, text: str, **more: Any) -> Any:
        return {"input_ids": self._ids_ if text else []}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)
