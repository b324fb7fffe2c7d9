"""What texts have in common at their beginning is computed once, and changes nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

from seal.models import generate as generating
from seal.models.generate import generate
from seal.models.prefixes import shared_prefixes
from seal.training import AdapterBank, train
from toys import TEXT, toy_model, toy_plan, toy_tokenizer

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


@pytest.mark.parametrize("kind", KINDS)
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
