"""Toy checkpoints of many families, with tokenizers of all common kinds, in the folders of Hugging Face."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM
from transformers.utils import logging

from family_tokenizers import TOKENIZERS, VOCABULARY, make_tokenizer

_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 1024,
    "initializer_range": 0.15,
}
_WINDOW = {"sliding_window": 12, "layer_types": ["sliding_attention", "full_attention"]}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
_LINEAR = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
_VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
_GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 1024}


@dataclass(frozen=True)
class Family:
    """A kind of model: `model_type` of its configuration, what its toy is given besides the sizes, what is
    special about it, and models of the kind."""

    model_type: str
    known: str
    special: str = ""
    told: Mapping[str, Any] | None = None


MAIN: dict[str, Family] = {
    "Llama": Family("llama", "Llama 2 and 3, SmolLM 2, TinyLlama, Vicuna", "weights without biases"),
    "Mistral": Family("mistral", "Mistral 7B", "a sliding window", {"sliding_window": 12}),
    "Qwen2": Family("qwen2", "Qwen 2 and 2.5", "biases in attention"),
    "Qwen3": Family("qwen3", "Qwen 3", "norms of queries and keys"),
    "Gemma 2": Family(
        "gemma2", "Gemma 2", "soft caps, a sliding window, four norms a layer",
        {
            "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0, "query_pre_attn_scalar": 8,
            **_WINDOW,
        },
    ),
    "Gemma 3": Family("gemma3_text", "Gemma 3 270M and 1B", "a sliding window, scaled embeddings", _WINDOW),
    "Phi": Family("phi", "Phi 1.5 and 2", "biases everywhere, rotary positions of a part"),
    "Phi-3": Family("phi3", "Phi 3, 3.5 and 4", "queries, keys and values in one matrix"),
    "GPT-2": Family("gpt2", "GPT-2, DistilGPT2", "Conv1D, learned positions", _GPT2),
    "GPT-NeoX": Family("gpt_neox", "Pythia, GPT-NeoX", "queries, keys and values in one matrix"),
    "OLMo 2": Family("olmo2", "OLMo 2", "norms after a layer"),
    "SmolLM3": Family("smollm3", "SmolLM 3", "layers without positions", {"no_rope_layers": [1, 0]}),
    "Falcon": Family(
        "falcon", "Falcon 7B and 40B", "linear modules of its own, keys shared by all heads",
        {"head_dim": None, "new_decoder_architecture": False},
    ),
    "OPT": Family("opt", "OPT", "learned positions, layers that take all tokens in one row", {"ffn_dim": 48}),
    "Mixtral": Family("mixtral", "Mixtral", "experts", {"num_local_experts": 4}),
}  # fmt: skip
"""The families that meet every tokenizer and every feature."""
MORE: dict[str, Family] = {
    "Apertus": Family("apertus", "Apertus"),
    "Arcee": Family("arcee", "AFM"),
    "BigCode": Family("gpt_bigcode", "SantaCoder, StarCoder", told=_GPT2),
    "BioGPT": Family("biogpt", "BioGPT"),
    "Bloom": Family("bloom", "BLOOM, BLOOMZ", "ALiBi", {"n_layer": 2, "n_head": 4}),
    "CodeGen": Family("codegen", "CodeGen", told={**_GPT2, "rotary_dim": 4}),
    "Cohere": Family("cohere", "Command R, Aya"),
    "Cohere 2": Family("cohere2", "Command R7B", "a sliding window", {"sliding_window": 12}),
    "ERNIE 4.5": Family("ernie4_5", "ERNIE 4.5"),
    "EXAONE 4": Family("exaone4", "EXAONE 4", "a sliding window", _WINDOW),
    "Gemma": Family("gemma", "Gemma 1"),
    "Gemma 3 with pictures": Family(
        "gemma3", "Gemma 3 4B and larger", "a model of pictures beside that of text",
        {
            "text_config": {**_SIZES, **_WINDOW},
            "vision_config": _VISION,
            "image_token_index": 5,
            "mm_tokens_per_image": 1,
        },
    ),
    "Gemma 3n": Family(
        "gemma3n_text", "Gemma 3n", "several streams of states",
        {
            **_WINDOW, "num_kv_shared_layers": 0, "vocab_size_per_layer_input": VOCABULARY,
            "hidden_size_per_layer_input": 8, "altup_num_inputs": 2, "laurel_rank": 4,
            "activation_sparsity_pattern": [0.0, 0.0], "intermediate_size": [48, 48],
        },
    ),
    "GLM 4": Family("glm4", "GLM 4"),
    "GPT-J": Family("gptj", "GPT-J", told={**_GPT2, "rotary_dim": 4}),
    "GPT-Neo": Family(
        "gpt_neo", "GPT-Neo, TinyStories", "a window",
        {"attention_types": [[["global", "local"], 1]], "num_layers": 2, "window_size": 8},
    ),
    "gpt-oss": Family(
        "gpt_oss", "gpt-oss", "experts, sinks of attention",
        {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 12},
    ),
    "Granite": Family(
        "granite", "Granite 3", "scaled states, scores and logits",
        {"logits_scaling": 3.0, "residual_multiplier": 0.5, "attention_multiplier": 0.2},
    ),
    "Helium": Family("helium", "Helium"),
    "Hunyuan": Family("hunyuan_v1_dense", "Hunyuan"),
    "Jamba": Family(
        "jamba", "Jamba", "states beside keys and values, experts",
        {
            "num_experts": 4, "num_experts_per_tok": 2, "attn_layer_period": 2, "attn_layer_offset": 1,
            "use_mamba_kernels": False, "mamba_dt_rank": 4,
        },
    ),
    "LFM 2": Family("lfm2", "LFM 2", "convolutions", {"layer_types": ["conv", "full_attention"]}),
    "MPT": Family(
        "mpt", "MPT", "ALiBi", {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 1024}
    ),
    "Nemotron": Family("nemotron", "Minitron, Nemotron 4"),
    "OLMo": Family("olmo", "OLMo 1"),
    "OLMo 3": Family("olmo3", "OLMo 3", "a sliding window", {"sliding_window": 12}),
    "OLMoE": Family("olmoe", "OLMoE", "experts", {"num_experts": 4, "num_experts_per_tok": 2}),
    "PhiMoE": Family("phimoe", "Phi 3.5 MoE", "experts", {"num_local_experts": 4}),
    "Qwen2 MoE": Family(
        "qwen2_moe", "Qwen 1.5 MoE", "experts, one of them for all",
        {**_EXPERTS, "shared_expert_intermediate_size": 16},
    ),
    "Qwen3 MoE": Family("qwen3_moe", "Qwen 3 30B-A3B", "experts", _EXPERTS),
    "Qwen 3.5": Family("qwen3_5_text", "Qwen 3.5", "states beside keys and values", _LINEAR),
    "RecurrentGemma": Family(
        "recurrent_gemma", "RecurrentGemma", "states beside keys and values",
        {"block_types": ["recurrent", "attention"], "attention_window_size": 16, "lru_width": 32},
    ),
    "Seed-OSS": Family("seed_oss", "Seed-OSS"),
    "StableLM": Family("stablelm", "StableLM 2"),
    "StarCoder2": Family("starcoder2", "StarCoder2", told={"sliding_window": 12}),
    "XGLM": Family(
        "xglm", "XGLM", told={"d_model": 32, "ffn_dim": 48, "num_layers": 2, "attention_heads": 4}
    ),
}  # fmt: skip
"""Families that are tried with one tokenizer."""
MERGED_ONLY: dict[str, Family] = {
    "DeepSeek V3": Family(
        "deepseek_v3", "DeepSeek V3 and R1", "experts beside a dense layer",
        {
            "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1,
            "moe_intermediate_size": 16, "q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4,
            "qk_nope_head_dim": 4, "v_head_dim": 8, "head_dim": 4, "num_key_value_heads": 4,
            "first_k_dense_replace": 1,
        },
    ),
    "Falcon H1": Family(
        "falcon_h1", "Falcon H1", "Mamba beside attention",
        {
            "mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 8,
            "mamba_n_groups": 1,
        },
    ),
    "GLM 4 MoE": Family(
        "glm4_moe", "GLM 4.5", "experts beside a dense layer",
        {
            "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16,
            "first_k_dense_replace": 1,
        },
    ),
    "Mamba": Family("mamba", "Mamba", "states in place of keys and values"),
    "Qwen3-Next": Family(
        "qwen3_next", "Qwen3-Next 80B", "states beside keys and values, experts",
        {**_EXPERTS, "shared_expert_intermediate_size": 16, **_LINEAR},
    ),
}  # fmt: skip
"""Families whose adapters on all linear modules PEFT does not load, or loads by halves."""
FAMILIES = MAIN | MORE | MERGED_ONLY


@dataclass(frozen=True)
class Checkpoint:
    """What one toy is made of. `bos`: "none", "added" by the tokenizer, or "written" by the chat template,
    where there is one, while the tokenizer adds it to what has no template."""

    family: str
    tokenizer: str = "byte-level"
    chat: bool = False
    bos: str = "none"
    eos: bool = True
    pad: bool = True
    tied: bool = True

    def make_tokenizer(self) -> Any:
        return make_tokenizer(self.tokenizer, chat=self.chat, bos=self.bos, eos=self.eos, pad=self.pad)

    def __str__(self) -> str:
        told = [self.family, self.tokenizer, "chat" if self.chat else "base", f"bos {self.bos}"]
        told += [name for name in ("eos", "pad", "tied") if getattr(self, name)]
        return "-".join(told).replace(" ", "_").replace(",", "")


VALUES: dict[str, Sequence[Any]] = {
    "family": list(MAIN),
    "tokenizer": list(TOKENIZERS),
    "chat": [False, True],
    "bos": ["none", "added", "written"],
    "eos": [True, False],
    "pad": [True, False],
    "tied": [True, False],
}


def pairs_of(one: Mapping[str, Any]) -> Iterator[tuple[tuple[str, Any], tuple[str, Any]]]:
    return combinations(one.items(), 2)


def every_pair() -> set[Any]:
    """Of any two features every value of the one with every value of the other, as far as both can be."""
    pairs = {((a, x), (b, y)) for a, b in combinations(VALUES, 2) for x in VALUES[a] for y in VALUES[b]}
    return {pair for pair in pairs if pair[0] != ("family", "Qwen2") or pair[1] not in _NOT_QWEN2}


_NOT_QWEN2 = [("tokenizer", kind) for kind in list(TOKENIZERS)[1:]] + [("eos", False), ("pad", False)]
"""`transformers` gives every model of that type a tokenizer of its own class, which has both tokens."""


def pairwise() -> list[Checkpoint]:
    """Few checkpoints among which every pair of values is met."""
    order, possible = list(VALUES), every_pair()
    left, made, rng = set(possible), [], random.Random(0)
    while left:
        one = dict(min(left, key=repr))
        for name in rng.sample(order, len(order)):
            if name not in one:
                own = {value: _with(one, name, value) for value in VALUES[name]}
                fitting = [value for value, pairs in own.items() if pairs <= possible]
                one[name] = max(fitting, key=lambda value: len(own[value] & left))
        left -= set(pairs_of({name: one[name] for name in order}))
        made.append(Checkpoint(**one))
    return made


def _with(one: Mapping[str, Any], name: str, value: Any) -> set[Any]:
    """The pairs of a value with those that are chosen."""
    order = list(VALUES)
    return {tuple(sorted([(name, value), known], key=lambda f: order.index(f[0]))) for known in one.items()}


def save_family(folder: Path, checkpoint: Checkpoint) -> Path:
    """The toy with its tokenizer."""
    tokenizer = checkpoint.make_tokenizer()
    model = make_model(checkpoint, tokenizer)
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_model(checkpoint: Checkpoint, tokenizer: Any) -> Any:
    """A random model, the numbers of its norms and biases too: those of an untrained one hide mistakes."""
    family = FAMILIES[checkpoint.family]
    told = {
        **_SIZES,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": checkpoint.tied,
        **(family.told or {}),
    }
    config = CONFIG_MAPPING[family.model_type](
        **{k: v for k, v in told.items() if (k, v) != ("head_dim", None)}
    )
    state = torch.get_rng_state()
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
    torch.set_rng_state(state)
    return model
