"""Which tokens of a line count, and that each is measured with the text in view and without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from seal.learner import passage_support
from seal.learner.passage_support import (
    ShownLine,
    TokenSupport,
    _telling,
    level_of,
    support_of,
    token_supports,
    unlikely,
)
from seal.learner.skills import Skills
from seal.models.score import score_answers
from seal.self_edits.pair_lines import line_of
from seal.training import train
from seal.types import Example, Hyperparameters, TrainingPlan
from toys import toy_model, toy_tokenizer

TEXT = "Petra Lund was born in Ostrava in 1931."


def words(text: str) -> list[str]:
    """The tokens that count, put together where they are one word."""
    tokenizer = toy_tokenizer()
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    joined: list[str] = []
    last = -1
    for n in _telling(tokenizer, text):
        piece = tokenizer.decode([ids[n]])
        if n == last + 1 and joined and not piece.startswith(" "):
            joined[-1] += piece
        else:
            joined.append(piece)
        last = n
    return [word.strip() for word in joined]


def test_function_words_and_the_label_do_not_count() -> None:
    assert words(" Where was Petra Lund born?\nAnswer: in Ostrava\n") == ["Petra", "Lund", "born", "Ostrava"]
    assert words(" The mill stands in Ostrava.\n") == ["mill", "stands", "Ostrava"]


def test_pieces_of_a_wide_character_count_with_it() -> None:
    """In this tokenizer each of three bytes is a token; 的 is a function word, 馆 is not."""
    tokenizer = toy_tokenizer()
    assert len(list(_telling(tokenizer, " 馆的"))) == 3
    assert list(_telling(tokenizer, " 的")) == []


@pytest.fixture(scope="module")
def skills() -> Any:
    torch.manual_seed(0)
    model, tokenizer = toy_model(), toy_tokenizer()
    plan = TrainingPlan(
        "skills",
        (Example(" Ostrava\n", prompt="Question:"),),
        Hyperparameters(rank=2, learning_rate=0.05, epochs=3),
        0,
    )
    [adapter] = train(model, tokenizer, [plan])
    base: Any = SimpleNamespace(model=model, tokenizer=tokenizer)
    return Skills(base, adapter)


def test_each_token_is_measured_with_the_text_and_without(skills: Any) -> None:
    shown = [
        ShownLine("Lund", TEXT, "Petra Lund was born in 1931."),
        ShownLine("Lund", TEXT, line_of("Where was Petra Lund born?", "Ostrava")),
        ShownLine("", TEXT, "Ostrava"),
    ]
    measured = token_supports(skills, shown)
    model, tokenizer = skills.base.model, skills.base.tokenizer
    line = " Petra Lund was born in 1931.\n"
    seen, unseen = score_answers(
        model, tokenizer, [(f"Title: Lund\n{TEXT}\n\nFact:", line), ("Title: Lund\n\nFact:", line)]
    )
    for token, n in zip(measured[0], _telling(tokenizer, line), strict=True):
        assert token.log_with == pytest.approx(seen.token_logs[n], abs=1e-4)
        assert token.log_without == pytest.approx(unseen.token_logs[n], abs=1e-4)
        assert token.gain == pytest.approx(seen.token_logs[n] - unseen.token_logs[n], abs=1e-3)
    assert all(measured)


def test_support_is_the_mean_gain() -> None:
    tokens = (TokenSupport(-1.0, -4.0), TokenSupport(-2.0, -1.0))
    assert support_of(tokens) == pytest.approx(1.0) and support_of(()) == 0


def test_a_pair_is_read_with_the_skills_on_and_a_statement_without(skills: Any) -> None:
    pair = ShownLine("Lund", TEXT, line_of("Where was Petra Lund born?", "Ostrava"))
    text = " Where was Petra Lund born?\nAnswer: Ostrava\n"
    bare = score_answers(
        skills.base.model, skills.base.tokenizer, [(f"Title: Lund\n{TEXT}\n\nQuestion:", text)]
    )[0]
    [measured] = token_supports(skills, [pair])
    at = list(_telling(skills.base.tokenizer, text))
    assert [token.log_with for token in measured] != pytest.approx([bare.token_logs[n] for n in at], abs=1e-3)


def test_a_score_has_the_logs_of_its_tokens(skills: Any) -> None:
    pairs = [(TEXT, " Ostrava\n"), (TEXT + " Where?", " in 1931\n")]
    for score in score_answers(skills.base.model, skills.base.tokenizer, pairs):
        assert sum(score.token_logs) == pytest.approx(score.log_probability, abs=1e-4)
        assert len(score.token_logs) == score.n_tokens


@pytest.mark.parametrize(("false_kept", "passing"), [(0.0, 0), (0.25, 1), (0.5, 2), (1.0, 3)])
def test_a_level_is_reached_by_so_many_false_lines(false_kept: float, passing: int) -> None:
    supports = [-4.0, -1.0, -3.0, -2.0]
    assert sum(one >= level_of(supports, false_kept) for one in supports) == passing


def scripted(monkeypatch: pytest.MonkeyPatch, log_of: Callable[[str], float]) -> list[str]:
    """Each line has the one token that `log_of` says; returns what is asked about."""
    asked: list[str] = []

    def supports(_skills: Any, lines: Sequence[ShownLine]) -> list[tuple[TokenSupport, ...]]:
        asked.extend(one.line for one in lines)
        return [(TokenSupport(log_of(one.line), -5.0),) for one in lines]

    monkeypatch.setattr(passage_support, "token_supports", supports)
    return asked


def test_what_is_less_likely_than_the_false_lines_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"The mill of Brenk was built in {year}." for year in range(1800, 1810)]
    true = set(lines[1:])
    asked = scripted(monkeypatch, lambda line: -0.1 if line in true else -3.0)
    shown = [ShownLine("", TEXT, line) for line in lines]
    nothing: Any = None
    doubted = unlikely(nothing, shown, [TEXT], 0.1, 0)
    assert doubted == [True] + [False] * 9
    assert len(asked) == 20 and set(asked[10:]).isdisjoint(lines)
    assert all("1931" in line or "Lund" in line or "Ostrava" in line for line in asked[10:])


def test_with_too_few_false_lines_nothing_is_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(monkeypatch, lambda _: -9.0)
    shown = [ShownLine("", TEXT, "The mill of Brenk was built in 1844.")] * 7
    nothing: Any = None
    assert unlikely(nothing, shown, [TEXT], 0.1, 0) == [False] * 7
    assert asked == []
