"""Which models are at hand on this machine, and which of them suits it best.

At hand are the embedded models, those that installed packages carry, what was fetched from the hub before,
and GGUF files that were used before. Reads names, sizes and headers of files, and loads no model. Imports
without torch.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seal.errors import InputFileError, SealError, reason_of
from seal.models.gguf_file import ORIGIN, models_folder
from seal.models.hub_cache import hub_cache, snapshot_of
from seal.models.model_names import (
    BUILTIN,
    SourceKind,
    base_of_adapter,
    builtin_path,
    check_folder,
    find_model,
)
from seal.models.packaged import PACKAGED, PackagedModel
from seal.models.speed import Speed, measure_speed

_PAGE_OPERATIONS = 250_000
"""About so many operations for each parameter are a page of 200 words: 23,000 tokens are trained, which take
six each, and about as much again is written, read and examined."""
_PATIENCE_S = 600.0
_FIXED_bytes, _BYTES_A_PARAMETER = 1_500_000_000, 8
"""Of memory: torch with its libraries, and weights in float32 with as much again for adapters and states."""


@dataclass(frozen=True)
class ModelAtHand:
    """One model. `name` is what `--model` takes, `chat` whether it has a chat template. One that is not
    `installed` is to be had by the command `install`."""

    name: str
    kind: SourceKind
    about: str
    parameters: int
    disk_bytes: int
    licence: str
    chat: bool
    place: str
    installed: bool = True
    install: str = ""

    @property
    def memory_bytes(self) -> int:
        """What learning with it takes, about."""
        return _FIXED_bytes + _BYTES_A_PARAMETER * self.parameters

    def page_s(self, speed: Speed) -> float:
        """About how long a page of 200 words takes to learn."""
        return _PAGE_OPERATIONS * self.parameters / speed.best_flops


@dataclass(frozen=True)
class Recommendation:
    """A model for this machine, and why it and no other."""

    name: str
    reason: str


def models_at_hand() -> list[ModelAtHand]:
    """All models, the embedded ones first; those of packages that are not installed are among them."""
    return [*map(_builtin, BUILTIN), *map(_packaged, PACKAGED.values()), *_of_hub(), *_of_files()]


def recommend(models: Sequence[ModelAtHand], speed: Speed | None) -> Recommendation:
    """The largest real model that fits into memory and learns a page in bearable time, one that was trained
    to answer before one that was not. The embedded model if no other is there. `speed` may be None then only.
    """
    real = real_models(models)
    if not real:
        return Recommendation(BUILTIN[0], "no real model is at hand")
    assert speed is not None
    fitting = [model for model in real if model.memory_bytes <= speed.memory_bytes]
    bearable = [model for model in fitting if model.page_s(speed) <= _PATIENCE_S]
    if not fitting:
        least = min(real, key=lambda model: model.parameters)
        return Recommendation(
            BUILTIN[0],
            f"the smallest real model at hand, {least.name}, takes about {least.memory_bytes / 1e9:.1f} GB "
            f"of memory, and this machine has {speed.memory_bytes / 1e9:.1f}",
        )
    if not bearable:
        best = min(fitting, key=lambda model: (not model.chat, model.parameters, model.name))
        return Recommendation(best.name, "the fastest real model at hand, though slow on this machine")
    best = max(bearable, key=lambda model: (model.chat, model.parameters, model.name))
    return Recommendation(
        best.name,
        f"{_words(best.parameters)} parameters; a page of 200 words takes about "
        f"{_seconds(best.page_s(speed))} here",
    )


def real_models(models: Sequence[ModelAtHand]) -> list[ModelAtHand]:
    """Those that can be taken without being named: installed by a package or fetched from the hub."""
    return [m for m in models if m.installed and m.kind in ("package", "hub") and m.parameters]


def chosen_model() -> Recommendation:
    """The model of a workspace for which none is named: SEAL_MODEL, or else the best at hand."""
    if own := os.environ.get("SEAL_MODEL"):
        return Recommendation(own, "SEAL_MODEL names it")
    models = models_at_hand()
    return recommend(models, measure_speed() if real_models(models) else None)


def check_found(name: str) -> None:
    """Raises what `load_model` would raise for a name that leads nowhere, without loading anything. A hub
    name that was not fetched before is asked for at the hub."""
    source = find_model(name)
    if source.kind == "adapter":
        check_found(base_of_adapter(source.place))
    elif source.kind == "folder":
        check_folder(source.place)
    elif source.kind == "hub":
        _check_hub(source.place)


def _check_hub(name: str) -> None:
    import huggingface_hub

    if isinstance(huggingface_hub.try_to_load_from_cache(name, "config.json"), str):
        return
    try:
        huggingface_hub.hf_hub_download(name, "config.json", etag_timeout=10)
    except Exception as error:  # fault-tolerance point: of the network, or of the name
        raise InputFileError(
            f"{name} is not a folder here, and could not be fetched from the hub: {reason_of(error)}",
            "check the name and the network, or give a local folder",
        ) from error


def missing_models(models: Sequence[ModelAtHand]) -> list[ModelAtHand]:
    """Those that a package would bring, the ones that answer questions first."""
    return sorted((m for m in models if not m.installed), key=lambda m: (not m.chat, m.parameters))


def parameters_at(name: str) -> int:
    """How many parameters a model here has; 0 if it cannot be told without loading it."""
    if name in PACKAGED:
        return PACKAGED[name].parameters
    try:
        source = find_model(name)
    except SealError:
        return 0
    return _sizes(Path(source.place))[0] if source.kind == "folder" else 0


def _builtin(name: str) -> ModelAtHand:
    folder = builtin_path(name)
    about = "reads only texts of its own fictional world" if name == "tiny" else "grids of few-shot tasks"
    return ModelAtHand(name, "built-in", about, *_sizes(folder), "Apache-2.0", chat=False, place=str(folder))


def _packaged(model: PackagedModel) -> ModelAtHand:
    there = model.is_installed()
    files: tuple[Path, ...] = model.files() if there else ()
    return ModelAtHand(
        model.name,
        "package",
        model.about,
        model.parameters,
        sum(file.stat().st_size for file in files) if there else model.download_bytes,
        model.licence,
        model.chat,
        str(files[0].parent) if files else "",
        there,
        model.install,
    )


def _of_hub() -> Iterator[ModelAtHand]:
    """Causal language models whose weights the hub's client has fetched."""
    for repository in sorted(hub_cache().glob("models--*--*")):
        folder = snapshot_of(repository)
        config = _read_json(folder / "config.json") if folder else {}
        architectures = config.get("architectures") or []
        if folder is None or not any(str(one).endswith("ForCausalLM") for one in architectures):
            continue
        parameters, disk_bytes = _sizes(folder)
        if parameters:
            name = repository.name.removeprefix("models--").replace("--", "/", 1)
            yield ModelAtHand(
                name,
                "hub",
                str(architectures[0]),
                parameters,
                disk_bytes,
                _licence(folder),
                _has_template(folder),
                str(folder),
            )


