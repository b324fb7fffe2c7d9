"""Rewards without labels: exams that the base writes itself, kept apart from what is trained on; and how much
of a passage's own words an adapter knows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from loops import FakeAdaptation, FakePolicies, N, config, contexts, loop
from recipes.algorithms import rewards
from seal.domains.knowledge import Knowledge
from seal.engine.reciting import recited
from seal.errors import ConfigError
from seal.grading.exact import Exact
from seal.models import score_answers
from seal.protocols import Domain, Grader, SelfEditFormat
from seal.research.config import RunConfig, check_names, parse_config
from seal.research.run_folder import RunFolder
from seal.research.unlabelled import WRITTEN, kept_apart, own_exams
from seal.self_edits import FORMATS
from seal.training import AdapterBank, train
from seal.types import Context, Question, SelfEdit
from toys import toy_model, toy_plan, toy_tokenizer

PASSAGE = Context("m", "Halvor mill", "The mill was built in 1844. Tom Reed owns it.")
ASKED = (
    "Question: When was the mill built?\nAnswer: 1844\nQuestion: Who owns it?\nAnswer: Tom Reed\n",
    "Question: when was the mill built\nAnswer: 1844\nQuestion: Where is the mill?\nAnswer: Brenk\n",
)


@dataclass
class Asking:
    """Writes `ASKED` by turns, and reads a passage only for what is in it."""

    format: SelfEditFormat
    domain: Domain = field(default_factory=Knowledge)
    grader: Grader = field(default_factory=Exact)
    written: list[str] = field(default_factory=list)

    def write(self, contexts: Sequence[Context], n: int, *, seed: str, stage: str) -> list[list[SelfEdit]]:
        self.written += [context.id for context in contexts]
        return [[self.format.parse(context, ASKED[i % 2]) for i in range(n)] for context in contexts]

    def exam_prompt(self, shown: Context, question: Question) -> Any:
        return self.domain.open_book_prompt(shown, question, "short")

    def answer(self, prompts: Sequence[str]) -> list[str]:
        known = {"when": "1844", "who": "Tom Reed", "where": "I do not know"}
        last = [prompt.lower().rpartition("passage")[2] for prompt in prompts]
        return [next(a for word, a in known.items() if word in asked) for asked in last]


def asking() -> Any:
    return Asking(FORMATS.get("implications")())


def test_what_the_passage_does_not_answer_is_not_asked(tmp_path: Path) -> None:
    folder, adaptation = RunFolder.open(tmp_path, config()), asking()
    exams = own_exams(adaptation, folder.exams, [PASSAGE], seed="s")
    assert [(q.text, q.answers) for q in exams["m"]] == [
        ("When was the mill built?", ("1844",)), ("Who owns it?", ("Tom Reed",)),
    ]  # fmt: skip
    assert own_exams(adaptation, folder.exams, [PASSAGE], seed="s") == exams


def test_a_self_edit_is_not_asked_its_own_questions() -> None:
    questions = (Question("When was the mill built?", ("1844",)), Question("Who owns it?", ("Tom Reed",)))
    edit = SelfEdit(
        "m", "self-qa", "", ("Question: when was the Mill built\nAnswer: 1844", "Tom Reed owns it.")
    )
    assert kept_apart(questions, edit) == questions[1:]


def test_the_likelihood_of_the_passage_is_that_of_its_tokens() -> None:
    model, tokenizer = toy_model(), toy_tokenizer()
    adapters = train(model, tokenizer, [toy_plan(0), toy_plan(1)])
    with AdapterBank.of(model, adapters) as bank:
        found = recited(tokenizer, [(PASSAGE, None)] * 2, answers=False, bank=bank, model=model)
        pairs = [("Halvor mill\n", "The mill was built in 1844."), ("Halvor mill\n", "Tom Reed owns it.")]
        by_hand = score_answers(model, tokenizer, pairs, adapters=bank, slots=[1, 1])
    tokens = [math.exp(log) for one in by_hand for log in one.token_logs]
    assert found[1].likelihood == pytest.approx(sum(tokens) / len(tokens), rel=1e-5)
    assert found[0].likelihood != found[1].likelihood and found[0].accuracy is None


@pytest.mark.parametrize("reward", ["own_exam", "sentences"])
def test_no_label_is_seen(reward: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outer loop's trials have none of the contexts' own questions."""
    asked = (Question("What does the base ask?", ("this",)),)
    monkeypatch.setattr(
        "seal.research.samples.own_exams",
        lambda _adaptation, _lines, some, seed: {context.id: asked for context in some},
    )
    settings = config(reward=reward)
    adaptation = FakeAdaptation(settings)
    labelled = [Context(c.id, c.title, c.text, (Question("secret", ("x",)),)) for c in contexts(N)]
    one = loop(tmp_path, settings, adaptation=adaptation, policies=FakePolicies())
    one.contexts = labelled
    list(one.policies())
    assert adaptation.trials
    if reward == "own_exam":
        assert all(trial.context.questions == asked and not trial.recite for trial in adaptation.trials)
    else:
        assert all(trial.recite for trial in adaptation.trials)


def test_tasks_have_labels_of_their_own() -> None:
    data = {"domain": "arc_agi", "self_edit": {"format": "arc-directives"}, "outer": {"reward": "sentences"}}
    with pytest.raises(ConfigError, match="is about passages"):
        check_names(parse_config(data, where="test"))
    assert WRITTEN > 1 and not RunConfig().outer.model_copy(update={"reward": "own_exam"}).labelled


def test_a_proxy_is_judged_within_a_context() -> None:
    """One proxy ranks every context rightly though not the contexts, one the contexts only."""
    keys: list[str] = ["context", "sample", "true", "own_exam", "sentences", "lines", "questions"]
    rows = [
        (c, i, base + 0.1 * i, i - base, base, -i, 5)
        for c, base in (("a", 0.0), ("b", 0.5))
        for i in range(4)
    ]
    records = [dict(zip(keys, row, strict=True)) for row in rows]
    assert rewards.correlation(records, "own_exam").mean == pytest.approx(1.0)
    assert rewards.correlation(records, "lines").mean == pytest.approx(-1.0)
    assert rewards.share_of_gain(records, "own_exam").mean == pytest.approx(1.0)
    assert rewards.share_of_gain(records, "sentences").mean == pytest.approx(0.0)
    assert rewards.share_of_gain(records, "lines").mean == pytest.approx(-1.0)
