"""The few-shot loops without a model: sources, the search for a fixed directive, votes, what must fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seal.domains.arc_agi import ArcAgi, ArcConfig
from seal.engine.adapt import Trial
from seal.engine.parts import build_domain, build_format, build_grader
from seal.errors import ConfigError, InputError, UnknownNameError
from seal.research.config import RunConfig, check_names, parse_config
from seal.research.data import load_source
from seal.research.few_shot import fixed
from seal.research.few_shot.experiment import arc_config, family_table
from seal.research.few_shot.voting import Views
from seal.research.records import EvaluationRecord
from seal.research.run_folder import BEST_FIXED, RunFolder
from seal.self_edits.arc_directives import ArcDirectives, parse_directive
from seal.self_edits.arc_grammar import render
from seal.types import Directive, Graded, Hyperparameters, Pair, Score, SelfEdit, Task

CONFIG = arc_config(seed=3)


def test_the_parts_that_the_configuration_names() -> None:
    assert isinstance(build_domain(CONFIG), ArcAgi)
    assert isinstance(build_format(CONFIG), ArcDirectives)
    task = Task("t", (Pair(((1, 2),), ((2, 1),)),), (Pair(((3, 4),), ((4, 3),)),))
    [question] = ArcAgi(CONFIG.table(ArcConfig)).context(task).questions
    padded = "43" + "." * 14
    [right, wrong] = build_grader(CONFIG).grade([question, question], [padded, "34" + "." * 14])
    assert (right.outcome, wrong.outcome) == ("right", "wrong")


@pytest.mark.parametrize(
    ("domain", "format", "constrained"),
    [
        ("arc_agi", "implications", False),
        ("knowledge", "arc-directives", False),
        ("knowledge", "rewrite", True),
    ],
)
def test_parts_that_do_not_go_together(domain: str, format: str, constrained: bool) -> None:
    data: dict[str, Any] = {
        "domain": domain,
        "self_edit": {"format": format, "constrained": constrained},
    }
    with pytest.raises(ConfigError):
        check_names(parse_config(data, where="test"))


def test_generated_tasks_are_of_the_split_and_of_the_seed() -> None:
    rl, held_out = (load_source(CONFIG, f"microgrid/{split}", 12) for split in ("rl", "eval"))
    families = [{task.id.split("/")[0] for task in found.tasks.values()} for found in (rl, held_out)]
    assert len(rl.contexts) == 12 and not families[0] & families[1]
    assert all(8 <= len(task.train[0].input[0]) <= 16 for task in rl.tasks.values())
    other = load_source(CONFIG.model_copy(update={"seed": 4}), "microgrid/rl", 12)
    assert {c.id for c in rl.contexts}.isdisjoint(c.id for c in other.contexts)
    both = load_source(CONFIG, "microgrid/rl+pretrain", 6)
    kinds = [split for task in both.tasks.values() for split in ("rl", "pretrain") if f"/{split}-" in task.id]
    assert kinds == ["rl", "pretrain"] * 3
    with pytest.raises(UnknownNameError, match="microgrid/eval"):
        load_source(CONFIG, "microgrid/evals", 1)


def test_tasks_that_do_not_fit_are_left_out_and_none_left_is_an_error(tmp_path: Path) -> None:
    row = ",".join(["1"] * 17)
    pair = f'{{"input": [[{row}]], "output": [[{row}]]}}'
    short = '{"input": [[1, 2]], "output": [[2, 1]]}'
    one, other = (f'{{"train": [{p}], "test": [{p}]}}' for p in (pair, short))
    text = f'{{"long": {one}, "short": {other}}}'
    (tmp_path / "tasks.json").write_text(text)
    found = load_source(CONFIG, str(tmp_path / "tasks.json"), 9)
    assert [task.id for task in found.tasks.values()] == ["short"]
    (tmp_path / "long.json").write_text(f'{{"train": [{pair}], "test": [{pair}]}}')
    with pytest.raises(InputError, match="none of 1 tasks fits rows of 16 cells"):
        load_source(CONFIG, str(tmp_path / "long.json"), 9)


class Scored:
    """Stands for an adaptation: a directive's reward is its rate times its epochs, but 3e-2 fails."""

    def __init__(self, config: RunConfig) -> None:
        self.config, self.format, self.trained = config, build_format(config), 0

    def learn_and_examine(self, trials: Sequence[Trial], **_: Any) -> list[Score]:
        self.trained += len(trials)
        return [Score(t.context.id, (), None, 1.0, self._reward(t.self_edit)) for t in trials]

    def _reward(self, edit: SelfEdit) -> float | None:
        directive = Directive.of(edit)
        assert directive is not None
        rate = directive.learning_rate
        return None if rate == 3e-2 else rate * directive.num_train_epochs


