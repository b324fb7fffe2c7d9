"""Questions as people ask them about the micro-world: with a typo, by an alias, without a name, of two documents.

Knows entities and the wordings of the grammar. Knows nothing about documents, models or who answers. Every
generator is a function of its random source and the entities it is given; names keep to the split of those
entities. A question carries the gold answer, and the names of the entities whose documents hold it, none where
no document does.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from seal.domains.microworld.corpus import UNKNOWN
from seal.domains.microworld.grammar import Attribute, fill, grammar, sentence
from seal.domains.microworld.names import MAKERS, WorldSplit
from seal.domains.microworld.world import Entity, make_entity
from seal.types import Question

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SMALL_WORDS = {"the", "a", "an", "of", "and", "for", "&", "de", "on", "am", "sur"}
_REFERRED = {
    ("person", "birthplace"): "the birthplace of {S}", ("person", "employer"): "the employer of {S}",
    ("person", "spouse"): "the spouse of {S}", ("company", "founder"): "the founder of {S}",
    ("company", "headquarters"): "the town where {S} is based", ("company", "director"): "the director of {S}",
    ("town", "mayor"): "the mayor of {S}", ("book", "author"): "the author of {S}",
    ("book", "hero"): "the main character of {S}", ("book", "setting"): "the town in which {S} is set",
    ("book", "publisher"): "the publisher of {S}", ("product", "maker"): "the maker of {S}",
    ("product", "designer"): "the designer of {S}", ("product", "origin"): "the town in which {S} is assembled",
}  # fmt: skip
_COMPARED = {
    ("person", "birth_year"): ("Who was born earlier, {A} or {B}?", min),
    ("company", "founded_year"): ("Which company is older, {A} or {B}?", min),
    ("company", "employees"): ("Which company employs more people, {A} or {B}?", max),
    ("town", "population"): ("Which town has more inhabitants, {A} or {B}?", max),
    ("town", "founded_year"): ("Which town was founded earlier, {A} or {B}?", min),
    ("book", "year"): ("Which book appeared earlier, {A} or {B}?", min),
    ("book", "pages"): ("Which book has more pages, {A} or {B}?", max),
    ("product", "launch"): ("Which was launched earlier, {A} or {B}?", min),
    ("product", "price"): ("Which costs more, {A} or {B}?", max),
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question of one way of asking (`way`), the name of the entity that it is `about` in the end, and the
    names of the entities whose documents hold the answer, in the order in which they are needed."""

    way: str
    question: Question
    about: str
    entities: tuple[str, ...]


def plain(rng: random.Random, entities: Sequence[Entity]) -> list[Asked]:
    """One exam question an attribute, by the full name."""
    return [_asked("plain", rng, e, a, e.name) for e in entities for a in e.attributes]


def lowercase(rng: random.Random, entities: Sequence[Entity]) -> list[Asked]:
    """The same, typed without a capital letter."""
    return [
        replace(one, way="lowercase", question=replace(one.question, text=one.question.text.lower()))
        for one in plain(rng, entities)
    ]


def misspelt(rng: random.Random, entities: Sequence[Entity]) -> list[Asked]:
    """One question an attribute with one slip of the keyboard in the name: a letter wrong, missing, doubled,
    or two swapped. No slip makes the name of another of the entities."""
    taken = {e.name.lower() for e in entities}
    asked = []
    for entity in entities:
        for attribute in entity.attributes:
            while (name := slip(rng, entity.name)).lower() in taken:
                pass
            asked.append(_asked("misspelt", rng, entity, attribute, name))
    return asked


def slip(rng: random.Random, name: str) -> str:
    """The name with one wrong, missing, extra or swapped letter; capitals stay where they were."""
    places = [i for i, letter in enumerate(name) if letter.isalpha()]
    if len(places) < 2:
        return name + name[-1:]
    while True:
        i, kind = rng.choice(places), rng.randrange(4)
        other = rng.choice(_LETTERS)
        if kind == 0:
            new = name[:i] + other + name[i + 1 :]
        elif kind == 1:
            new = name[:i] + name[i + 1 :]
        elif kind == 2:
            new = name[:i] + name[i] + other + name[i + 1 :]
        elif name[i + 1 : i + 2].isalpha():
            new = name[:i] + name[i + 1] + name[i] + name[i + 2 :]
        else:
            continue
        if kind != 2 and name[i].isupper():
            new = new[:i] + new[i : i + 1].upper() + new[i + 1 : i + 2].lower() + new[i + 2 :]
        if new.lower() != name.lower() and new.strip() == new:
            return new


