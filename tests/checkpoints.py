"""Toy checkpoints in Hugging Face format, and passages to learn from, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers.utils import logging

from toys import toy_model, toy_tokenizer

CHAT_TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TINY_RUN = [
    "--set=outer.rounds=1",
    "--set=self_edit.samples=2",
    "--set=inner.seeds=1",
    "--set=inner.max_steps=2",
    "--set=inner.rank=2",
    "--set=outer.rank=2",
    "--set=self_edit.max_new_tokens=16",
    "--set=grading.max_new_tokens=3",
]
"""What makes a run of the toys take about a second."""


def save_toy(
    folder: Path,
    kind: str = "llama",
    *,
    chat: bool = False,
    context_tokens: int = 1024,
    window_tokens: int | None = None,
) -> Path:
    """A random model with its tokenizer. A rotary model's context is only a number in its configuration."""
    model, tokenizer = toy_model(kind), toy_tokenizer()
    model.config.max_position_embeddings = context_tokens
    if window_tokens:
        model.config.sliding_window = window_tokens
    logging.disable_progress_bar()  # of the saving here, amid what a command says on stderr
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if chat:
        (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    return folder


def squad(*, passages: int = 3, words: int = 12) -> dict[str, object]:
    """A SQuAD file of made-up passages with two questions each."""
    articles = []
    for i in range(passages):
        text = f"Petra Lund number {i} was born in Ostrava. " + "The mill is old. " * (words // 4)
        questions = [("Where was Petra Lund born?", "Ostrava"), ("What is old?", "the mill")]
        qas = [
            {"id": f"{i}/{j}", "question": q, "answers": [{"text": a}]} for j, (q, a) in enumerate(questions)
        ]
        articles.append({"title": f"Petra_Lund_{i}", "paragraphs": [{"context": text, "qas": qas}]})
    return {"data": articles}


def save_squad(path: Path, **shape: int) -> Path:
    path.write_text(json.dumps(squad(**shape)), encoding="utf-8")
    return path


def save_gguf(path: Path, *, quantised: bool = True) -> Any:
    """A random Llama as a GGUF file, in 8 bits or in float32; returns the model that it was made of."""
    import gguf
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = toy_tokenizer()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=1024, initializer_range=0.15,
        tie_word_embeddings=True,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_context_length(1024)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokenizer))
    told = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(sorted(told["vocab"], key=told["vocab"].get))
    writer.add_token_types([3, 3] + [1] * (len(tokenizer) - 2))
    writer.add_token_merges([" ".join(pair) for pair in told["merges"]])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_chat_template(CHAT_TEMPLATE)
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight":
            continue
        array = tensor.numpy()
        for part, heads in (("q_proj", 4), ("k_proj", 2)):  # GGUF has a rotary head's halves interleaved
            if part in key:
                array = array.reshape(heads, 2, -1, 32).swapaxes(1, 2).reshape(array.shape)
        name = _GGUF_NAMES[key.removesuffix(".weight").rpartition(".")[2]]
        if ".layers." in key:
            name = f"blk.{key.split('.')[2]}.{name}"
        kind = gguf.GGMLQuantizationType.Q8_0 if quantised and array.ndim == 2 else None
        stored = array if kind is None else gguf.quants.quantize(array, kind)
        writer.add_tensor(f"{name}.weight", stored, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model


_GGUF_NAMES = {
    "embed_tokens": "token_embd",
    "norm": "output_norm",
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
