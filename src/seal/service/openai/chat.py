"""`/v1/chat/completions`: what the user asks last is answered by a version, with where the answer is from.

A question that no document is about is answered by the base, which then reads the whole conversation. That is
said: `seal.way` is "base".
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse, Response

from seal.engine.serving import Completion, Request, Stream, TokenEvent, TokenLog
from seal.errors import SealError
from seal.learner.answering import Answer
from seal.models.tokens import encode_prompt
from seal.registry import LIVE
from seal.service.access import Caller, Role, needs
from seal.service.hosting import Answered, Tenant
from seal.service.openai.decoding_requests import context_tokens, requests_of
from seal.service.openai.forms import ChatForm
from seal.service.openai.messages import asked_in, plain
from seal.service.openai.model_ids import Target, target_of
from seal.service.openai.streaming import completed, event_stream, merged, submit_all
from seal.service.problems import invalid
from seal.service.records import RequestRecord, record_in
from seal.service.releasing import TrialPart, TriedQuestion
from seal.service.settings import LimitSettings
from seal.service.state import ServiceDep

router = APIRouter(tags=["chat"])
_MAX_TOKENS = 512  # where none is named, and the model's context has room


@dataclass(frozen=True)
class _Chat:
    """One request to chat: what was asked, of whom, by whom."""

    form: ChatForm
    target: Target
    messages: list[dict[str, str]]
    question: str
    earlier: list[str]
    caller: Caller
    record: RequestRecord
    created: int
    part: TrialPart | None = None

    @property
    def tenant(self) -> Tenant:
        return self.caller.tenant


@router.post("/v1/chat/completions", response_model=None)
async def chat_completions(
    form: ChatForm,
    http: HttpRequest,
    service: ServiceDep,
    caller: Annotated[Caller, needs(Role.ASK)],
) -> Response:
    """Answers what the user asks last, by the model that is named: `live`, another alias, a version; or
    `base`, which knows no documents. The field `seal` and the headers X-Seal-Version and X-Seal-Documents say
    where the answer is from."""
    tenant = caller.tenant
    tenant.check_ready()
    _check(form)
    messages = plain(form.messages)
    question, earlier = asked_in(messages)
    target, part = await tenant.read(_target, tenant, form, caller.key)
    if target.document is not None:
        raise invalid("one document's cell continues texts (/v1/completions), and does not chat", "model")
    record, now = record_in(http.scope), int(time.time())
    chat = _Chat(form, target, messages, question, earlier, caller, record, now, part)
    if not target.is_base:
        chat, answered = await _asked(chat)
        if answered.answer.way != "base" or not tenant.chats:
            return await _told(chat, answered)
    return await _by_base(chat, service.settings.limits, http)


def _target(tenant: Tenant, form: ChatForm, key: str) -> tuple[Target, TrialPart | None]:
    """Who is to answer, and the part that the caller has in what is tried. Raises Problem (404)."""
    target = target_of(tenant.learner, form.model)
    part = tenant.releasing.part_of(target.version, key, form.user) if form.model == LIVE else None
    if part is not None and part.side == "candidate":
        target = Target(LIVE, tenant.learner.version(part.rollout.version))
    return target, part


async def _asked(chat: _Chat) -> tuple[_Chat, Answered]:
    """The version's answer. If it is one that is tried and fails, the live one answers in its place."""
    tenant, version, part = chat.tenant, chat.target.version, chat.part
    told = {"by": chat.form.seal.by, "earlier": chat.earlier}
    try:
        return chat, await tenant.ask(chat.question, version=version, **told)
    except SealError as error:
        if part is None or part.side == "live":
            raise
        await tenant.read(tenant.releasing.failed, part, error)
    target = await tenant.read(target_of, tenant.learner, LIVE)
    return replace(chat, target=target, part=None), await tenant.ask(
        chat.question, version=target.version, **told
    )


def _check(form: ChatForm) -> None:
    """Raises Problem for what would change the answer and cannot be done."""
    if form.tools:
        raise invalid("tools are not supported", "tools")
    if form.response_format and form.response_format.get("type", "text") != "text":
        raise invalid("only the response format text is supported", "response_format")
    if form.top_logprobs and not form.logprobs:
        raise invalid("top_logprobs needs logprobs", "top_logprobs")
    if form.logprobs and form.model != "base":
        raise invalid(
            "a learner's answer has one probability as a whole (seal.probability); those of tokens are the "
            "base's: ask the model base, or /v1/completions",
            "logprobs",
        )


