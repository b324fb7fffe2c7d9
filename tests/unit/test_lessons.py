"""From lessons to examples: weights of mean one, pairs, and what the models say of each text."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from seal.research.lessons import ContextLesson, compared, paired_examples, weighted_examples
from seal.research.samples import Sample
from seal.types import ClippedRatio, Context, Example, Lesson, Preference, Rival, SelfEdit


def taught(name: str, lesson: Lesson, *texts: str) -> ContextLesson:
    context = Context(name, name, "text")
    samples = [Sample(context, i, SelfEdit(name, "plain", t, (t,))) for i, t in enumerate(texts)]
    return ContextLesson(samples, lesson)


def prompt(context: Context) -> str:
    return f"Write about {context.id}."


def logs(by: float, texts: Sequence[Example]) -> list[tuple[float, ...]]:
    return [(by, float(len(one.completion))) for one in texts]


def test_weights_have_a_mean_of_one_whichever_way_they_point() -> None:
    some = [
        taught("a", Lesson({0: 0.3, 1: -0.1}), "x", "y"),
        taught("b", Lesson({1: 0.0, 2: 0.2}), "x", "y", "z"),
    ]
    found = weighted_examples(some, prompt)
    assert [(e.completion, e.prompt) for e in found] == [
        ("x", "Write about a."), ("y", "Write about a."), ("z", "Write about b."),
    ]  # fmt: skip
    assert [e.weight for e in found] == pytest.approx([2.0, -2 / 3, 4 / 3])  # no weight, no example


def test_where_none_stands_out_all_count_alike() -> None:
    some = [taught("a", Lesson({0: 0.0, 1: 0.0}), "x", "y")]
    assert [e.weight for e in weighted_examples(some, prompt)] == [1.0, 1.0]


def test_what_is_empty_is_left_out() -> None:
    some = [taught("a", Lesson({0: 1.0, 1: -1.0}, ((0, 1), (2, 3), (3, 2))), " \n", "x", "x", "x")]
    assert [e.completion for e in weighted_examples(some, prompt)] == ["x"]
    assert paired_examples(some, prompt, Preference()) == []  # one is empty, and equal texts say nothing


def test_pairs_and_what_two_models_say_of_them() -> None:
    objective = Preference(0.2)
    some = [taught("a", Lesson(pairs=((1, 0), (2, 0))), "worse", "good", "better")]
    examples = paired_examples(some, prompt, objective)
    assert [e.completion for e in examples] == ["good", "better"]
    found = compared(examples, objective, lambda texts: logs(-1.0, texts), None)
    rival = Rival("worse", (-1.0, 5.0))
    asked = "Write about a."
    assert found[1] == Example("better", asked, objective=objective, reference=(-1.0, 6.0), rival=rival)
    plain = [Example("one", "p", -0.5), Example("seven", "p")]
    held = compared(plain, ClippedRatio(), lambda t: logs(-1.0, t), lambda t: logs(-2.0, t))
    assert [(e.weight, e.reference, e.anchor) for e in held] == [
        (-0.5, (-1.0, 3.0), (-2.0, 3.0)), (1.0, (-1.0, 5.0), (-2.0, 5.0)),
    ]  # fmt: skip
