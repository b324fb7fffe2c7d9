"""Text to token ids. Knows nothing about training or about adapters.

A prompt and what follows it are tokenised apart and joined, so that training, scoring and sampling all
see the same tokens whatever the tokenizer would have merged across the border.
"""

from __future__ import annotations

import functools
from typing import Any

Tokenizer = Any  # transformers' tokenizers have no common typed base


@functools.lru_cache(maxsize=8)
def _prefix(tokenizer: Tokenizer) -> tuple[int, ...]:
    bos = tokenizer.bos_token_id
    return (bos,) if bos is not None and tokenizer("")["input_ids"][:1] == [bos] else ()


def encode_prompt(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of a text that starts a sequence; begins with BOS only if the tokenizer itself adds it."""
    return [*_prefix(tokenizer), *tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]]


def encode_completion(tokenizer: Tokenizer, text: str, *, append_eos: bool) -> list[int]:
    """The ids of a text that follows a prompt; ends with EOS if asked for and if there is one."""
    ids = list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
    return [*ids, tokenizer.eos_token_id] if append_eos and tokenizer.eos_token_id is not None else ids


def token_texts(tokenizer: Tokenizer, n: int) -> list[str]:
    """What each of the ids 0 .. n - 1 adds to a text; empty for special tokens and ids without a token.

    Decoded after another token: by itself one may lose the space that it begins with.
    """
    [first] = tokenizer("{", add_special_tokens=False, verbose=False)["input_ids"][:1]
    anchor = tokenizer.decode([first], clean_up_tokenization_spaces=False)
    special = {id for id in tokenizer.all_special_ids}
    rows = tokenizer.batch_decode([[first, id] for id in range(n)], clean_up_tokenization_spaces=False)
    return ["" if id in special else row.removeprefix(anchor) for id, row in enumerate(rows)]


def pad_id(tokenizer: Tokenizer) -> int:
    """The id to fill rows with. No result depends on it: padding is never attended to and bears no loss."""
    for id in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if id is not None:
            return id
    return 0