# --- a learner's answer -------------------------------------------------------------------------------------


async def _told(chat: _Chat, answered: Answered) -> Response:
    """An answer that came whole. Choices beyond the first are the same: the answer is the likeliest one."""
    text, finish, usage = await chat.tenant.read(_measured, chat, answered.answer.text)
    id = await _remembered(chat, answered.answer, answered.version)
    extension, headers = _source(answered, id), _headers(answered)
    chat.record.used(usage)
    if not chat.form.stream:
        choices = [_choice(i, text, finish) for i in range(chat.form.choices)]
        return JSONResponse(_body(chat, id, choices, usage, extension), headers=headers)

    async def chunks() -> AsyncIterator[dict[str, Any]]:
        for i in range(chat.form.choices):
            yield _chunk(chat, id, [_delta(i, text, role=True)], extension)
            yield _chunk(chat, id, [_delta(i, finish=finish)])
        if chat.form.tells_usage:
            yield _chunk(chat, id, [], usage=usage)

    return event_stream(chunks(), headers)


def _measured(chat: _Chat, text: str) -> tuple[str, str, dict[str, int]]:
    """An answer as it is given, why it ends, and the tokens of the conversation and the choices."""
    text, finish = _cut(chat, text)
    read = "\n".join(message["content"] for message in chat.messages)
    tokenizer = chat.tenant.tokenizer
    n_read, n_written = len(encode_prompt(tokenizer, read)), len(encode_prompt(tokenizer, text))
    return text, finish, _usage(n_read, chat.form.choices * n_written)


def _cut(chat: _Chat, text: str) -> tuple[str, str]:
    """The answer within the request's stop strings and tokens, and why it ends."""
    cuts = [at for at in (text.find(stop) for stop in chat.form.stops) if at >= 0]
    text = text[: min(cuts)] if cuts else text
    most = _most_tokens(chat.form)
    tokenizer = chat.tenant.tokenizer
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    if most is None or len(ids) <= most:
        return text, "stop"
    return tokenizer.decode(ids[:most], skip_special_tokens=True).rstrip("\ufffd"), "length"


def _source(answered: Answered, id: str) -> dict[str, Any]:
    """The extension: where an answer is from."""
    answer = answered.answer
    return {
        "answer_id": id,
        "version": answered.version,
        "way": answer.way,
        "documents": [
            {"id": key, "title": title}
            for key, title in answered.titles.items()
            if key == answer.document or answer.document is None
        ],
        "source": answer.passage or None,
        "probability": answer.probability,
        "stated": answer.stated,
    }


def _headers(answered: Answered) -> dict[str, str]:
    document = answered.answer.document
    return {"X-Seal-Version": answered.version or "base", "X-Seal-Documents": document or ""}


# --- the base's answer --------------------------------------------------------------------------------------


async def _by_base(chat: _Chat, limits: LimitSettings, http: HttpRequest) -> Response:
    """The base reads the whole conversation, and goes on."""
    requests = await chat.tenant.read(_base_requests, chat, limits)
    streams = submit_all(chat.tenant, [(request, None) for request in requests])
    version = chat.target.version
    headers = {"X-Seal-Version": version.id if version else "base", "X-Seal-Documents": ""}
    n_prompt = len(requests[0].prompt)
    if chat.form.stream:
        return event_stream(_base_chunks(chat, streams, n_prompt), headers)
    made = await completed(streams, http)
    usage = _usage(n_prompt, sum(len(one.tokens) for one in made))
    answered = _answered(chat, made[0])
    id = await _remembered(chat, answered.answer, answered.version)
    chat.record.used(usage)
    choices = [
        _choice(i, one.text.strip(), one.finish_reason, _logprobs(chat, one)) for i, one in enumerate(made)
    ]
    return JSONResponse(_body(chat, id, choices, usage, _source(answered, id)), headers=headers)


def _base_requests(chat: _Chat, limits: LimitSettings) -> list[Request]:
    form, tenant = chat.form, chat.tenant
    if form.choices > limits.choices:
        raise invalid(f"more than {limits.choices} completions are asked for at once", "n")
    asked = tenant.base_prompt(chat.messages)
    prompt = encode_prompt(tenant.tokenizer, asked.text)
    context, most = context_tokens(tenant), _most_tokens(form)
    if most is None:
        room = max(1, context - len(prompt)) if context is not None else _MAX_TOKENS
        most = min(_MAX_TOKENS, limits.output_tokens, room)
    return requests_of(
        form,
        tenant,
        limits,
        prompt,
        max_new_tokens=most,
        temperature=form.temperature or 0.0,
        stop=(*form.stops, *asked.stop),
        logprobs=form.top_logprobs or 0,
    )


