"""How likely an answer is: by what was noted when it was written, or by reading it."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import Any

import pytest

from seal.learner.asking import probabilities_of
from seal.models import AnswerScore
from seal.models.generate import Generation
from seal.models.tokens import encode_completion
from toys import toy_tokenizer


def test_only_what_was_written_otherwise_is_scored() -> None:
    tokenizer: Any = toy_tokenizer()
    first, second = (tuple(encode_completion(tokenizer, t, append_eos=False)) for t in (" Ada", " mill."))
    assert second[:-1] and first
    written = [
        Generation(" Ada", len(first) + 1, False, (*first, 0), (*[-0.5] * len(first), -9.0)),  # and its end
        Generation(" mill.", len(second), False, second, (-0.25,) * len(second)),
        Generation("", 1, False, (0,), (-0.1,)),
        Generation(" Ada", 2, False),  # nothing was noted
    ]
    asked: list[tuple[list[tuple[str, str]], list[int]]] = []

    def score(pairs: Sequence[tuple[str, str]], places: Sequence[int]) -> list[AnswerScore]:
        asked.append((list(pairs), list(places)))
        return [AnswerScore(-float(i), 1, False) for i in places]

    texts = [" Ada", " Ada", "", " Ada"]
    found = probabilities_of(["a", "b", "c", "d"], texts, score, tokenizer=tokenizer, written=written)
    assert found == pytest.approx([exp(-0.5 * len(first)), exp(-1), 0, exp(-3)])
    assert asked == [([("b", " Ada"), ("d", " Ada")], [1, 3])]
    assert probabilities_of(["a"], [""], score) == [0.0] and len(asked) == 1, "nothing is asked in vain"
