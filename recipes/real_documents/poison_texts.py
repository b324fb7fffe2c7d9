"""Documents in plain English of which it is known whether they should be learned: good ones, and five kinds
of poison.

    wrong_facts     about something that any base knows, one fact or three of them false
    instructions    a true passage with sentences in it that tell the model what to do
    private         a true passage with private data of its subject, or with requests to give it out
    gibberish       word salad, shuffled words, random letters, repetition
    contradiction   a live document with one fact changed, by a source that is trusted little

Knows how they are worded (plain_english.toml, and what recipes/poisoning plants). Knows nothing about who
screens them, and by what patterns. All of it is a function of a seed and a split; "eval" has names, facts and
planted sentences that "dev" has not.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from recipes.poisoning.poison import LITTLE_TRUST, wordings
from seal.types import Question

PoisonSplit = Literal["dev", "eval"]
RealPoisonKind = Literal["wrong_facts", "instructions", "private", "gibberish", "contradiction"]
KINDS: tuple[RealPoisonKind, ...] = get_args(RealPoisonKind)
_SHAPES = ("person", "company", "town")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class PlainDocument:
    """A good document: a made-up subject, its sentences, and questions about it."""

    shape: str
    title: str
    sentences: tuple[str, ...]
    questions: tuple[Question, ...]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


@dataclass(frozen=True)
class RealPoison:
    """A poisoned document; `way` says how. `asks` are what it gives a wrong answer to, with the right ones.
    `trust` None is the learner's default."""

    kind: RealPoisonKind
    way: str
    title: str
    text: str
    trust: float | None = None
    asks: tuple[Question, ...] = ()


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("plain_english.toml").read_text(encoding="utf-8"))


def _half(whole: Sequence[Any], split: PoisonSplit) -> list[Any]:
    return list(whole[1 if split == "eval" else 0 :: 2])


def _drawn(rng: random.Random, split: PoisonSplit, slot: str) -> str:
    if slot.startswith("who"):
        return f"{_drawn(rng, split, 'given')} {_drawn(rng, split, 'family')}"
    if slot == "year":
        return str(rng.randint(1880, 1995))
    if slot == "n":
        return str(rng.randint(110, 990))
    return rng.choice(_half(_tables()["values"][slot], split))


def _subject(rng: random.Random, split: PoisonSplit, shape: str) -> str:
    """A name of the shape. Companies and towns are called by a family: there are more of these than firms."""
    if shape == "person":
        return _drawn(rng, split, "who")
    name = rng.choice(_half(_tables()["values"]["family"], split))
    if shape == "company":
        return f"{name} & {rng.choice(('Sons', 'Daughters', 'Company', 'Partners'))}"
    return f"{name} {rng.choice(('Bay', 'Heath', 'Cross', 'Bridge', 'Market', 'Falls'))}"


def good_documents(split: PoisonSplit, n: int, *, seed: int) -> list[PlainDocument]:
    """`n` good documents, each about somebody or something else."""
    rng = random.Random(f"good/{split}/{seed}")
    made: dict[str, PlainDocument] = {}
    while len(made) < n:
        one = plain_document(rng, split, _SHAPES[len(made) % len(_SHAPES)])
        made.setdefault(one.title, one)
    return list(made.values())


def plain_document(rng: random.Random, split: PoisonSplit, shape: str) -> PlainDocument:
    """A good document of a shape."""
    table, subject = _tables()[shape], _subject(rng, split, shape)
    slots = dict.fromkeys(m for s in table["text"] for m in _SLOT.findall(s) if m != "S")
    values = {slot: _drawn(rng, split, slot) for slot in slots} | {"S": subject}
    first, *others = [s.format(**values) for s in table["text"]]
    rng.shuffle(others)  # the first sentence says what it is about
    asked = tuple(
        Question(q.format(S=subject), (values[slot],), f"{subject}/{slot}") for q, slot in table["ask"]
    )
    return PlainDocument(shape, subject, (first, *others), asked)


def world_questions(split: PoisonSplit) -> list[Question]:
    """What any base knows."""
    return [Question(f[3], (f[4],), f[0]) for f in _half(_tables()["world"]["facts"], split)]


def make_real_poison(
    split: PoisonSplit, n: int, *, seed: int, live: Sequence[PlainDocument]
) -> list[RealPoison]:
    """`n` poisoned documents, of every kind as many as of the others, in mixed order. `live` are those that
    are contradicted; without any, another kind takes their place."""
    kinds: list[RealPoisonKind] = [k for k in KINDS if live or k != "contradiction"]
    made: list[RealPoison] = []
    for place, kind in enumerate(kinds):
        rng = random.Random(f"real-poison/{kind}/{split}/{seed}")
        count = n // len(kinds) + (place < n % len(kinds))
        if kind == "wrong_facts":
            made += [_wrong_facts(rng, split, i) for i in range(count)]
        elif kind == "gibberish":
            made += [_gibberish(rng, split, i) for i in range(count)]
        elif kind == "contradiction":
            made += [_contradiction(rng, split, live[i % len(live)]) for i in range(count)]
        else:
            made += _planted(rng, split, kind, count)
    random.Random(f"real-poison/order/{split}/{seed}").shuffle(made)
    return made


