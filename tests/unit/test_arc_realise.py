"""From a directive to training examples: what they hold, and above all what they never hold."""

from __future__ import annotations

import random
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arc import DIRECTIVES, EVERYTHING, NOTHING, grids, needs_real_tasks, one_rows, pair, real_tasks, tasks
from seal.domains import DOMAINS
from seal.domains.arc_agi import (
    ArcAgi,
    ArcConfig,
    GridGrader,
    RealiseConfig,
    grade_grid,
    leave_out,
    realise,
    text_form,
)
from seal.domains.arc_agi.microgrid import tasks as generated
from seal.domains.arc_agi.realise import kinds_of
from seal.errors import ConfigError, InputError
from seal.grading.exact import NO_GOLD
from seal.protocols import Domain, Grader
from seal.types import Context, Directive, Example, Grid, Hyperparameters, Pair, Question, SelfEdit, Task

FORM = text_form("compact")
SEEDS = st.integers(0, 10**6)
PLAIN = RealiseConfig(permuted_copies=0, leave_out=(1,))
TASK = Task(
    "t",
    (pair([[1, 0, 0]], [[0, 1, 0]]), pair([[2, 0, 0]], [[0, 2, 0]]), pair([[0, 3, 0]], [[0, 0, 3]])),
    (pair([[4, 0, 0]], [[0, 4, 0]]),),
)


def _leaky(task: Task, directive: Directive, seed: object) -> tuple[Example, ...]:
    """The fault that must be found: the solved tests are trained on as if they were demonstrations."""
    return realise(Task(task.id, (*task.train, *task.test)), directive, seed, FORM)


def _depends_on_test(realiser: object, task: Task, directive: Directive, seed: object, other: Grid) -> bool:
    """Whether the training examples change when the tests do: their outputs, or all of them."""
    changed = (
        Task(task.id, task.train, tuple(Pair(p.input, other) for p in task.test)),
        Task(task.id, task.train, tuple(Pair(p.input) for p in task.test)),
        Task(task.id, task.train, (Pair(other, other),)),
        Task(task.id, task.train),
    )
    made = realiser(task, directive, seed)  # type: ignore[operator]
    return any(realiser(one, directive, seed) != made for one in changed)  # type: ignore[operator]


@settings(max_examples=60)
@given(tasks(n=(1, 3)), DIRECTIVES, SEEDS, grids())
def test_no_test_reaches_the_training_data(task: Task, directive: Directive, seed: int, other: Grid) -> None:
    def honest(*given: object) -> tuple[Example, ...]:
        return realise(*given, FORM)  # type: ignore[arg-type]

    assert not _depends_on_test(honest, task, directive, seed, other)


@settings(max_examples=20)
@given(tasks(n=(1, 3)), DIRECTIVES, SEEDS)
def test_the_planted_leak_is_found(task: Task, directive: Directive, seed: int) -> None:
    assert _depends_on_test(_leaky, task, directive, seed, ((9, 9, 9, 9, 9, 9, 9),))


def test_no_test_output_stands_in_the_texts() -> None:
    """The same in plain words, on tasks whose outputs are all unlike."""
    for task in islice(generated("pretrain", seed=3, cells=(12, 30)), 60):
        output = task.test[0].output
        assert output is not None
        config = RealiseConfig(permute_colours=False, max_examples=10_000)
        written = FORM.grid.write(output)
        seen = {FORM.grid.write(p.output) for p in task.train if p.output}
        texts = [e.prompt + e.completion for e in realise(task, NOTHING, 0, FORM, config)]
        assert texts and (written in seen or not any(f">{written}\n" in text for text in texts))
        leaky = [e.prompt + e.completion for e in _leaky(task, NOTHING, 0)]
        assert any(f">{written}\n" in text for text in leaky)


@settings(max_examples=40)
@given(tasks(), DIRECTIVES, SEEDS)
def test_equal_seeds_give_equal_examples(task: Task, directive: Directive, seed: int) -> None:
    made = realise(task, directive, seed, FORM)
    assert made == realise(task, directive, seed, FORM)
    assert 1 <= len(made) <= 250 and len(set(made)) == len(made)


