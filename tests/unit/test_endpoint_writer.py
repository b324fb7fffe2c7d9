"""What an instruction model behind an endpoint is asked about sentences, and what its replies are read as."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endpoints import Endpoint, says
from seal.errors import ConfigError, EndpointError
from seal.learner.endpoint_writer import EndpointWriter, ShownUnit, pairs_in
from seal.learner.settings import WriterEndpointConfig

MILL = ShownUnit("Alder Mill", "History", "It stands in Tove.", "It was built in 1844 by Tom Reed.")
BARN = ShownUnit("Alder Mill", "", "", "The barn is red.")
PAIRS = [("When was it built?", "in 1844"), ("Who built it?", "Tom Reed")]


def writer(endpoint: Endpoint, most: int = 8, **settings: Any) -> EndpointWriter:
    quick = {"backoff_s": 0.001, "timeout_s": 5.0, "max_attempts": 3}
    return EndpointWriter(
        WriterEndpointConfig(base_url=endpoint.url, model="m", **{**quick, **settings}), most
    )


def write(made: EndpointWriter, *units: ShownUnit, again: bool = False) -> list[list[tuple[str, str]]]:
    return made.write(units, again=again, on_progress=lambda done, n: None)


def of_barn(body: dict[str, Any]) -> bool:
    return "barn" in body["messages"][1]["content"]


REPLIES = {
    "plain": "When was it built? | in 1844\nWho built it? | Tom Reed",
    "numbered": "1. When was it built? | in 1844\n2. Who built it? | Tom Reed\n",
    "in brackets": "(1) When was it built? | in 1844\n(2) Who built it? | Tom Reed",
    "bold numbers": "**1.** When was it built? | in 1844\n**2.** Who built it? | Tom Reed",
    "bullets": "- When was it built? | in 1844\n* Who built it? | Tom Reed",
    "fenced": "```text\nWhen was it built? | in 1844\nWho built it? | Tom Reed\n```",
    "table": "| When was it built? | in 1844 |\n|---|---|\n| Who built it? | Tom Reed |",
    "talkative": "Here they are:\n\nWhen was it built? | in 1844\nWho built it? | Tom Reed\n\nIs it well?",
    "bold": "**When was it built?** | in 1844\n**Who built it?** | `Tom Reed`",
    "labelled": "Q1: When was it built? | A1: in 1844\n**Question:** Who built it? | **Answer:** Tom Reed",
    "thinking": "<think>\nWhat is it? | a mill\n</think>\n\nWhen was it built? | in 1844\n"
    "Who built it? | Tom Reed",
    "thinking, begun in the prompt": "Hm. What is it? | a mill\n</think>When was it built? | in 1844\n"
    "Who built it? | Tom Reed",
    "thinking twice": "<THINK>a | b</THINK>When was it built? | in 1844\n<think>c | d</think>"
    "Who built it? | Tom Reed",
    "full width": "When was it built?｜in 1844\nWho built it?｜Tom Reed",
    "Windows": "When was it built? | in 1844\r\nWho built it? | Tom Reed\r\n",
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_what_stands_around_the_lines_is_put_up_with(reply: str) -> None:
    assert pairs_in(reply) == PAIRS


def test_a_number_of_its_own_stays() -> None:
    assert pairs_in("2. Bundesliga: Wer stieg auf? | Kiel\nWer stieg ab? | Ulm")[0][0].startswith("2. Bundes")
    assert pairs_in("Who wrote it? | A. Smith") == [("Who wrote it?", "A. Smith")]
    assert pairs_in("How cold was it? | -5 °C") == [("How cold was it?", "-5 °C")]


def test_a_truncated_reply_loses_its_last_line_and_open_thoughts() -> None:
    assert pairs_in("When was it built? | in 1844\nWho built it? | To", truncated=True) == PAIRS[:1]
    assert pairs_in("<think>When was it built? | in 1844\nWho", truncated=True) == []


@pytest.mark.parametrize("rubbish", ["", "I cannot help with that.", "|||", "| |\n---|---", "?" * 999, "{}"])
def test_of_rubbish_nothing_is_left(rubbish: str) -> None:
    assert pairs_in(rubbish) == []


@given(st.text(), st.booleans())
def test_any_reply_can_be_read_and_stored(reply: str, truncated: bool) -> None:
    for pair in pairs_in(f"{reply} | {reply}", truncated=truncated):
        for part in pair:
            part.encode("utf-8")
            assert part.strip() and "\0" not in part and "\n" not in part


@pytest.mark.parametrize(
    "piece", ["<think>", "</think>", "|", "*", "1. ", "a | b\n", "- ", "`", "Q: ", " ", "(", "\ud800"]
)
def test_reading_takes_time_in_proportion_to_the_length(piece: str) -> None:
    started = time.monotonic()
    pairs_in(piece * 1_000_000)
    assert time.monotonic() - started < 5


def test_a_unit_is_sent_with_what_stands_above_it_and_nothing_else(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: says(REPLIES["plain"])
    assert write(writer(endpoint, extra_body={"seed": 1}), MILL, BARN) == [PAIRS, PAIRS]
    told = sorted(body["messages"][1]["content"] for body in endpoint.requests)
    assert told == [
        "Title: Alder Mill\nSection: History\nBefore: It stands in Tove.\n"
        "Sentence: It was built in 1844 by Tom Reed.",
        "Title: Alder Mill\nSentence: The barn is red.",
    ]
    asked = endpoint.requests[0]["messages"][0]
    assert asked["role"] == "system" and "up to 8 questions" in asked["content"]
    assert endpoint.requests[0]["seed"] == 1 and "temperature" not in endpoint.requests[0]


def test_too_many_lines_are_cut(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: says("".join(f"Which is {n}? | {n}\n" for n in range(999)))
    assert len(write(writer(endpoint, most=3), MILL)[0]) == 6


def test_a_busy_endpoint_is_waited_for(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: (
        says(REPLIES["plain"]) if times else (429, {}, {"Retry-After": "0.3"})
    )
    started = time.monotonic()
    assert write(writer(endpoint), MILL) == [PAIRS]
    assert time.monotonic() - started >= 0.3 and len(endpoint.requests) == 2


FAILURES = {
    "wrong key": ((401, {"error": "no key"}, {}), "answered 401", "no key"),
    "no such model": ((404, {}, {}), "answered 404", "model"),
    "broken": ((500, {}, {}), "answered 500", "run the same command again"),
    "a proxy's page": ((200, b"<html>hello</html>", {}), "not a chat completion", "hello"),
    "busy for an hour": ((429, {}, {"Retry-After": "3600"}), "3600 s", "max_retry_after_s"),
    "refuses all": ((400, b"no such parameter", {}), "answered 400", "no such parameter"),
}


@pytest.mark.parametrize(("reply", "told", "hint"), FAILURES.values(), ids=FAILURES)
def test_an_endpoint_that_does_not_answer_is_an_error(
    endpoint: Endpoint, reply: Any, told: str, hint: str
) -> None:
    endpoint.reply = lambda body, times: reply
    with pytest.raises(EndpointError) as failed:
        write(writer(endpoint, concurrency=1), MILL, BARN)
    assert told in failed.value.message and endpoint.url in failed.value.message and hint in failed.value.hint
    assert "2 of 2" in failed.value.message


def test_one_unit_without_a_reply_is_an_error_too(endpoint: Endpoint) -> None:
    """A document is not learned by halves."""
    endpoint.reply = lambda body, times: (503, {}, {}) if of_barn(body) else says(REPLIES["plain"])
    with pytest.raises(EndpointError, match="1 of 2"):
        write(writer(endpoint), MILL, BARN)


def test_about_a_sentence_that_is_refused_nothing_is_written(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: (400, b"filtered", {}) if of_barn(body) else says(REPLIES["plain"])
    made = writer(endpoint)
    assert write(made, MILL, BARN) == [PAIRS, []]
    assert write(made, BARN, again=True) == [[]]


def test_nobody_listening_is_an_error_without_a_word_of_the_document(endpoint: Endpoint) -> None:
    endpoint.close()
    with pytest.raises(EndpointError, match="cannot be reached") as failed:
        write(writer(endpoint), MILL)
    assert "1844" not in str(failed.value) and "Alder" not in str(failed.value)


def test_the_key_is_looked_for_when_it_is_needed(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WRITER_KEY", raising=False)
    made = writer(endpoint, api_key_env="WRITER_KEY")
    with pytest.raises(ConfigError, match="WRITER_KEY"):
        write(made, MILL)
    monkeypatch.setenv("WRITER_KEY", "secret")
    write(made, MILL)
    assert endpoint.headers[0]["Authorization"] == "Bearer secret"
