"""From a GGUF file to a folder that `transformers` loads as it does any other.

A file is converted once, into the user's cache folder, under the SHA-256 of its bytes; the folder is whole or
not there. Quantised weights are kept as float16, whose rounding (2 parts in 10,000) is some hundred times
finer than the file's own; what is not quantised stays as exact as it is. Knows nothing about where a file is
from.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import io
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seal.errors import InputError, reason_of
from seal.files import cache_folder, make_folder, write_beside, writing
from seal.models.remembered import remembered

if TYPE_CHECKING:
    import torch

FORMAT = 1
"""Part of a folder's name: a new way of converting does not change what an older one made."""
ORIGIN = "origin.json"
_BLOCK_bytes = 1 << 24
_NEEDED = {"gguf": "gguf", "accelerate": "accelerate"}
_QUANTISED_bytes = 1.5  # a parameter: half precision has 2, the finest common quantisation 1.06
_NOT_KEPT = ("quantization_config", "_name_or_path", "_model_name_or_path")
_TOLERANCE = 5e-4  # of float16, relative to a tensor's size: half a step is 2^-11


def converted(files: Sequence[Path], name: str = "") -> Path:
    """The folder of the model in a GGUF file, which may come in pieces; it is made if it is not there.

    `name` is what the record calls the model. Raises InputError, OutputError.
    """
    digest = file_digest(files)
    folder = _folder_for(digest)
    if (folder / ORIGIN).is_file():
        return folder
    _check_libraries(files[0])
    with _alone(folder):
        if not (folder / ORIGIN).is_file():
            _convert(files, folder, digest, name)
    return folder


def is_converted(files: Sequence[Path]) -> bool:
    """Whether that was done before."""
    return (_folder_for(file_digest(files)) / ORIGIN).is_file()


def _folder_for(digest: str) -> Path:
    return models_folder() / f"{digest[:16]}-{FORMAT}"


def models_folder() -> Path:
    """Where converted models are kept."""
    return cache_folder() / "models"


def file_digest(files: Sequence[Path]) -> str:
    """The SHA-256 of a file, or of its pieces joined; remembered for as long as they stay as they are."""

    def find() -> str:
        hashed = hashlib.sha256()
        for block in _blocks(files):
            hashed.update(block)
        return hashed.hexdigest()

    return remembered("digests", files, ["joined"], find)


def _blocks(files: Sequence[Path]) -> Iterator[bytes]:
    for path in files:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_bytes):
                yield block


def _check_libraries(file: Path) -> None:
    missing = [package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise InputError(
            f"{file} is a GGUF file, and {' and '.join(missing)}, which reading one needs, is not installed",
            f"Install: pip install {' '.join(missing)}   (or with seal: pip install 'seal-lm[gguf]')",
        )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lets one process at a time convert a model; the others find it done."""
    with writing(folder):
        make_folder(folder.parent)
        with folder.with_name(f"{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _convert(files: Sequence[Path], folder: Path, digest: str, name: str) -> None:
    def write(beside: Path) -> None:
        beside.mkdir()
        whole = files[0]
        if len(files) > 1:
            whole = beside / "joined.gguf"
            with whole.open("wb") as file:
                for block in _blocks(files):
                    file.write(block)
        told = _save_as_folder(whole, beside)
        if len(files) > 1:
            whole.unlink()
        origin = {
            "name": name or files[0].stem,
            "files": [str(file.resolve()) for file in files],
            "sha256": digest,
            **told,
        }
        (beside / ORIGIN).write_text(json.dumps(origin, indent=1), encoding="utf-8")

    needed, free = 5 * sum(file.stat().st_size for file in files), shutil.disk_usage(folder.parent).free
    if needed > free:
        raise InputError(
            f"{folder.parent} has {free / 1e9:.1f} GB free, and converting {files[0].name} takes about "
            f"{needed / 1e9:.1f}",
            "Free some space, or set SEAL_CACHE to a folder on another disk.",
        )
    write_beside(folder, write)


def _save_as_folder(whole: Path, folder: Path) -> dict[str, Any]:
    """Writes model and tokenizer; returns what of the file is worth a record. Raises InputError."""
    try:
        model, tokenizer = _read(whole)
        parameters = sum(p.numel() for p in model.parameters())
        quantised = whole.stat().st_size < _QUANTISED_bytes * parameters
        plain = {k: v for k, v in model.config.to_dict().items() if k not in _NOT_KEPT}
        model.config = type(model.config).from_dict(plain)
        model.hf_quantizer, model.is_quantized = None, False
        with _silent():
            model.save_pretrained(folder, state_dict=_as_stored(model.state_dict(), quantised))
        tokenizer.save_pretrained(folder)
    except Exception as error:  # fault-tolerance point: broken files raise whatever their parsers raise
        if isinstance(error, OSError) and error.errno is not None:  # the system's, and not about the file
            raise
        raise InputError(
            f"{whole.name} cannot be read as a language model: {reason_of(error)}",
            "Give a GGUF file whose architecture transformers knows; one in several files has to be merged.",
        ) from error
    return {"parameters": parameters, "quantised": quantised}


def _read(whole: Path) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    given: dict[str, Any] = {"gguf_file": whole.name}
    try:  # a later transformers leaves the weights in their blocks where it has a kernel for that
        from transformers import GgufConfig

        dense = {"quantization_config": GgufConfig(dequantize=True)}
    except ImportError:
        dense = {}
    with _silent():
        tokenizer = AutoTokenizer.from_pretrained(whole.parent, **given)
        model: Any = AutoModelForCausalLM.from_pretrained(whole.parent, **given, **dense, dtype=torch.float32)
    return model, tokenizer


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without the bars and warnings of `transformers`, some of which no setting of its own hides."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(verbosity)


def _as_stored(weights: Mapping[str, torch.Tensor], quantised: bool) -> dict[str, torch.Tensor]:
    """The weights as they are kept. What is one tensor under two names stays one, and is written once."""
    made = {tensor.data_ptr(): _stored(tensor, quantised) for tensor in weights.values()}
    return {key: made[tensor.data_ptr()] for key, tensor in weights.items()}


def _stored(tensor: torch.Tensor, quantised: bool) -> torch.Tensor:
    """A tensor in the smallest type that holds it well enough."""
    import torch

    if tensor.dim() < 2 or not tensor.is_floating_point():
        return tensor
    for kind in (torch.bfloat16, torch.float16):
        if torch.equal(tensor.to(kind).float(), tensor):
            return tensor.to(kind)
    half = tensor.to(torch.float16)
    lost = float((half.float() - tensor).norm()) / max(float(tensor.norm()), 1e-30)
    return half if quantised and lost < _TOLERANCE else tensor
