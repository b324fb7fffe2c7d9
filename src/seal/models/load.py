"""Loads a causal language model and its tokenizer. Knows nothing about what is done with them.

A folder whose architecture is known here becomes a `Decoder`, without `transformers`, whose import takes
longer than an answer; what its weights give is the same to the bit. All others, and those of the hub, are
loaded by the classes of `transformers`. What is in a GGUF file becomes a folder first (gguf_file.py). An
adapter is merged into its base (adapter_folder.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch

from seal.errors import ConfigError, InputError, InputFileError, reason_of
from seal.models.context import embedded_tokens
from seal.models.dtypes import AUTO, dtype_of
from seal.models.hub_cache import fetched
from seal.models.model_names import BUILTIN, ModelSource, base_of_adapter, check_folder, find_model
from seal.models.packaged import PACKAGED
from seal.models.token_traits import limit_rows

if TYPE_CHECKING:
    from seal.models.decoder import Decoder

_bars_hidden = False
_WEIGHTS = (".safetensors", ".bin", ".json")  # with config.json, and the index of several files
_loaded_from: WeakKeyDictionary[torch.nn.Module, str] = WeakKeyDictionary()


def load_model(
    name_or_path: str | Path, *, dtype: str | torch.dtype = "float32", device: str | torch.device = "cpu"
) -> tuple[Any, Any]:
    """Loads (model, tokenizer), the model in evaluation mode on `device`.

    `name_or_path` is a built-in name, the name of a model that an installed package carries, a folder in
    Hugging Face format, a GGUF file, the folder of a PEFT adapter, or a hub name. The model is a `Decoder`
    where that does the same as what `transformers` has for it, and the tokenizer a `PlainTokenizer`. A
    tokenizer without a pad token, or with one that the model has no embedding for, gets its EOS for one.

    Raises:
        UnknownNameError: no such model, or its package is not installed; InputFileError: no such folder or
        file, or no model in it; InputError: it cannot be read; ConfigError: an unknown dtype or device;
        AdapterError: an adapter that does not fit its base.
    """
    return _load(name_or_path, dtype, device, with_transformers=False)


def load_with_transformers(
    name_or_path: str | Path, *, dtype: str | torch.dtype = "float32", device: str | torch.device = "cpu"
) -> tuple[Any, Any]:
    """The same, with the classes of `transformers` for all models."""
    return _load(name_or_path, dtype, device, with_transformers=True)


def save_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Writes a model, with the weights that it has now, into a folder that `transformers` loads."""
    from seal.models.decoder import Decoder
    from seal.models.tokenizer import PlainTokenizer

    # Each by itself: beside a policy that was read from a run's folder stands the base's own tokenizer.
    if isinstance(tokenizer, PlainTokenizer):
        from transformers import AutoTokenizer

        pad, tokenizer = tokenizer.pad_token, AutoTokenizer.from_pretrained(tokenizer.source)
        tokenizer.pad_token = pad
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


def model_folder(name_or_path: str | Path) -> str:
    """The folder of a model's weights, or its hub name: of an adapter its base's, of a GGUF file what it was
    made into, which is done if it was not. Raises as `load_model` does."""
    source = find_model(name_or_path)
    if source.kind == "adapter":
        return model_folder(base_of_adapter(source.place))
    return _folder_of(source, name_or_path)


def loadable_name(name_or_path: str | Path) -> str:
    """The name by which `transformers` and `peft` load the model too: an absolute folder, or a hub name.
    Raises as `load_model` does."""
    source = find_model(name_or_path)
    place = _folder_of(source, name_or_path)
    return place if source.kind == "hub" else os.path.abspath(place)


def loaded_from(model: torch.nn.Module) -> str | None:
    """The name that a model was loaded by; None for one that was made or copied in memory."""
    return _loaded_from.get(model)


def weights_folder(name_or_path: str | Path) -> Path | None:
    """The folder with a model's own weights; None of a hub name that was not fetched. Raises as `load_model`
    does."""
    source = find_model(name_or_path)
    if source.kind == "hub":
        return fetched(source.place)
    return Path(source.place if source.kind == "adapter" else _folder_of(source, name_or_path))


def model_files(name_or_path: str | Path) -> list[Path]:
    """The files that a model's weights follow from, for an adapter those of its base too; none of a hub name
    that was not fetched. Raises as `load_model` does."""
    source, folder = find_model(name_or_path), weights_folder(name_or_path)
    below = model_files(base_of_adapter(source.place)) if source.kind == "adapter" else []
    if folder is None or (source.kind == "adapter" and not below):
        return []
    return below + [path for path in sorted(folder.iterdir()) if path.suffix in _WEIGHTS]


