"""`/v1/completions`: a text is continued by the base or by a cell, as it stands.

Nothing here is a learner's answer: no document is read and none is looked up, but for the model `live` (or a
version), for which the cell that a prompt is about continues it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse, Response

from seal.engine.serving import Completion, Request, Stream, TokenEvent, TokenLog
from seal.learner.answering import Cell
from seal.models.tokens import encode_prompt
from seal.service.access import Caller, Role, needs
from seal.service.hosting import Tenant
from seal.service.openai.decoding_requests import requests_of, vocabulary
from seal.service.openai.forms import CompletionForm
from seal.service.openai.model_ids import Target, target_of
from seal.service.openai.streaming import completed, event_stream, merged, submit_all
from seal.service.problems import invalid
from seal.service.records import record_in
from seal.service.settings import LimitSettings
from seal.service.state import ServiceDep
from seal.service.token_texts import TokenTexts

router = APIRouter(tags=["completions"])
_MAX_TOKENS = 16  # where none is named, as OpenAI has it
_TEMPERATURE = 1.0


@dataclass(frozen=True)
class _Prompt:
    """A prompt with what continues it (None: the base)."""

    text: str
    ids: tuple[int, ...]
    cell: Cell | None


@dataclass(frozen=True)
class _Job:
    """All that is to be written for one request: `requests[i]` continues `prompts[i // n]`."""

    form: CompletionForm
    target: Target
    prompts: list[_Prompt]
    requests: list[Request]
    texts: TokenTexts
    id: str
    created: int

    def prompt(self, place: int) -> _Prompt:
        return self.prompts[place // self.form.choices]

    @property
    def headers(self) -> dict[str, str]:
        version = self.target.version
        cells = dict.fromkeys(p.cell.document for p in self.prompts if p.cell)
        return {
            "X-Seal-Version": version.id if version else "base",
            "X-Seal-Documents": ", ".join(cells),
        }

    def body(self, choices: list[dict[str, Any]], usage: dict[str, int] | None) -> dict[str, Any]:
        version = self.target.version
        cells = [p.cell.document if p.cell else None for p in self.prompts]
        return {
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.form.model,
            "choices": choices,
            "usage": usage,
            "seal": {"version": version.id if version else None, "cells": cells},
        }

    def usage(self, written_tokens: int) -> dict[str, int]:
        read = sum(len(prompt.ids) for prompt in self.prompts)
        return {
            "prompt_tokens": read,
            "completion_tokens": written_tokens,
            "total_tokens": read + written_tokens,
        }


@router.post("/v1/completions", response_model=None)
async def completions(
    form: CompletionForm,
    http: HttpRequest,
    service: ServiceDep,
    caller: Annotated[Caller, needs(Role.ASK)],
) -> Response:
    """Continues each prompt, as it stands, by the model that is named: `base`; `live` or a version, by the
    cell that the prompt is about, or else the base; or `<version>/<document>`, by that document's cell."""
    tenant, record = caller.tenant, record_in(http.scope)
    tenant.check_ready()
    job = await tenant.read(_job, form, tenant, service.settings.limits)
    asked = [(request, job.prompt(place).cell) for place, request in enumerate(job.requests)]
    streams = submit_all(tenant, asked)
    if form.stream:
        return event_stream(_chunks(job, streams, record), job.headers)
    made = await completed(streams, http)
    usage = job.usage(sum(len(one.tokens) for one in made))
    record.used(usage)
    return JSONResponse(job.body(_choices(job, made), usage), headers=job.headers)


