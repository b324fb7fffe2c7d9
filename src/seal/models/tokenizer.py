"""A tokenizer straight from `tokenizers`: the same ids as by `transformers`, without its import.

Whether it does for a model what `transformers` does is for others to say (kept_tokenizers.py). Knows nothing
about prompts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import tokenizers

from seal.errors import ConfigError
from seal.models.chat_template import rendered

NAMES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
"""Of the special tokens that a tokenizer may have."""


class PlainTokenizer:
    """Text to ids and back, with those names of `transformers`' tokenizers that this package uses."""

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        special: Mapping[str, str | None],
        *,
        source: Path,
        special_ids: Sequence[int] = (),
        chat_template: str | None = None,
    ) -> None:
        """`special` has tokens by `NAMES`; `special_ids` are those of others. `source` is the folder of the
        model's own files."""
        self._backend, self.source, self.chat_template = backend, source, chat_template
        self.special = {name: special.get(name) for name in NAMES}
        own = (self._id(token) for token in self.special.values())
        self.all_special_ids = list(dict.fromkeys([*(id for id in own if id is not None), *special_ids]))

    @classmethod
    def read(cls, folder: Path) -> PlainTokenizer:
        """The tokenizer as tokenizer.json and tokenizer_config.json have it. Raises OSError, ValueError."""
        backend = tokenizers.Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))
        told = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        return cls(backend, {name: told.get(f"{name}_token") for name in NAMES}, source=folder)

    @property
    def bos_token(self) -> str | None:
        return self.special["bos"]

    @property
    def eos_token(self) -> str | None:
        return self.special["eos"]

    @property
    def unk_token(self) -> str | None:
        return self.special["unk"]

    @property
    def pad_token(self) -> str | None:
        return self.special["pad"]

    @pad_token.setter
    def pad_token(self, token: str | None) -> None:
        self.special["pad"] = token

    @property
    def bos_token_id(self) -> int | None:
        return self._id(self.bos_token)

    @property
    def eos_token_id(self) -> int | None:
        return self._id(self.eos_token)

    @property
    def pad_token_id(self) -> int | None:
        return self._id(self.pad_token)

    @property
    def unk_token_id(self) -> int | None:
        return self._id(self.unk_token)

    @property
    def added_tokens_decoder(self) -> dict[int, Any]:
        """The tokens that are more than pieces of text, by id; each has its `content`, and whether it is
        `special`."""
        return self._backend.get_added_tokens_decoder()

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """The special tokens by the names that templates have for them."""
        return {f"{name}_token": token for name, token in self.special.items() if token}

    def _id(self, token: str | None) -> int | None:
        return None if token is None else self._backend.token_to_id(token)

    def __call__(
        self,
        text: str,
        *,
        add_special_tokens: bool = True,
        return_tensors: Literal["pt"] | None = None,
        verbose: bool = True,
    ) -> dict[str, Any]:
        """The ids of a text, as {"input_ids": ...}: a list, or with "pt" a tensor [1, n]. `verbose` is there
        because others have it."""
        ids = self._backend.encode(text, add_special_tokens=add_special_tokens).ids
        if return_tensors is None:
            return {"input_ids": ids}
        import torch

        return {"input_ids": torch.tensor([ids])}

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

    def save_backend(self, path: Path) -> None:
        """Writes what turns texts into ids, for `tokenizers.Tokenizer.from_file`."""
        self._backend.save(str(path))

    def apply_chat_template(
        self, messages: Sequence[Mapping[str, str]], *, tokenize: bool, add_generation_prompt: bool = False
    ) -> str:
        """The messages as one text; `tokenize` is to be False. Raises ConfigError if there is no template,
        jinja2's TemplateError if the template refuses the messages."""
        assert not tokenize, "a text is tokenised where it is used"
        if self.chat_template is None:
            raise ConfigError("the model has no chat template", 'Set the prompt style to "short" or "base".')
        return rendered(self.chat_template, messages, self.special_tokens_map, add_generation_prompt)