def is_ready(name_or_path: str | Path) -> bool:
    """Whether a model can be loaded without being converted first. Raises as `find_model` does."""
    source = find_model(name_or_path)
    if source.kind not in ("gguf", "package"):
        return True
    from seal.models.gguf_file import is_converted

    return is_converted(_files_of(source, name_or_path))


def _files_of(source: ModelSource, name_or_path: str | Path) -> tuple[Path, ...]:
    return (Path(source.place),) if source.kind == "gguf" else PACKAGED[str(name_or_path)].files()


def _folder_of(source: ModelSource, name_or_path: str | Path) -> str:
    if source.kind not in ("gguf", "package"):
        return source.place
    from seal.models.gguf_file import converted

    return str(
        converted(_files_of(source, name_or_path), str(name_or_path) if source.kind == "package" else "")
    )


def _load(
    name_or_path: str | Path, dtype: str | torch.dtype, device: str | torch.device, *, with_transformers: bool
) -> tuple[Any, Any]:
    place = _device(device)
    # What the embedded models write and train is held to the bit, which fp32 is a part of.
    kind = dtype_of("float32" if dtype == AUTO and str(name_or_path) in BUILTIN else dtype, place)
    source = find_model(name_or_path)
    if source.kind == "adapter":
        from seal.models.adapter_folder import on_its_base

        base, own = _load(base_of_adapter(source.place), torch.float32, "cpu", with_transformers=True)
        model, tokenizer = on_its_base(Path(source.place), base, own)
        model = model.to(kind)
    else:
        model, tokenizer = _read(source, _folder_of(source, name_or_path), kind, with_transformers)
    rows = embedded_tokens(model)
    limit_rows(tokenizer, rows)
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id >= rows:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    model = model.to(place).eval()
    _loaded_from[model] = str(name_or_path)
    return model, tokenizer


def _read(source: ModelSource, folder: str, kind: torch.dtype, with_transformers: bool) -> tuple[Any, Any]:
    """The model in a folder, or of a hub name. Raises InputFileError, InputError."""
    local = source.kind != "hub"
    if source.kind == "built-in" and not (Path(folder) / "config.json").is_file():
        raise InputFileError(f"the built-in model is missing at {folder}", "install the package again")
    if local:
        check_folder(folder)
    try:
        if with_transformers or not local:
            return _by_transformers(folder, kind)
        return _by_package(Path(folder), kind, embedded=source.kind == "built-in")
    except OSError as error:
        if local:
            raise InputFileError(f"{folder} holds no readable model: {reason_of(error)}") from error
        raise InputFileError(
            f"{folder} is not a folder here, and could not be fetched from the hub: {reason_of(error)}",
            "check the name and the network, or give a local folder",
        ) from error
    except Exception as error:  # fault-tolerance point: broken files raise whatever their parsers raise
        raise InputError(
            f"{folder} cannot be loaded as a causal language model: {reason_of(error)}"
        ) from error


def _by_package(folder: Path, kind: torch.dtype, *, embedded: bool) -> tuple[Any, Any]:
    from seal.models.decoder_files import read_decoder
    from seal.models.kept_tokenizers import read_tokenizer
    from seal.models.tokenizer import PlainTokenizer

    model: Decoder | None = read_decoder(folder, kind, embedded=embedded)
    if model is None:
        return _by_transformers(str(folder), kind)
    return model, PlainTokenizer.read(folder) if embedded else read_tokenizer(folder)


def _by_transformers(source: str, kind: torch.dtype) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    if _bars_hidden:
        logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(source)
    config: Any = AutoConfig.from_pretrained(source)
    own, more = config.get_text_config(), {}
    if (getattr(own, "pad_token_id", None) or 0) >= own.vocab_size:  # for which there is no embedding to be
        own.pad_token_id = None
        more["config"] = config
    model: Any = AutoModelForCausalLM.from_pretrained(source, dtype=kind, **more)
    return model, tokenizer


def _device(device: str | torch.device) -> torch.device:
    try:
        place = torch.device(device)
        torch.zeros(0, device=place)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"device {str(device)!r} cannot be used: {reason_of(error)}", 'set it to "cpu"'
        ) from error
    return place