def _most_tokens(form: ChatForm) -> int | None:
    return form.max_completion_tokens if form.max_completion_tokens is not None else form.max_tokens


def _answered(chat: _Chat, made: Completion) -> Answered:
    probability = math.exp(sum(log.logprob for log in made.logprobs))
    answer = Answer(chat.question, made.text.strip(), probability)
    version = chat.target.version
    return Answered(answer, version.id if version else None, {})


def _logprobs(chat: _Chat, made: Completion) -> dict[str, Any] | None:
    if not chat.form.logprobs:
        return None
    texts, k = chat.tenant.texts, chat.form.top_logprobs or 0
    return {"content": [texts.chat(log, k) for log in made.logprobs], "refusal": None}


async def _base_chunks(
    chat: _Chat, streams: Sequence[Stream], n_prompt: int
) -> AsyncIterator[dict[str, Any]]:
    """What the base says as it comes; with the end of the last choice, where the answer is from."""
    id, left = chat.record.id, len(streams)
    begun = [False] * left
    for place in range(left):
        yield _chunk(chat, id, [_delta(place, "", role=True)])
    async for place, event in merged(streams):
        if event is not None:
            text = event.text if begun[place] else event.text.lstrip()
            begun[place] = begun[place] or bool(text)
            if text or chat.form.logprobs:
                yield _chunk(chat, id, [_delta(place, text, logprobs=_event_logprobs(chat, event))])
            continue
        left -= 1
        source = None
        if not left:
            answered = _answered(chat, streams[0].completion())
            source = _source(answered, await _remembered(chat, answered.answer, answered.version))
        finish = streams[place].completion().finish_reason
        yield _chunk(chat, id, [_delta(place, finish=finish)], source)
    usage = _usage(n_prompt, sum(len(stream.completion().tokens) for stream in streams))
    chat.record.used(usage)
    if chat.form.tells_usage:
        yield _chunk(chat, id, [], usage=usage)


def _event_logprobs(chat: _Chat, event: TokenEvent) -> dict[str, Any] | None:
    if not chat.form.logprobs or event.logprob is None:
        return None
    log = TokenLog(event.token, event.logprob, False, event.top_logprobs)
    return {"content": [chat.tenant.texts.chat(log, chat.form.top_logprobs or 0)], "refusal": None}


# --- what both have in common -------------------------------------------------------------------------------


async def _remembered(chat: _Chat, answer: Answer, version: str | None) -> str:
    chat.record.ways.append(answer.way)
    id = await chat.tenant.read(chat.tenant.remember, answer, version, chat.messages, chat.caller.key)
    if chat.part is not None:
        asked = TriedQuestion(chat.part, tuple(chat.earlier), chat.form.seal.by, answer, id)
        chat.record.afterwards.append(partial(chat.tenant.releasing.note, asked))
    return id


def _usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def _choice(index: int, text: str, finish: str, logprobs: dict[str, Any] | None = None) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish}


def _body(
    chat: _Chat,
    id: str,
    choices: list[dict[str, Any]],
    usage: dict[str, int],
    extension: dict[str, Any],
) -> dict[str, Any]:
    return {**_head(chat, id, "chat.completion"), "choices": choices, "usage": usage, "seal": extension}


def _head(chat: _Chat, id: str, kind: str) -> dict[str, Any]:
    completion = f"chatcmpl-{id.partition('_')[2] or id}"
    return {"id": completion, "object": kind, "created": chat.created, "model": chat.form.model}


def _delta(
    index: int,
    text: str | None = None,
    *,
    role: bool = False,
    finish: str | None = None,
    logprobs: dict[str, Any] | None = None,
) -> dict[str, Any]:
    delta: dict[str, Any] = {"role": "assistant"} if role else {}
    if text is not None:
        delta["content"] = text
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _chunk(
    chat: _Chat,
    id: str,
    choices: list[dict[str, Any]],
    extension: dict[str, Any] | None = None,
    usage: dict[str, int] | None = None,
) -> dict[str, Any]:
    told: dict[str, Any] = {**_head(chat, id, "chat.completion.chunk"), "choices": choices}
    if chat.form.tells_usage:
        told["usage"] = usage
    return told if extension is None else {**told, "seal": extension}
