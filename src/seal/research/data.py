"""Where contexts come from: a generator, or what the domain loads. Knows nothing about models."""

from __future__ import annotations

from typing import Any

from seal.domains import GENERATORS
from seal.engine.parts import build_domain, built
from seal.errors import ConfigError
from seal.research.config import RunConfig, generator_of
from seal.types import ContextSource

__all__ = ["ContextSource", "load_source"]


def load_source(config: RunConfig, name: str, n: int, *, reward: bool = False) -> ContextSource:
    """The first `n` contexts of a file or folder, or `n` of a generated split drawn with the run's seed.

    `reward`: their exams are for the reward of the outer loop. Raises InputFileError or InputError for files,
    UnknownNameError for a split that does not exist, ConfigError for one that is of another domain.
    """
    domain = build_domain(config)
    kind, part = generator_of(name)
    if not kind:
        return domain.load(name, n, seed=config.seed)
    generator: Any = built(config, GENERATORS, kind)
    if generator.unit != domain.unit:
        raise ConfigError(
            f"{name} gives {generator.unit}s, and the domain {config.domain!r} learns from {domain.unit}s",
            f"Give data of {domain.unit}s, or name another domain.",
        )
    return generator.load(domain, part, n, seed=config.seed, reward=reward)
