"""What several adapters of a task agree on, without a model: candidates, scores, and who is left out."""

from __future__ import annotations

import math
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from seal.domains.arc_agi import ArcAgi, ArcConfig
from seal.engine.work import Work
from seal.research.config import FewShotConfig
from seal.research.few_shot import committee
from seal.research.few_shot.committee import Panel, agree
from seal.research.few_shot.experiment import arc_config
from seal.types import Grid, Pair, SelfEdit, Task

CONFIG = arc_config(seed=3)
FEW_SHOT = FewShotConfig(votes=2)
DOMAIN = ArcAgi(CONFIG.table(ArcConfig))
RIGHT, WRONG = ((2, 1, 0),), ((3, 1, 0),)
DEMONSTRATIONS = (Pair(((1, 2, 0),), ((2, 1, 0),)), Pair(((3, 4, 0),), ((4, 3, 0),)))
TASK = Task("t", (Pair(((1, 2, 0),), ((2, 1, 0),)),), (Pair(((0, 1, 2),), RIGHT),))


def written(grid: Grid) -> str:
    return DOMAIN.form.grid.write(grid)


class Fake:
    """Its member m answers `answers[m]` to the task, and to the flipped copy the mirror image, and finds each
    grid as likely as `likely[m]` says, and what the task and its flipped copy show as `knows` says."""

    style, answer_lead, config, domain, model, tokenizer = "short", "", CONFIG, DOMAIN, None, None
    workers = SimpleNamespace(share=lambda items, _cost, _act, here: here(items))

    def __init__(
        self,
        answers: list[Grid],
        likely: list[dict[Grid, float]],
        failed: tuple[int, ...] = (),
        knows: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self.answers, self.likely, self.failed, self.knows = answers, likely, failed, knows
        self.work = Work()

    def train(self, trials: Any, stage: str = "") -> list[Any]:
        return [
            (SimpleNamespace(failed="diverged" if i in self.failed else "", member=i), ())
            for i in range(len(trials))
        ]

    def exam_prompt(self, _shown: None, question: Any) -> str:
        return f"{question.text} {question.id}"

    def answer(self, prompts: list[str], *, bank: Any, slots: Any) -> list[str]:
        self.members = list(bank or [0])
        found = []
        for i, prompt in enumerate(prompts):
            [row] = self.answers[self.members[slots[i] if slots else 0]]
            found.append(written((row if prompt.endswith("/0") else row[::-1],)))
        return found

    def score(self, pairs: list[tuple[str, str]], slots: Any) -> list[Any]:
        found = []
        for i, (prompt, text) in enumerate(pairs):
            if "left-out" in prompt:  # a demonstration, of the flipped copy or not
                flipped = "043" in prompt
                found.append(SimpleNamespace(log_probability=self.knows[flipped]))
                continue
            [row] = DOMAIN.form.read_answer(text)
            grid = (row if prompt.endswith("/0") else row[::-1],)
            own = self.likely[self.members[slots[i] if slots else 0]]
            found.append(SimpleNamespace(log_probability=own[grid]))
        return found


def asked(patch: pytest.MonkeyPatch, fake: Fake, n: int, task: Task = TASK) -> committee.Consensus:
    bank = SimpleNamespace(of=lambda _model, adapters: nullcontext([a.member for a in adapters]))
    patch.setattr(committee, "AdapterBank", bank)
    patch.setattr(committee, "score_answers", lambda _m, _t, pairs, *, slots, **_: fake.score(pairs, slots))
    context = DOMAIN.context(task)
    edits = tuple(SelfEdit(context.id, "arc-directives", str(i), ()) for i in range(n))
    [verdict] = agree(fake, [Panel(context, task, edits, 0)], FEW_SHOT, "")  # type: ignore[arg-type]
    return verdict


def test_the_likeliest_on_average_wins_and_not_what_most_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three answer wrongly, and would have answered rightly almost as well; the third is sure."""
    near = {WRONG: -1.0, RIGHT: -1.2}
    fake = Fake([WRONG, WRONG, RIGHT], [near, near, {WRONG: -9.0, RIGHT: -0.1}])
    verdict = asked(monkeypatch, fake, 3)
    assert verdict.score.accuracy == 1
    [[first, second]] = verdict.candidates
    assert (first.grid, second.grid) == (WRONG, RIGHT)
    assert (first.support, second.support) == pytest.approx((2 / 3, 1 / 3))
    assert (first.log_probability, second.log_probability) == pytest.approx((-11 / 3, -2.5 / 3))


def test_a_copy_counts_as_much_as_what_it_shows_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The adapter is sure of a wrong answer on the flipped copy, whose demonstrations it does not know."""

    class Two(Fake):
        def answer(self, prompts: list[str], *, bank: Any, slots: Any) -> list[str]:
            super().answer(prompts, bank=bank, slots=slots)
            return [written(RIGHT if p.endswith("/0") else (WRONG[0][::-1],)) for p in prompts]

        def score(self, pairs: list[tuple[str, str]], slots: Any) -> list[Any]:
            found = super().score(pairs, slots)
            for (prompt, _), one in zip(pairs, found, strict=True):
                if "left-out" not in prompt and not prompt.endswith("/0"):
                    one.log_probability = -5.0 if one.log_probability == -1.0 else -0.1
            return found

    task = Task("t", DEMONSTRATIONS, TASK.test)
    likely = [{RIGHT: -1.0, WRONG: -2.0}]
    assert asked(monkeypatch, Two([RIGHT], likely), 1, task).score.accuracy == 0
    verdict = asked(monkeypatch, Two([RIGHT], likely, knows=(-0.1, -3.0)), 1, task)
    assert verdict.score.accuracy == 1
    weights = math.exp(-0.1), math.exp(-3.0)
    [first, second] = verdict.candidates[0]
    assert first.support == pytest.approx(weights[0] / sum(weights))
    assert second.log_probability == pytest.approx((-2 * weights[0] - 0.1 * weights[1]) / sum(weights))


def test_one_that_finds_a_candidate_impossible_does_not_overrule_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = Fake([RIGHT, WRONG], [{RIGHT: -0.1, WRONG: -29.0}, {RIGHT: -1e9, WRONG: -2.0}])
    assert asked(monkeypatch, fake, 2).candidates[0][0].log_probability == pytest.approx(-30.1 / 2)


def test_adapters_that_diverged_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    likely = [{WRONG: 0.0, RIGHT: -20.0}, {RIGHT: -1.0}]
    assert asked(monkeypatch, Fake([WRONG, RIGHT], likely, failed=(0,)), 2).score.accuracy == 1
    score = asked(monkeypatch, Fake([WRONG, RIGHT], likely, failed=(0, 1)), 2).score
    assert score.accuracy is None and score.answers[0].outcome == "ungraded"
    assert score.answers[0].reason == "diverged"


def test_without_directives_the_bare_model_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, Fake([RIGHT], [{RIGHT: -1.0}]), 0).score.accuracy == 1


def test_a_task_without_a_solution_is_answered_and_not_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task("t", TASK.train, (Pair(TASK.test[0].input, None),))
    score = asked(monkeypatch, Fake([RIGHT], [{RIGHT: -1.0}]), 1, task).score
    assert score.accuracy is None and score.answers[0].answer == written(RIGHT)
