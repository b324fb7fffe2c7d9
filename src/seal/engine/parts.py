"""From the names in a configuration to the parts: format, domain, grader; the device, the style of prompts.

Knows how a part is made from its tables, and which parts go together. Knows nothing about what parts do, and
imports torch only where it is asked for the device.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from seal.config import EngineConfig
from seal.domains import DOMAINS
from seal.engine.card import stored_style
from seal.errors import ConfigError
from seal.grading import GRADERS
from seal.part_tables import tables_of
from seal.plugins import Registry
from seal.protocols import Domain, Grader, SelfEditFormat
from seal.self_edits import FORMATS


def check_parts(config: EngineConfig) -> None:
    """Raises UnknownNameError if the configuration names a part that does not exist, ConfigError if two of
    them do not go together."""
    format, domain = build_format(config), build_domain(config)
    GRADERS.get(config.grading.grader)
    if format.yields and format.yields != domain.takes:
        raise ConfigError(
            f'self_edit.format "{format.name}" does not go with the domain "{domain.name}".',
            f"Its self-edits are {format.yields}, and the domain learns from {domain.takes}.",
        )
    if config.self_edit.constrained and format.grammar() is None:
        raise ConfigError(
            f'self_edit.constrained is set, and the format "{format.name}" has no grammar.',
            "Name a format with a grammar, such as arc-directives, or leave the key out.",
        )


def build_format(config: EngineConfig) -> SelfEditFormat:
    """The self-edit format that is named, with `self_edit.template` for its template.

    Raises UnknownNameError, or ConfigError for a template.
    """
    name, template = config.self_edit.format, config.self_edit.template
    tables = own_tables(config, FORMATS, name)
    part: Any = FORMATS.get(name)
    if template and part.yields:
        at = next((i for i, table in enumerate(tables) if "template" in type(table).model_fields), None)
        if at is None:
            raise ConfigError(
                f"self_edit.template is set, and the format {name!r} takes none", "Leave it out."
            )
        tables[at] = tables[at].model_copy(update={"template": template})
    return part(*tables)


def build_domain(config: EngineConfig) -> Domain:
    """The domain that is named. Raises UnknownNameError."""
    return built(config, DOMAINS, config.domain)


def build_grader(config: EngineConfig) -> Grader:
    """The grader that is named. Raises UnknownNameError."""
    return built(config, GRADERS, config.grading.grader)


def built(config: EngineConfig, registry: Registry[Any], name: str) -> Any:
    """A part that the configuration names, made with its tables. Raises UnknownNameError."""
    return registry.get(name)(*own_tables(config, registry, name))


def own_tables(config: EngineConfig, registry: Registry[Any], name: str) -> list[BaseModel]:
    """The tables that a part takes, in its order."""
    return [config.at(place, kind) for place, kind in tables_of(registry, name).items()]


def pick_device(device: str) -> str:
    """ "auto" is CUDA where there is one."""
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def pick_style(style: str, model_name: str, tokenizer: Any) -> str:
    """ "auto" is "short" for the embedded models, "chat" for a model with a chat template, else "base"; for a
    policy that was trained here, that of its base."""
    if style != "auto":
        return style
    from seal.models.model_names import BUILTIN

    if model_name in BUILTIN:
        return "short"
    if stored := stored_style(Path(model_name)):
        return stored
    return "chat" if getattr(tokenizer, "chat_template", None) else "base"
