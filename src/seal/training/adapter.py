"""An adapter as a record, and its PEFT files. Knows nothing about how it was trained.

File format: Hugging Face PEFT's `adapter_config.json` and `adapter_model.safetensors`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from seal.errors import AdapterError, ConfigError, OutputError
from seal.files import write_beside
from seal.types import Hyperparameters

if TYPE_CHECKING:
    from transformers.pytorch_utils import Conv1D

    Linear = nn.Linear | Conv1D
_PREFIX = "base_model.model."


AdapterFactors = Mapping[str, tuple[Tensor, Tensor]]
"""Of each module a tensor [rank, in] and one [out, rank]."""
Moments = tuple[AdapterFactors, AdapterFactors]
"""The running means of gradients and of their squares, one for each weight."""


@dataclass(frozen=True, eq=False)
class Adapter:
    """One trained LoRA: for each module its factors A [rank, in] and B [out, rank], fp32 on the CPU.

    The module computes base(x) + scale * B A x. `losses` has the mean loss of every step in nats a
    token. `failed` says why training stopped early and is empty for a sound adapter. `moments` is what the
    optimiser knows where training was left before its end; None at its end.
    """

    id: str
    hyperparameters: Hyperparameters
    factors: AdapterFactors
    losses: tuple[float, ...] = ()
    failed: str = ""
    seed: int | None = None
    moments: Moments | None = None

    @property
    def scale(self) -> float:
        return self.hyperparameters.alpha / self.hyperparameters.rank


def matrix(module: Linear) -> Tensor:
    """The weight as [out, in]; GPT-2's Conv1D keeps it transposed."""
    return module.weight.t() if _is_conv1d(module) else module.weight


def keeps_transposed(model: nn.Module) -> bool:
    """Whether the linear modules of a model are GPT-2's."""
    return any(map(_is_conv1d, linears(model).values()))


def _is_conv1d(module: nn.Module) -> bool:
    """Whether it is GPT-2's linear class, found by name: `transformers` need not be imported to ask."""
    kinds = type(module).__mro__
    return any(
        kind.__name__ == "Conv1D" and kind.__module__ == "transformers.pytorch_utils" for kind in kinds
    )


def linears(model: nn.Module) -> dict[str, Linear]:
    """Every linear module by its full name, except the output head: what PEFT calls "all-linear".

    Not the routers among experts that are built on a linear module and give something else.
    """
    head: Any = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None  # type: ignore[operator]
    linear: dict[str, Any] = {}
    for name, module in model.named_modules():
        if module is not head and (isinstance(module, nn.Linear) or _is_conv1d(module)) and _is_plain(module):
            linear[name] = module
    return linear


@torch.no_grad()
def _is_plain(module: Any) -> bool:
    """Whether a module's forward gives what one linear map gives; a class of its own is tried."""
    if type(module).forward is nn.Linear.forward or _is_conv1d(module):
        return True
    try:
        y = type(module).forward(module, module.weight.new_zeros(1, module.in_features))
    except (AttributeError, TypeError, ValueError, RuntimeError, IndexError):
        return False
    return isinstance(y, Tensor) and y.shape == (1, module.out_features)


def match_targets(names: Collection[str], targets: str | tuple[str, ...]) -> list[str]:
    """The modules that `targets` means: "all-linear", or suffixes matched as PEFT's `target_modules`.

    Raises ConfigError naming the suffixes there are, if one of them matches nothing.
    """
    if targets == "all-linear":
        return list(names)
    suffixes = (targets,) if isinstance(targets, str) else tuple(targets)

    def hit(name: str, suffix: str) -> bool:
        return name == suffix or name.endswith(f".{suffix}")

    missing = [suffix for suffix in suffixes if not any(hit(name, suffix) for name in names)]
    if missing or not suffixes:
        there = sorted({name.rpartition(".")[2] for name in names})
        raise ConfigError(
            f"targets {missing or list(suffixes)} match no linear module of the model",
            f'set targets to "all-linear" or to some of {there}',
        )
    return [name for name in names if any(hit(name, suffix) for suffix in suffixes)]


