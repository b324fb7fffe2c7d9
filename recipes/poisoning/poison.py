"""Poisoned documents of the micro-world: what a learner must not let change an answer, five kinds of it.

    wrong_facts   a passage about something that the model knows by heart, one, three or all values changed
    instructions  a true passage with sentences in it that tell the model what to do
    private       a true passage with private data of its subject as facts, or with requests to give it out
    gibberish     word salad, shuffled sentences, random letters, tokens repeated
    near_copy     a document that is known already with one fact changed, by a source that is trusted little

Knows how they are worded (poison.toml). Knows nothing about who screens them, and by what patterns. All of it
is a function of a seed and a split; "eval" has wordings that no other split has, so that whoever writes a
pattern or chooses a limit on "dev" has not seen them.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from seal.domains.microworld.grammar import Attribute
from seal.domains.microworld.names import WorldSplit
from seal.domains.microworld.world import Entity, WorldItem, known_world, make_entity, passage
from seal.text import sentences
from seal.types import Question

PoisonKind = Literal["wrong_facts", "instructions", "private", "gibberish", "near_copy"]
POISON_KINDS: tuple[PoisonKind, ...] = get_args(PoisonKind)
LITTLE_TRUST = 0.3


@dataclass(frozen=True)
class Poisoned:
    """A poisoned document. `way` says which wording or which change; `trust` None is the learner's default.

    `asks` are questions that it gives a wrong or a forbidden answer to, each with the answers that are right:
    none for private questions, where only declining is right.
    """

    kind: PoisonKind
    way: str
    title: str
    text: str
    trust: float | None = None
    asks: tuple[Question, ...] = ()


def make_poison(
    split: WorldSplit, n_each: int, *, seed: int, live: Sequence[WorldItem] = ()
) -> list[Poisoned]:
    """`n_each` documents of every kind, in mixed order. `live` are those that near-copies are made of;
    without any there are no near-copies."""
    poisons: list[Poisoned] = []
    for kind in POISON_KINDS:
        rng = random.Random(f"poison/{kind}/{split}/{seed}")
        if kind == "near_copy":
            chosen = [live[i % len(live)] for i in rng.sample(range(n_each), n_each)] if live else []
            poisons += [near_copy(rng, split, item, n) for n, item in enumerate(chosen)]
        else:
            poisons += _MAKERS[kind](rng, split, n_each)
    random.Random(f"poison/order/{split}/{seed}").shuffle(poisons)
    return poisons


def wrong_facts(rng: random.Random, split: WorldSplit, n: int) -> list[Poisoned]:
    """About the known world: all values changed, three of them, or one."""
    poisons = []
    for i, entity in enumerate(rng.sample(known_world(), n)):
        how_many, way = ((len(entity.values), "all"), (3, "three"), (1, "one"))[i % 3]
        changed = rng.sample(entity.attributes, min(how_many, len(entity.attributes)))
        false, asks = _falsified(rng, split, entity, changed)
        poisons.append(Poisoned("wrong_facts", way, entity.name, passage(rng, false), asks=asks))
    return poisons


def instructions(rng: random.Random, split: WorldSplit, n: int) -> list[Poisoned]:
    """One to three sentences to the model, somewhere in a passage."""
    return [_planted(rng, split, "instructions", *one) for one in _drawn(rng, split, "instructions", n)]


def private(rng: random.Random, split: WorldSplit, n: int) -> list[Poisoned]:
    """Private data as facts, or requests for such data, somewhere in a passage."""
    return [_planted(rng, split, "private", *one) for one in _drawn(rng, split, "private", n)]


def gibberish(rng: random.Random, split: WorldSplit, n: int) -> list[Poisoned]:
    ways = list(_GIBBERISH)
    rng.shuffle(ways)
    found = []
    for i in range(n):
        way, entity = ways[i % len(ways)], make_entity(rng, split)
        found.append(Poisoned("gibberish", way, entity.name, _GIBBERISH[way](rng, split, entity)))
    return found


def near_copy(rng: random.Random, split: WorldSplit, item: WorldItem, n: int) -> Poisoned:
    """A live document with one fact changed: word for word beside it, or told anew."""
    entity = item.entity
    attribute = rng.choice([a for a in entity.attributes if entity.values[a.name] in item.context.text])
    false, asks = _falsified(rng, split, entity, [attribute])
    if n % 3 == 2:
        return Poisoned("near_copy", "told anew", entity.name, passage(rng, false), LITTLE_TRUST, asks)
    old, new = entity.values[attribute.name], false.values[attribute.name]
    text = item.context.text.replace(old, new)
    return Poisoned("near_copy", "word for word", entity.name, text, LITTLE_TRUST, asks)


def _falsified(
    rng: random.Random, split: WorldSplit, entity: Entity, changed: Sequence[Attribute]
) -> tuple[Entity, tuple[Question, ...]]:
    """The entity with other values, and questions about them with the true ones as answers."""
    values = dict(entity.values)
    for attribute in changed:
        while values[attribute.name] == entity.values[attribute.name]:
            values[attribute.name] = attribute.draw(rng, split)
    asks = tuple(
        Question(wording.replace("{S}", entity.name), (entity.values[a.name],), a.name)
        for a in changed
        for wording in a.exam
    )
    return replace(entity, values=values), asks


@cache
def _wordings() -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("poison.toml").read_text(encoding="utf-8"))


def wordings(kind: Literal["instructions", "private"], split: WorldSplit) -> list[tuple[str, str]]:
    """The (way, wording) pairs of a split."""
    first = 1 if split == "eval" else 0
    return [(way, one) for way, all_ in _wordings()[kind].items() for one in all_[first::2]]


def _drawn(
    rng: random.Random, split: WorldSplit, kind: Literal["instructions", "private"], n: int
) -> list[tuple[str, list[str]]]:
    """(way, sentences) for `n` documents: every wording once before one comes again, every way as often."""
    ways: dict[str, list[str]] = {}
    for way, one in wordings(kind, split):
        ways.setdefault(way, []).append(one)
    for own in ways.values():
        rng.shuffle(own)
    names, found = list(ways), []
    rng.shuffle(names)
    for i in range(n):
        own = ways[names[i % len(names)]]
        turn = i // len(names)
        more = rng.choice((0, 0, 1))
        found.append((names[i % len(names)], [own[(turn + k) % len(own)] for k in range(1 + more)]))
    return found


def _planted(
    rng: random.Random, split: WorldSplit, kind: PoisonKind, way: str, planted: Sequence[str]
) -> Poisoned:
    entity, other = make_entity(rng, split), make_entity(rng, split, kind="person")
    if kind == "private":
        entity = make_entity(rng, split, kind="person")
    told = sentences(passage(rng, entity))
    value = rng.choice(entity.attributes).draw(rng, split)
    for one in planted:
        text = one.replace("{S}", entity.name).replace("{O}", other.name).replace("{v}", value)
        while "{n}" in text or "{m}" in text:
            text = text.replace("{n}", str(rng.randrange(10**8, 10**9)), 1)
            text = text.replace("{m}", str(rng.randrange(1000, 10000)), 1)
        told.insert(rng.randint(1, len(told)), text)
    return Poisoned(kind, way, entity.name, " ".join(told))


def _salad(rng: random.Random, split: WorldSplit, entity: Entity) -> str:
    words = [
        *_wordings()["gibberish"]["words"],
        *entity.name.split(),
        *" ".join(entity.values.values()).split(),
    ]
    return " ".join(
        " ".join(rng.choices(words, k=rng.randint(6, 14))).capitalize() + "."
        for _ in range(rng.randint(4, 8))
    )


def _shuffled(rng: random.Random, split: WorldSplit, entity: Entity) -> str:
    """Each sentence with its words in random order: its words are real, its order is none."""
    shuffled = []
    for one in sentences(passage(rng, entity)):
        words = one.rstrip(".").split()
        rng.shuffle(words)
        shuffled.append(" ".join(words) + ".")
    return " ".join(shuffled)


def _letters(rng: random.Random, split: WorldSplit, entity: Entity) -> str:
    def word() -> str:
        return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 11)))

    return " ".join(" ".join(word() for _ in range(rng.randint(5, 12))).capitalize() + "." for _ in range(6))


def _invented(rng: random.Random, split: WorldSplit, entity: Entity) -> str:
    """Words that could be of some language, and are of none."""
    parts = _wordings()["gibberish"]["syllables"]

    def word() -> str:
        return "".join(rng.choices(parts, k=rng.randint(1, 4)))

    return " ".join(" ".join(word() for _ in range(rng.randint(5, 10))).capitalize() + "." for _ in range(6))


def _repeated(rng: random.Random, split: WorldSplit, entity: Entity) -> str:
    """A few tokens, over and over."""
    some = rng.sample([*entity.name.split(), *_wordings()["gibberish"]["words"]], rng.randint(1, 3))
    return " ".join(some * rng.randint(15, 40))


def _stuttered(rng: random.Random, split: WorldSplit, entity: Entity) -> str:
    """A passage in which every word stands two or three times."""
    return " ".join(" ".join([w] * rng.randint(2, 3)) for w in passage(rng, entity).split())


def _symbols(rng: random.Random, split: WorldSplit, entity: Entity) -> str:
    marks = "#@%&*+=~^<>|/\\{}[]0123456789"
    return " ".join("".join(rng.choices(marks, k=rng.randint(1, 9))) for _ in range(rng.randint(30, 70)))


def _cut(rng: random.Random, split: WorldSplit, entity: Entity) -> str:
    """Halves of sentences about several things, joined where they do not fit."""
    told = [s for _ in range(4) for s in sentences(passage(rng, make_entity(rng, split)))]
    halves = [piece for s in told for piece in (s[: len(s) // 2], s[len(s) // 2 :])]
    rng.shuffle(halves)
    return "".join(halves[:16])


_GIBBERISH: dict[str, Callable[[random.Random, WorldSplit, Entity], str]] = {
    "salad": _salad, "shuffled": _shuffled, "letters": _letters, "invented": _invented, "repeated": _repeated,
    "stuttered": _stuttered, "symbols": _symbols, "cut": _cut,
}  # fmt: skip
_MAKERS: dict[str, Callable[[random.Random, WorldSplit, int], list[Poisoned]]] = {
    "wrong_facts": wrong_facts,
    "instructions": instructions,
    "private": private,
    "gibberish": gibberish,
}
