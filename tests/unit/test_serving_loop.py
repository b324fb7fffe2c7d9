"""The decoding loop: who is taken in, refused, cancelled, too late; what each is told; the right adapter."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import torch

from seal.engine.serving import (
    AdapterSource,
    Completion,
    DecodingLoop,
    Request,
    ServingSettings,
    TokenEvent,
    slots,
)
from seal.engine.serving.attention import can_serve
from seal.errors import AdapterError, ConfigError, DeadlineError, InputError, OverloadedError, StateError
from seal.models.generate import generate
from seal.training import Adapter, AdapterBank, train
from toys import TEXT, toy_model, toy_plan, toy_tokenizer

TOKENIZER = toy_tokenizer()
PROMPT = tuple(TOKENIZER(TEXT[0])["input_ids"][:20])


@pytest.fixture(scope="module")
def model() -> Any:
    return toy_model()


@pytest.fixture(scope="module")
def adapters(model: Any) -> list[Adapter]:
    return train(model, TOKENIZER, [toy_plan(i, learning_rate=2e-2, epochs=3) for i in range(4)])


@pytest.fixture
def start(model: Any) -> Iterator[Callable[..., DecodingLoop]]:
    loops: list[DecodingLoop] = []

    def started(**settings: Any) -> DecodingLoop:
        loops.append(DecodingLoop(model, TOKENIZER, ServingSettings(**settings)))
        return loops[-1]

    yield started
    for loop in loops:
        loop.close(drain=False)


def endless(n: int = 90, **more: Any) -> Request:
    return Request(PROMPT, n, ignore_eos=True, **more)


class Held:
    """Stops a loop until it is let go."""

    def __init__(self, loop: DecodingLoop) -> None:
        self.go, began = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=loop.alone, args=[lambda: (began.set(), self.go.wait())])
        self.thread.start()
        began.wait()

    def release(self) -> None:
        self.go.set()
        self.thread.join()


def test_a_newcomer_joins_while_others_write(start: Callable[..., DecodingLoop]) -> None:
    loop = start()
    long = loop.submit(endless(100))
    next(iter(long))
    short = loop.submit(endless(3)).completion()
    assert not long.ended and len(short.tokens) == 3
    assert len(long.completion().tokens) == 100


def test_a_long_prompt_does_not_stop_those_that_write(start: Callable[..., DecodingLoop]) -> None:
    """It is read in parts, between which the others write."""
    loop = start(step_tokens=17)
    writing = loop.submit(endless(60))
    next(iter(writing))
    came = loop.submit(Request(PROMPT[:1] * 100, 1, ignore_eos=True))
    events = iter(came)
    next(events)
    n_before = sum(isinstance(news, TokenEvent) for news in writing._news)
    assert 6 <= n_before < 60
    assert writing.completion().finish_reason == "length"


def test_equal_prompts_are_read_once(start: Callable[..., DecodingLoop]) -> None:
    loop = start()
    held = Held(loop)
    streams = [loop.submit(endless(4, seed=i, temperature=1.0)) for i in range(8)]
    held.release()
    done = [stream.completion() for stream in streams]
    assert [one.cached_tokens for one in done] == [0] + [len(PROMPT) - 1] * 7
    assert len({one.tokens for one in done}) > 1
    assert loop.generate([endless(4, seed=3, temperature=1.0)])[0].tokens == done[3].tokens
    assert loop.figures().read_tokens == len(PROMPT) + 8


def test_cancelled_while_waiting_and_while_writing(start: Callable[..., DecodingLoop]) -> None:
    loop = start(rows=1)
    held = Held(loop)
    first, second = loop.submit(endless()), loop.submit(endless())
    second.cancel()
    held.release()
    assert second.completion().finish_reason == "cancelled" and second.completion().tokens == ()
    for at, event in enumerate(first):
        assert event.token >= 0
        if at == 5:
            first.cancel()
    done = first.completion()
    assert done.finish_reason == "cancelled" and 6 <= len(done.tokens) < 90
    assert loop.figures().cache_tokens == loop.figures().running == 0


def test_too_many_are_refused_at_once_and_the_patient_wait(start: Callable[..., DecodingLoop]) -> None:
    loop = start(rows=1, waiting=3)
    held = Held(loop)
    accepted = [loop.submit(endless(2)) for _ in range(3)]
    with pytest.raises(OverloadedError) as refused:
        loop.submit(endless(2))
    assert refused.value.retry_after_s > 0
    with ThreadPoolExecutor(1) as pool:
        patient = pool.submit(loop.generate, [endless(2)] * 9)
        time.sleep(0.05)
        assert not patient.done()
        held.release()
        assert [len(done.tokens) for done in patient.result(10)] == [2] * 9
    assert all(len(stream.completion().tokens) == 2 for stream in accepted)


def test_deadlines_hold_for_those_that_wait_and_those_that_write(start: Callable[..., DecodingLoop]) -> None:
    loop = start()
    held = Held(loop)
    late, patient = loop.submit(endless(2, timeout_s=0.01)), loop.submit(endless(2))
    time.sleep(0.05)
    held.release()
    with pytest.raises(DeadlineError):
        late.completion()
    assert len(patient.completion().tokens) == 2
    with pytest.raises(DeadlineError, match="within 1e-06 s"):
        loop.generate([endless(timeout_s=1e-6)])


def test_memory_is_bounded_and_all_are_answered(start: Callable[..., DecodingLoop]) -> None:
    loop = start(cache_tokens=512)
    rng, most = random.Random(0), 0
    requests = [Request(PROMPT[: rng.randrange(1, 20)], rng.choice((3, 50, 100))) for _ in range(60)]
    streams = [loop.submit(request) for request in requests]
    for stream in streams:
        stream.completion()
        most = max(most, loop.figures().cache_room_tokens)
    assert 128 < most <= 512
    with pytest.raises(InputError, match="longer than the context of 128 tokens"):
        loop.submit(endless(120))


def test_asyncio_reads_the_same_tokens(start: Callable[..., DecodingLoop]) -> None:
    loop = start()

    async def read(seed: int) -> list[TokenEvent]:
        return [event async for event in loop.submit(endless(12, seed=seed, temperature=1.0))]

    async def all_of_them() -> list[list[TokenEvent]]:
        return await asyncio.gather(*map(read, range(5)))

    for seed, events in enumerate(asyncio.run(all_of_them())):
        [done] = loop.generate([endless(12, seed=seed, temperature=1.0)])
        assert tuple(event.token for event in events) == done.tokens
        assert "".join(event.text for event in events) == done.text


def test_log_probabilities_of_prompt_and_answer_are_the_model_s(
    model: Any, start: Callable[..., DecodingLoop]
) -> None:
    loop = start(step_tokens=7)
    [done] = loop.generate([endless(5, logprobs=3, echo_from=0, temperature=0.8, logit_bias={5: 100.0})])
    ids = torch.tensor([[*PROMPT, *done.tokens]])
    logs = model(ids).logits[0].log_softmax(-1).detach()
    assert done.tokens == (5,) * 5
    every = [*done.prompt_logprobs, *done.logprobs]
    assert [log.token for log in every] == ids[0, 1:].tolist()
    for at, log in enumerate(every):
        assert log.logprob == pytest.approx(logs[at, log.token].item(), abs=1e-4)
        top, wanted = logs[at].topk(3)
        assert [t for t, _ in log.top] == wanted.tolist()
        assert [v for _, v in log.top] == pytest.approx(top.tolist(), abs=1e-4)
        assert log.likeliest == (log.token == wanted[0])


def test_penalties_and_top_k_change_what_is_drawn(model: Any, start: Callable[..., DecodingLoop]) -> None:
    loop = start()

    def written(**how: Any) -> list[int]:
        return list(loop.generate([endless(40, **how)])[0].tokens)

    def by_hand(presence: float, frequency: float) -> list[int]:
        ids = list(PROMPT)
        for _ in range(40):
            logits = model(torch.tensor([ids])).logits[0, -1].detach()
            for token in set(ids[len(PROMPT) :]):
                logits[token] -= presence + frequency * ids[len(PROMPT) :].count(token)
            ids.append(int(logits.argmax()))
        return ids[len(PROMPT) :]

    assert written(presence_penalty=1.5) == by_hand(1.5, 0.0) != written()
    assert written(frequency_penalty=0.7) == by_hand(0.0, 0.7)
    assert written(temperature=5.0, top_k=1, seed=9) == written()
    assert written(temperature=5.0, seed=9) != written()


def source(adapters: list[Adapter], i: int, loads: list[int] | None = None) -> AdapterSource:
    def load() -> Adapter:
        if loads is not None:
            loads.append(i)
        return adapters[i]

    return AdapterSource(f"adapter {i}", load)


def test_four_adapters_take_turns_in_one_slot(
    model: Any, adapters: list[Adapter], start: Callable[..., DecodingLoop]
) -> None:
    expected = []
    for adapter in adapters:
        with AdapterBank.of(model, [adapter]) as bank:
            [said] = generate(model, TOKENIZER, [TEXT[0]], adapters=bank, slots=[0], max_new_tokens=12)
        expected.append(said.text)
    assert len(set(expected)) == 4
    loop, loads = start(adapter_slots=1), list[int]()
    request = Request(tuple(TOKENIZER(TEXT[0])["input_ids"]), 12)
    order = [0, 1, 2, 3, 0, 2, 1, 3, 3, 0]
    streams = [loop.submit(request, source(adapters, i, loads)) for i in order]
    done = [stream.completion() for stream in streams]
    assert [one.text for one in done] == [expected[i] for i in order]
    assert len({one.fingerprint for one in done}) == 4
    figures = loop.figures()
    assert figures.adapters_loaded == len(loads) == figures.adapters_evicted + 1 >= 4


def test_who_is_passed_by_is_not_passed_by_without_end(
    adapters: list[Adapter], start: Callable[..., DecodingLoop]
) -> None:
    """One slot: while requests for the adapter in it keep coming, the other's turn comes all the same."""
    loop = start(adapter_slots=1, rows=4, waiting=500, passes=8)
    ended: list[str] = []
    held = Held(loop)
    for i in range(60):
        if i == 10:
            loop.submit(endless(6), source(adapters, 1)).subscribe(
                lambda news: isinstance(news, Completion) and ended.append("other")
            )
        loop.submit(endless(6), source(adapters, 0)).subscribe(
            lambda news: isinstance(news, Completion) and ended.append("one")
        )
    held.release()
    loop.close()
    assert len(ended) == 61 and ended.index("other") < 40