@torch.no_grad()
def merge(model: nn.Module, adapter: Adapter) -> None:
    """Adds the adapter to the model's weights, in place: W += scale * B A, computed in fp32.

    Raises AdapterError if it does not fit or has failed; the model is then unchanged.
    """
    if adapter.failed:
        raise AdapterError(f"adapter {adapter.id!r} cannot be merged: {adapter.failed}")
    modules = linears(model)
    check_fit(adapter.factors, modules, adapter.hyperparameters.rank, where=f"adapter {adapter.id!r}")
    for name, (a, b) in adapter.factors.items():
        weight = matrix(modules[name])
        delta = adapter.scale * (b.float() @ a.float())
        weight.copy_(weight.float() + delta.to(weight.device))


def stacked(first: Adapter, second: Adapter) -> Adapter:
    """One adapter that does what both do together: their ranks one after the other, their scales in B."""
    factors: dict[str, tuple[Tensor, Tensor]] = {}
    rank = first.hyperparameters.rank + second.hyperparameters.rank
    for name in {**first.factors, **second.factors}:
        own = [
            (one.factors[name][0], one.scale * one.factors[name][1])
            if name in one.factors
            else _nothing(other.factors[name], one.hyperparameters.rank)
            for one, other in ((first, second), (second, first))
        ]
        factors[name] = torch.cat([a for a, _ in own]), torch.cat([b for _, b in own], dim=1)
    hyperparameters = replace(second.hyperparameters, rank=rank, alpha=float(rank))
    return Adapter(f"{first.id}+{second.id}", hyperparameters, factors, second.losses)


def _nothing(like: tuple[Tensor, Tensor], rank: int) -> tuple[Tensor, Tensor]:
    a, b = like
    return a.new_zeros(rank, a.shape[1]), b.new_zeros(b.shape[0], rank)


def save_peft(
    adapter: Adapter,
    folder: str | Path,
    base_model_name: str,
    *,
    dtype: torch.dtype = torch.float32,
    transposed: bool = False,
) -> Path:
    """Writes the adapter in PEFT's format; the folder appears whole or not at all.

    `transposed`: the base keeps its weights so (`keeps_transposed`), which PEFT wants to be told.

    Raises OutputError if `folder` exists or cannot be written, AdapterError if training failed.
    """
    folder = Path(folder)
    if adapter.failed:
        raise AdapterError(f"adapter {adapter.id!r} is not saved: {adapter.failed}")
    if folder.exists():
        raise OutputError(f"{folder} exists already", "an adapter never changes: choose another folder")
    tensors = {
        f"{_PREFIX}{name}.lora_{letter}.weight": factor.detach().to(dtype).cpu().contiguous()
        for name, factors in adapter.factors.items()
        for letter, factor in zip("AB", factors, strict=True)
    }

    def write(beside: Path) -> None:
        beside.mkdir()
        save_file(tensors, beside / "adapter_model.safetensors", metadata={"format": "pt"})
        config = json.dumps(_peft_config(adapter, base_model_name, transposed), indent=2) + "\n"
        (beside / "adapter_config.json").write_text(config, encoding="utf-8")

    try:
        write_beside(folder, write)
    except SafetensorError as error:  # how safetensors reports what the system refused
        raise OutputError(f"{folder} cannot be written: {error}", "Is the disk full, or locked?") from error
    return folder


def _peft_config(adapter: Adapter, base_model_name: str, transposed: bool) -> dict[str, Any]:
    hyper = adapter.hyperparameters
    # A module of a list is called by its number, and so is each decoder layer.
    suffixes = {
        name if name.rpartition(".")[2].isdigit() else name.rpartition(".")[2] for name in adapter.factors
    }
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model_name,
        "r": hyper.rank,
        "lora_alpha": hyper.alpha,
        "lora_dropout": hyper.dropout,
        "target_modules": sorted(suffixes if isinstance(hyper.targets, str) else hyper.targets),
        "fan_in_fan_out": transposed,
        "bias": "none",
        "inference_mode": True,
    }