@settings(max_examples=40)
@given(tasks(n=(2, 3)), DIRECTIVES, SEEDS, st.sampled_from(["rows", "numpy", "compact", "padded"]))
def test_every_example_is_a_task_in_itself(task: Task, directive: Directive, seed: int, name: str) -> None:
    form = text_form(name)
    for example in realise(task, directive, seed, form):
        if directive.strategy == "train_using_all_tokens":
            assert example.prompt == ""
            assert form.read_demonstrations(example.completion)
        else:
            form.read_answer(example.completion)
            assert example.completion.endswith(form.end) and example.prompt.endswith(form.before_output)
            assert len(form.read_demonstrations(example.prompt + example.completion)) >= 1


def test_leave_one_out_in_plain() -> None:
    examples = realise(TASK, NOTHING, 0, FORM, PLAIN)
    assert [(e.prompt, e.completion) for e in examples] == [
        ("200>020\n\n030>003\n\n100>", "010\n\n"),
        ("100>010\n\n030>003\n\n200>", "020\n\n"),
        ("100>010\n\n200>020\n\n030>", "003\n\n"),
    ]


def test_leave_two_out() -> None:
    made = list(leave_out(TASK.train, (1, 2)))
    assert [len(one.train) for one in made] == [2, 2, 2, 1, 1, 1, 1, 1, 1]
    assert all(one.test[0] not in one.train for one in made)
    assert [(one.train, len(one.test)) for one in leave_out(TASK.train[:1], (1, 2))] == [((), 1)]
    assert [len(one.train) for one in leave_out(TASK.train, (7,))] == [0, 0, 0]


def test_what_each_kind_adds() -> None:
    """On a task of one row: basic adds four (three fixed ones and a translation), the others one each."""

    def count(**chosen: bool) -> int:
        kinds = {f"use_{kind}_augmentations": on for kind, on in chosen.items()}
        return len(realise(TASK, Directive(**{**vars(NOTHING), **kinds}), 0, FORM, PLAIN))

    assert count() == 3
    assert count(basic=True) == 15 and count(size=True) == count(chain=True) == count(repeat=True) == 6
    assert kinds_of(EVERYTHING) == ("basic", "size", "chain", "repeat") and kinds_of(NOTHING) == ()


def test_copies_are_permuted_and_keep_the_background() -> None:
    config = RealiseConfig(leave_out=(1,), permuted_copies=5)
    made = realise(TASK, NOTHING, 0, FORM, config)
    assert 12 <= len(made) <= 18
    assert all(set(FORM.read_answer(e.completion)[0]) & {0} for e in made)
    other = realise(TASK, NOTHING, 1, FORM, config)
    assert other != made and other[0] == made[0]
    all_ten = realise(TASK, NOTHING, 0, FORM, config.model_copy(update={"keep_background": False}))
    assert any(0 not in FORM.read_answer(e.completion)[0] for e in all_ten)


def test_the_cap_is_a_choice_of_all() -> None:
    every = realise(TASK, EVERYTHING, 0, FORM, RealiseConfig(max_examples=10_000))
    some = realise(TASK, EVERYTHING, 0, FORM, RealiseConfig(max_examples=10))
    assert len(some) == 10 < len(every) and [e for e in every if e in some] == list(some)


def test_what_does_not_fit_is_left_out() -> None:
    narrow = text_form("padded", columns=4)
    made = realise(TASK, EVERYTHING, 0, narrow, PLAIN)
    assert made and all(len(e.completion) == 4 + len(narrow.end) for e in made)
    with pytest.raises(InputError, match="does not fit"):
        realise(TASK, EVERYTHING, 0, text_form("padded", columns=2), PLAIN)


def _edit(context: Context, directive: Directive | None) -> SelfEdit:
    return SelfEdit(context.id, "arc-directives", "", (), False, vars(directive) if directive else {})


@settings(max_examples=40)
@given(tasks(), DIRECTIVES, st.sampled_from(["rows", "numpy", "compact", "padded"]))
def test_the_domain_realises_a_self_edit(task: Task, directive: Directive, name: str) -> None:
    domain = ArcAgi(ArcConfig(representation=name))
    context = domain.context(task)
    assert domain.task(context).train == task.train
    made = domain.examples(context, _edit(context, directive))
    assert made == domain.realise(Task(context.id, task.train), directive, 0)
    assert domain.examples(context, _edit(context, None)) == ()


