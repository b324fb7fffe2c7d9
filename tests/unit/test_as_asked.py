"""For models that answer in their own words: questions trained on as examined, tokens of a gold answer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from checkpoints import save_toy
from seal.engine.adapt import Adaptation, Trial
from seal.models import score_answers
from seal.models.score import AnswerScore
from seal.research.config import parse_config
from seal.types import Context, Question, SelfEdit

CONTEXT = Context("c", "The mill", "The mill is old.", (Question("How old is it?", ("very old", "old")),))
LINES = ("Question: What is old?\nAnswer: The mill", "The mill is old.")


@pytest.fixture(scope="module", params=["chat", "base"])
def model(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy(tmp_path_factory.mktemp("model"), chat=request.param == "chat")


def adaptation(model: Path, **tables: dict[str, Any]) -> Adaptation:
    named = {"model": {"name": str(model)}, "self_edit": {"format": "self-qa"}, **tables}
    return Adaptation.load(parse_config(named, where="the test"))


def test_questions_are_trained_on_as_they_are_examined(model: Path) -> None:
    edit = SelfEdit("c", "self-qa", "", LINES)
    as_documents, _ = adaptation(model).plan(Trial(CONTEXT, edit, 0))
    asking = adaptation(model, inner={"questions": "exam"})
    as_exams, _ = asking.plan(Trial(CONTEXT, edit, 0))
    assert [one.prompt for one in as_documents.examples] == ["", "", ""]
    asked, *others = as_exams.examples
    assert asked.prompt == asking.exam_prompt(None, Question("What is old?", ()))
    assert asked.completion == f"{asking.answer_lead}The mill"
    assert tuple(others) == as_documents.examples[1:]  # a line that asks nothing, and the passage


def test_an_exam_measures_the_whole_answer_or_its_tokens(model: Path) -> None:
    [whole] = adaptation(model).examine([(CONTEXT, None)], answers=False)
    by_token = adaptation(model, grading={"likelihood": "token"})
    [tokens] = by_token.examine([(CONTEXT, None)], answers=False)
    prompt = by_token.exam_prompt(None, CONTEXT.questions[0])
    pair = (prompt, f"{by_token.answer_lead}very old")
    [score] = score_answers(by_token.model, by_token.tokenizer, [pair])
    probabilities = [math.exp(one) for one in score.token_logs]
    assert len(probabilities) > 1
    assert whole.likelihood == pytest.approx(math.prod(probabilities), rel=1e-4)
    assert tokens.likelihood == pytest.approx(sum(probabilities) / len(probabilities), rel=1e-4)


def test_a_long_answer_is_measured_where_its_product_says_nothing() -> None:
    logs = (*(math.log(0.9),) * 200, -700.0)
    score = AnswerScore(sum(logs), len(logs), False, logs)
    assert score.measured("answer") < 1e-300 and score.measured("token") == pytest.approx(0.9 * 200 / 201)
