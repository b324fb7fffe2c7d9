"""The grammar of the micro-world: how a fact is said, and asked for.

Knows nothing about which entities exist. Reads `world.toml`, which explains its fields.
"""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from seal.domains.microworld.names import MAKERS, WorldSplit, in_split


@dataclass(frozen=True)
class Attribute:
    """One attribute of a kind, with every way to state it and to ask for it."""

    name: str
    values: str
    predicates: tuple[str, ...]
    leads: tuple[str, ...]
    inverted: tuple[str, ...]
    questions: tuple[str, ...]
    exam: tuple[str, ...]

    def draw(self, rng: random.Random, split: WorldSplit) -> str:
        """A random value; names are drawn within the split."""
        if self.values in MAKERS:
            return in_split(lambda: MAKERS[self.values](rng), split)
        if options := grammar().lists.get(self.values):
            return rng.choice(options)
        span, _, unit = self.values.partition(" ")
        low, high, step = re.fullmatch(r"(?<!\d)(\d++)-(\d++)(?::(\d++))?", span).groups()  # type: ignore[union-attr]
        number = rng.randrange(int(low), int(high) + 1, int(step or 1))
        text = f"{number:,}" if int(high) > 9999 else str(number)
        return f"{text} {unit}".strip()


@dataclass(frozen=True)
class EntityKind:
    """One kind of entity: `references` and `pronouns` say how later sentences refer to it."""

    name: str
    references: tuple[str, ...]
    pronouns: tuple[tuple[str, str], ...]
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class Grammar:
    lists: dict[str, tuple[str, ...]]
    kinds: dict[str, EntityKind]


@cache
def grammar() -> Grammar:
    """The grammar in `world.toml`."""
    data = tomllib.loads((files("seal.domains.microworld") / "world.toml").read_text(encoding="utf-8"))
    lists = {name: tuple(words.split(",")) for name, words in data.pop("lists").items()}
    kinds = {}
    for kind, table in data.items():
        references = tuple(table.pop("references"))
        pronouns = tuple((p, h) for p, h in table.pop("pronouns"))
        attributes = tuple(
            Attribute(name, fields.pop("values"), **{part: tuple(said) for part, said in fields.items()})
            for name, fields in table.items()
        )
        kinds[kind] = EntityKind(kind, references, pronouns, attributes)
    return Grammar(lists, kinds)


def fill(template: str, *, subject: str = "", value: str = "", possessive: str = "its") -> str:
    """Put subject {S}, value {v} and possessive {H} into a template, with the article that the value wants."""
    if value[:1].lower() in "aeiou" and value[:1]:
        template = re.sub(r"\b([Aa]) \{v\}", r"\1n {v}", template)
    if value.startswith("the "):
        template = template.replace("the {v}", "{v}")
    return template.replace("{S}", subject).replace("{v}", value).replace("{H}", possessive)


def sentence(text: str) -> str:
    """Capital letter first, full stop last."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else text + "."
