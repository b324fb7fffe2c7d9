"""The tables of a configuration's parts: which there are, and how all of it is read, overridden and written.

A configuration names parts (a domain, a grader ...). Each part says which tables it takes and parses them by
classes of its own, also where another package offers it. Knows TOML, places ("grading.judge") and errors that
name them. Knows nothing about any setting.
"""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, get_args

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from seal.errors import ConfigError, InputFileError, SealError
from seal.hints import did_you_mean
from seal.plugins import Registry

AnyTable = TypeVar("AnyTable", bound=BaseModel)
AnyConfig = TypeVar("AnyConfig", bound="PartedConfig")


class PartedConfig(BaseModel):
    """A configuration that names parts, and holds their tables, each parsed by a class of the part's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    moved: ClassVar[Mapping[str, str]] = {}
    """Where keys of earlier versions stand today; see `_in_todays_form`."""
    part_keys: ClassVar[tuple[tuple[Registry[Any], str], ...]] = ()
    """The keys that name a part, and where parts of that name are found."""

    _tables: dict[str, BaseModel] = PrivateAttr(default_factory=dict)

    def table(self, kind: type[AnyTable]) -> AnyTable:
        """The table of this class; its defaults where no part that is named takes one."""
        return next((table for table in self._tables.values() if type(table) is kind), None) or kind()

    def at(self, place: str, kind: type[AnyTable]) -> AnyTable:
        """The table at this place, such as "arc" or "grading.judge"; its defaults if there is none."""
        table = self._tables.get(place)
        return table if isinstance(table, kind) else kind()

    def with_table(self, table: BaseModel) -> Self:
        """The same configuration with `table` for the one of its class."""
        changed = self.model_copy()
        changed._tables = {
            place: table if type(own) is type(table) else own for place, own in self._tables.items()
        }
        return changed

    @classmethod
    def registries(cls) -> list[Registry[Any]]:
        """Where the parts are found whose tables may stand in such a configuration."""
        return [registry for registry, _ in cls.part_keys]

    @classmethod
    def parts(cls, data: Mapping[str, Any]) -> list[tuple[Registry[Any], str]]:
        """The parts that unparsed data names, each with where it is found."""
        return [(registry, value_in(cls, data, key)) for registry, key in cls.part_keys]

    @classmethod
    def kinds(cls, data: Mapping[str, Any]) -> dict[str, type[BaseModel]]:
        """The tables that these parts take: the class of each, by its place.

        Raises UnknownNameError for a part that does not exist, ConfigError for tables that stand in each
        other's way.
        """
        kinds: dict[str, type[BaseModel]] = {}
        for registry, name in cls.parts(data):
            for place, kind in tables_of(registry, name).items():
                if place in cls.model_fields or kinds.setdefault(place, kind) is not kind:
                    raise ConfigError(
                        f"the {registry.kind} {name!r} takes the table [{place}], which is another's",
                        f"Let its class name another place: tables = {{{name + '_settings'!r}: ...}}.",
                    )
        return kinds

    @model_validator(mode="wrap")
    @classmethod
    def _parse(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Each table is parsed by its part's class, the rest by this one; all errors are told together."""
        if not isinstance(data, Mapping):
            return handler(data)
        data = _in_todays_form(cls, data)
        kinds = cls.kinds(data)
        aside = _set_aside(cls, data, kinds)
        tables: dict[str, BaseModel] = {}
        errors: list[InitErrorDetails] = []
        for place, kind in (kinds | aside).items():
            given = _taken_out(data, place)
            if place in aside and not given:
                continue  # earlier versions wrote the judge's table though it was empty
            table, problems = _parse_table(place, kind, {} if given is None else given)
            errors += problems
            if table is not None and place in kinds:
                tables[place] = table
        try:
            made = handler(data)
        except ValidationError as error:
            raise ValidationError.from_exception_data(cls.__name__, _details(error) + errors) from None
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        made._tables = tables
        return made

    @model_serializer(mode="wrap")
    def _dump(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        """The fields, and the tables at their places: what `_parse` reads."""
        data = handler(self)
        mode = "json" if info.mode == "json" else "python"
        for place, table in self._tables.items():
            _put(data, place, table.model_dump(mode=mode, exclude_none=info.exclude_none))
        return data


def tables_of(registry: Registry[Any], name: str) -> dict[str, type[BaseModel]]:
    """The tables that a part takes, by their place: what its class says in `tables`; or else one under the
    part's own name, if it has a class `Config` with anything to set.

    Raises UnknownNameError if there is no such part, ConfigError if what it says are no tables.
    """
    part = registry.get(name)
    declared = getattr(part, "tables", None)
    if declared is None:
        own = getattr(part, "Config", None)
        declared = {name: own} if getattr(own, "model_fields", True) and own is not None else {}
    for kind in declared.values():
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            raise ConfigError(
                f"the settings of the {registry.kind} {name!r} cannot be read: {kind!r} is no pydantic model",
                "Let its Config inherit from pydantic.BaseModel.",
            )
    return dict(declared)


def value_in(kind: type[BaseModel], data: Any, key: str) -> str:
    """The text at a key of unparsed data; the key's default where there is none."""
    first, _, rest = key.partition(".")
    field = kind.model_fields[first]
    value = data.get(first, field.default) if isinstance(data, Mapping) else getattr(data, first, None)
    inner = table_of(field.annotation)
    if rest and inner is not None:
        return value_in(inner, value, rest)
    return value if isinstance(value, str) else field.default


def _in_todays_form(kind: type[PartedConfig], data: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which the keys that earlier versions had elsewhere stand at today's places (`kind.moved`).

    So recipes and run folders of earlier versions go on working. A key that stands at both places stays
    where it is, and is refused as unknown.
    """
    current = _copied(data)
    for old, new in kind.moved.items():
        if _value_at(current, old) is not None and _value_at(current, new) is None:
            _put(current, new, _taken_out(current, old))
    return current


def _set_aside(
    kind: type[PartedConfig], data: Mapping[str, Any], taken: Mapping[str, type[BaseModel]]
) -> dict[str, type[BaseModel]]:
    """Tables in `data` of built-in parts that are not named: they are checked, and have no effect.

    Earlier versions wrote the tables of all parts into every run's config.toml. And a recipe may keep the
    settings of its generator of contexts where a flag names other data.
    """
    aside: dict[str, type[BaseModel]] = {}
    for place in _unknown_tables(kind, data):
        owner = None if place in taken else _owner(kind, place, builtin=True)
        if owner is not None:
            aside[place] = owner[2]
    return aside


def _unknown_tables(kind: type[BaseModel], data: Mapping[str, Any]) -> Iterator[str]:
    """The places of all tables in `data` that are no field of the configuration or of its tables."""
    for key, value in data.items():
        if not isinstance(value, Mapping):
            continue
        inner = table_of(kind.model_fields[key].annotation) if key in kind.model_fields else None
        if inner is None:
            yield key
        else:
            yield from (f"{key}.{place}" for place in _unknown_tables(inner, value))


def _owner(
    kind: type[PartedConfig], place: str, *, builtin: bool = False
) -> tuple[Registry[Any], str, type[BaseModel]] | None:
    """The part that takes the table at `place`, of all that are installed or only of the built-in ones."""
    for registry in kind.registries():
        for name in registry.builtin() if builtin else registry.names():
            with contextlib.suppress(SealError):  # a package that cannot be imported takes no table
                if place in (tables := tables_of(registry, name)):
                    return registry, name, tables[place]
    return None


def _parse_table(
    place: str, kind: type[BaseModel], given: Any
) -> tuple[BaseModel | None, list[InitErrorDetails]]:
    """The table, and what is wrong in it. Keys that are unknown are refused whatever the class says of them,
    unless it says that it wants them."""
    errors: list[InitErrorDetails] = []
    if isinstance(given, Mapping) and "extra" not in kind.model_config:
        known = {field.alias or name for name, field in kind.model_fields.items()} | {*kind.model_fields}
        unknown = PydanticCustomError("extra_forbidden", "there is no such key")
        errors = [
            InitErrorDetails(type=unknown, loc=(*place.split("."), key), input=value)
            for key, value in given.items()
            if key not in known
        ]
    try:
        return kind.model_validate(given), errors
    except ValidationError as error:
        return None, errors + _details(error, place)


def _details(error: ValidationError, place: str = "") -> list[InitErrorDetails]:
    """The single errors in `error`, as errors in the table at `place`."""
    before = tuple(place.split(".")) if place else ()
    return [
        InitErrorDetails(
            type=PydanticCustomError(one["type"], one["msg"]),  # type: ignore[arg-type]
            loc=(*before, *one["loc"]),
            input=one["input"],
        )
        for one in error.errors()
    ]


def _copied(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, Mapping) else value for key, value in data.items()}


def _value_at(data: Mapping[str, Any], place: str) -> Any:
    value: Any = data
    for key in place.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _taken_out(data: dict[str, Any], place: str) -> Any:
    """The value at `place`, which may also be one key with a dot in it; None if there is none."""
    if place in data:
        return data.pop(place)
    *parents, last = place.split(".")
    table = _value_at(data, ".".join(parents)) if parents else data
    return table.pop(last, None) if isinstance(table, dict) else None


def _put(data: dict[str, Any], place: str, value: Any) -> None:
    *parents, last = place.split(".")
    table = data
    for done, parent in enumerate(parents, 1):
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise ConfigError(
                f"{place}: {'.'.join(parents[:done])} is a value and holds no keys",
                "Leave out what follows it.",
            )
    table[last] = value


def load_as(
    kind: type[AnyConfig], path: Path | None, overrides: Mapping[str, Any] | None = None
) -> AnyConfig:
    """The configuration in a TOML file (the defaults if None), with `overrides` as {"inner.rank": 16}.

    Raises InputFileError if the file cannot be read, ConfigError for broken TOML (with its line) and for
    unknown keys and wrong values (with their place), UnknownNameError for a part that does not exist.
    """
    data: dict[str, Any] = {}
    if path is not None:
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputFileError(
                f"{path}: {error.strerror}", "Name a recipe, for instance a run.toml."
            ) from error
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"{path}: not UTF-8 at byte {error.start}", "Save the file as UTF-8."
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path}: broken TOML: {error}", "Correct the file at that place.") from error
    return parse_as(
        kind, _overridden(kind, data, overrides or {}), where=str(path) if path else "the configuration"
    )


def builtin_as(kind: type[AnyConfig], package: str, name: str, overrides: Mapping[str, Any]) -> AnyConfig:
    """The configuration in a TOML file that comes with a package, with `overrides` as for `load_as`."""
    data = tomllib.loads((files(package) / name).read_text(encoding="utf-8"))
    return parse_as(kind, _overridden(kind, data, overrides), where=name)


def _overridden(
    kind: type[PartedConfig], data: Mapping[str, Any], overrides: Mapping[str, Any]
) -> dict[str, Any]:
    current = _in_todays_form(kind, data)
    for key, value in overrides.items():
        _put(current, kind.moved.get(key, key), value)
    return current


def parse_as(kind: type[AnyConfig], data: Mapping[str, Any], *, where: str) -> AnyConfig:
    """Check plain data against a configuration's class. Raises ConfigError naming every wrong key and value,
    UnknownNameError for a part that does not exist."""
    data = _in_todays_form(kind, data)
    kinds = kind.kinds(data)  # here its errors keep their hints; within pydantic they would lose them
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems, hints = [], []
        for problem in error.errors():
            place = ".".join(str(part) for part in problem["loc"])
            if problem["type"] != "extra_forbidden":
                problems.append(f"{place}: {problem['msg']} (it is {problem['input']!r})")
            elif isinstance(problem["input"], Mapping) and (owner := _owner(kind, place)):
                problems.append(f"{place}: no part that is named takes this table")
                hints.append(f"It belongs to the {owner[0].kind} {owner[1]!r}: name that, or take it out.")
            else:
                problems.append(f"{place}: there is no such key")
                hints.append(did_you_mean(str(problem["loc"][-1]), _keys(kind, kinds, problem["loc"][:-1])))
        raise ConfigError(
            f"{where}: " + "; ".join(problems), " ".join(hints) or "Correct these values."
        ) from error


def _keys(
    kind: type[BaseModel], kinds: Mapping[str, type[BaseModel]], place: tuple[int | str, ...]
) -> list[str]:
    """The keys that there are at a place."""
    names = [str(part) for part in place]
    own = next((p for p in kinds if names[: p.count(".") + 1] == p.split(".")), None)
    model: type[BaseModel] | None = kind if own is None else kinds[own]
    for name in names if own is None else names[own.count(".") + 1 :]:
        fields = model.model_fields if model else {}
        model = table_of(fields[name].annotation) if name in fields else None
    inside = [p.rpartition(".") for p in kinds]
    return [
        *(model.model_fields if model else {}),
        *(last for at, _, last in inside if at == ".".join(names)),
    ]


def table_of(annotation: Any) -> type[BaseModel] | None:
    """The Config class that a field holds, also where it may be absent; None for a plain value."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def dump_config(config: PartedConfig) -> str:
    """The whole configuration as TOML; `load_as` of its class gives back an equal one."""
    return tomli_w.dumps(config.model_dump(mode="json", exclude_none=True))
