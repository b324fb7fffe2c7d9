"""Whether a line about an entity is true: possible because the micro-world's grammar and facts are known.

Knows the frames of grammar.py. Knows nothing about how the line came to be written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal

from seal.domains.microworld.grammar import Attribute, grammar
from seal.domains.microworld.names import MAKERS
from seal.domains.microworld.world import Entity

Truth = Literal["true", "wrong", "vague"]


@cache
def _frames(kind: str) -> list[tuple[Attribute, re.Pattern[str]]]:
    """Every wording of every attribute, as a pattern with a subject `s` and a value `v`."""
    frames = []
    for attribute in grammar().kinds[kind].attributes:
        for template in (*(f"{{S}} {p}" for p in attribute.predicates), *attribute.inverted):
            pattern = re.escape(template).replace(r"\{S\}", "(?P<s>.+?)").replace(r"\{v\}", "(?P<v>.+?)", 1)
            pattern = pattern.replace(r"\{v\}", "(?P=v)").replace(r"\{H\}", "(?:his|her|its|their)")
            pattern = re.sub(r"\b([Aa])\\ \(", r"\1n?\\ (", pattern)
            frames.append((attribute, re.compile(pattern + r"\.?", re.IGNORECASE)))
    return frames


def _same(a: str, b: str) -> bool:
    return a.strip().lower().removeprefix("the ") == b.strip().lower().removeprefix("the ")


def _plausible(attribute: Attribute, value: str) -> bool:
    if attribute.values in MAKERS:
        return value[:1].isupper() or value.lower().startswith("the ")
    options = grammar().lists.get(attribute.values)
    return value.lower() in options if options else value[:1].isdigit()


def judge_line(entity: Entity, line: str) -> Truth:
    """ "true": the line states a fact of the entity, by its name or a pronoun. "wrong": it has the form of a fact,
    but the value is wrong or the name garbled. "vague": it does not have the form of a fact."""
    kind = grammar().kinds[entity.kind]
    subjects = {entity.name.lower(), *(p for pair in kind.pronouns for p in pair[:1]), *kind.references}
    wrong = False
    for attribute, pattern in _frames(entity.kind):
        match = pattern.fullmatch(line.strip())
        if match is None:
            continue
        told = attribute.name in entity.values and _same(match["v"], entity.values[attribute.name])
        if told and match["s"].lower() in subjects:
            return "true"
        wrong = wrong or told or _plausible(attribute, match["v"].strip())
    return "wrong" if wrong else "vague"


def coverage(entity: Entity, lines: Sequence[str]) -> float:
    """Share of the entity's facts that a true line states, question-and-answer lines included."""
    told = set()
    for line in lines:
        if line.startswith("Question: "):
            question, _, answer = line.removeprefix("Question: ").partition("\nAnswer: ")
            told |= {
                a.name
                for a in entity.attributes
                if _same(answer, entity.values[a.name])
                and question in {w.replace("{S}", entity.name) for w in a.questions + a.exam}
            }
        elif judge_line(entity, line) == "true":
            told |= {a.name for a in entity.attributes if entity.values[a.name].lower() in line.lower()}
    return len(told) / len(entity.attributes)
