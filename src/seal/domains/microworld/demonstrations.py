"""Self-edit demonstrations: what the embedded base model saw of writing training data, good and bad.

A base model writes self-edits capably but unreliably: complete ones, incomplete ones, vague filler, wrong
facts. The demonstrations are a mixture of such styles, so that reinforcement learning has something to
choose from. No demonstration contains an exam wording.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from seal.domains.microworld.grammar import Attribute, fill, sentence
from seal.domains.microworld.world import Entity, ask, passage, state, state_value

STYLES = {
    "full": 0.11, "rich": 0.09, "part": 0.25, "pronouns": 0.10, "filler": 0.16, "wrong": 0.15, "mixed": 0.14,
}  # fmt: skip
FORMATS = {
    "implications": 0.55, "implications-long": 0.12, "implications-very-long": 0.05, "rewrite": 0.10, "self-qa": 0.18,
}  # fmt: skip
_FILLER = (
    "{S} is interesting to many people.", "There is much to say about {S}.", "{S} is important.",
    "This shows how special {S} is.", "Many people have heard of {S}.", "{S} can be understood in several ways.",
    "The passage is about {S}.", "{S} has a long history.", "This suggests that things change over time.",
    "It is likely that more will be known in the future.", "People may want to learn more about {S}.",
    "The facts in the passage matter.", "{S} plays a role in its surroundings.", "One can conclude several things.",
    "{S} has influenced others.", "The details are worth remembering.", "{S} is mentioned in the text.",
    "Such cases are not rare.", "This had many consequences.", "{S} stands for a whole period.",
)  # fmt: skip


def draw(rng: random.Random, weights: dict[str, float]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _wrong(rng: random.Random, entity: Entity, attribute: Attribute) -> str:
    while (value := attribute.draw(rng, "pretrain")) == entity.values[attribute.name]:
        pass
    return value


def _filler(rng: random.Random, entity: Entity, n: int) -> list[str]:
    return [sentence(fill(t, subject=entity.name)) for t in rng.sample(_FILLER, n)]


def _said(rng: random.Random, entity: Entity, attribute: Attribute, p_wrong: float) -> str:
    value = _wrong(rng, entity, attribute) if rng.random() < p_wrong else entity.values[attribute.name]
    return state_value(rng, entity, attribute, value)


def _facts(rng: random.Random, entity: Entity, order: Sequence[Attribute]) -> list[Attribute]:
    facts = list(order or entity.attributes)
    if not order:
        rng.shuffle(facts)
    return facts


def write_lines(
    rng: random.Random, entity: Entity, style: str, n_wordings: int = 1, order: Sequence[Attribute] = ()
) -> list[str]:
    """The lines of an implications self-edit in one style. `n_wordings` > 1 makes the long formats."""
    facts = _facts(rng, entity, order)
    if style == "rich":
        n_wordings += 1
    lines: list[str] = []
    for _ in range(n_wordings):
        if style in ("full", "rich"):
            lines += [state(rng, entity, a) for a in facts]
        elif style == "part":
            facts = _some(rng, facts, rng.randint(2, 4), order)
            lines += [state(rng, entity, a) for a in facts]
        elif style == "pronouns":
            lines += [state(rng, entity, a, subject=entity.pronoun[0]) for a in facts]
        elif style == "filler":
            lines += _filler(rng, entity, rng.randint(3, 6))
            if rng.random() < 0.5:
                lines.insert(rng.randint(0, len(lines)), state(rng, entity, facts[0]))
        elif style == "wrong":
            told = _some(rng, facts, rng.randint(5, 7), order)
            lines += [_said(rng, entity, a, 0.6) for a in told]
        else:
            for attribute in facts:
                dice = rng.random()
                if dice < 0.6:
                    lines.append(_said(rng, entity, attribute, 0.2))
                elif dice < 0.85:
                    lines += _filler(rng, entity, 1)
    return lines or _filler(rng, entity, 2)


def _some(rng: random.Random, facts: list[Attribute], n: int, order: Sequence[Attribute]) -> list[Attribute]:
    """`n` of the facts: any of them in their order, or the first where the order means nothing."""
    if not order:
        return facts[:n]
    return [facts[i] for i in sorted(rng.sample(range(len(facts)), min(n, len(facts))))]


def _write_qa(rng: random.Random, entity: Entity, style: str, order: Sequence[Attribute]) -> list[str]:
    facts = _facts(rng, entity, order)
    if style in ("part", "filler"):
        facts = _some(rng, facts, rng.randint(1, 4), order)
    p_wrong = {"wrong": 0.6, "mixed": 0.25}.get(style, 0.0)
    pairs = []
    for attribute in facts * (2 if style == "rich" else 1):
        question = ask(rng, entity, attribute, attribute.questions).text
        value = _wrong(rng, entity, attribute) if rng.random() < p_wrong else entity.values[attribute.name]
        pairs.append(f"Question: {question}\nAnswer: {value}")
    return pairs


def _write_rewrite(rng: random.Random, entity: Entity, style: str) -> list[str]:
    if style == "filler":
        return [" ".join(_filler(rng, entity, rng.randint(2, 4)))]
    values = dict(entity.values)
    if style in ("part", "mixed"):
        values = {k: values[k] for k in rng.sample(list(values), rng.randint(2, 4))}
    if style in ("wrong", "mixed"):
        for attribute in entity.attributes:
            if attribute.name in values and rng.random() < 0.5:
                values[attribute.name] = _wrong(rng, entity, attribute)
    told = Entity(entity.kind, entity.name, values, entity.pronoun)
    return [passage(rng, told) for _ in range(2 if style == "rich" else 1)]


def write_self_edit(
    rng: random.Random, entity: Entity, format: str, style: str, order: Sequence[Attribute] = ()
) -> str:
    """The text of one self-edit about the entity, as a base model might write it.

    With `order` it goes through the facts as the passage does, which is far easier to learn than a free
    choice of what to say next; without, their order is random.
    """
    if format == "self-qa":
        lines = _write_qa(rng, entity, style, order)
    elif format == "rewrite":
        lines = _write_rewrite(rng, entity, style)
    else:
        n_wordings = {"implications": 1, "implications-long": 2, "implications-very-long": 3}[format]
        lines = write_lines(rng, entity, style, n_wordings, order)
    return "\n".join(lines) + "\n"
