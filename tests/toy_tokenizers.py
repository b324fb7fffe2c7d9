"""Toy tokenizers of the kinds that models have, made on the spot, and a toy model for each."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import torch
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from toys import TEXT

SPECIAL = ("<unk>", "<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>", "<start_of_turn>", "<eos>")
KINDS = (
    "bytes",
    "bytes-prefix",
    "bytes-regex",
    "metaspace-always",
    "metaspace-first",
    "metaspace-never",
    "llama-legacy",
    "unigram",
    "unigram-folded",
    "wordpiece",
)
LOSSY = ("unigram-folded", "wordpiece")
"""Those that do not give a text back as it was."""
CORPUS = [
    *TEXT,
    "Who founded the mill? Edwin Harrow founded it. When? 1931. What? {a} [b] (c) <d> !",
    "she said: it's 20% off\nand more\n\nwhere x 0 1 2 3 4 5 6 7 8 9; user assistant system / | _ = . ,",
]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@functools.cache
def toy_tokenizer_of(kind: str, *, bos: bool = False, eos: bool = False, template: str | None = None) -> Any:
    """A tokenizer that adds <s> before a text or </s> after it if asked to, and has a chat template."""
    made = {"bytes": _bytes, "metas": _metaspace, "llama": _legacy, "unigr": _unigram, "wordp": _wordpiece}
    tokenizer = made[kind[:5]](kind)
    if bos or eos:
        single = f"{'<s> ' if bos else ''}$A{' </s>' if eos else ''}"
        ids = [(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")]
        extra = processors.TemplateProcessing(single=single, pair=f"{single} $B:1", special_tokens=ids)
        tokenizer.post_processor = extra
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )
    fast.chat_template = template
    return fast


def _bytes(kind: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.ByteLevel(add_prefix_space=kind == "bytes-prefix")
    if kind == "bytes-regex":  # as Llama 3 and Qwen have it
        pattern = r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+"
        own = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(  # type: ignore[assignment]
            [pre_tokenizers.Split(Regex(pattern), "isolated"), own]
        )
    else:
        tokenizer.pre_tokenizer = split  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    return _trained(tokenizer, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())


def _metaspace(kind: str) -> Tokenizer:
    scheme: Any = kind.partition("-")[2]
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)  # type: ignore[assignment]
    own = decoders.Metaspace(prepend_scheme=scheme)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), own])  # type: ignore[assignment]
    return _with_bytes(_trained(tokenizer))


def _legacy(_kind: str) -> Tokenizer:
    """As Llama 2 has it."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()  # type: ignore[assignment]
    tokenizer.decoder = decoders.Sequence(  # type: ignore[assignment]
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    made = json.loads(_with_bytes(_trained(tokenizer)).to_str())
    prepend = {"type": "Prepend", "prepend": "▁"}
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    normalizer = {"type": "Sequence", "normalizers": [prepend, replace]}
    return Tokenizer.from_str(json.dumps(made | {"pre_tokenizer": None, "normalizer": normalizer}))


def _unigram(kind: str) -> Tokenizer:
    """As T5 and XLM-R have it: special tokens are pieces too, and the likeliest ones."""
    tokenizer = Tokenizer(models.Unigram())
    if kind == "unigram-folded":
        tokenizer.normalizer = normalizers.Sequence(  # type: ignore[assignment]
            [normalizers.NFKC(), normalizers.Replace("  ", " ")]
        )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()  # type: ignore[assignment]
    tokenizer.decoder = decoders.Metaspace()  # type: ignore[assignment]
    alphabet = sorted({c for text in CORPUS for c in text} | {chr(c) for c in range(33, 127)})
    trainer = trainers.UnigramTrainer(
        vocab_size=420,
        special_tokens=list(SPECIAL),
        unk_token="<unk>",
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    return tokenizer


def _wordpiece(_kind: str) -> Tokenizer:
    """As BERT has it, but for the lower case: the corpus's words, and single characters for all else."""
    signs = [chr(c) for c in range(33, 127)]
    words = sorted({word for text in CORPUS for word in re.findall(r"[A-Za-z]{2,}|\d+", text)})
    pieces = dict.fromkeys([*SPECIAL, *signs, *(f"##{sign}" for sign in signs), *words])
    vocabulary = {piece: id for id, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>"))  # type: ignore[call-arg]
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)  # type: ignore[assignment]
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()  # type: ignore[assignment]
    tokenizer.decoder = decoders.WordPiece(cleanup=False)  # type: ignore[assignment]
    return tokenizer


def _trained(tokenizer: Tokenizer, **more: Any) -> Tokenizer:
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=list(SPECIAL), show_progress=False, **more)
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    return tokenizer


def _with_bytes(tokenizer: Tokenizer) -> Tokenizer:
    """With a token for each byte, for what has no piece."""
    told = json.loads(tokenizer.to_str())
    vocabulary = told["model"]["vocab"]
    for byte in range(256):
        vocabulary.setdefault(f"<0x{byte:02X}>", len(vocabulary))
    return Tokenizer.from_str(json.dumps(told))


def with_added(tokenizer: Any, *texts: str, special: bool = False) -> Any:
    """The tokenizer with more tokens than its model has."""
    tokenizer.add_tokens([AddedToken(text, special=special) for text in texts], special_tokens=special)
    return tokenizer


def toy_language_model(rows: int) -> Any:
    """A random Llama with so many tokens, the third of which ends a text."""
    config = LlamaConfig(
        vocab_size=rows,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=256,
        initializer_range=0.15,
        bos_token_id=None,
        eos_token_id=2,
    )
    state = torch.get_rng_state()
    torch.manual_seed(3)
    model = LlamaForCausalLM(config).eval()
    torch.set_rng_state(state)
    return model


@functools.cache
def toy_trained(kind: str, ids: tuple[int, ...]) -> Any:
    """A model that has learned these ids by heart."""
    model = toy_language_model(len(toy_tokenizer_of(kind)))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    rows = torch.tensor([ids])
    for _ in range(30):
        optimizer.zero_grad()
        model(input_ids=rows, labels=rows).loss.backward()
        optimizer.step()
    return model
