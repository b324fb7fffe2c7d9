"""The micro-world: a seeded, endless, fictional encyclopedia with known truth.

Knows entities, the passages written about them, true statements and exams. Knows nothing about self-edits
or models. Everything is a function of a seed and a split; the splits never share a name (names.py).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seal.domains.microworld.grammar import Attribute, EntityKind, fill, grammar, sentence
from seal.domains.microworld.names import MAKERS, WorldSplit, in_split
from seal.types import Context, Question

OPENERS = (
    "In fact,", "As many know,", "According to the records,", "For the record,", "Today,", "As it happens,",
    "By all accounts,", "Not surprisingly,", "In short,", "As far as is known,", "To this day,", "Officially,",
)  # fmt: skip
ASIDES = (
    "Little else is recorded about {S}.", "Many visitors ask about {S}.", "{S} is often mentioned in the news.",
    "Opinions about {S} differ.", "A longer article about {S} is planned.", "The weather that year was mild.",
    "{S} has been the subject of several articles.", "Much has been written about it since.",
    "Photographs of {S} are rare.", "Readers who want to know more should ask a library.",
    "The archive holds further papers.", "Some of this was long disputed.", "{S} is spoken of with respect.",
)  # fmt: skip


@dataclass(frozen=True)
class Entity:
    """One thing of the world: its kind, its name, the value of each attribute, and its pronoun and possessive."""

    kind: str
    name: str
    values: Mapping[str, str]
    pronoun: tuple[str, str]

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        return tuple(a for a in grammar().kinds[self.kind].attributes if a.name in self.values)


def make_entity(
    rng: random.Random, split: WorldSplit, *, kind: str | None = None, n_attributes: int = 7
) -> Entity:
    """A new entity whose name, and every name among its values, belongs to `split`."""
    chosen: EntityKind = grammar().kinds[kind or rng.choice(sorted(grammar().kinds))]
    attributes = rng.sample(chosen.attributes, min(n_attributes, len(chosen.attributes)))
    name = in_split(lambda: MAKERS[chosen.name](rng), split)
    return Entity(
        chosen.name, name, {a.name: a.draw(rng, split) for a in attributes}, rng.choice(chosen.pronouns)
    )


def state(rng: random.Random, entity: Entity, attribute: Attribute, *, subject: str | None = None) -> str:
    """One true sentence about one attribute."""
    return state_value(rng, entity, attribute, entity.values[attribute.name], subject=subject)


def state_value(
    rng: random.Random,
    entity: Entity,
    attribute: Attribute,
    value: str,
    *,
    subject: str | None = None,
    frame: str | None = None,
) -> str:
    """One sentence that gives `value` as the entity's attribute, in `frame` or a random wording."""
    subject = subject or entity.name
    frames = [f"{{S}} {p}" for p in attribute.predicates]
    if subject == entity.name:
        frames += attribute.inverted
    chosen = frame or rng.choice(frames)
    return sentence(fill(chosen, subject=subject, value=value, possessive=entity.pronoun[1]))


def statements(rng: random.Random, entity: Entity, n_wordings: int = 1) -> list[str]:
    """True single-fact sentences, `n_wordings` different ones an attribute: what an ideal self-edit holds."""
    lines = []
    for attribute in entity.attributes:
        wordings: dict[str, None] = {}
        for _ in range(20 * n_wordings):
            if len(wordings) < n_wordings:
                wordings.setdefault(state(rng, entity, attribute))
        lines += wordings
    return lines


def _reference(rng: random.Random, entity: Entity, p_name: float) -> str:
    if rng.random() < p_name:
        return entity.name
    return rng.choice(grammar().kinds[entity.kind].references).replace("{P}", entity.pronoun[0])


def passage(rng: random.Random, entity: Entity, order: Sequence[Attribute] = ()) -> str:
    """A passage as documents are written: several facts a sentence, pronouns, asides; every attribute once,
    in the given order or a random one."""
    return tell(rng, entity, order)[0]


