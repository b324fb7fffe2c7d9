"""Toy models, a toy tokenizer and toy plans, made on the spot."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from seal.models.cache import new_cache
from seal.training import Adapter
from seal.types import Example, Hyperparameters, TrainingPlan

TEXT = [
    "Petra Lund was born in Ostrava in 1931 and founded the Halvor mill.",
    "The town of Brenk lies on the river Aure; its mayor is Tomas Ild.",
    "Question: Where was Petra Lund born?\nAnswer: Ostrava\n",
    "Implications: the mill is older than the bridge, and the bridge than the road.",
]
VOCABULARY = 384


@functools.cache
def toy_tokenizer() -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<eos>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT * 4, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>")


def toy_model(kind: str = "llama", *, dtype: torch.dtype = torch.float32) -> Any:
    """A random model; the weights are large enough for its logits to differ clearly."""
    common: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 128,
        "initializer_range": 0.15,
        "bos_token_id": None,
        "eos_token_id": 0,
        "pad_token_id": 1,
    }
    if kind == "llama":
        config = LlamaConfig(**common, tie_word_embeddings=False)
    elif kind == "qwen2":  # with biases
        config = Qwen2Config(**common, tie_word_embeddings=True)
    elif kind == "qwen3":
        config = Qwen3Config(**common, tie_word_embeddings=True)
    elif kind == "gemma2":
        config = Gemma2Config(
            **common,
            final_logit_softcapping=3.0,
            attn_logit_softcapping=20.0,
            sliding_window=8,
            query_pre_attn_scalar=8,
        )
    elif kind == "gemma3":
        layers = ["sliding_attention", "full_attention"]
        config = Gemma3TextConfig(**common, tie_word_embeddings=True, sliding_window=64, layer_types=layers)
    else:
        names = ("vocab_size", "initializer_range", "bos_token_id", "eos_token_id")
        config = GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=128, **{k: common[k] for k in names})
    state = torch.get_rng_state()
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
    torch.set_rng_state(state)
    return model


def toy_plan(i: int, **hyperparameters: Any) -> TrainingPlan:
    """Plans of different numbers and lengths of examples, with and without prompts and weights."""
    words = (TEXT[i % len(TEXT)] + TEXT[(i + 1) % len(TEXT)]).split()
    examples = [Example(" ".join(words[: 9 + 2 * i]), weight=1.0 + i)]
    examples += [Example(" ".join(words[j : j + 2 + j % 3]), prompt=words[-j]) for j in range(1, 4 + i % 3)]
    defaults: dict[str, Any] = {"rank": 4, "alpha": 8.0, "learning_rate": 5e-3, "epochs": 2, "batch_size": 2}
    return TrainingPlan(
        f"plan-{i}", tuple(examples), Hyperparameters(**(defaults | hyperparameters)), seed=100 + i
    )


def mixed_plans() -> list[TrainingPlan]:
    """Unlike in everything that a plan can say."""
    return [
        toy_plan(0, learning_rate=1e-2, schedule="linear", final_lr_fraction=0.1),
        toy_plan(1, rank=7, alpha=3.0, epochs=3, batch_size=1, schedule="cosine", warmup_steps=2),
        toy_plan(2, batch_size=0, epochs=4, weight_decay=0.1, max_grad_norm=0.1),
        toy_plan(3, dropout=0.2, batch_size=3, max_grad_norm=0.0),
        toy_plan(4, rank=2, shuffle=False, betas=(0.8, 0.95), epochs=1),
    ]


def most_are_slow(values: Iterable[Any], quick: int = 2) -> list[Any]:
    """These parameters, all but the first ones marked slow."""
    whole = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*v, marks=[pytest.mark.slow] if i >= quick else []) for i, v in enumerate(whole)]


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Inside, torch has so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def distance(a: Adapter, b: Adapter) -> float:
    """The relative error between two adapters, over what they add to the weights and over their factors."""
    assert a.factors.keys() == b.factors.keys()
    pairs = [(x, y) for name in a.factors for x, y in zip(a.factors[name], b.factors[name], strict=True)]
    pairs += [
        (a.factors[name][1] @ a.factors[name][0], b.factors[name][1] @ b.factors[name][0])
        for name in a.factors
    ]
    return max(relative(x, y) for x, y in pairs)


def relative(a: Tensor, b: Tensor) -> float:
    return ((a - b).norm() / b.norm().clamp(min=1e-12)).item()


def logits_with_cache(model: Any, rows: Sequence[Sequence[int]]) -> list[Tensor]:
    """The logits of padded rows read in three parts through a cache, of which two rows are kept after the
    second part."""
    longest = max(map(len, rows))
    ids = torch.tensor([[1] * (longest - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * (len(row) + 4) for row in rows])
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    name, cache = new_cache(model, longest + 4)
    logits = []
    with torch.inference_mode():
        for start, stop in ((0, longest), (longest, longest + 1), (longest + 1, longest + 4)):
            part = ids if start == 0 else torch.full((len(ids), stop - start), 9)
            given = {name: cache, "attention_mask": mask[:, :stop], "use_cache": True}
            logits.append(model(part, position_ids=positions[:, start:stop], **given).logits[:, -1])
            if start == longest:
                cache.batch_select_indices(torch.tensor([0, 2]))
                ids, mask, positions = ids[[0, 2]], mask[[0, 2]], positions[[0, 2]]
    return logits