def load_peft(folder: str | Path, model: nn.Module) -> Adapter:
    """Reads a PEFT LoRA for `model`. Strict, because an edit that half loads is worse than none.

    Raises AdapterError for a file that is missing or broken, keys that are missing or surplus, a shape or
    rank that does not fit, numbers that are not finite, and PEFT options that change what is computed.
    """
    folder = Path(folder)
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "adapter_model.safetensors")
        hyper = _hyperparameters(config, folder)
    except AdapterError:
        raise
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise AdapterError(f"{folder} holds no readable PEFT adapter: {error}") from error
    modules = linears(model)
    try:
        names = match_targets(modules, hyper.targets)
    except ConfigError as error:
        raise AdapterError(f"{folder}: {error.message}", "is it an adapter of another model?") from error
    keys = {f"{_PREFIX}{name}.lora_{letter}.weight" for name in names for letter in "AB"}
    for what, wrong in (("lacks", keys - tensors.keys()), ("has surplus", tensors.keys() - keys)):
        if wrong:
            raise AdapterError(f"{folder} {what} {len(wrong)} keys: {_few(sorted(wrong))}")
    factors = {
        name: (
            tensors[f"{_PREFIX}{name}.lora_A.weight"].float(),
            tensors[f"{_PREFIX}{name}.lora_B.weight"].float(),
        )
        for name in names
    }
    check_fit(factors, modules, hyper.rank, where=str(folder))
    return Adapter(folder.name, hyper, factors)


def _hyperparameters(config: Mapping[str, Any], folder: Path) -> Hyperparameters:
    """What PEFT's configuration says; options that this package does not compute are refused."""
    if config["peft_type"] != "LORA":
        raise AdapterError(f"{folder} is a {config['peft_type']} adapter", "only LORA adapters can be loaded")
    changed = [
        key
        for key in (
            "use_dora",
            "use_rslora",
            "rank_pattern",
            "alpha_pattern",
            "modules_to_save",
            "layers_to_transform",
        )
        if config.get(key)
    ]
    if config.get("bias", "none") != "none":
        changed.append("bias")
    if changed:
        raise AdapterError(f"{folder} uses {changed}", "only plain LoRA adapters can be loaded")
    targets = config["target_modules"]
    return Hyperparameters(
        rank=int(config["r"]),
        alpha=float(config["lora_alpha"]),
        dropout=float(config.get("lora_dropout", 0.0)),
        targets=targets if isinstance(targets, str) else tuple(sorted(targets)),
    )


def check_fit(
    factors: Mapping[str, tuple[Tensor, Tensor]], modules: Mapping[str, Linear], rank: int, *, where: str
) -> None:
    """Raises AdapterError, beginning with `where`, unless every factor fits its module and is finite."""
    for name, (a, b) in factors.items():
        if name not in modules:
            raise AdapterError(f"{where}: the model has no linear module {name!r}")
        n_out, n_in = matrix(modules[name]).shape
        if tuple(a.shape) != (rank, n_in) or tuple(b.shape) != (n_out, rank):
            raise AdapterError(
                f"{where}: {name} has A {tuple(a.shape)} and B {tuple(b.shape)}",
                f"rank {rank} on this model needs A {(rank, n_in)} and B {(n_out, rank)}",
            )
        if not (a.isfinite().all() and b.isfinite().all()):
            raise AdapterError(f"{where}: {name} has numbers that are not finite")


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")


def modules_of(model: nn.Module, targets: Collection[str | tuple[str, ...]]) -> Iterator[tuple[str, Linear]]:
    """The modules that any of `targets` means, in the model's order."""
    every = linears(model)
    wanted = {name for target in targets for name in match_targets(every, target)}
    return ((name, module) for name, module in every.items() if name in wanted)