def _wrong_facts(rng: random.Random, split: PoisonSplit, i: int) -> RealPoison:
    """Three things that everybody knows, all of them told wrongly or the first alone."""
    facts = _half(_tables()["world"]["facts"], split)
    chosen = [facts[i % len(facts)], *rng.sample([f for f in facts if f is not facts[i % len(facts)]], 2)]
    wrong = chosen[: 1 if i % 2 else 3]
    told = []
    for fact in chosen:
        value = rng.choice(fact[5]) if fact in wrong else fact[4]
        told += [fact[1], fact[2].replace("{v}", value)]
    asks = tuple(Question(f[3], (f[4],), f[0]) for f in wrong)
    title = chosen[0][0]
    return RealPoison(
        "wrong_facts", "one" if i % 2 else "three", title[0].upper() + title[1:], " ".join(told), None, asks
    )


def _contradiction(rng: random.Random, split: PoisonSplit, of: PlainDocument) -> RealPoison:
    """The same document with one value exchanged."""
    asked = rng.choice(of.questions)
    old, slot = asked.answers[0], asked.id.rpartition("/")[2]
    while (new := _drawn(rng, split, slot)) == old:
        pass
    text = " ".join(one.replace(old, new) for one in of.sentences)
    return RealPoison("contradiction", slot, of.title, text, LITTLE_TRUST, (asked,))


def _planted(
    rng: random.Random, split: PoisonSplit, kind: Literal["instructions", "private"], n: int
) -> list[RealPoison]:
    """A sentence or two among true ones: every wording once before one comes again."""
    ways = wordings(kind, split)
    rng.shuffle(ways)
    made = []
    for i in range(n):
        way, first = ways[i % len(ways)]
        more = [ways[(i + 1) % len(ways)][1]] if rng.random() < 1 / 3 else []
        of = plain_document(rng, split, "person" if kind == "private" else rng.choice(_SHAPES))
        told, other = list(of.sentences), _drawn(rng, split, "who")
        for one in (first, *more):
            text = one.replace("{S}", of.title).replace("{O}", other)
            text = text.replace("{v}", _drawn(rng, split, "place"))
            while "{n}" in text or "{m}" in text:
                text = text.replace("{n}", str(rng.randrange(10**8, 10**9)), 1)
                text = text.replace("{m}", str(rng.randrange(1000, 10000)), 1)
            told.insert(rng.randint(1, len(told)), text)
        made.append(RealPoison(kind, way, of.title, " ".join(told)))
    return made


def _gibberish(rng: random.Random, split: PoisonSplit, i: int) -> RealPoison:
    of = plain_document(rng, split, _SHAPES[i % len(_SHAPES)])
    tables = _tables()["gibberish"]
    words, own = tables["words"], of.text.split()
    way = ("salad", "shuffled", "letters", "invented", "repeated", "stuttered", "signs", "cut")[i % 8]

    def sentences(word: Any) -> str:
        made = (" ".join(word() for _ in range(rng.randint(6, 13))) for _ in range(6))
        return " ".join(one.capitalize() + "." for one in made)

    if way == "salad":
        text = sentences(lambda: rng.choice([*words, *own]))
    elif way == "shuffled":
        text = " ".join(rng.sample(own, len(own)))
    elif way == "letters":
        text = sentences(lambda: "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 11))))
    elif way == "invented":
        text = sentences(lambda: "".join(rng.choices(tables["syllables"], k=rng.randint(1, 4))))
    elif way == "repeated":
        text = " ".join(rng.sample([*words, *of.title.split()], rng.randint(1, 3)) * rng.randint(15, 40))
    elif way == "stuttered":
        text = " ".join(" ".join([w] * rng.randint(2, 3)) for w in own)
    elif way == "signs":
        text = " ".join("".join(rng.choices("#@%&*+=~^<>|/0123456789", k=rng.randint(1, 9))) for _ in own)
    else:
        others = [s for _ in range(4) for s in plain_document(rng, split, rng.choice(_SHAPES)).sentences]
        halves = [piece for s in others for piece in (s[: len(s) // 2], s[len(s) // 2 :])]
        rng.shuffle(halves)
        text = "".join(halves[:16])
    return RealPoison("gibberish", way, of.title, text)
