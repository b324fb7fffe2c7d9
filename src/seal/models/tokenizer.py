"""The embedded models' tokenizer, straight from `tokenizers`: the same ids as by `transformers`, without its
import.

Only models that the package carries are loaded with this class (`seal.models.load`). It has no chat template.
Knows nothing about prompts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import tokenizers

from seal.errors import ConfigError


class PackagedTokenizer:
    """Text to ids and back, with those names of `transformers`' tokenizers that this package uses."""

    chat_template = None

    def __init__(self, folder: Path) -> None:
        """Reads tokenizer.json and tokenizer_config.json. Raises OSError, ValueError."""
        self.source = folder
        text = (folder / "tokenizer.json").read_text(encoding="utf-8")
        self._backend = tokenizers.Tokenizer.from_str(text)
        told = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        names = {name: told.get(f"{name}_token") for name in ("bos", "eos", "pad", "unk")}
        self.bos_token, self.eos_token = names["bos"], names["eos"]
        self.pad_token, self.unk_token = names["pad"], names["unk"]
        self.all_special_ids = [self._backend.token_to_id(token) for token in names.values() if token]

    @property
    def bos_token_id(self) -> int | None:
        return self._id(self.bos_token)

    @property
    def eos_token_id(self) -> int | None:
        return self._id(self.eos_token)

    @property
    def pad_token_id(self) -> int | None:
        return self._id(self.pad_token)

    def _id(self, token: str | None) -> int | None:
        return None if token is None else self._backend.token_to_id(token)

    def __call__(
        self, text: str, *, add_special_tokens: bool = True, verbose: bool = True
    ) -> dict[str, list[int]]:
        """The ids of a text, as {"input_ids": ...}. `verbose` is there because others have it."""
        return {"input_ids": self._backend.encode(text, add_special_tokens=add_special_tokens).ids}

    def decode(
        self,
        ids: Sequence[int],
        *,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool = False,
    ) -> str:
        """The text of some ids. Spaces are never cleaned up."""
        return self._backend.decode(list(ids), skip_special_tokens=skip_special_tokens)

    def batch_decode(
        self,
        rows: Sequence[Sequence[int]],
        *,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool = False,
    ) -> list[str]:
        """The text of each row of ids."""
        return self._backend.decode_batch(
            [list(row) for row in rows], skip_special_tokens=skip_special_tokens
        )

    def apply_chat_template(self, *_: Any, **__: Any) -> NoReturn:
        """Raises ConfigError: there is none."""
        raise ConfigError(
            "the embedded models have no chat template", 'Set the prompt style to "short", which is theirs.'
        )