def aliases(entity: Entity) -> tuple[str, ...]:
    """What else the entity may be called: a surname; a name without its first or last word; for a company of
    several words its initials."""
    words = entity.name.split()
    if len(words) < 2:
        return ()
    if entity.kind == "person":
        return (words[-1],)
    names = []
    for rest in (words[:-1], words[1:]):
        while rest and rest[-1].lower() in _SMALL_WORDS:
            rest = rest[:-1]
        while rest and rest[0].lower() in _SMALL_WORDS:
            rest = rest[1:]
        if rest and any(word[0].isalpha() for word in rest) and len(" ".join(rest)) > 2:
            names.append(" ".join(rest))
    if entity.kind == "company":
        names.append("".join(word[0].upper() for word in words))
    return tuple(dict.fromkeys(names))


def by_alias(rng: random.Random, entities: Sequence[Entity]) -> list[Asked]:
    """One question an attribute by an alias that, among the entities, could mean this one only."""
    words = Counter(word for e in entities for word in set(_words(e.name)))
    initials = Counter(a for e in entities for a in aliases(e) if _is_initials(e, a))
    asked = []
    for entity in entities:
        own = [
            alias
            for alias in aliases(entity)
            if (
                initials[alias] == 1
                if _is_initials(entity, alias)
                else min(words[w] for w in _words(alias)) == 1
            )
        ]
        for attribute in entity.attributes if own else ():
            alias = rng.choice(own)
            way = "by initials" if _is_initials(entity, alias) else "by alias"
            asked.append(_asked(way, rng, entity, attribute, alias))
    return asked


def without_name(
    rng: random.Random, entities: Sequence[Entity], *, among: Sequence[Entity] = (), most_facts: int = 2
) -> list[Asked]:
    """One question an attribute, where the entity is described by as few of its other facts as single it out
    among the entities and `among`: "Who founded the company that makes soap?". Attributes for which
    `most_facts` do not suffice are left out. A description is worded as statements are."""
    among = [*entities, *among]
    having = Counter((e.kind, name, value) for e in among for name, value in e.values.items())
    asked = []
    for entity in entities:
        for attribute in entity.attributes:
            others = [a for a in entity.attributes if a is not attribute]
            rng.shuffle(others)
            for n in range(1, most_facts + 1):
                facts = next(
                    (f for f in combinations(others, n) if _single_out(entity, f, among, having)), None
                )
                if facts:
                    asked.append(
                        _asked("without name", rng, entity, attribute, _description(rng, entity, facts))
                    )
                    break
    return asked


def compared(rng: random.Random, entities: Sequence[Entity]) -> list[Asked]:
    """Questions that compare a number of two entities of one kind; each pair of neighbours once."""
    asked = []
    for (kind, name), (wording, choose) in _COMPARED.items():
        having = [e for e in entities if e.kind == kind and name in e.values]
        rng.shuffle(having)
        for a, b in zip(having[::2], having[1::2]):
            numbers = [int(re.sub(r"\D", "", e.values[name])) for e in (a, b)]
            if numbers[0] != numbers[1]:
                best = (a, b)[numbers.index(choose(numbers))]
                text = wording.replace("{A}", a.name).replace("{B}", b.name)
                question = Question(text, (best.name,), f"{name}/compared")
                asked.append(Asked("compared", question, best.name, (a.name, b.name)))
    return asked


def linked_pairs(rng: random.Random, split: WorldSplit, n: int) -> list[tuple[Entity, Entity]]:
    """Pairs of new entities, the first of which names the second among its facts: a person and the employer."""
    pairs, names = [], set()
    while len(pairs) < n:
        (kind, name), _ = rng.choice(list(_REFERRED.items()))
        first = make_entity(rng, split, kind=kind)
        second = make_entity(rng, split, kind=_kind_of_value(kind, name))
        if name in first.values and first.name != second.name and not names & {first.name, second.name}:
            names |= {first.name, second.name}
            pairs.append(
                (Entity(kind, first.name, {**first.values, name: second.name}, first.pronoun), second)
            )
    return pairs


def across(rng: random.Random, pairs: Sequence[tuple[Entity, Entity]]) -> list[Asked]:
    """Questions that take a fact of the first of each pair to find the second, and a fact of that:
    "Where is the employer of Ana Lopez based?"; one an attribute of the second."""
    questions = []
    for first, second in pairs:
        link = next(name for name, value in first.values.items() if value == second.name)
        subject = fill(_REFERRED[first.kind, link], subject=first.name)
        for attribute in second.attributes:
            asked = _asked("across", rng, second, attribute, subject)
            questions.append(replace(asked, entities=(first.name, second.name)))
    return questions


