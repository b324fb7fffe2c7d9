"""The decoding loop: many requests, of many adapters, answered by one model in common passes.

Requests join and leave between any two passes (Orca, OSDI 2022). This is what other threads call; the thread
that does it is `driver.py`. Knows nothing about HTTP or documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import lru_cache, partial
from typing import Any, Self, TypeVar

import torch

from seal.engine.serving.attention import can_serve
from seal.engine.serving.driver import Driver
from seal.engine.serving.lanes import LaneCache
from seal.engine.serving.next_tokens import Chooser
from seal.engine.serving.requests import (
    AdapterSource,
    Completion,
    Request,
    ServingFigures,
    ServingSettings,
    TokenEvent,
)
from seal.engine.serving.row import ServedRow
from seal.engine.serving.shown_text import ShownText
from seal.engine.serving.token_stream import Stream
from seal.errors import ConfigError, InputError, StateError
from seal.models.context import context_tokens, embedded_tokens
from seal.models.ending import Ender
from seal.models.host import keep_freed_memory
from seal.models.score import AnswerScore
from seal.models.tokens import encode_pair
from seal.spans import OpenSpan, opened

_T = TypeVar("_T")


class DecodingLoop:
    """Owns a model while it is open: nobody else may run it, or open a bank on it (`alone` is for that).

    Raises ConfigError for a model whose attention cannot be that of many rows.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        settings: ServingSettings | None = None,
        on_failure: Callable[[Exception], None] | None = None,
    ) -> None:
        """`on_failure` is told of a pass that failed, which those that were in it are told as well."""
        if not can_serve(model):
            raise ConfigError(
                "this model cannot answer several requests in one pass",
                "Its attention is more than transformers' common interface does. Answer one by one.",
            )
        keep_freed_memory()
        self.model, self.tokenizer, self.settings = model, tokenizer, settings or ServingSettings()
        self.context_tokens = context_tokens(model)
        self._ender = lru_cache(256)(partial(Ender, model, tokenizer))
        self._driver = Driver(model, tokenizer, self.settings, on_failure)

    @staticmethod
    def supported(model: Any) -> bool:
        """Whether there can be a loop for a model."""
        return can_serve(model)

    def submit(self, request: Request, adapter: AdapterSource | None = None) -> Stream:
        """Takes a request; returns at once what its tokens come by.

        Raises InputError for one that can never be answered, OverloadedError if too many wait already,
        StateError if the loop is closed.
        """
        return self._submit(request, adapter, shown=True, patient=False)

    def generate(
        self, requests: Sequence[Request], adapters: Sequence[AdapterSource | None] | None = None
    ) -> list[Completion]:
        """Answers requests, and returns when all are answered; waits where too many wait already.

        `adapters[i]` answers request i. Raises what `submit` does, and the error of the first that failed.
        """
        given = adapters or [None] * len(requests)
        streams: list[Stream] = []
        try:
            for request, adapter in zip(requests, given, strict=True):
                streams.append(self._submit(request, adapter, shown=False, patient=True))
            return [stream.completion() for stream in streams]
        except BaseException:
            for stream in streams:
                stream.cancel()
            raise

    def score(
        self,
        pairs: Sequence[tuple[str, str]],
        adapters: Sequence[AdapterSource | None] | None = None,
        *,
        append_eos: bool = False,
    ) -> list[AnswerScore]:
        """Scores (prompt, answer) pairs as `seal.models.score_answers` does. Raises what `generate` does."""
        requests = []
        for i, (prompt, answer) in enumerate(pairs):
            first, ids = encode_pair(self.tokenizer, prompt, answer, append_eos=append_eos)
            if not (first and ids):
                raise InputError(f"pair {i} has a prompt of {len(first)} and an answer of {len(ids)} tokens")
            requests.append(Request((*first, *ids), max_new_tokens=0, echo_from=len(first)))
        return [_score(done) for done in self.generate(requests, adapters)]

    def alone(self, function: Callable[[], _T]) -> _T:
        """Calls `function` between two passes, when it may do with the model what it likes; returns what it
        does. Nothing is decoded meanwhile. Raises what it raises."""
        if self.inside:
            return function()
        future: Future[_T] = Future()

        def call() -> None:
            try:
                with self._driver.slots.closed(), torch.inference_mode(False):
                    result = function()
            except BaseException as error:  # it belongs to whoever called
                future.set_exception(error)
            else:
                future.set_result(result)

        self._driver.command(call, future.set_exception)
        return future.result()

    @property
    def inside(self) -> bool:
        """Whether this is the loop's own thread."""
        return self._driver.inside

    def forget(self, key: str) -> None:
        """An adapter is not to be used again as it is: requests that it answers fail with StateError, and
        nothing that it has read is kept."""
        self._driver.command(partial(self._driver.drop, key), lambda _: None)

    def figures(self) -> ServingFigures:
        """What it is doing now, about, and what it has done."""
        return self._driver.figures()

    def close(self, *, drain: bool = True, timeout_s: float = 30.0) -> None:
        """Takes no more requests. `drain`: those that were taken are answered, for so long at most; else, and
        after that, they fail with StateError."""
        self._driver.close(drain=drain, timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close(drain=error[0] is None)

    def _submit(
        self, request: Request, adapter: AdapterSource | None, *, shown: bool, patient: bool
    ) -> Stream:
        self._check(request)
        if patient and self.inside:
            raise StateError("the loop cannot wait for itself", "Call it from another thread.")
        ender = self._ender(request.stop, at_eos=not request.ignore_eos)
        stream = Stream(self._driver.wake)
        text = ShownText(ender.text, request.stop) if shown else None
        row = ServedRow(request, adapter, stream, ender, Chooser.of(request), text)
        self._driver.put(row, patient=patient)
        if (traced := opened("seal.decode", seal__adapter=adapter is not None)) is not None:
            stream.subscribe(partial(_end, traced))
        return stream

    def _check(self, request: Request) -> None:
        """Raises InputError if a request can never be answered."""
        need, n_words = request.whole_tokens, embedded_tokens(self.model)
        context = self.context_tokens or need
        if need > context or LaneCache.capacity(need) > self.settings.cache_tokens:
            raise InputError(
                f"a prompt of {len(request.prompt)} tokens with {request.max_new_tokens} new ones is longer "
                f"than the context of {min(context, self.settings.cache_tokens)} tokens",
                "Shorten the prompt or max_new_tokens.",
            )
        if not all(0 <= id < n_words for id in (*request.prompt, *request.logit_bias)):
            raise InputError(f"a token id is outside of the vocabulary of {n_words}")


def _end(traced: OpenSpan, news: TokenEvent | Completion | Exception) -> None:
    """Ends the span of a request with it."""
    if isinstance(news, TokenEvent):
        return
    if isinstance(news, Exception):
        traced.fail(type(news).__name__)
    else:
        traced.note(
            gen_ai__usage__input_tokens=news.prompt_tokens,
            gen_ai__usage__output_tokens=len(news.tokens),
            seal__cached_tokens=news.cached_tokens,
            seal__waited_s=news.waited_s,
            seal__first_token_s=news.first_s,
            seal__finish_reason=news.finish_reason,
        )
    traced.end()


def _score(done: Completion) -> AnswerScore:
    logs = tuple(log.logprob for log in done.prompt_logprobs)
    exact = all(log.likeliest for log in done.prompt_logprobs)
    return AnswerScore(sum(logs), len(logs), exact, logs)
