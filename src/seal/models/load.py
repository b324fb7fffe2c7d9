"""Loads a causal language model and its tokenizer. Knows nothing about what is done with them.

A model that the package carries is loaded as a `Decoder`, without `transformers`, whose import takes longer
than an answer; all others by the classes of `transformers`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from seal.errors import ConfigError, InputError, InputFileError
from seal.models.dtypes import AUTO, dtype_of
from seal.models.model_names import BUILTIN, builtin_path, resolve

_bars_hidden = False


def load_model(
    name_or_path: str | Path, *, dtype: str | torch.dtype = "float32", device: str | torch.device = "cpu"
) -> tuple[Any, Any]:
    """Loads (model, tokenizer), the model in evaluation mode on `device`.

    `name_or_path` is a built-in name, a folder in Hugging Face format or a hub name. A built-in model is a
    `Decoder` with a `PackagedTokenizer`, any other what `transformers` has for it. A tokenizer
    without a pad token gets its EOS for one.

    Raises:
        UnknownNameError: no such model; InputFileError: no such folder, or no model in it;
        ConfigError: an unknown dtype or device.
    """
    return _load(name_or_path, dtype, device, with_transformers=str(name_or_path) not in BUILTIN)


def load_with_transformers(
    name_or_path: str | Path, *, dtype: str | torch.dtype = "float32", device: str | torch.device = "cpu"
) -> tuple[Any, Any]:
    """The same, with the classes of `transformers` for built-in models too."""
    return _load(name_or_path, dtype, device, with_transformers=True)


def save_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Writes a model, with the weights that it has now, into a folder that `transformers` loads."""
    from seal.models.decoder import Decoder
    from seal.models.tokenizer import PackagedTokenizer

    # Each by itself: beside a policy that was read from a run's folder stands the base's own tokenizer.
    if isinstance(tokenizer, PackagedTokenizer):
        _, tokenizer = load_with_transformers(tokenizer.source)
    if isinstance(model, Decoder):
        assert model.source is not None, "only a model that was loaded is saved"
        weights = model.state_dict()
        model, _ = load_with_transformers(model.source, dtype=model.dtype)
        model.load_state_dict(weights)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def hide_progress_bars() -> None:
    """Keeps `transformers` from drawing its own progress bars, which would run through the command line's."""
    global _bars_hidden
    _bars_hidden = True


def _load(
    name_or_path: str | Path, dtype: str | torch.dtype, device: str | torch.device, *, with_transformers: bool
) -> tuple[Any, Any]:
    place = _device(device)
    # What the embedded models write and train is held to the bit, which fp32 is a part of.
    kind = dtype_of("float32" if dtype == AUTO and str(name_or_path) in BUILTIN else dtype, place)
    source = resolve(name_or_path)
    local = Path(source).is_dir()
    if local and not (Path(source) / "config.json").is_file():
        raise InputFileError(
            f"{source} holds no model: config.json is missing", "give a Hugging Face model folder"
        )
    if not local and source in map(str, map(builtin_path, BUILTIN)):
        raise InputFileError(f"the built-in model is missing at {source}", "install the package again")
    try:
        model, tokenizer = (_by_transformers if with_transformers else _by_package)(source, kind)
    except OSError as error:
        if local:
            raise InputFileError(f"{source} holds no readable model: {_first_line(error)}") from error
        raise InputFileError(
            f"{source} is not a folder here, and could not be fetched from the hub: {_first_line(error)}",
            "check the name and the network, or give a local folder",
        ) from error
    except Exception as error:  # fault-tolerance point: broken files raise whatever their parsers raise
        raise InputError(
            f"{source} cannot be loaded as a causal language model: {_first_line(error)}"
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return model.to(place).eval(), tokenizer


def _by_package(source: str, kind: torch.dtype) -> tuple[Any, Any]:
    from seal.models.decoder import Decoder
    from seal.models.tokenizer import PackagedTokenizer

    return Decoder.load(Path(source), kind), PackagedTokenizer(Path(source))


def _by_transformers(source: str, kind: torch.dtype) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    if _bars_hidden:
        logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(source)
    model: Any = AutoModelForCausalLM.from_pretrained(source, dtype=kind)
    return model, tokenizer


def _device(device: str | torch.device) -> torch.device:
    try:
        place = torch.device(device)
        torch.zeros(0, device=place)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"device {str(device)!r} cannot be used: {_first_line(error)}", 'set it to "cpu"'
        ) from error
    return place


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
