"""What a passage makes likelier to be asked is measured with the skills on, and not twice."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from seal.learner.practice import writing_prompt
from seal.learner.reranking import WriterReranker
from seal.learner.skills import Skills
from seal.models.score import score_answers
from seal.retention import PageText, PassageIndex
from seal.training import AdapterBank, train
from seal.types import Example, Hyperparameters, TrainingPlan
from toys import toy_model, toy_tokenizer

QUESTION = "Where does the seed swap take place?"
SEEDS = "The seed swap takes place in the hall."
PAGES = [PageText("a", "Minutes", SEEDS), PageText("b", "Rules", "The swap of seeds is not allowed.")]


@pytest.fixture(scope="module")
def skills() -> Any:
    """Of a toy that has practised to ask this of that."""
    torch.manual_seed(0)
    model, tokenizer = toy_model(), toy_tokenizer()
    practised = Example(QUESTION, prompt=writing_prompt("Minutes", "", "", SEEDS))
    how = Hyperparameters(rank=4, learning_rate=0.02, epochs=30)
    [adapter] = train(model, tokenizer, [TrainingPlan("skills", (practised,), how, 0)])
    return Skills(SimpleNamespace(model=model, tokenizer=tokenizer), adapter)  # type: ignore[arg-type]


def test_information_is_what_the_passage_adds_to_the_questions_log_probability(skills: Any) -> None:
    passages = PassageIndex(PAGES).search(QUESTION)
    assert len(passages) == 2
    prompts = [writing_prompt("", "", "", "")] + [writing_prompt(p.title, "", "", p.text) for p in passages]
    with AdapterBank.of(skills.base.model, [skills.adapter]) as bank:
        nothing, *some = score_answers(
            skills.base.model,
            skills.base.tokenizer,
            [(prompt, QUESTION) for prompt in prompts],
            adapters=bank,
            slots=[0] * len(prompts),
        )
    wanted = [one.log_probability - nothing.log_probability for one in some]
    assert WriterReranker(lambda: skills).information(QUESTION, passages) == pytest.approx(wanted, abs=1e-3)
    assert max(wanted) > min(wanted) + 0.1


def test_what_was_asked_before_is_not_asked_again(skills: Any) -> None:
    loaded: list[int] = []

    def load() -> Any:
        loaded.append(1)
        return skills

    passages = PassageIndex(PAGES).search(QUESTION)
    reranker = WriterReranker(load)
    first = reranker.information(QUESTION, passages)
    assert reranker.information(QUESTION, passages[::-1]) == first[::-1]
    assert len(loaded) == 1
