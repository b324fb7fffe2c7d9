"""Many requests to a chat endpoint, against a real HTTP server: what each is answered, or why it is not."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from endpoints import Endpoint, says
from seal.endpoint.address import EndpointConfig
from seal.endpoint.client import ChatClient, ChatReply, retry_after_s


def ask(endpoint: Endpoint, *texts: str, **settings: Any) -> list[ChatReply]:
    quick = {"backoff_s": 0.001, "timeout_s": 5.0, "max_attempts": 3}
    client = ChatClient(EndpointConfig(base_url=endpoint.url, model="m", **{**quick, **settings}))
    return asyncio.run(client.ask_all([[{"role": "user", "content": text}] for text in texts]))


def asked(body: dict[str, Any]) -> str:
    return body["messages"][0]["content"]


def test_replies_come_in_the_order_of_the_requests(endpoint: Endpoint) -> None:
    def reply(body: dict[str, Any], times: int) -> Any:
        time.sleep(0.05 if asked(body) == "a" else 0)
        return says(asked(body) * 2)

    endpoint.reply = reply
    assert [one.text for one in ask(endpoint, "a", "b", "c")] == ["aa", "bb", "cc"]


def test_why_a_reply_ends_is_told(endpoint: Endpoint) -> None:
    message = {"role": "assistant", "content": "so far"}
    endpoint.reply = lambda body, times: (
        200,
        {"choices": [{"message": message, "finish_reason": "length"}]},
        {},
    )
    assert ask(endpoint, "a") == [ChatReply("so far", "length")]


def test_a_reply_without_a_text_has_none(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: says(None)  # as where a model only thought
    [one] = ask(endpoint, "a")
    assert (one.text, one.reason) == ("", "")


def test_a_cause_repeats_nothing_that_the_endpoint_said(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: (500, {"error": f"cannot do {asked(body)}"}, {})
    [one] = ask(endpoint, "the secret")
    assert "the secret" in one.reason and one.cause == "the endpoint answered 500"
    endpoint.reply = lambda body, times: (429, b"the secret", {"Retry-After": "3600"})
    [one] = ask(endpoint, "b")
    assert "the secret" in one.reason and "the secret" not in one.cause and "3600 s" in one.cause


def test_what_is_not_asked_any_more_says_so_without_what_was_said(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: (401, b"the secret", {})
    replies = ask(endpoint, *"abc", concurrency=1)
    assert len(endpoint.requests) == 1 and "not asked" in replies[-1].cause and "401" in replies[-1].cause
    assert not any("the secret" in one.cause for one in replies)


@pytest.mark.parametrize(
    ("status", "refused"), [(400, True), (422, True), (401, False), (429, False), (503, False)]
)
def test_a_request_that_will_never_be_taken_is_refused(
    endpoint: Endpoint, status: int, refused: bool
) -> None:
    endpoint.reply = lambda body, times: (status, {}, {})
    [one] = ask(endpoint, "a")
    assert one.refused == refused and str(status) in one.cause


def test_what_is_not_set_is_not_sent(endpoint: Endpoint) -> None:
    ask(endpoint, "a")
    assert endpoint.requests[0].keys() == {"messages", "model"}


@pytest.mark.parametrize("url", ["http://h/v1?key=secret", "http://h/v1#m", "http://u:secret@h/v1"])
def test_an_address_holds_no_key(url: str) -> None:
    with pytest.raises(ValidationError, match="api_key_env"):
        EndpointConfig(base_url=url, model="m")


class _Response:
    def __init__(self, value: str) -> None:
        self.headers = {"Retry-After": value}


def test_retry_after_may_be_a_date() -> None:
    in_a_minute = formatdate(time.time() + 60, usegmt=True)
    assert 55 < retry_after_s(_Response(in_a_minute)) <= 60  # type: ignore[arg-type]
    assert retry_after_s(_Response(formatdate(0, usegmt=True))) == 0  # type: ignore[arg-type]


@given(st.text())
def test_a_malformed_retry_after_is_no_error(value: str) -> None:
    assert retry_after_s(_Response(value)) >= 0  # type: ignore[arg-type]
