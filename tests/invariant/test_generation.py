"""Batched, adapter-aware sampling and scoring are what each prompt gets by itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from seal.models import sampling as drawing
from seal.models.generate import generate
from seal.models.sampling import Sampling
from seal.models.score import score_answers
from seal.training import AdapterBank, merge, train
from toys import TEXT, toy_model, toy_plan, toy_tokenizer

PROMPTS = [TEXT[i % 4][: 5 + 7 * i] for i in range(7)]
SLOTS = [0, 2, 1, 0, 2, 0, 0]
KINDS = ["llama", "qwen3", "gemma2", "gpt2"]


def adapters(model):
    plans = [toy_plan(i, learning_rate=2e-2, epochs=3) for i in range(3)]
    return train(model, toy_tokenizer(), plans)


def transformers_greedy(model, prompt: str, n: int) -> str:
    tokenizer = toy_tokenizer()
    ids = torch.tensor([tokenizer(prompt)["input_ids"]])
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=n,
        do_sample=False,
        pad_token_id=1,
        eos_token_id=0,
    )
    return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_is_transformers_greedy_of_the_merged_model(kind: str) -> None:
    model = toy_model(kind)
    trained = adapters(model)
    with AdapterBank.of(model, trained) as bank:
        found = generate(model, toy_tokenizer(), PROMPTS, adapters=bank, slots=SLOTS, max_new_tokens=12)
    merged = [copy.deepcopy(model) for _ in trained]
    for one, adapter in zip(merged, trained, strict=True):
        merge(one, adapter)
    for prompt, slot, generation in zip(PROMPTS, SLOTS, found, strict=True):
        assert generation.text == transformers_greedy(merged[slot], prompt, 12)


@pytest.mark.parametrize("kind", ["llama", "gemma2"])
def test_samples_do_not_depend_on_the_batch(kind: str) -> None:
    model, settings = toy_model(kind), {"max_new_tokens": 16, "temperature": 0.9, "top_p": 0.9}
    seeds = [3, 1, 4, 1, 5, 9, 2]
    together = generate(model, toy_tokenizer(), PROMPTS, seeds=seeds, **settings)
    for size in (1, 3):
        assert generate(model, toy_tokenizer(), PROMPTS, seeds=seeds, batch_size=size, **settings) == together
    back = generate(model, toy_tokenizer(), PROMPTS[::-1], seeds=seeds[::-1], **settings)
    assert back[::-1] == together
    assert len({g.text for g in generate(model, toy_tokenizer(), PROMPTS[:1] * 5, **settings)}) == 5


def test_stop_strings_end_and_are_cut() -> None:
    model, tokenizer = toy_model(), toy_tokenizer()
    settings = {"max_new_tokens": 24, "temperature": 1.0}
    free = generate(model, tokenizer, PROMPTS * 4, **settings)
    stop = ("e", "an", "\n")
    for whole, cut in zip(free, generate(model, tokenizer, PROMPTS * 4, stop=stop, **settings), strict=True):
        ends = [at for at in map(whole.text.find, stop) if at >= 0]
        assert cut.text == (whole.text[: min(ends)] if ends else whole.text)
        assert cut.truncated == (whole.truncated and not ends)
        assert cut.n_tokens <= whole.n_tokens


def test_sampling_follows_the_distribution() -> None:
    """The first token of many seeds has the nucleus's frequencies."""
    model, tokenizer, n = toy_model(), toy_tokenizer(), 4000
    found = generate(
        model,
        tokenizer,
        [PROMPTS[2]] * n,
        seeds=range(n),
        max_new_tokens=1,
        temperature=0.7,
        top_p=0.5,
        batch_size=500,
    )
    ids = torch.tensor([tokenizer(PROMPTS[2])["input_ids"]])
    p, order = torch.softmax(model(ids).logits[0, -1].detach() / 0.7, -1).sort(descending=True)
    p = p * ((p.cumsum(0) - p) < 0.5)
    p = p / p.sum()
    expected: dict[str, float] = {}
    for share, id in zip(p.tolist(), order.tolist(), strict=True):
        text = tokenizer.decode([id], skip_special_tokens=True)
        expected[text] = expected.get(text, 0.0) + share
    for text, share in expected.items():
        assert sum(g.text == text for g in found) / n == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_what_is_noted_of_each_token_is_how_likely_it_is(kind: str, temperature: float) -> None:
    model, tokenizer = toy_model(kind), toy_tokenizer()
    how: dict[str, Any] = {"slots": SLOTS, "max_new_tokens": 5, "temperature": temperature}
    trained = adapters(model)
    with AdapterBank.of(model, trained) as bank:
        written = generate(model, tokenizer, PROMPTS, adapters=bank, with_logs=True, **how)
        plain = generate(model, tokenizer, PROMPTS, adapters=bank, **how)
    assert [(g.text, g.tokens, g.token_logs) for g in plain] == [(g.text, (), ()) for g in written]
    assert sum(len(one.tokens) for one in written) >= 12
    for prompt, slot, one in zip(PROMPTS, SLOTS, written, strict=True):
        merged = copy.deepcopy(model)
        merge(merged, trained[slot])
        ids = tokenizer(prompt)["input_ids"]
        logits = merged(torch.tensor([ids + list(one.tokens)])).logits[0, len(ids) - 1 : -1].detach()
        expected = logits.log_softmax(-1).gather(1, torch.tensor(one.tokens)[:, None]).squeeze(1)
        assert len(one.tokens) == one.n_tokens
        assert one.token_logs == pytest.approx(expected.tolist(), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_teacher_forced_exam_agrees_with_greedy_decoding(kind: str) -> None:
    model, tokenizer = toy_model(kind), toy_tokenizer()
    trained = adapters(model)
    with AdapterBank.of(model, trained) as bank:
        greedy = generate(model, tokenizer, PROMPTS, adapters=bank, slots=SLOTS, max_new_tokens=3)
        right = [(p, g.text or " mill") for p, g in zip(PROMPTS, greedy, strict=True)]
        wrong = [(p, answer + " Ild") for p, answer in right]
        pairs = right + wrong
        scores = score_answers(model, tokenizer, pairs, adapters=bank, slots=SLOTS * 2, max_tokens=200)
        again = generate(model, tokenizer, PROMPTS, adapters=bank, slots=SLOTS, max_new_tokens=6)
    merged = [copy.deepcopy(model) for _ in trained]
    for one, adapter in zip(merged, trained, strict=True):
        merge(one, adapter)
    for (prompt, answer), slot, score in zip(pairs, SLOTS * 2, scores, strict=True):
        ids, gold = tokenizer(prompt)["input_ids"], tokenizer(answer)["input_ids"]
        logits = merged[slot](torch.tensor([ids + gold])).logits[0, len(ids) - 1 : -1].detach()
        expected = logits.log_softmax(-1).gather(1, torch.tensor(gold)[:, None]).sum().item()
        assert score.log_probability == pytest.approx(expected, rel=1e-4)
        assert score.n_tokens == len(gold)
        assert score.exact == (logits.argmax(-1).tolist() == gold)
    assert sum(score.exact for score in scores) >= 2
    for score, (_, answer), greedily in zip(scores, pairs, again * 2, strict=True):
        assert greedily.text.startswith(answer) or not score.exact
    for score, generation in zip(scores, greedy, strict=False):
        if (
            len(tokenizer(generation.text)["input_ids"]) == generation.n_tokens
            and "\ufffd" not in generation.text
        ):
            assert score.exact


@pytest.mark.parametrize("top_p", [0.95, 1.0])
def test_a_second_look_at_likely_tokens_draws_what_sorting_all_does(
    top_p: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(40, 9000, generator=draw) * torch.linspace(0.1, 9, 40).unsqueeze(1)
    uniform, sampling = torch.rand(40, generator=draw), Sampling(1, 1.0, top_p)
    sorts: list[int] = []
    real = torch.Tensor.sort
    monkeypatch.setattr(torch.Tensor, "sort", lambda x, **k: sorts.append(len(x)) or real(x, **k))
    staged = drawing.draw(logits, sampling, uniform)
    monkeypatch.setattr(drawing, "_LARGE_VOCABULARY", 1 << 20)
    assert staged.tolist() == drawing.draw(logits, sampling, uniform).tolist()
    assert 0 < sorts[0] < sorts[1]