def never_met(rng: random.Random, split: WorldSplit, n: int, met: Sequence[Entity]) -> list[Asked]:
    """One question an attribute of `n` new entities of the split that are none of `met`. Nobody knows the
    answer: it is given as the gold one only so that a lucky guess can be told."""
    names, asked = {e.name for e in met}, []
    while n:
        entity = make_entity(rng, split)
        if entity.name not in names:
            names.add(entity.name)
            asked += [_asked("never met", rng, entity, a, entity.name, of=()) for a in entity.attributes]
            n -= 1
    return asked


def only_mentioned(rng: random.Random, entities: Sequence[Entity]) -> list[Asked]:
    """Questions about those whom a fact of the entities names, and no document is about: a founder's hobby.
    Nobody knows the answer, so the gold one is that it is not known."""
    own = {e.name for e in entities}
    questions = []
    for entity in entities:
        for attribute in entity.attributes:
            name, kind = entity.values[attribute.name], grammar().kinds.get(attribute.values)
            if kind and name not in own:
                asked = rng.choice(kind.attributes)
                text = sentence(fill(rng.choice(asked.exam), subject=name))
                question = Question(text, (UNKNOWN,), f"{asked.name}/only mentioned")
                questions.append(Asked("only mentioned", question, name, ()))
    return questions


def described_never_met(rng: random.Random, split: WorldSplit, n: int, met: Sequence[Entity]) -> list[Asked]:
    """Questions without a name about `n` new entities of the split; no entity of `met` fits the description."""
    names = {e.name for e in met}
    new = [e for e in (make_entity(rng, split) for _ in range(n)) if e.name not in names]
    return [
        replace(one, way="described, never met", entities=()) for one in without_name(rng, new, among=met)
    ]


def known(rng: random.Random, world: Sequence[Entity]) -> list[Asked]:
    """One exam question an attribute of the known world, which no document holds."""
    return [_asked("known world", rng, e, a, e.name, of=()) for e in world for a in e.attributes]


def revised(rng: random.Random, entity: Entity, split: WorldSplit, n: int) -> Entity:
    """What a newer document says of the entity: `n` of its facts, with other values."""
    changed = {}
    for attribute in rng.sample(entity.attributes, n):
        while (value := attribute.draw(rng, split)) == entity.values[attribute.name]:
            pass
        changed[attribute.name] = value
    return Entity(entity.kind, entity.name, changed, entity.pronoun)


def _asked(
    way: str,
    rng: random.Random,
    entity: Entity,
    attribute: Attribute,
    subject: str,
    *,
    of: tuple[str, ...] | None = None,
) -> Asked:
    """An exam question about the entity, called `subject`. A description takes no possessive 's."""
    wordings = attribute.exam
    if subject.startswith("the ") and subject != entity.name:
        wordings = tuple(w for w in wordings if "{S}'s" not in w) or attribute.questions[:1]
    text = sentence(fill(rng.choice(wordings), subject=subject))
    question = Question(text, (entity.values[attribute.name],), f"{attribute.name}/{way}")
    return Asked(way, question, entity.name, (entity.name,) if of is None else of)


def _words(name: str) -> list[str]:
    return [w for w in re.findall(r"[\w'-]+", name.lower()) if w not in _SMALL_WORDS]


def _is_initials(entity: Entity, alias: str) -> bool:
    return entity.kind == "company" and alias == "".join(word[0].upper() for word in entity.name.split())


def _single_out(
    entity: Entity,
    facts: Sequence[Attribute],
    entities: Sequence[Entity],
    having: Counter[tuple[str, str, str]],
) -> bool:
    if any(having[entity.kind, a.name, entity.values[a.name]] == 1 for a in facts):
        return True
    same = (e for e in entities if e.kind == entity.kind)
    return sum(all(e.values.get(a.name) == entity.values[a.name] for a in facts) for e in same) == 1


def _description(rng: random.Random, entity: Entity, facts: Sequence[Attribute]) -> str:
    said = [
        fill(rng.choice(a.predicates), value=entity.values[a.name], possessive=entity.pronoun[1])
        for a in facts
    ]
    return f"the {entity.kind} {'who' if entity.kind == 'person' else 'that'} {' and '.join(said)}"


def _kind_of_value(kind: str, name: str) -> str:
    values = next(a.values for a in grammar().kinds[kind].attributes if a.name == name)
    assert values in MAKERS and values in grammar().kinds
    return values


WAYS: dict[str, Callable[[random.Random, Sequence[Entity]], list[Asked]]] = {
    "plain": plain, "lowercase": lowercase, "misspelt": misspelt, "by alias": by_alias,
    "without name": without_name, "compared": compared,
}  # fmt: skip
