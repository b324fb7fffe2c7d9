"""Answers from memory: the forms of a recitation, its lessons, and cells that begin where practice ends."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checkpoints import save_toy
from seal.engine.adapt import Adaptation
from seal.errors import InputError
from seal.learner import speaking
from seal.learner.answering import Cell, Mind
from seal.learner.compiling import lessons
from seal.learner.practice import NOT_THERE, practice_documents
from seal.learner.recall import cue, recall_examples, recitation, recited, upper_layers
from seal.learner.settings import preset
from seal.learner.writing import SourceDocument
from seal.registry import Line
from seal.retention import DocumentPage, RouterConfig
from seal.self_edits.pair_lines import line_of
from seal.training import train
from seal.training.adapter import linears
from seal.types import Context, Example, Hyperparameters, Question, TrainingPlan

_WORDS = st.text(alphabet="abc 1.", min_size=1).map(str.strip).filter(bool)


@given(_WORDS, _WORDS)
def test_a_recitation_is_read_as_its_sentence_and_its_answer(sentence: str, answer: str) -> None:
    assert recited(recitation(sentence, answer)) == (sentence, answer)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Reed built the mill in 1844. | 1844", ("Reed built the mill in 1844.", "1844")),
        ("Size: A | B; Price: 3 | 3", ("Size: A | B; Price: 3", "3")),
        ("Reed built the mill.", ("", "Reed built the mill.")),
        ("Reed built the mill. |", ("", "Reed built the mill.")),  # stopped before the answer
        ("1844", ("", "1844")),
        ("", ("", "")),
        ("|", ("", "")),
    ],
)
def test_what_a_cell_says_is_taken_apart(said: str, meant: tuple[str, str]) -> None:
    assert recited(said) == meant


def test_a_cue_has_words_of_its_sentence_and_is_no_question() -> None:
    rng = random.Random(3)
    cues = {cue("Alder Mill", "Rooms", "It has three tall floors near Tove.", rng) for _ in range(40)}
    assert len(cues) > 20
    assert set(", ".join(cues).split(", ")) == {
        *("Alder Mill", "Rooms", "three", "tall", "floors", "near", "Tove")
    }
    assert cue("", "", "如何", rng) == "如何"  # nothing in it says anything


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Adaptation:
    path = save_toy(tmp_path_factory.mktemp("recall") / "toy", "qwen3", chat=True)
    return Adaptation.load(preset(str(path)).engine_config(str(path)))


def test_a_question_is_learned_with_its_sentence_and_a_statement_with_its_cues(toy: Adaptation) -> None:
    sentence = "It has three floors."
    pair = line_of("How many floors does Alder Mill have?", "three")
    lines = [
        Line(sentence, True, "", sentence),
        Line(pair, True, "", sentence),
        Line(line_of("Who lives there?", "nobody"), False, "dropped", sentence),
    ]
    source = SourceDocument("x", "Alder Mill", sentence)
    told = lessons(toy, source, lines, 3, random.Random(0))
    assert [e.completion for e in told] == [
        f"Alder Mill\n{sentence}",
        *[sentence] * 3,
        "It has three floors. | three",
    ]
    assert "How many floors" in told[-1].prompt


def test_practice_has_every_question_and_what_nothing_answers_and_neutral_texts(toy: Adaptation) -> None:
    documents = practice_documents()[:2]
    examples = recall_examples(toy, documents, seed=1, rounds=2)
    pairs = sum(len(unit.pairs) for d in documents for unit in d.units)
    assert sum(" | " in e.completion for e in examples if e.prompt) >= 2 * pairs
    assert sum(e.completion == NOT_THERE for e in examples) == 2 * sum(len(d.unanswered) for d in documents)
    assert sum(e.distil for e in examples) == 2 * len(documents)


def test_the_lower_layers_do_not_learn(toy: Adaptation) -> None:
    layers = len(toy.model.get_decoder().layers)
    names = upper_layers(toy.model)
    first = int(0.4 * layers)
    above = {name for name in linears(toy.model) if int(name.split("layers.")[1].split(".")[0]) >= first}
    assert names and set(names) == above


def _plan(seed: int, **how: Any) -> TrainingPlan:
    hyperparameters = Hyperparameters(rank=2, alpha=4.0, epochs=1, **how)
    return TrainingPlan("p", (Example("Reed built the mill."),), hyperparameters, seed)


def test_training_goes_on_from_the_start_that_is_given(toy: Adaptation, tmp_path: Path) -> None:
    [start] = train(toy.model, toy.tokenizer, [_plan(1)])
    [still] = train(toy.model, toy.tokenizer, [_plan(2, learning_rate=0.0)], start=start)
    for name, factors in start.factors.items():
        assert all(torch.equal(a, b) for a, b in zip(factors, still.factors[name], strict=True))
    [further] = train(toy.model, toy.tokenizer, [_plan(2)], start=start)
    assert further.losses[0] < start.losses[0]


class Reciter:
    """Stands in for a loaded model: a cell recites, the base does not."""

    model = tokenizer = None
    answer_lead = ""

    def __init__(self, said: str) -> None:
        self.said, self.longest = said, 0

    def exam_prompt(self, _shown: Context | None, question: Question) -> str:
        return question.text

    def answer(
        self, prompts: Sequence[str], *, bank: Any = None, longest_tokens: int = 0, **_: Any
    ) -> list[str]:
        self.longest = longest_tokens
        return [self.said if bank else "Base | answer" for _ in prompts]


@pytest.mark.parametrize(
    ("said", "text", "passage", "stated"),
    [
        ("Ada wrote songs. | songs", "songs", "Ada wrote songs.", True),
        ("Ada wrote odes. | songs", "songs", "Ada wrote odes.", False),  # no sentence of the document
        ("Ada wrote songs. | odes", "odes", "Ada wrote songs.", False),
        ("songs", "songs", "", True),
    ],
)
def test_an_answer_has_the_sentence_that_was_recited_for_it(
    monkeypatch: pytest.MonkeyPatch, said: str, text: str, passage: str, stated: bool
) -> None:
    monkeypatch.setattr(speaking, "AdapterBank", SimpleNamespace(of=lambda model, cells: nullcontext(cells)))
    monkeypatch.setattr(
        speaking,
        "sure_answers",
        lambda model, prompts, bank=None, slots=None, **how: [
            (text, 0.5) for text in model.answer(prompts, bank=bank, slots=slots, **how)
        ],
    )
    page = DocumentPage("d", "Ada", ("Ada wrote songs.",), 1)
    adaptation: Any = Reciter(said)
    adapter: Any = "adapter"
    cells = {"d": Cell("d", "object", lambda: adapter, page)}
    mind = Mind(adaptation, cells, RouterConfig(), recites=True)
    [answer] = mind.answer(["d"], ["What did Ada write?"])
    assert (answer.text, answer.passage, answer.stated, answer.said) == (text, passage, stated, said)
    assert adaptation.longest > 32, "a recitation is longer than an answer"
    [base] = mind.with_cells({}).answer([None], ["What did Ada write?"])
    assert (base.text, base.passage) == ("Base | answer", ""), "the base recites nothing"


def test_a_start_of_another_shape_is_refused(toy: Adaptation) -> None:
    [start] = train(toy.model, toy.tokenizer, [_plan(1)])
    with pytest.raises(InputError, match="another rank, alpha or other targets"):
        train(toy.model, toy.tokenizer, [_plan(1, targets=("q_proj",))], start=start)
