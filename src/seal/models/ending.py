"""When a text that a model writes has ended, and what it is. Knows nothing about how tokens are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from seal.models.chat import turn_ends
from seal.models.tokens import decode_completion


class Ender:
    """Ends a completion at the model's EOS tokens, and at any of some strings, which are cut off."""

    def __init__(self, model: nn.Module, tokenizer: Any, stop: Sequence[str], *, at_eos: bool = True) -> None:
        self.tokenizer, self.stop = tokenizer, tuple(stop)
        listed = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
        listed = listed if isinstance(listed, list) else [listed]
        own = [tokenizer.eos_token_id, *listed, *turn_ends(tokenizer)]
        eos = {id for id in own if id is not None}
        self.eos = eos if at_eos else set[int]()
        self._last = {stop[-1] for stop in self.stop}
        self._may_end: dict[int, bool] = {}

    def may_end(self, token: int) -> bool:
        """Whether a completion may end with a token.

        Only one that holds a stop string's last character (or a piece of one) can complete it; a space is no
        sign, since decoding a token by itself may strip it. Each is looked at when it is first written: a
        whole vocabulary takes as long as an answer.
        """
        if token not in self._may_end:
            told = bool(self._last) and _touches(self.tokenizer.decode([token]), self._last)
            self._may_end[token] = told or token in self.eos
        return self._may_end[token]

    def ended(self, tokens: list[int]) -> str | None:
        """The completion, if its last token ended it."""
        if not self.may_end(tokens[-1]):
            return None
        ended = tokens[-1] in self.eos
        text = self.text(tokens[:-1] if ended else tokens)
        cuts = [at for at in (text.find(stop) for stop in self.stop) if at >= 0]
        if not (ended or cuts):
            return None
        return text[: min(cuts)] if cuts else text

    def text(self, tokens: list[int]) -> str:
        """What was written so far."""
        return decode_completion(self.tokenizer, tokens)


def _touches(text: str, characters: set[str]) -> bool:
    return " " in characters or "\ufffd" in text or any(character in text for character in characters)