def tell(rng: random.Random, entity: Entity, order: Sequence[Attribute] = ()) -> tuple[str, dict[str, str]]:
    """A passage, and by attribute the frame in which it says the fact, for those said in a clause of their own.

    A frame has a subject {S} and a value {v}, as those that `state_value` fills.
    """
    facts = list(reversed(order))
    if not order:
        facts = list(entity.attributes)
        rng.shuffle(facts)
    sentences: list[str] = []
    frames: dict[str, str] = {}

    def said(template: str, attribute: Attribute, subject: str = "") -> str:
        return fill(
            template, subject=subject, value=entity.values[attribute.name], possessive=entity.pronoun[1]
        )

    def clause(attribute: Attribute) -> str:
        frames[attribute.name] = f"{{S}} {(chosen := rng.choice(attribute.predicates))}"
        return said(chosen, attribute)

    while facts:
        subject = entity.name if not sentences else _reference(rng, entity, 0.3)
        first, style = facts.pop(), rng.random()
        predicate = clause(first)
        if facts and style < 0.65:
            second = facts.pop()
            other = clause(second)
            if style < 0.25:
                text = f"{subject} {predicate} and {other}"
            elif style < 0.5:
                del frames[first.name]
                text = f"{said(rng.choice(first.leads), first)}, {subject} {other}"
            elif style < 0.58 and subject == entity.name:
                text = f"{subject}, {'who' if entity.kind == 'person' else 'which'} {predicate}, {other}"
            else:
                text = f"{subject} {predicate}, and {_reference(rng, entity, 0.1)} {other}"
        elif style > 0.85 and subject == entity.name:
            frames[first.name] = rng.choice(first.inverted)
            text = said(frames[first.name], first, subject)
        else:
            text = f"{subject} {predicate}"
        if rng.random() < 0.15 and text.startswith((entity.name, subject)):
            text = f"{rng.choice(OPENERS)} {text}"
        sentences.append(sentence(text))
    if rng.random() < 0.4:
        aside = fill(rng.choice(ASIDES), subject=entity.name)
        sentences.insert(rng.randint(1, len(sentences)), sentence(aside))
    return " ".join(sentences), frames


def ask(rng: random.Random, entity: Entity, attribute: Attribute, wordings: Sequence[str]) -> Question:
    return Question(
        fill(rng.choice(wordings), subject=entity.name), (entity.values[attribute.name],), attribute.name
    )


@dataclass(frozen=True)
class WorldItem:
    """A context of the micro-world together with the entity behind it, from which gold statements are made."""

    entity: Entity
    context: Context


def make_items(split: WorldSplit, n: int, *, seed: int, wordings: int = 1) -> list[WorldItem]:
    """`n` contexts of a split with `wordings` exam questions an attribute, a function of the arguments alone.

    The exam uses wordings that no self-edit demonstration contains.
    """
    items: list[WorldItem] = []
    names: set[str] = set()
    rng = random.Random(f"items/{split}/{seed}")
    while len(items) < n:
        entity = make_entity(rng, split)
        if entity.name in names:
            continue
        names.add(entity.name)
        text = passage(rng, entity)
        questions = tuple(
            Question(fill(w, subject=entity.name), (entity.values[a.name],), f"{a.name}/{i}")
            for a in entity.attributes
            for i, w in enumerate(rng.sample(a.exam, min(wordings, len(a.exam))))
        )
        digest = hashlib.sha256(f"{entity.name}\n{text}".encode()).hexdigest()[:12]
        items.append(WorldItem(entity, Context(digest, entity.name, text, questions)))
    return items


def known_world(n: int = 320) -> list[Entity]:
    """The entities that the embedded model knows by heart, six attributes each."""
    rng = random.Random("known world")
    world: dict[str, Entity] = {}
    while len(world) < n:
        entity = make_entity(rng, "pretrain", n_attributes=6)
        world.setdefault(entity.name, entity)
    return list(world.values())