def test_the_search_finds_the_best_of_its_candidates_and_keeps_to_its_budget(tmp_path: Path) -> None:
    contexts = load_source(CONFIG, "microgrid/rl", 40).contexts
    adaptation: Any = Scored(CONFIG)
    best = fixed.search_fixed(adaptation, RunFolder.open(tmp_path, CONFIG), contexts)
    tried = [parse_directive(r.text).directive for r in RunFolder(tmp_path, CONFIG).fixed_search.read()]
    sound = [one for one in tried if one is not None and one.learning_rate < 3e-2]
    assert best in sound and len(set(tried)) == fixed.budget(CONFIG) // 12
    assert best.learning_rate * best.num_train_epochs == max(
        one.learning_rate * one.num_train_epochs for one in sound
    )
    assert adaptation.trained <= fixed.budget(CONFIG)
    again: Any = Scored(CONFIG)
    assert fixed.search_fixed(again, RunFolder.open(tmp_path, CONFIG), contexts) == best
    assert again.trained == 0


def test_a_search_cut_short_goes_on_where_it_was(tmp_path: Path) -> None:
    contexts = load_source(CONFIG, "microgrid/rl", 40).contexts
    folder = RunFolder.open(tmp_path, CONFIG)
    first: Any = Scored(CONFIG)
    best = fixed.search_fixed(first, folder, contexts)
    (tmp_path / BEST_FIXED).unlink()
    search = folder.fixed_search.path
    lines = search.read_bytes().splitlines(keepends=True)
    search.write_bytes(b"".join(lines[:50]) + lines[50][:9])
    second: Any = Scored(CONFIG)
    assert fixed.search_fixed(second, folder, contexts) == best
    assert second.trained == len(lines) - 50


def _score(views: Views, answers: Sequence[str]) -> Score:
    graded = [Graded(q.text, q.answers, a, "wrong", 0.0) for q, a in zip(views.context.questions, answers)]
    return Score("c", tuple(graded), 0.0, 1.0)


def test_copies_vote_and_the_unchanged_copy_is_the_plain_answer() -> None:
    domain = ArcAgi(CONFIG.table(ArcConfig))
    task = Task("t", (Pair(((1, 0, 2),), ((2, 0, 1),)),), (Pair(((3, 0, 4),), ((4, 0, 3),)),))
    views = Views.of(domain.context(task), task, domain, 5, seed=0)
    assert len(views.context.questions) == 5 and len(views.ways[0]) == 5
    right = [question.answers[0] for question in views.context.questions]
    garbled = [right[1], *right[1:4], "no grid"]  # the first is wrong, three of the copies are right
    plain, voted = views.split(_score(views, garbled), domain)
    [answer] = voted.answers
    assert (voted.accuracy, answer.outcome) == (1.0, "right") and answer.answer == right[0]
    assert len(plain.answers) == 1 and plain.answers[0].answer == right[1]


def test_an_adapter_that_failed_is_ungraded_in_both() -> None:
    domain = ArcAgi(CONFIG.table(ArcConfig))
    task = Task("t", (Pair(((1, 0),), ((0, 1),)),), (Pair(((3, 0),), ((0, 3),)),))
    views = Views.of(domain.context(task), task, domain, 3, seed=0)
    failed = replace(
        _score(views, ["", "", ""]),
        answers=tuple(
            Graded(q.text, q.answers, "", "ungraded", None, "NaN") for q in views.context.questions
        ),
    )
    for score in views.split(failed, domain):
        assert score.accuracy is None and score.coverage == 0


def test_the_family_table_counts_every_task_once() -> None:
    records = [
        EvaluationRecord(m, c, a, None, 1.0, [])
        for m, c, a in [("base", "1", 1.0), ("base", "2", 0.0), ("base", "3", None), ("seal", "1", 1.0)]
    ]
    rows = family_table(records, {"1": "f", "2": "f", "3": "g"}, ["base", "seal"])
    assert rows == [
        {"family": "f", "n": 2, "solved": {"base": 1, "seal": 1}},
        {"family": "g", "n": 1, "solved": {"base": 0, "seal": 0}},
    ]


def test_a_directive_decides_its_own_training_and_limits_hold() -> None:
    format, domain = build_format(CONFIG), ArcAgi(CONFIG.table(ArcConfig))
    directive = Directive(True, False, False, False, "train_using_output_tokens", 3e-3, 8)
    context = load_source(CONFIG, "microgrid/rl", 1).contexts[0]
    edit = format.parse(context, render(directive))
    assert domain.hyperparameters(edit, Hyperparameters()).epochs == 8
    held = format.limited(edit, n_examples=100, batch_size=1, tokens_an_epoch=0)
    assert domain.hyperparameters(held, Hyperparameters()).epochs == 0
    assert held.directives["rejected"] == "8 epochs of 100 steps are above the limit of 375 steps"
