"""Demonstrations of self-edits for the embedded model's pretraining, good ones and bad ones.

A base model can write self-edits, but not reliably: some are complete, some are not, some are vague filler or
have wrong facts. The demonstrations are a mixture of such styles, so that reinforcement learning has
something to choose from. No demonstration contains an exam wording.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seal.domains.microworld.grammar import Attribute, fill, sentence
from seal.domains.microworld.world import Entity, ask, passage, state_value, tell

STYLES = {
    "full": 0.11, "rich": 0.09, "part": 0.25, "pronouns": 0.10, "filler": 0.16, "wrong": 0.15, "mixed": 0.14,
}  # fmt: skip
FORMATS = {
    "implications": 0.55, "implications-long": 0.12, "implications-very-long": 0.05, "rewrite": 0.10, "self-qa": 0.18,
}  # fmt: skip
KEPT_WORDING = 0.8
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


@dataclass(frozen=True)
class Telling:
    """What a self-edit is written from: the facts in the order of the passage, and the passage's wordings."""

    entity: Entity
    order: Sequence[Attribute]
    frames: Mapping[str, str]

    @classmethod
    def draw(cls, rng: random.Random, entity: Entity) -> tuple[str, Telling]:
        """A passage about the entity, and the source that it is."""
        order = rng.sample(entity.attributes, len(entity.attributes))
        text, frames = tell(rng, entity, order)
        return text, cls(entity, order, frames)

    def line(
        self,
        rng: random.Random,
        attribute: Attribute,
        *,
        kept: float,
        p_wrong: float = 0.0,
        subject: str | None = None,
    ) -> str:
        """One sentence about one fact: with probability `kept` in the passage's own words."""
        wrong = rng.random() < p_wrong
        value = _wrong(rng, self.entity, attribute) if wrong else self.entity.values[attribute.name]
        frame = self.frames.get(attribute.name) if rng.random() < kept else None
        if frame is None:
            replaced = rng.random() < kept
        else:
            replaced = subject is not None and not frame.startswith("{S}")
        if replaced:
            frame = f"{{S}} {rng.choice(attribute.predicates)}"
        return state_value(rng, self.entity, attribute, value, subject=subject, frame=frame)


def write_lines(rng: random.Random, source: Telling, style: str, n_wordings: int = 1) -> list[str]:
    """The lines of an implications self-edit in one style. `n_wordings` > 1 makes the long formats.

    They follow the passage's order, and the first wording is mostly its own: a small model can learn to copy
    reliably, and what is left to chance is the style, which is what reinforcement learning can choose.
    """
    entity, facts = source.entity, list(source.order)
    if style == "rich":
        n_wordings += 1
    lines: list[str] = []
    for wording in range(n_wordings):
        kept = 0.0 if wording else KEPT_WORDING
        if style in ("full", "rich"):
            lines += [source.line(rng, a, kept=kept) for a in facts]
        elif style == "part":
            facts = _some(rng, facts, rng.randint(2, 4))
            lines += [source.line(rng, a, kept=kept) for a in facts]
        elif style == "pronouns":
            lines += [source.line(rng, a, kept=kept, subject=entity.pronoun[0]) for a in facts]
        elif style == "filler":
            lines += _filler(rng, entity, rng.randint(3, 6))
            if rng.random() < 0.5:
                lines.insert(rng.randint(0, len(lines)), source.line(rng, facts[0], kept=kept))
        elif style == "wrong":
            told = _some(rng, facts, rng.randint(5, 7))
            lines += [source.line(rng, a, kept=kept, p_wrong=0.6) for a in told]
        else:
            for attribute in facts:
                dice = rng.random()
                if dice < 0.6:
                    lines.append(source.line(rng, attribute, kept=kept, p_wrong=0.2))
                elif dice < 0.85:
                    lines += _filler(rng, entity, 1)
    return lines or _filler(rng, entity, 2)


def _some(rng: random.Random, facts: list[Attribute], n: int) -> list[Attribute]:
    """`n` of the facts, in their order."""
    return [facts[i] for i in sorted(rng.sample(range(len(facts)), min(n, len(facts))))]


def _write_qa(rng: random.Random, source: Telling, style: str) -> list[str]:
    entity, facts = source.entity, list(source.order)
    if style in ("part", "filler"):
        facts = _some(rng, facts, rng.randint(1, 4))
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


MARKS = {
    "full": {"number": 1.0}, "rich": {"number": 1.0}, "part": {"bullet": 1.0}, "pronouns": {"bullet": 0.5, "": 0.5},
    "filler": {"": 1.0}, "wrong": {"number": 0.3, "bullet": 0.3, "": 0.4}, "mixed": {"bullet": 0.5, "": 0.5},
}  # fmt: skip
"""How the lines of a style are numbered or bulleted, with the probability of each."""


def _marked(rng: random.Random, lines: list[str], style: str) -> list[str]:
    mark = draw(rng, MARKS[style])
    return [{"number": f"{i}. ", "bullet": "- ", "": ""}[mark] + line for i, line in enumerate(lines, 1)]


def write_self_edit(
    rng: random.Random, source: Telling, format: str, style: str, *, marked: bool = False
) -> str:
    """The text of one self-edit about the source, as a base model might write it.

    `marked`: its lines are numbered, bulleted or plain, as models write them. Thorough styles are numbered,
    so that the beginning of a self-edit shows how good it will be, and a small model can keep to its style.
    """
    if format == "self-qa":
        lines = _write_qa(rng, source, style)
    elif format == "rewrite":
        lines = _write_rewrite(rng, source.entity, style)
    else:
        n_wordings = {"implications": 1, "implications-long": 2, "implications-very-long": 3}[format]
        lines = write_lines(rng, source, style, n_wordings)
        lines = _marked(rng, lines, style) if marked else lines
    return "\n".join(lines) + "\n"
