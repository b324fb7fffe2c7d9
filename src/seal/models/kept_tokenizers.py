"""What `transformers` makes of a folder's tokenizer, kept for the next process, which then needs no
`transformers`.

What a tokenizer is follows from several files and from rules that differ by model and by release; so it is
not worked out anew here, but taken as `transformers` has built it, once. Whether a `PlainTokenizer` then does
the same is found out by trying: one that does not is left to `transformers`. Knows nothing about models.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tokenizers

from seal.files import make_folder, write_beside
from seal.models.chat_template import applied
from seal.models.remembered import drop_gone, place_of, state_of
from seal.models.tokenizer import NAMES, PlainTokenizer

_KIND = "tokenizers"
_WEIGHTS = {".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx"}
_BACKEND, _FACTS = "tokenizer.json", "facts.json"
_TEXTS = (
    "",
    " ",
    "The Standard plan costs $45.50 a month (from 1 May 2024) ; it's 20% off . Don't , he said !",
    "Die Straße nach Köln ist gesperrt.\n\nBitte über Bonn fahren.",
    "会议改到星期三下午三点。 उसका नाम क्या है? שלום עליכם.",
    '  two  spaces, "quotes" — and a tab\t.\r\nfi ﬁ ½ e\u0301 é Å \u00a0 \u200b \U0001f600',
    "def f(x):\n    return x ** 2  # 1234567890\n\n\n",
)
_CHATS = (
    [{"role": "user", "content": " Where was Petra Lund born?\n"}],
    [{"role": "system", "content": "Answer."}, {"role": "user", "content": "Who?"}],
    [
        {"role": "user", "content": "Who?"},
        {"role": "assistant", "content": "She. "},
        {"role": "user", "content": "When?"},
    ],
)


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model's folder: a `PlainTokenizer` where it does what that of `transformers` does.

    Raises what `transformers` raises for files that it cannot read.
    """
    state = _state(folder)
    kept = place_of(_KIND, state)
    if state:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads((kept / _FACTS).read_text(encoding="utf-8"))
            if "special" in told:
                return _made(tokenizers.Tokenizer.from_file(str(kept / _BACKEND)), told, folder)
    from transformers import AutoTokenizer

    theirs: Any = AutoTokenizer.from_pretrained(folder)
    if not state or kept.exists():
        return theirs
    ours = plain_version(theirs, folder)
    if state == _state(folder):
        drop_gone(_KIND, f"*/{_FACTS}")
        with contextlib.suppress(OSError):
            make_folder(kept.parent)
            write_beside(kept, partial(_write, ours, folder))
    return theirs if ours is None else ours


def plain_version(theirs: Any, folder: Path) -> PlainTokenizer | None:
    """A tokenizer of `transformers` without `transformers`; None if it does more than the plain one."""
    backend = getattr(theirs, "backend_tokenizer", None)
    template = getattr(theirs, "chat_template", None)
    if (
        not isinstance(backend, tokenizers.Tokenizer)
        or getattr(theirs, "split_special_tokens", False)
        or (theirs.clean_up_tokenization_spaces and type(backend.model).__name__ != "BPE")
        or not (template is None or isinstance(template, str))
    ):
        return None
    own = tokenizers.Tokenizer.from_str(backend.to_str())
    own.no_padding()
    own.no_truncation()
    facts = {
        "special": {name: getattr(theirs, f"{name}_token", None) for name in NAMES},
        "special_ids": list(theirs.all_special_ids),
        "chat_template": template,
    }
    ours = _made(own, facts, folder)
    return ours if all(a == b for a, b in zip(_tried(ours), _tried(theirs), strict=True)) else None


def _made(backend: tokenizers.Tokenizer, told: dict[str, Any], folder: Path) -> PlainTokenizer:
    return PlainTokenizer(
        backend,
        told["special"],
        source=folder,
        special_ids=told["special_ids"],
        chat_template=told["chat_template"],
    )


def _write(ours: PlainTokenizer | None, source: Path, place: Path) -> None:
    """The folder for one state of the files; it has no tokenizer if `transformers` is needed."""
    place.mkdir()
    facts: dict[str, Any] = {"of": [str(source.resolve())]}
    if ours is not None:
        ours.save_backend(place / _BACKEND)
        facts |= {
            "special": ours.special,
            "special_ids": ours.all_special_ids,
            "chat_template": ours.chat_template,
        }
    (place / _FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _tried(tokenizer: Any) -> Iterator[Any]:
    """What a tokenizer says to all that this package asks of one."""
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        yield getattr(tokenizer, name)
    yield set(tokenizer.all_special_ids)
    special = " a ".join(token for name in NAMES if (token := getattr(tokenizer, f"{name}_token", None)))
    for text in (*_TEXTS, special):
        for adds in (True, False):
            ids = list(tokenizer(text, add_special_tokens=adds, verbose=False)["input_ids"])
            yield ids
            for skips in (True, False):
                yield tokenizer.decode(ids, skip_special_tokens=skips) if ids else ""
            yield tokenizer.batch_decode([[id] for id in ids]) if ids else []
    if tokenizer.chat_template:
        for chat in _CHATS:
            for adds in (True, False):
                try:
                    yield applied(tokenizer, chat, add_generation_prompt=adds)
                except Exception as error:  # fault-tolerance point: a template raises what it likes
                    yield str(error)


def _state(folder: Path) -> str:
    """Names all that a tokenizer may follow from: every file but the weights, and the libraries' releases."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in _WEIGHTS]
    return state_of(files, [version(name) for name in ("transformers", "tokenizers", "jinja2")])
