"""The texts of single tokens, as OpenAI's log-probabilities name them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from seal.engine.serving import TokenLog

_UNDECODABLE = "\ufffd"
_ANCHOR = "{"


class TokenTexts:
    """What each token adds to a text. A piece of a character, which is no text, is named by its id."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._first = tokenizer(_ANCHOR, add_special_tokens=False)["input_ids"][:1]
        self._anchor = tokenizer.decode(self._first)
        self.of = functools.lru_cache(maxsize=1 << 16)(self._of)

    def _of(self, token: int) -> str:
        # after another token: by itself one may lose the space that it begins with
        text = self.tokenizer.decode([*self._first, token]).removeprefix(self._anchor)
        return f"token_id:{token}" if _UNDECODABLE in text else text

    def legacy(
        self, logs: Sequence[TokenLog | None], tokens: Sequence[int], k: int, at: int = 0
    ) -> dict[str, Any]:
        """The `logprobs` of `/v1/completions`; `at` is where the first token's text begins. A token without a
        log (the first of a prompt) has null."""
        texts = [self.of(token) for token in tokens]
        offsets = []
        for text in texts:
            offsets.append(at)
            at += len(text)
        return {
            "tokens": texts,
            "token_logprobs": [log and log.logprob for log in logs],
            "top_logprobs": [log and self._likeliest(log) for log in logs] if k else None,
            "text_offset": offsets,
        }

    def _likeliest(self, log: TokenLog) -> dict[str, float]:
        """The likeliest tokens and the one that stands there, which may be none of them."""
        top: dict[str, float] = {}
        for token, logprob in (*log.top, (log.token, log.logprob)):
            top.setdefault(self.of(token), logprob)
        return top

    def chat(self, log: TokenLog, k: int) -> dict[str, Any]:
        """One token's entry in the `logprobs` of `/v1/chat/completions`."""
        top = [self._entry(token, logprob) for token, logprob in log.top[:k]]
        return {**self._entry(log.token, log.logprob), "top_logprobs": top}

    def _entry(self, token: int, logprob: float) -> dict[str, Any]:
        text = self.of(token)
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
