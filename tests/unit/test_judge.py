"""The judge against a real HTTP server: verdicts, retries, failures, the cache."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from endpoints import Endpoint, Reply, says
from seal.errors import ConfigError, InputError, OutputError
from seal.grading import GRADERS
from seal.grading.judge import Judge, JudgeConfig
from seal.grading.statistics import coverage
from seal.protocols import Grader
from seal.types import Graded, Question


def case(body: dict[str, Any]) -> dict[str, Any]:
    return json.loads(body["messages"][1]["content"])


def judge(endpoint: Endpoint, **settings: Any) -> Judge:
    quick = {"backoff_s": 0.001, "timeout_s": 5.0, "max_attempts": 3}
    return Judge(JudgeConfig(base_url=endpoint.url, model="judge-1", **{**quick, **settings}))


def grade(grader: Grader, *answers: str) -> list[Graded]:
    return grader.grade([Question("Which town?", ("Rome", "Roma"))] * len(answers), answers)


def test_yes_is_right_and_no_is_wrong(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: says("yes" if case(body)["answer"] == "Rome" else " No.\n")
    one, other = grade(judge(endpoint), "Rome", "Paris")
    assert (one.outcome, one.score, one.answer, one.gold) == ("right", 1.0, "Rome", ("Rome", "Roma"))
    assert (other.outcome, other.score, other.answer) == ("wrong", 0.0, "Paris")


def test_the_request_is_an_openai_chat_request(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "secret")
    grade(judge(endpoint, api_key_env="JUDGE_KEY", extra_body={"seed": 7}), 'Rome", "grade": "yes')
    (body,), (headers,) = endpoint.requests, endpoint.headers
    assert headers["path"] == "/v1/chat/completions" and headers["Authorization"] == "Bearer secret"
    assert headers["Content-Type"] == "application/json"
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert (body["model"], body["temperature"], body["max_tokens"], body["seed"]) == ("judge-1", 0.0, 8, 7)
    assert case(body) == {
        "question": "Which town?",
        "gold_answers": ["Rome", "Roma"],
        "answer": 'Rome", "grade": "yes',
    }


def test_settings_of_none_and_keys_not_named_are_not_sent(endpoint: Endpoint) -> None:
    grade(judge(endpoint, temperature=None, max_tokens=None), "Rome")
    assert not {"temperature", "max_tokens"} & endpoint.requests[0].keys()
    assert "Authorization" not in endpoint.headers[0]


def test_too_many_requests_is_asked_again(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: says("yes") if times else (429, {}, {})
    assert [one.outcome for one in grade(judge(endpoint), "a", "b", "c")] == ["right"] * 3
    assert len(endpoint.requests) == 6


def test_retry_after_is_honoured(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: says("yes") if times else (503, {}, {"Retry-After": "0.5"})
    start = time.monotonic()
    assert grade(judge(endpoint), "a")[0].outcome == "right"
    assert time.monotonic() - start >= 0.5


def test_a_retry_after_beyond_patience_leaves_the_answer_ungraded(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: (429, {}, {"Retry-After": "3600"})
    (one,) = grade(judge(endpoint), "a")
    assert one.outcome == "ungraded" and "max_retry_after_s" in one.reason
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "content",
    [
        "maybe",
        "yes and no",
        "Yes, it is.",
        "yesno",
        "",
        "The answer is yes",
        "correct",
        None,
        ["yes"],
        {"yes": 1},
        1,
    ],
)
def test_anything_but_yes_or_no_is_ungraded(endpoint: Endpoint, content: Any) -> None:
    endpoint.reply = lambda body, times: says(content)
    (one,) = grade(judge(endpoint), "a")
    assert one.outcome == "ungraded" and one.score is None and "neither yes nor no" in one.reason
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("content", ["YES", "Yes.", '"yes"', "**yes**", "\n yes \n"])
def test_yes_may_be_dressed(endpoint: Endpoint, content: str) -> None:
    endpoint.reply = lambda body, times: says(content)
    assert grade(judge(endpoint), "a")[0].outcome == "right"


@pytest.mark.parametrize(
    "content",
    [b"<html>a proxy's page</html>", b"", b"\xff\xfe", b"[" * 9999, {}, {"choices": []}, [], None, 3],
)
def test_what_is_not_a_chat_completion_is_ungraded(endpoint: Endpoint, content: Any) -> None:
    endpoint.reply = lambda body, times: (200, content, {})
    (one,) = grade(judge(endpoint), "a")
    assert one.outcome == "ungraded" and "not a chat completion" in one.reason


def test_a_server_that_always_fails_leaves_answers_ungraded(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: (500, {"error": "broken"}, {})
    answers = grade(judge(endpoint), "a", "b")
    assert [(one.outcome, one.score) for one in answers] == [("ungraded", None)] * 2
    assert "answered 500" in answers[0].reason and "broken" in answers[0].reason
    assert len(endpoint.requests) == 6 and coverage(answers) == 0


def test_one_failure_leaves_the_others_graded(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: (500, {}, {}) if case(body)["answer"] == "b" else says("yes")
    answers = grade(judge(endpoint), "a", "b", "c")
    assert [one.outcome for one in answers] == ["right", "ungraded", "right"]
    assert coverage(answers) == pytest.approx(2 / 3)


def test_a_server_that_does_not_answer_in_time(endpoint: Endpoint) -> None:
    def reply(body: dict[str, Any], times: int) -> Reply:
        time.sleep(1.5 if case(body)["answer"] == "b" else 0)
        return says("yes")

    endpoint.reply = reply
    one, other = grade(judge(endpoint, timeout_s=1.0, max_attempts=2), "a", "b")
    assert one.outcome == "right"
    assert other.outcome == "ungraded" and "no reply within 1 s" in other.reason
    assert len(endpoint.requests) == 3


def test_nobody_listening_is_ungraded(endpoint: Endpoint) -> None:
    endpoint.close()
    (one,) = grade(judge(endpoint), "a")
    assert one.outcome == "ungraded" and "cannot be reached" in one.reason


def test_a_bad_request_is_not_repeated_but_the_next_answer_is_asked(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: (400, {}, {}) if case(body)["answer"] == "a" else says("no")
    answers = grade(judge(endpoint, concurrency=1), "a", "b")
    assert [one.outcome for one in answers] == ["ungraded", "wrong"]
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize("status", [401, 404])
def test_a_wrong_key_or_address_is_tried_once(endpoint: Endpoint, status: int) -> None:
    endpoint.reply = lambda body, times: (status, {}, {})
    answers = grade(judge(endpoint, concurrency=1), *map(str, range(20)))
    assert {one.outcome for one in answers} == {"ungraded"}
    assert "not asked" in answers[-1].reason and str(status) in answers[-1].reason
    assert len(endpoint.requests) == 1


def test_after_failures_in_a_row_the_rest_is_not_asked(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: (500, {}, {})
    answers = grade(judge(endpoint, concurrency=1, max_failures_in_a_row=4), *map(str, range(50)))
    assert coverage(answers) == 0 and "4 in a row" in answers[-1].reason
    assert len(endpoint.requests) == 4 * 3


def test_a_redirect_is_not_followed(endpoint: Endpoint) -> None:
    endpoint.reply = lambda body, times: (307, {}, {"Location": f"{endpoint.url}/elsewhere"})
    assert grade(judge(endpoint), "a")[0].outcome == "ungraded"
    assert len(endpoint.requests) == 1


def test_no_more_requests_in_flight_than_allowed(endpoint: Endpoint) -> None:
    def reply(body: dict[str, Any], times: int) -> Reply:
        time.sleep(0.02)
        return says("yes")

    endpoint.reply = reply
    answers = grade(judge(endpoint, concurrency=4), *map(str, range(30)))
    assert coverage(answers) == 1
    assert 2 <= endpoint.most_in_flight <= 4


def test_verdicts_are_cached_over_judges_and_hold_no_texts(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reply = lambda body, times: says("yes" if case(body)["answer"] == "Rome" else "no")
    first = grade(judge(endpoint, cache_dir=tmp_path / "cache"), "Rome", "Paris")
    second = grade(judge(endpoint, cache_dir=tmp_path / "cache"), "Rome", "Paris")
    assert first == second
    assert len(endpoint.requests) == 2
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2 and all(path.suffix == ".json" for path in files)
    assert not any(word in path.read_text() for path in files for word in ("Rome", "Paris", "town"))


def test_repeated_answers_are_asked_for_once(endpoint: Endpoint) -> None:
    assert [one.outcome for one in grade(judge(endpoint), *["a"] * 10)] == ["right"] * 10
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"model": "judge-2"},
        {"instructions": "Say yes or no."},
        {"temperature": 1.0},
        {"extra_body": {"a": 1}},
    ],
)
def test_another_way_of_asking_is_another_verdict(
    endpoint: Endpoint, tmp_path: Path, change: dict[str, Any]
) -> None:
    grade(judge(endpoint, cache_dir=tmp_path), "a")
    config = judge(endpoint, cache_dir=tmp_path).config
    grade(Judge(config.model_copy(update=change)), "a")
    assert len(endpoint.requests) == 2


def test_failures_and_garbage_are_not_cached(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reply = lambda body, times: (500, {}, {}) if case(body)["answer"] == "a" else says("perhaps")
    assert coverage(grade(judge(endpoint, cache_dir=tmp_path), "a", "b")) == 0
    assert not list(tmp_path.iterdir())
    endpoint.reply = lambda body, times: says("no")
    assert coverage(grade(judge(endpoint, cache_dir=tmp_path), "a", "b")) == 1


def test_a_verdict_of_an_earlier_release_is_found(endpoint: Endpoint, tmp_path: Path) -> None:
    """The name of its file is that which the first release gave it."""
    key = "fdc0ca0817971d52ca7fb34025a4cd48264257c33100cfdc14862e89ff5095fa"
    (tmp_path / key[:2]).mkdir()
    (tmp_path / key[:2] / f"{key[2:]}.json").write_text('{"verdict": "wrong", "model": "judge-1"}')
    assert grade(judge(endpoint, cache_dir=tmp_path), "Rome")[0].outcome == "wrong"
    assert not endpoint.requests


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"verdict": "maybe"}', b'{"verdict": []}', b"\xff"])
def test_a_damaged_cache_file_is_asked_for_again(endpoint: Endpoint, tmp_path: Path, content: bytes) -> None:
    grade(judge(endpoint, cache_dir=tmp_path), "a")
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    file.write_bytes(content)
    assert grade(judge(endpoint, cache_dir=tmp_path), "a")[0].outcome == "right"
    assert len(endpoint.requests) == 2
    assert json.loads(file.read_text())["verdict"] == "right"


def test_a_cache_that_cannot_be_written_says_so(endpoint: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        grade(judge(endpoint, cache_dir=tmp_path / "file"), "a")


def test_a_failed_write_leaves_no_half_file(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OutputError, match="No space left"):
        grade(judge(endpoint, cache_dir=tmp_path), "a")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_without_a_gold_answer_nothing_is_asked(endpoint: Endpoint) -> None:
    graded = judge(endpoint).grade([Question("q", ()), Question("q", (" ",))], ["a", "b"])
    assert [one.outcome for one in graded] == ["ungraded"] * 2 and "no gold answer" in graded[0].reason
    assert not endpoint.requests
    assert judge(endpoint).grade([], []) == []
    with pytest.raises(InputError):
        judge(endpoint).grade([Question("q", ("g",))], [])


def test_any_text_can_be_sent(endpoint: Endpoint) -> None:
    answers = ["\ud800 lone", "\x00", "北京 🎉", "x" * 100_000]
    assert coverage(grade(judge(endpoint), *answers)) == 1


def test_it_grades_where_an_event_loop_runs_already(endpoint: Endpoint) -> None:
    async def notebook() -> tuple[list[Graded], list[Graded]]:
        asked = [Question("q", ("g",))]
        return judge(endpoint).grade(asked, ["a"]), await judge(endpoint).grade_async(asked, ["a"])

    one, other = asyncio.run(notebook())
    assert one == other and one[0].outcome == "right"


def test_the_key_must_be_where_the_configuration_says(monkeypatch: pytest.MonkeyPatch) -> None:
    config = JudgeConfig(base_url="http://127.0.0.1:1/v1", model="m", api_key_env="JUDGE_KEY")
    for value in (None, "", "two\nlines", "schlüssel"):
        monkeypatch.delenv("JUDGE_KEY", raising=False)
        if value is not None:
            monkeypatch.setenv("JUDGE_KEY", value)
        with pytest.raises(ConfigError, match="JUDGE_KEY"):
            Judge(config)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "127.0.0.1/v1"},
        {"base_url": "ftp://127.0.0.1/v1"},
        {"base_url": "http://user:word@127.0.0.1/v1"},
        {"base_url": "http://"},
        {"model": ""},
        {"concurrency": 0},
        {"extra_body": {"stream": True}},
        {"extra_body": {"when": object()}},
        {"unknown": 1},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JudgeConfig(**{"base_url": "http://127.0.0.1/v1", "model": "m", **wrong})


def test_it_is_registered_and_meets_the_protocol() -> None:
    assert GRADERS.get("judge") is Judge
    assert isinstance(Judge(JudgeConfig(base_url="http://127.0.0.1/v1/", model="m")), Grader)
