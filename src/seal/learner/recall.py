"""Answering from memory: a cell says the sentence that it learned, then the answer.

    question    ->  sentence | answer
    a few words ->  the sentence that has them

Knows these forms, and how a base practises them once on the practice set; cells of documents begin where that
ends. Knows nothing about documents of a workspace.

To recite before answering is RECITE (Sun et al., arXiv 2210.01296); that questions about other texts make a
base ready to learn new ones is pre-instruction-tuning (Jiang et al., arXiv 2402.12847). A small model that
learned answers alone gives one that it learned for another question; one that recites has the words of the
question lead it to the sentence, whatever form the question has, and reads the answer in it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from seal.learner.practice import NOT_THERE, PracticeDocument, neutral_stretches
from seal.retention.terms import words_by_term
from seal.types import Example, Hyperparameters, Question

if TYPE_CHECKING:
    from seal.engine.adapt import Adaptation

BETWEEN: Final = " | "
RECITATION_TOKENS: Final = 96
"""Longest recitation with its answer."""
_BELOW: Final = 0.4
"""The share of a decoder's layers, from below, that stay as they are: what they make of a text is computed
once, and half of a cell's training is saved."""
_NAMED, _HEADED, _HEARD = 0.7, 0.5, 0.55  # how often a cue has the title, the heading, a word of the sentence


def recitation(sentence: str, answer: str) -> str:
    """What a cell learns to say to a question."""
    return f"{sentence}{BETWEEN}{answer}"


def recited(said: str) -> tuple[str, str]:
    """The sentence and the answer in what a cell said. A cell that stopped after a sentence has answered with
    it; one that says no more than an answer has recited nothing."""
    sentence, between, answer = said.rpartition(BETWEEN.rstrip())
    if between and answer.strip():
        return sentence.strip(), answer.strip()
    return "", said.strip().removesuffix("|").strip()


def cue(title: str, heading: str, sentence: str, rng: random.Random) -> str:
    """Some words by which a sentence is to be found: no question, so that no answer is expected."""
    words = [word for word in words_by_term(sentence).values() if rng.random() < _HEARD]
    about = [title] if title and rng.random() < _NAMED else []
    section = [heading] if heading and rng.random() < _HEADED else []
    return ", ".join([*about, *section, *words]) or title or sentence


def upper_layers(model: Any) -> tuple[str, ...]:
    """The linear modules of a decoder that learn, by their names; all, if it has no layers in a row."""
    from seal.training.adapter import linears

    named = linears(model)
    try:
        layers = model.get_decoder().layers
    except AttributeError:
        return tuple(named)
    below = {module for layer in layers[: int(_BELOW * len(layers))] for module in layer.modules()}
    return tuple(name for name, module in named.items() if module not in below)


def recall_hyperparameters(model: Any) -> Hyperparameters:
    """How a base practises to recall."""
    return Hyperparameters(
        rank=16,
        alpha=32.0,
        targets=upper_layers(model),
        learning_rate=8e-4,
        schedule="linear",
        final_lr_fraction=0.05,
        warmup_steps=6,
        epochs=1,
        batch_tokens=1600,
    )


def recall_examples(
    base: Adaptation, documents: Sequence[PracticeDocument], seed: int, rounds: int
) -> tuple[Example, ...]:
    """The training texts of so many rounds: every question of the practice set with its recitation, each
    sentence after a cue, what no document answers, and neutral texts on which nothing may change."""
    rng = random.Random(seed)
    examples: list[Example] = []
    for _ in range(rounds):
        for document in documents:
            for unit in document.units:
                examples.append(cued(base, document.title, unit.heading, unit.text, rng))
                examples += [asked(base, q, recitation(unit.text, a)) for q, a in unit.pairs]
            examples += [asked(base, question, NOT_THERE) for question in document.unanswered]
        neutral = rng.sample(neutral_stretches(), len(documents))
        examples += [Example(text, distil=True) for text in neutral]
    return tuple(examples)


def cued(base: Adaptation, title: str, heading: str, sentence: str, rng: random.Random) -> Example:
    """A sentence that is to be said after a cue."""
    return asked(base, cue(title, heading, sentence, rng), sentence)


def asked(base: Adaptation, question: str, said: str) -> Example:
    """What is to be said to a question without any text beside it."""
    return Example(base.answer_lead + said, prompt=base.exam_prompt(None, Question(question, ())))
