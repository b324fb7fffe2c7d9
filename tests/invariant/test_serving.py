"""What requests are answered together is what each is answered alone, whoever comes, goes or is evicted."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from seal.engine.serving import AdapterSource, Completion, DecodingLoop, Request, ServingSettings
from seal.models import load_model, save_model
from seal.models.generate import Generation, generate
from seal.models.score import AnswerScore, score_answers
from seal.models.tokens import encode_prompt
from seal.training import Adapter, AdapterBank, train
from toys import TEXT, most_are_slow, toy_model, toy_plan, toy_tokenizer

TIGHT = ServingSettings(adapter_slots=2, rows=6, cache_tokens=1024, step_tokens=24, waiting=500)
"""Four adapters for two slots, rows that wait for lanes, prompts that are read in several passes."""


@dataclass(frozen=True)
class Served:
    """A model with adapters, each of which answers otherwise."""

    model: Any
    tokenizer: Any
    adapters: Sequence[Adapter]

    @classmethod
    def of(cls, model: Any, tokenizer: Any) -> Served:
        plans = [toy_plan(i % 4, learning_rate=2e-2, epochs=3, rank=(2, 8, 4, 3)[i % 4]) for i in range(4)]
        return cls(model, tokenizer, train(model, tokenizer, plans))

    def source(self, owner: int | None) -> AdapterSource | None:
        """Read anew each time that it is loaded, as from a disk."""
        if owner is None:
            return None
        return AdapterSource(f"digest of {owner}", lambda: self.adapters[owner])

    def alone(self, asked: Asked) -> Generation:
        """What it is answered in a batch of its own."""
        request, how = asked.request, {"stop": asked.request.stop, "seeds": [asked.request.seed]}
        how |= {"temperature": request.temperature, "top_p": request.top_p}
        how["max_new_tokens"] = request.max_new_tokens
        if asked.owner is None:
            [answer] = generate(self.model, self.tokenizer, [asked.prompt], **how)  # type: ignore[arg-type]
            return answer
        with AdapterBank.of(self.model, [self.adapters[asked.owner]]) as bank:
            [answer] = generate(
                self.model,
                self.tokenizer,
                [asked.prompt],
                adapters=bank,
                slots=[0],
                **how,  # type: ignore[arg-type]
            )
        return answer


@dataclass(frozen=True)
class Asked:
    prompt: str
    owner: int | None
    request: Request


def asked(tokenizer: Any, rng: random.Random) -> Asked:
    """Prompts of unlike lengths, many of which begin alike."""
    text = rng.choice(TEXT) + rng.choice(("", rng.choice(TEXT)))
    prompt = text[: rng.randrange(1, len(text))]
    sampling: dict[str, Any] = {"temperature": 0.9, "top_p": 0.9} if rng.random() < 0.3 else {}
    request = Request(
        tuple(encode_prompt(tokenizer, prompt)),
        max_new_tokens=rng.randrange(1, 24),
        seed=rng.randrange(100),
        stop=rng.choice(((), ("e",), ("an", "\n"))),
        **sampling,
    )
    return Asked(prompt, rng.choice((None, 0, 1, 2, 3)), request)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Our own class, as it is loaded from a folder."""
    folder: Path = tmp_path_factory.mktemp("toy") / "model"
    save_model(toy_model(), toy_tokenizer(), folder)
    return Served.of(*load_model(str(folder)))


@pytest.mark.parametrize("seed", most_are_slow(range(3), 1))
def test_random_arrivals_cancellations_and_evictions(decoder: Served, seed: int) -> None:
    whatever_comes(decoder, random.Random(seed), n=80)


@pytest.mark.parametrize("kind", most_are_slow(["gemma3", "qwen2", "qwen3", "gemma2", "gpt2"]))
def test_random_arrivals_in_other_families(kind: str) -> None:
    whatever_comes(Served.of(toy_model(kind), toy_tokenizer()), random.Random(kind), n=30)


def whatever_comes(served: Served, rng: random.Random, n: int) -> None:
    """Requests from four threads; some are cancelled on their way."""
    every = [asked(served.tokenizer, rng) for _ in range(n)]
    expected = [served.alone(one) for one in every]
    cancelled = {i for i in range(n) if rng.random() < 0.15}
    pauses = [rng.random() * 0.01 for _ in range(n)]
    found: dict[int, tuple[Completion, str]] = {}

    def ask(places: Sequence[int]) -> None:
        streams = []
        for i in places:
            time.sleep(pauses[i])
            streams.append((i, loop.submit(every[i].request, served.source(every[i].owner))))
            if i in cancelled:
                streams[-1][1].cancel()
        for i, stream in streams:
            found[i] = stream.completion(), "".join(event.text for event in stream)

    with DecodingLoop(served.model, served.tokenizer, TIGHT) as loop:
        threads = [threading.Thread(target=ask, args=[range(k, n, 4)]) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        figures = loop.figures()
        assert figures.cache_tokens == 0 and figures.cache_room_tokens <= TIGHT.cache_tokens
        assert figures.adapters_evicted > 0
    for i, wanted in enumerate(expected):
        completion, shown = found[i]
        assert shown == completion.text
        if completion.finish_reason == "cancelled":
            assert i in cancelled and wanted.text.startswith(completion.text)
            continue
        assert (completion.text, len(completion.tokens)) == (wanted.text, wanted.n_tokens), every[i]
        assert completion.finish_reason == ("length" if wanted.truncated else "stop")


def test_scores_are_those_of_each_alone(decoder: Served) -> None:
    rng = random.Random(5)
    pairs = [(rng.choice(TEXT)[: rng.randrange(5, 60)], " " + rng.choice(TEXT)[:9]) for _ in range(24)]
    owners = [rng.choice((None, 0, 1, 2, 3)) for _ in pairs]

    def alone(pair: tuple[str, str], owner: int | None) -> AnswerScore:
        if owner is None:
            return score_answers(decoder.model, decoder.tokenizer, [pair], append_eos=True)[0]
        with AdapterBank.of(decoder.model, [decoder.adapters[owner]]) as bank:
            return score_answers(
                decoder.model, decoder.tokenizer, [pair], adapters=bank, slots=[0], append_eos=True
            )[0]

    wanted = [alone(pair, owner) for pair, owner in zip(pairs, owners, strict=True)]
    with DecodingLoop(decoder.model, decoder.tokenizer, TIGHT) as loop:
        found = loop.score(pairs, [decoder.source(owner) for owner in owners], append_eos=True)
    for one, other in zip(found, wanted, strict=True):
        assert one.token_logs == pytest.approx(other.token_logs, abs=2e-4)
        assert (one.n_tokens, one.exact) == (other.n_tokens, other.exact)


def test_a_base_in_bf16_answers_nearly_as_alone() -> None:
    """Sums in another order are other numbers in bf16: compared is how likely the answers are."""
    served = Served.of(toy_model("llama", dtype=torch.bfloat16), toy_tokenizer())
    pairs = [(text, other[:8]) for text in TEXT for other in TEXT]
    owners = [i % 4 for i in range(len(pairs))]
    with AdapterBank.of(served.model, served.adapters) as bank:
        wanted = score_answers(served.model, served.tokenizer, pairs, adapters=bank, slots=owners)
    with DecodingLoop(served.model, served.tokenizer, TIGHT) as loop:
        found = loop.score(pairs, [served.source(owner) for owner in owners])
    for one, other in zip(found, wanted, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, rel=0.03)