def test_the_domain_keeps_to_its_protocol() -> None:
    domain = DOMAINS.get("arc_agi")()
    assert isinstance(domain, Domain) and domain.name == "arc_agi"
    assert all(field.description for field in ArcConfig.model_fields.values())


def test_a_task_as_context() -> None:
    domain = ArcAgi(ArcConfig(representation="compact"))
    context = domain.context(TASK)
    assert context.title == "" and context.text == "100>010\n\n200>020\n\n030>003\n\n"
    (question,) = context.questions
    assert question.text == context.text + "400>" and question.answers == ("040",)
    assert domain.exam_prompt(question, "short") == domain.open_book_prompt(context, question, "base")
    assert domain.exam_prompt(question, "chat") == [{"role": "user", "content": question.text}]
    assert domain.clean_answer("\n040\n\n100>") == "040"
    unsolved = domain.context(Task("t", TASK.train, (Pair(TASK.test[0].input),)))
    assert unsolved.questions[0].answers == () and unsolved.id == context.id
    with pytest.raises(ConfigError, match="unknown prompt style"):
        domain.exam_prompt(question, "chatt")
    with pytest.raises(InputError, match=r"demonstration \[0\]"):
        domain.examples(Context("x", "", "a passage"), _edit(context, NOTHING))


def test_the_directive_sets_rate_and_epochs() -> None:
    domain, base = ArcAgi(), Hyperparameters(rank=7, max_steps=9)
    made = domain.hyperparameters(_edit(Context("x", "", ""), EVERYTHING), base)
    assert (made.learning_rate, made.epochs, made.max_steps, made.rank) == (1e-3, 3, 0, 7)
    assert domain.hyperparameters(_edit(Context("x", "", ""), None), base).epochs == 0


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        ("01\n23", "right", ""),
        ("\n01\n23\n\n99>", "right", ""),
        ("01\n22", "wrong", "1 of 4 cells differ"),
        ("012\n230", "wrong", "2 x 3 cells instead of 2 x 2 cells"),
        ("01\n2", "wrong", "row 1 has 1 cells"),
        ("", "wrong", "it is empty"),
        ("I do not know", "wrong", "row 0, cell 0 is 'I'"),
    ],
)
def test_grading(answer: str, outcome: str, reason: str) -> None:
    grader = GridGrader(ArcConfig(representation="compact"))
    assert isinstance(grader, Grader)
    (graded,) = grader.grade([Question("q", ("01\n23",))], [answer])
    assert (graded.outcome, graded.score) == (outcome, float(outcome == "right"))
    assert reason in graded.reason and bool(reason) == bool(graded.reason)


def test_without_gold_there_is_no_grade() -> None:
    (graded,) = GridGrader().grade([Question("q", ())], ["0"])
    assert (graded.outcome, graded.score, graded.reason) == ("ungraded", None, NO_GOLD)
    with pytest.raises(InputError):
        GridGrader().grade([Question("q", ("0",))], [])
    assert grade_grid(((1,),), None) == ("ungraded", NO_GOLD)
    assert grade_grid(None, ((1,),)) == ("wrong", "the answer is no grid")
    assert grade_grid(((1,),), ((1,),)) == ("right", "")


@given(st.text(max_size=80), one_rows())
def test_any_answer_is_graded(answer: str, gold: Grid) -> None:
    grader = GridGrader(ArcConfig(representation="padded"))
    (graded,) = grader.grade([Question("q", (grader.form.grid.write(gold),))], [answer])
    assert graded.outcome == "wrong" and graded.reason


@needs_real_tasks
def test_real_tasks_are_realised() -> None:
    form = text_form("padded", columns=33)
    for task in random.Random(0).sample(real_tasks(), 60):
        made = realise(task, EVERYTHING, 0, form)
        assert 18 <= len(made) <= 250
        assert made == realise(Task(task.id, task.train), EVERYTHING, 0, form)