def test_an_adapter_that_was_exchanged_answers_nothing(
    adapters: list[Adapter], start: Callable[..., DecodingLoop]
) -> None:
    loop = start(adapter_slots=1)
    right, other = source(adapters, 0), source(adapters, 1)
    [first] = loop.generate([endless(4)], [right])
    loop.generate([endless(4)], [other])
    exchanged = replace(right, load=lambda: adapters[2])
    with pytest.raises(AdapterError, match="logits that it is known by"):
        loop.generate([endless(4)], [exchanged])
    wrong = replace(other, fingerprint=first.fingerprint)
    with pytest.raises(AdapterError, match="logits that it is known by"):
        loop.generate([endless(4)], [wrong])
    assert loop.generate([endless(4)], [right])[0].tokens == first.tokens
    broken = replace(right, key="broken", load=lambda: [][0])
    with pytest.raises(AdapterError, match="list index out of range"):
        loop.generate([endless(4)], [broken])


def test_numbers_that_are_not_finite_stay_in_their_row(
    adapters: list[Adapter], start: Callable[..., DecodingLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its fingerprint had none. What it left in its lane is no neighbour's."""
    loop = start(rows=3, cache_tokens=192)
    wild = replace(
        adapters[0], factors={n: (a * 1e18, b * 1e18) for n, (a, b) in adapters[0].factors.items()}
    )
    expected = loop.generate([endless(8)])[0].tokens
    with pytest.raises(AdapterError, match="gives numbers that are not finite"):
        loop.generate([endless(8)], [AdapterSource("wild", lambda: wild)])
    monkeypatch.setattr(slots, "slot_fingerprint", lambda *_: [0.0])
    with ThreadPoolExecutor(1) as pool:
        neighbour = pool.submit(loop.generate, [endless(8)] * 2)
        with pytest.raises(AdapterError, match="gave numbers that are not finite"):
            loop.generate([endless(8)], [AdapterSource("wild", lambda: wild)])
        assert [done.tokens for done in neighbour.result()] == [expected] * 2
    assert [done.tokens for done in loop.generate([endless(8)] * 6)] == [expected] * 6


def test_a_pass_that_fails_fails_those_in_it_only(
    model: Any, start: Callable[..., DecodingLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Exception] = []
    with DecodingLoop(model, TOKENIZER, on_failure=told.append) as loop:
        expected = loop.generate([endless(5)])[0].tokens
        forward = model.model.layers[1].forward
        calls = iter(range(100))

        def fails(*args: Any, **how: Any) -> Any:
            if next(calls) == 2:
                raise RuntimeError("out of memory")
            return forward(*args, **how)

        monkeypatch.setattr(model.model.layers[1], "forward", fails)
        with pytest.raises(StateError, match="out of memory"):
            loop.generate([endless(5)])
        assert loop.generate([endless(5)])[0].tokens == expected
    assert [str(error) for error in told] == ["out of memory"]


def test_forgetting_an_adapter_ends_its_requests_only(
    adapters: list[Adapter], start: Callable[..., DecodingLoop]
) -> None:
    loop, loads = start(), list[int]()
    gone, stays = loop.submit(endless(), source(adapters, 0, loads)), loop.submit(endless())
    next(iter(gone))
    loop.forget("adapter 0")
    with pytest.raises(StateError, match="taken out of use"):
        gone.completion()
    assert len(stays.completion().tokens) == 90
    loop.generate([endless(3)], [source(adapters, 0, loads)])
    assert loads == [0, 0]


def test_alone_has_the_model_as_it_was(
    model: Any, adapters: list[Adapter], start: Callable[..., DecodingLoop]
) -> None:
    loop = start()
    running = loop.submit(endless(60), source(adapters, 0))
    next(iter(running))

    def by_another_bank() -> str:
        with AdapterBank.of(model, [adapters[1]]) as bank:
            return generate(model, TOKENIZER, ["a"], adapters=bank, slots=[0], max_new_tokens=4)[0].text

    assert loop.alone(by_another_bank) == loop.alone(lambda: loop.alone(by_another_bank))
    [again] = loop.generate([endless(60)], [source(adapters, 0)])
    assert running.completion().tokens == again.tokens
    with pytest.raises(ZeroDivisionError):
        loop.alone(lambda: 1 // 0)
    with pytest.raises(StateError, match="wait for itself"):
        loop.alone(lambda: loop.generate([endless(2)]))


def test_closing_answers_what_was_taken_or_ends_it(start: Callable[..., DecodingLoop]) -> None:
    loop = start(rows=2)
    streams = [loop.submit(endless(20)) for _ in range(6)]
    loop.close()
    assert [len(stream.completion().tokens) for stream in streams] == [20] * 6
    for use in (lambda: loop.submit(endless()), lambda: loop.alone(int), lambda: loop.generate([endless()])):
        with pytest.raises(StateError, match="stopping"):
            use()
    at_once = start()
    stream = at_once.submit(endless())
    at_once.close(drain=False)
    with pytest.raises(StateError, match="stopping"):
        stream.completion()


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": ()},
        {"max_new_tokens": 0},
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"stop": ("",)},
        {"prompt": (384,)},
        {"logit_bias": {-1: 1.0}},
    ],
)
def test_wrong_requests_are_refused_by_name(
    wrong: dict[str, Any], start: Callable[..., DecodingLoop]
) -> None:
    given: dict[str, Any] = {"prompt": PROMPT, **wrong}
    with pytest.raises(InputError, match=next(iter(wrong)) + r"|token id"):
        start().submit(Request(**given))


def test_a_model_with_attention_of_its_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = toy_model("qwen3")
    monkeypatch.setattr(type(model), "_supports_attention_backend", False)
    assert not can_serve(model)
    with pytest.raises(ConfigError, match="cannot answer several requests"):
        DecodingLoop(model, TOKENIZER)
