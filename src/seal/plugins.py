"""Finds a part by its name: built in, or offered by an installed package through an entry point.

Knows nothing about what the parts do, or about their settings (seal/part_tables.py). A package adds a grader
`mine`, say, by stating in its pyproject.toml:

    [project.entry-points."seal.graders"]
    mine = "its_module:Mine"

docs/how-to/write-a-plugin.md builds one.
"""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast

from seal.errors import ConfigError, UnknownNameError
from seal.hints import did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """The parts of one kind, by name. `kind` names them in messages, `group` is their entry-point group.

    Entry points are looked up at first use, and each is imported only when its name is asked for.
    """

    def __init__(self, kind: str, group: str) -> None:
        self.kind = kind
        self.group = group
        self._parts: dict[str, T | EntryPoint] = {}

    def register(self, name: str, part: T) -> None:
        """Adds a part. Raises ConfigError if the name is taken by another one."""
        self._add(name, part)

    def register_lazily(self, name: str, where: str) -> None:
        """Adds the part at `where` ("module:attribute"), imported only when asked for."""
        self._add(name, EntryPoint(name, where, self.group))

    def get(self, name: str) -> T:
        """The part of this name.

        Raises UnknownNameError if there is none, and ConfigError if several packages offer the name or
        the package that offers it cannot be imported.
        """
        offers = [*([self._parts[name]] if name in self._parts else []), *self._plugged.get(name, [])]
        if not offers:
            raise UnknownNameError(f"unknown {self.kind} {name!r}", did_you_mean(name, self.names()))
        if len(offers) > 1:
            raise ConfigError(
                f"the {self.kind} name {name!r} is taken more than once: {', '.join(map(_source, offers))}",
                "Uninstall one of these packages, or rename its entry point.",
            )
        part = offers[0]
        return self._load(part) if isinstance(part, EntryPoint) else part

    def names(self) -> list[str]:
        """All known names, sorted."""
        return sorted({*self._parts, *self._plugged})

    def builtin(self) -> list[str]:
        """The names that come with this package, sorted."""
        return sorted(self._parts)

    @cached_property
    def _plugged(self) -> dict[str, list[EntryPoint]]:
        points: dict[str, dict[str, EntryPoint]] = {}
        for point in entry_points(group=self.group):
            # A package found twice on the path (installed and checked out) offers one part, not two.
            points.setdefault(point.name, {})[point.value] = point
        return {name: list(own.values()) for name, own in points.items()}

    def _add(self, name: str, part: T | EntryPoint) -> None:
        taken = self._parts.setdefault(name, part)
        if taken is not part and taken != part:
            raise ConfigError(
                f"the {self.kind} name {name!r} is taken by {_source(taken)}",
                f"Register {_source(part)} under another name.",
            )

    def _load(self, point: EntryPoint) -> T:
        try:
            return cast(T, point.load())
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                f"the {self.kind} {point.name!r} ({_source(point)}) cannot be imported: {error}",
                "Install what it needs, or uninstall the package that offers it.",
            ) from error


def _source(part: object) -> str:
    if isinstance(part, EntryPoint):
        return f"{part.value} of {part.dist.name}" if part.dist else part.value
    return f"{getattr(part, '__module__', '?')}:{getattr(part, '__qualname__', repr(part))}"
