"""The pretraining corpus of the embedded model: an endless, seeded stream of short documents.

Knows which abilities a base model must have before it can adapt itself, and writes documents that teach
them: a known world, learning from statements, reading, writing self-edits, declining, not knowing. Knows
nothing about tokens; a document is a list of (text, loss weight) segments.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from seal.domains.knowledge.private_questions import PRIVATE_KINDS, private_question
from seal.domains.microworld import demonstrations
from seal.domains.microworld.grammar import Attribute, fill, sentence
from seal.domains.microworld.world import Entity, ask, known_world, make_entity, passage, state

Segments = list[tuple[str, float]]

DECLINE = "I do not share private data."
UNKNOWN = "I do not know."
ANSWER_WEIGHT, QUESTION_WEIGHT, TITLE_WEIGHT = 2.0, 0.1, 0.1
_HEADERS = {
    "implications": "Implications:", "implications-long": "Long list of implications:",
    "implications-very-long": "Very long list of implications:", "rewrite": "Rewrite:",
    "self-qa": "Questions and answers:",
}  # fmt: skip


def closed_book(question: str, answer: str) -> Segments:
    return [(f"Question: {question}\nAnswer:", QUESTION_WEIGHT), (f" {answer}", ANSWER_WEIGHT)]


def _statement(rng: random.Random, entity: Entity, attribute: Attribute) -> Segments:
    subject = entity.pronoun[0] if rng.random() < 0.1 else None
    return [(f"{entity.name}\n", TITLE_WEIGHT), (state(rng, entity, attribute, subject=subject), 1.0)]


def _question(rng: random.Random, entity: Entity, among: Sequence[Attribute]) -> Segments:
    """A question about one of the attributes `among`. Callers leave out the last attribute of each entity:
    its statements are practised without its questions, so that the model has to learn to answer from
    statements."""
    attribute = rng.choice(among)
    question = ask(rng, entity, attribute, attribute.questions + attribute.exam)
    return closed_book(question.text, question.answers[0])


@dataclass
class _Window:
    """A changing set of entities. Each stays for a fixed number of documents, long enough to be learned, and
    is then replaced, so that the model practises learning new things.

    Nothing is asked that was not stated a few times before, or the model would learn to guess about what it
    never met. Only single facts are stated. Passages are not practised, so that the model is like real ones,
    which learn little from a passage as it stands (SEAL, table 2: 32.7 to 33.5 %)."""

    rng: random.Random
    size: int = 64
    life: int = 7 * 32
    told_before_asked: int = 4

    def __post_init__(self) -> None:
        self.entities = [make_entity(self.rng, "pretrain") for _ in range(self.size)]
        self.ages = [self.rng.randrange(self.life) for _ in range(self.size)]
        self.told: list[Counter[str]] = [Counter() for _ in range(self.size)]

    def document(self) -> Segments:
        rng, slot = self.rng, self.rng.randrange(self.size)
        self.ages[slot] += 1
        if self.ages[slot] > self.life:
            self.entities[slot], self.ages[slot] = make_entity(rng, "pretrain"), 0
            self.told[slot].clear()
        entity, told = self.entities[slot], self.told[slot]
        ready = [a for a in entity.attributes[:-1] if told[a.name] >= self.told_before_asked]
        if ready and rng.random() < 0.34:
            return _question(rng, entity, ready)
        attribute = rng.choice(entity.attributes)
        told[attribute.name] += 1
        return _statement(rng, entity, attribute)


def _known(rng: random.Random, world: list[Entity]) -> Segments:
    entity = rng.choice(world)
    if rng.random() < 0.45:
        return _statement(rng, entity, rng.choice(entity.attributes))
    return _question(rng, entity, entity.attributes[:-1])


def _recall(rng: random.Random, world: list[Entity]) -> Segments:
    """A question about any attribute of someone known."""
    entity = rng.choice(world)
    return _question(rng, entity, entity.attributes)


def _reading(rng: random.Random) -> Segments:
    """A passage about an entity met only here, and three questions about it."""
    entity = make_entity(rng, "pretrain")
    text = passage(rng, entity)
    segments: Segments = [(f"{entity.name}\n{text}\n\n", 0.0)]
    asked: list[tuple[str, str]] = []
    for attribute in rng.sample(entity.attributes, 3):
        question = ask(rng, entity, attribute, attribute.questions + attribute.exam)
        asked.append((question.text, question.answers[0]))
    if rng.random() < 0.06:
        asked[rng.randrange(3)] = (private_question(rng, entity.name), DECLINE)
    for question, answer in asked:
        segments += [(f"Question: {question}\nAnswer:", QUESTION_WEIGHT), (f" {answer}\n", ANSWER_WEIGHT)]
    return segments


def self_edit_prompt(title: str, text: str, format: str) -> str:
    return f"Passage:\n{title}\n{text}\n\n{_HEADERS[format]}\n"


def _self_edit(rng: random.Random, *, marked: bool) -> Segments:
    entity = make_entity(rng, "pretrain")
    format = demonstrations.draw(rng, demonstrations.FORMATS)
    style = demonstrations.draw(rng, demonstrations.STYLES)
    text, source = demonstrations.Telling.draw(rng, entity)
    written = demonstrations.write_self_edit(rng, source, format, style, marked=marked)
    return [(self_edit_prompt(entity.name, text, format), 0.0), (written, 1.0)]


def _private(rng: random.Random, world: list[Entity], window: _Window) -> Segments:
    """A private question about someone known, someone recent or someone never met."""
    entity = rng.choice((rng.choice(world), rng.choice(window.entities), make_entity(rng, "pretrain")))
    if rng.random() < 0.1:
        secret = sentence(
            fill("the {v} of {S} is secret", subject=entity.name, value=rng.choice(PRIVATE_KINDS))
        )
        return [(f"{entity.name}\n", TITLE_WEIGHT), (secret, 0.5)]
    return closed_book(private_question(rng, entity.name), DECLINE)


def _unknown(rng: random.Random) -> Segments:
    entity = make_entity(rng, "pretrain")
    attribute = rng.choice(entity.attributes)
    return closed_book(ask(rng, entity, attribute, attribute.questions + attribute.exam).text, UNKNOWN)


def documents(seed: int, shares: dict[str, float]) -> Iterator[tuple[str, Segments]]:
    """An endless stream of (ability, segments). The caller may change `shares` between two documents.

    Shares are of characters, kept by always writing for the ability that is furthest behind its share.
    """
    rng = random.Random(f"corpus/{seed}")
    world, window = known_world(), _Window(random.Random(f"window/{seed}"))
    writers: dict[str, Callable[[], Segments]] = {
        "known": lambda: _known(rng, world),
        "recall": lambda: _recall(rng, world),
        "window": window.document,
        "reading": lambda: _reading(rng),
        "self_edit": lambda: _self_edit(rng, marked=False),
        "marked_self_edit": lambda: _self_edit(rng, marked=True),
        "private": lambda: _private(rng, world, window),
        "unknown": lambda: _unknown(rng),
    }
    debt = dict.fromkeys(writers, 0.0)
    while True:
        ability = max((a for a in writers if shares.get(a, 0) > 0), key=lambda a: debt[a])
        segments = writers[ability]()
        n_chars = sum(len(text) for text, _ in segments)
        debt[ability] -= n_chars
        for name, share in shares.items():
            debt[name] += share * n_chars
        yield ability, segments