def _of_files() -> Iterator[ModelAtHand]:
    """GGUF files that were converted before and are still there."""
    for folder in sorted(models_folder().glob("*-*")):
        origin = _read_json(folder / ORIGIN)
        files = [Path(str(file)) for file in origin.get("files", ())]
        if origin.get("name") not in PACKAGED and len(files) == 1 and files[0].is_file():
            parameters, _ = _sizes(folder)
            size, chat = files[0].stat().st_size, _has_template(folder)
            yield ModelAtHand(str(files[0]), "gguf", files[0].stem, parameters, size, "", chat, str(files[0]))


def _has_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    return bool(_read_json(folder / "tokenizer_config.json").get("chat_template"))


def _licence(folder: Path) -> str:
    """What a model's card states."""
    try:
        lines = (folder / "README.md").read_text(encoding="utf-8", errors="replace").splitlines()[:60]
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("license:")), "")


def _sizes(folder: Path) -> tuple[int, int]:
    """(parameters, bytes) of the safetensors files in a folder, from their headers."""
    files = sorted(folder.glob("*.safetensors"))
    return sum(map(_parameters_of, files)), sum(file.stat().st_size for file in files)


def _parameters_of(file: Path) -> int:
    try:
        with file.open("rb") as handle:
            (length,) = struct.unpack("<Q", handle.read(8))
            header = json.loads(handle.read(min(length, 1 << 26)))
    except (OSError, ValueError, struct.error):
        return 0
    total = 0
    for name, told in header.items():
        if name != "__metadata__":
            n = 1
            for side in told["shape"]:
                n *= side
            total += n
    return total


def _read_json(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _words(n: int) -> str:
    return f"{n / 1e9:.1f} billion" if n >= 1e9 else f"{n / 1e6:.0f} million"


def _seconds(s: float) -> str:
    return f"{s:.0f} s" if s < 100 else f"{s / 60:.0f} min"
