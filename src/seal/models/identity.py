"""Which model this is: its name, its size, the digest of its weights, and a fingerprint that their precision
does not change. Knows nothing about what it does.

The digest that names a base is of the weights as they are stored, whatever they are loaded as: the same file
is the same base on every machine. It is remembered for as long as the files stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seal.models.decoder import Decoder
from seal.models.decoder_files import opened, weight_files
from seal.models.load import load_model, loaded_from, model_files, weights_folder
from seal.models.model_names import find_model
from seal.models.remembered import remembered

_KIND = "digests"
_SAMPLED = 64


def model_record(name: str, model: Any) -> dict[str, Any]:
    """Name, number of parameters, and the SHA-256 of all weights in the order of their names, as loaded."""
    return {
        "name": name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "sha256": _digest(sorted(model.state_dict().items())),
    }


def stored_digest(model: Any, *, rounded: torch.dtype | None = None, anew: bool = False) -> str:
    """The digest that `model_record` gives of a model that is loaded as precisely as its files have it.

    `rounded`: the one that it gives of one that is loaded in this type. A model that was made in memory has
    no files: as it is. `anew` reads the files even if what they are is remembered. Raises as `load_model`
    does.
    """
    name = loaded_from(model)
    if name is None:
        return model_record("", model)["sha256"]

    def find() -> str:
        if isinstance(model, Decoder) and model.source is not None:
            return _of_files(model, model.source, rounded)
        wanted = _stored_dtype(name) if rounded is None else rounded
        precise = next(model.parameters()).dtype == wanted
        return model_record("", model if precise else load_model(name, dtype=wanted)[0])["sha256"]

    files = model_files(name)
    return remembered(_KIND, files, [str(rounded), name], find, anew=anew) if files else find()


def _of_files(model: Decoder, folder: Path, rounded: torch.dtype | None) -> str:
    """Tensor by tensor; a tied head is the embeddings."""
    with opened(weight_files(folder)) as stored:

        def read(name: str) -> Tensor:
            name = name if name in stored else "model.embed_tokens.weight"
            one = stored[name].get_tensor(name)
            return one if rounded is None else one.to(rounded)

        return _digest((name, read(name)) for name in sorted(model.state_dict()))


def _stored_dtype(name: str) -> torch.dtype:
    """The type in which a model loses nothing."""
    folder = weights_folder(name)
    if folder is None or find_model(name).kind == "adapter":  # which is merged in fp32
        return torch.float32
    with opened(weight_files(folder)) as stored:
        kinds = {one.get_slice(name).get_dtype() for name, one in stored.items()}
    return {("BF16",): torch.bfloat16, ("F16",): torch.float16}.get(tuple(kinds), torch.float32)


def _digest(weights: Iterable[tuple[str, Tensor]]) -> str:
    digest = hashlib.sha256()
    for key, tensor in weights:
        digest.update(key.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def weights_fingerprint(model: Any) -> str:
    """Names the weights of a model's layers whatever their precision: the signs of some of each matrix."""
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        if any(part.isdigit() for part in key.split(".")):  # of a layer, whatever the layers are called
            flat = tensor.detach().flatten()
            some = flat[:: max(1, len(flat) // _SAMPLED)][:_SAMPLED]
            digest.update(key.encode() + bytes((some > 0).cpu().tolist()))
    return digest.hexdigest()
