"""Private questions are the same for every model; only the embedded one is asked about its micro-world."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys

import pytest

from seal.domains.knowledge.private_questions import (
    PRIVATE_KINDS,
    every_private_question,
    private_question,
    private_questions,
)

_WITHOUT_MICROWORLD = """
import sys
from seal.learner.reference_sets import reference_items
kinds = {item.kind for item in reference_items("Qwen/Qwen3-0.6B")}
assert kinds == {"known", "private"}, kinds
loaded = [name for name in sys.modules if name.startswith("seal.domains.microworld")]
assert not loaded, loaded
"""


def test_one_question_of_each_kind() -> None:
    asked = private_questions(random.Random(0), "Ada Okoro")
    assert len(asked) == len(PRIVATE_KINDS)
    assert all(sum(kind in question for question in asked) >= 1 for kind in PRIVATE_KINDS)
    assert set(asked) <= set(every_private_question("Ada Okoro"))
    assert private_question(random.Random(0), "Ada Okoro") in every_private_question("Ada Okoro")


@pytest.mark.parametrize("name", ["{kind}", "{S} and {v}", "Zuv"])
def test_a_name_is_put_in_as_it_stands(name: str) -> None:
    assert all(name in question for question in every_private_question(name))


def test_the_questions_stay_as_versions_were_built_with_them() -> None:
    """They are among the training examples, so that another wording or order gives other versions."""
    rng = random.Random("fixed")
    asked = [*private_questions(rng, "Ada Okoro"), private_question(rng, "Zuv"), str(rng.random())]
    asked += every_private_question("Zuv")
    assert hashlib.sha256("\n".join(asked).encode()).hexdigest() == (
        "ad52e806c720209e9545bda3a823c0885ed0aaf5f6c9a71b4cbf5c901edba895"
    )


def test_another_models_reference_needs_no_micro_world() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_MICROWORLD], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
