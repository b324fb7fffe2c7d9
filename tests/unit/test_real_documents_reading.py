"""The command that measures reading: what it shows, and how it counts what was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recipes.real_documents import reading
from recipes.real_documents.halves import load_half
from seal.learner.skills import ReadAnswer

DOCUMENTS = ["kettlebird-faq", "plum-tray-cake"]
WAYS = ("own, 1 shown", "own, 1 shown, reranked")


class Reader:
    """Reads what it was told; counts the prompts that it saw."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers, self.prompts = answers, list[str]()

    def read(self, prompts: Sequence[str], told: Callable[[int, int], None]) -> list[ReadAnswer]:
        self.prompts += prompts
        return [ReadAnswer(next((a for q, a in self.answers.items() if q in p), ""), 0.9) for p in prompts]

    def log_probabilities(self, prompts: Sequence[str], texts: Sequence[str]) -> list[float]:
        """It would ask what a text has the answer of."""
        return [-5.0 if self.answers.get(q, "?") in p else -25.0 for p, q in zip(prompts, texts, strict=True)]


def test_two_adapters_read_the_same_and_the_difference_is_paired(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    documents = load_half("development", DOCUMENTS)
    asked = [q.question for d in documents for q in d.asked]
    own = Reader({q.text: q.answers[0] for q in asked})
    other = Reader({q.text: q.answers[0] for q in asked[:5]})
    monkeypatch.setattr(reading.Adaptation, "load", lambda config: SimpleNamespace(model=None))
    monkeypatch.setattr(reading, "skills_of", lambda base, told: own)
    monkeypatch.setattr(reading, "load_peft", lambda folder, model: None)
    monkeypatch.setattr(reading, "Skills", lambda base, adapter: other)
    monkeypatch.setattr(reading, "sentence_model_folder", lambda: None)
    watch = SimpleNamespace(progress=lambda *told: None)

    text = reading.read_set("smollm2", documents, tmp_path, [1, 2], True, False, watch)  # pyright: ignore[reportArgumentType]
    table = text.split("\n\n")
    assert f"| own, 1 shown | {len(asked)} of {len(asked)} | 100 |" in table[0]
    assert f"| {tmp_path}, 2 shown | 5 of {len(asked)} | {100 * 5 / len(asked):.0f} |" in table[0]
    assert "| own, 1 shown − " not in table[1]  # the other one less the own, and only with as much shown
    assert f"| own, 2 shown, apart | {len(asked)} of {len(asked)} | 100 |" in table[0]
    assert table[1].count(f"| 0 | {len(asked) - 5} |") == 3
    assert "| own, 2 shown, apart − own, 2 shown |" in table[1]
    assert own.prompts == other.prompts and len(own.prompts) == 4 * len(asked)
    joint, apart = own.prompts[len(asked) : 2 * len(asked)], own.prompts[2 * len(asked) :]
    assert max(map(len, apart)) < max(map(len, joint)) and documents[0].title in apart[0]


def test_ranked_by_the_model_and_not_are_paired_and_more_questions_find_a_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    documents = load_half("development", DOCUMENTS)
    asked = [q.question for d in documents for q in d.asked]
    own = Reader({q.text: q.answers[0] for q in asked})
    monkeypatch.setattr(reading.Adaptation, "load", lambda config: SimpleNamespace(model=None))
    monkeypatch.setattr(reading, "skills_of", lambda base, told: own)
    monkeypatch.setattr(reading, "sentence_model_folder", lambda: None)
    watch: Any = SimpleNamespace(progress=lambda *told: None)
    text = reading.read_set("smollm2", documents, None, [1], False, True, watch)
    plain, ranked = (next(x for x in text.splitlines() if x.startswith(f"| {name} |")) for name in WAYS)
    sent = [int(row.split()[-2]) for row in (plain, ranked)]
    assert sent[0] < sent[1] <= len(asked)
    assert f"| {WAYS[1]} − {WAYS[0]} |" in text


def test_what_is_wrong_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert reading.main(["--model", "smollm2", "--half", "develpment"]) == 2
    assert "there is no set 'develpment'" in capsys.readouterr().err
    assert reading.main(["--model", "smollm2", "--passages", "1", "0"]) == 2
    assert "0 passages cannot be read" in capsys.readouterr().err
