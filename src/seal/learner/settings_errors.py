"""What is wrong with a settings file, in words, with what was probably meant.

Knows how pydantic tells what is wrong, and which names a setting may have. Knows nothing about what the
settings do, and imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from seal.errors import ConfigError
from seal.grading import GRADERS
from seal.hints import nearest
from seal.part_tables import table_of
from seal.self_edits import FORMATS

__all__ = ["check_names", "explained"]

_LISTED: Final = "docs/reference/learner.md lists them."
_STYLES: Final = ("auto", "base", "chat", "short")
_DTYPES: Final = ("auto", "float32", "bfloat16", "float16")
_DEVICES: Final = ("auto", "cpu", "cuda", "mps")


def explained(path: Path, error: ValidationError, kind: type[BaseModel]) -> ConfigError:
    """All that a settings file has wrong, each with its place and with what is near to it."""
    problems: list[str] = []
    meant: list[str] = []
    for problem in error.errors():
        place = [str(part) for part in problem["loc"]]
        if problem["type"] == "extra_forbidden":
            problems.append(f"{'.'.join(place)}: there is no such key")
            near = _key_like(kind, place)
        else:
            # What stands about an endpoint may be a key, put there by mistake.
            value = "" if "endpoint" in place else f" (it is {problem['input']!r})"
            problems.append(f"{'.'.join(place)}: {problem['msg']}{value}")
            near = nearest(str(problem["input"]), _choices(kind, place), cutoff=0.5)
        if near:
            meant.append(f"Did you mean {near!r}?")
    hint = " ".join(dict.fromkeys(meant)) or "Correct these."
    return ConfigError(f"{path}: {'; '.join(problems)}", f"{hint} {_LISTED}")


def check_names(
    path: Path, *, prompt_style: str, dtype: str, device: str, grader: str, formats: Sequence[str]
) -> None:
    """Raises ConfigError for a name that stands for nothing, before a model is loaded."""
    named: list[tuple[str, str, Sequence[str]]] = [
        ("prompt_style", prompt_style, _STYLES),
        ("dtype", dtype, _DTYPES),
        ("device", re.sub(r":\d+$", "", device), _DEVICES),
        ("grader", grader, GRADERS.names()),
        *(("writing.formats", name, FORMATS.names()) for name in formats),
    ]
    for key, name, known in named:
        if name not in known:
            near = nearest(name, known, cutoff=0.5)
            meant = f"Did you mean {near!r}? " if near else ""
            raise ConfigError(f"{path}: {key}: there is no {name!r}", f"{meant}Known: {', '.join(known)}.")


def _key_like(kind: type[BaseModel], place: Sequence[str]) -> str | None:
    """The key that was meant: one of the same table, or else of another one, with its place."""
    table = _table_at(kind, place[:-1])
    if table is not None and (near := nearest(place[-1], table.model_fields)):
        return ".".join([*place[:-1], near])
    every = dict(_keys(kind, ""))
    same = [key for key, last in every.items() if last == place[-1]]
    return same[0] if same else nearest(".".join(place), every)


def _keys(kind: type[BaseModel], above: str) -> Iterator[tuple[str, str]]:
    for name, field in kind.model_fields.items():
        inner = table_of(field.annotation)
        if inner is None:
            yield f"{above}{name}", name
        else:
            yield from _keys(inner, f"{above}{name}.")


def _table_at(kind: type[BaseModel], place: Sequence[str]) -> type[BaseModel] | None:
    table: type[BaseModel] | None = kind
    for name in place:
        field = table.model_fields.get(name) if table else None
        table = table_of(field.annotation) if field else None
    return table


def _choices(kind: type[BaseModel], place: Sequence[str]) -> list[str]:
    """The words that a setting may be; none where it is no choice of words."""
    at = next((n for n, part in enumerate(place) if part.isdigit()), len(place))
    table = _table_at(kind, place[: at - 1])
    field = table.model_fields.get(place[at - 1]) if table and at else None
    return [] if field is None else list(_words(field.annotation))


def _words(annotation: Any) -> Iterator[str]:
    for argument in get_args(annotation):
        if isinstance(argument, str):
            yield argument
        else:
            yield from _words(argument)