def _job(form: CompletionForm, tenant: Tenant, limits: LimitSettings) -> _Job:
    """What a form asks for. Raises Problem for what cannot be."""
    if form.best_of is not None and form.best_of != form.choices:
        raise invalid("best_of other than n is not supported", "best_of")
    if form.suffix:
        raise invalid("suffix is not supported: the models continue a text, and fill no gap", "suffix")
    if form.stream and form.echo and form.logprobs is not None:
        raise invalid("log-probabilities of an echoed prompt are not streamed", "stream")
    target = target_of(tenant.learner, form.model)
    prompts = _prompts(form, tenant, target)
    if len(prompts) * form.choices > limits.choices:
        raise invalid(f"more than {limits.choices} completions are asked for at once", "n")
    most = _MAX_TOKENS if form.max_tokens is None else form.max_tokens
    requests = [
        request
        for prompt in prompts
        for request in requests_of(
            form,
            tenant,
            limits,
            prompt.ids,
            max_new_tokens=most,
            temperature=_TEMPERATURE if form.temperature is None else form.temperature,
            stop=form.stops,
            logprobs=form.logprobs,
            prompt_logprobs=bool(form.echo) and form.logprobs is not None,
        )
    ]
    id = f"cmpl-{uuid.uuid4().hex[:24]}"
    return _Job(form, target, prompts, requests, tenant.texts, id, int(time.time()))


def _prompts(form: CompletionForm, tenant: Tenant, target: Target) -> list[_Prompt]:
    given = form.prompt
    if isinstance(given, str) or not given or isinstance(given[0], int):
        given = [given]  # type: ignore[list-item]
    made: list[_Prompt] = []
    for one in given:
        text, ids = _text_and_ids(one, tenant)  # type: ignore[arg-type]
        made.append(_Prompt(text, ids, tenant.cell(target.version, target.document, text)))
    return made


def _text_and_ids(prompt: str | Sequence[int], tenant: Tenant) -> tuple[str, tuple[int, ...]]:
    tokenizer = tenant.tokenizer
    if isinstance(prompt, str):
        start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        empty = () if start is None else (start,)
        return prompt, tuple(encode_prompt(tokenizer, prompt)) or empty
    most = vocabulary(tenant)
    for token in prompt:
        if token >= most:
            raise invalid(f"{token} is no token's id: there are {most}", "prompt")
    return tokenizer.decode(list(prompt), skip_special_tokens=True), tuple(prompt)


def _choices(job: _Job, made: Sequence[Completion]) -> list[dict[str, Any]]:
    return [
        {
            "index": place,
            "text": (job.prompt(place).text if job.form.echo else "") + one.text,
            "logprobs": _logprobs(job, made, place),
            "finish_reason": one.finish_reason,
        }
        for place, one in enumerate(made)
    ]


def _logprobs(job: _Job, made: Sequence[Completion], place: int) -> dict[str, Any] | None:
    k = job.form.logprobs
    if k is None:
        return None
    logs: list[TokenLog | None] = list(made[place].logprobs)
    tokens = [log.token for log in logs if log]
    if job.form.echo:  # all choices of a prompt share its log-probabilities, which the first one measured
        first = made[place - place % job.form.choices]
        logs = [None, *first.prompt_logprobs, *logs]
        tokens = [*job.prompt(place).ids, *tokens]
    return job.texts.legacy(logs, tokens, k)


async def _chunks(job: _Job, streams: Sequence[Stream], record: Any) -> AsyncIterator[dict[str, Any]]:
    """The chunks of a stream: each with what one choice has new."""
    if job.form.echo:
        for place in range(len(streams)):
            yield job.body([_delta(place, job.prompt(place).text)], None)
    written = [0] * len(streams)
    async for place, event in merged(streams):
        if event is None:
            made = streams[place].completion()
            written[place] = len(made.tokens)
            yield job.body([_delta(place, "", finish=made.finish_reason)], None)
        elif event.text or job.form.logprobs is not None:
            yield job.body([_delta(place, event.text, _event_logprobs(job, event))], None)
    usage = job.usage(sum(written))
    record.used(usage)
    if job.form.tells_usage:
        yield job.body([], usage)


def _delta(
    place: int, text: str, logprobs: dict[str, Any] | None = None, finish: str | None = None
) -> dict[str, Any]:
    return {"index": place, "text": text, "logprobs": logprobs, "finish_reason": finish}


def _event_logprobs(job: _Job, event: TokenEvent) -> dict[str, Any] | None:
    k = job.form.logprobs
    if k is None or event.logprob is None:
        return None
    log = TokenLog(event.token, event.logprob, False, event.top_logprobs)
    return job.texts.legacy([log], [event.token], k)
