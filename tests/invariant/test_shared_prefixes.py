"""What texts have in common at their beginning is computed once, and changes nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

from seal.models import generate as generating
from seal.models import score as scoring
from seal.models.generate import generate
from seal.models.prefixes import shared_prefixes
from seal.models.score import score_answers
from seal.training import AdapterBank, passes, train, trainer
from seal.types import Example, Hyperparameters, TrainingPlan
from toys import TEXT, distance, most_are_slow, toy_model, toy_plan, toy_tokenizer

PAGES = [TEXT[0] + TEXT[1][:30], TEXT[3] + TEXT[0][:20]]
QUESTIONS = ["Where?", "When was it?", "Who founded the Halvor mill?", "What is it?", "And the mayor?"]
PROMPTS = [page + question for question in QUESTIONS for page in PAGES]
KINDS = ["llama", "qwen3", "gemma3", "gpt2"]


def through(model: Any) -> list[int]:
    """Gets, for each call of the model, how many tokens go through it."""
    counts: list[int] = []
    embedding = model.get_input_embeddings()
    embedding.register_forward_pre_hook(lambda _, given: counts.append(given[0].numel()))
    return counts


@pytest.mark.parametrize("kind", most_are_slow(KINDS))
def test_completions_are_those_of_prompts_read_one_by_one(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = toy_model(kind), toy_tokenizer()
    counts = through(model)
    trained = train(model, tokenizer, [toy_plan(i, learning_rate=2e-2, epochs=3) for i in range(2)])
    ways = [{"temperature": 0.0}, {"temperature": 0.9, "stop": ("e",)}]
    slots, found, tokens = [i // 5 for i in range(len(PROMPTS))], [], []
    for sharing in (True, False):
        if not sharing:
            monkeypatch.setattr(generating, "shared_prefixes", lambda *_, **__: [])
        for way in ways:
            for size in (3, 64):
                counts.clear()
                rows = generate(model, tokenizer, PROMPTS, max_new_tokens=9, batch_size=size, **way)
                tokens.append(sum(counts))
                with AdapterBank.of(model, trained) as bank:
                    own = {"adapters": bank, "slots": slots}
                    rows += generate(
                        model, tokenizer, PROMPTS, max_new_tokens=9, batch_size=size, **own, **way
                    )
                found.append(rows)
    assert found[:4] == found[4:]
    assert len({row.text for row in found[0]}) > 5
    assert all(shared < 0.8 * apart for shared, apart in zip(tokens[:4], tokens[4:], strict=True))


def test_a_window_that_the_prompts_leave_is_read_row_by_row() -> None:
    model, tokenizer = toy_model("gemma3"), toy_tokenizer()
    prompts = [(PAGES[0] * 3)[:300] + question for question in QUESTIONS]
    assert min(len(tokenizer(prompt)["input_ids"]) for prompt in prompts) > 64
    together = generate(model, tokenizer, prompts, max_new_tokens=9)
    assert together == [generate(model, tokenizer, [prompt], max_new_tokens=9)[0] for prompt in prompts]


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gemma3"])
def test_scores_are_those_of_pairs_read_one_by_one(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = toy_model(kind), toy_tokenizer()
    counts = through(model)
    trained = train(model, tokenizer, [toy_plan(i, learning_rate=2e-2, epochs=3) for i in range(2)])
    pairs = [(prompt, answer) for prompt in PROMPTS for answer in (" Ostrava", " the old mill")]
    slots, found, tokens = [i % 2 for i in range(len(pairs))], [], []
    for sharing in (True, False):
        if not sharing:
            monkeypatch.setattr(scoring, "shared_prefixes", lambda *_, **__: [])
        for most in (300, 4096):
            counts.clear()
            rows = score_answers(model, tokenizer, pairs, max_tokens=most)
            with AdapterBank.of(model, trained) as bank:
                rows += score_answers(
                    model, tokenizer, pairs, adapters=bank, slots=slots, append_eos=True, max_tokens=most
                )
            found.append(rows)
            tokens.append(sum(counts))
    for rows in found[:3]:
        for one, other in zip(rows, found[3], strict=True):
            assert one.log_probability == pytest.approx(other.log_probability, rel=1e-4)
            assert (one.n_tokens, one.exact) == (other.n_tokens, other.exact)
    assert all(shared < 0.6 * apart for shared, apart in zip(tokens[:2], tokens[2:], strict=True))


HEAD = TEXT[2] + TEXT[1][:20]


def headed(i: int, **hyperparameters: Any) -> TrainingPlan:
    """A plan whose examples begin alike, but one."""
    words = TEXT[i].split()
    examples = [Example(" ".join(words[j:]), prompt=HEAD + " ".join(words[:j])) for j in range(1, 6)]
    examples += [Example(words[3], weight=0.5), Example("mill", prompt=HEAD, distil=True)]
    common: dict[str, Any] = {"rank": 4, "learning_rate": 5e-3, "epochs": 2, "batch_size": 0}
    return TrainingPlan(f"headed-{i}", tuple(examples), Hyperparameters(**common | hyperparameters), seed=i)


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gemma3"])
def test_adapters_are_those_of_texts_read_one_by_one(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "takes_layers_whole", lambda _: False)
    model, tokenizer = toy_model(kind), toy_tokenizer()
    counts = through(model)
    plans = [headed(0), headed(1, rank=2, batch_size=4), headed(3, targets=("v_proj", "gate_proj"))]
    upper = [headed(2, targets=("layers.1.self_attn.q_proj", "layers.1.mlp.down_proj"))]
    found, tokens = [], []
    for sharing in (True, False):
        if not sharing:
            monkeypatch.setattr(passes, "shared_prefixes", lambda *_, **__: [])
        counts.clear()
        found.append(train(model, tokenizer, plans) + train(model, tokenizer, plans, max_tokens=100))
        tokens.append(sum(counts))
        found[-1] += train(model, tokenizer, upper)
    for one, other in zip(*found, strict=True):
        assert distance(one, other) < 1e-3
        assert one.losses == pytest.approx(other.losses, rel=1e-4)
    assert tokens[0] < 0.75 * tokens[1]


def test_dropout_is_drawn_for_each_text_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "takes_layers_whole", lambda _: False)
    model, tokenizer = toy_model(), toy_tokenizer()
    [one] = train(model, tokenizer, [headed(0, dropout=0.3)])
    monkeypatch.setattr(passes, "shared_prefixes", lambda *_, **__: [])
    assert distance(one, train(model, tokenizer, [headed(0, dropout=0.3)])[0]) == 0


def test_prefixes_are_common_and_save_tokens() -> None:
    draw = torch.Generator().manual_seed(0)
    heads = [torch.randint(9, (n,), generator=draw).tolist() for n in (40, 20, 30)]
    rows = [heads[i % 3] + torch.randint(9, (5 + i % 4,), generator=draw).tolist() for i in range(12)]
    rows.append([8] * 25)
    for padded in (True, False):
        groups = shared_prefixes(rows, [len(row) - 1 for row in rows], padded=padded)
        assert sorted(i for group in groups for i in group.members) == list(range(13))
        for group in groups:
            for a, b in pairwise(group.members):
                assert rows[a][: group.length_tokens] == rows[b][: group.length_tokens]
        lengths = {group.members: group.length_tokens for group in groups}
        assert [lengths[tuple(range(k, 12, 3))] >= len(heads[k]) for k in range(3)] == [True] * 3
        assert lengths[(12,)] == (24 if padded else 0)
    apart = shared_prefixes(rows, [len(row) - 1 for row in rows], [i // 3 for i in range(13)], padded=False)
    assert apart == []
