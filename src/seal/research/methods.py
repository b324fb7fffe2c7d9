"""The methods that are examined: their names, what each trains on, and the words by which users meet them.

One record a method; the terminal, the reports, `seal eval` and the experiments all read it here. Knows
nothing about how a method is carried out, and nothing about figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

Examined = Literal["passages", "tasks"]
"""What a run examines its methods on."""
TrainedOn = Literal["nothing", "passage", "own", "truth", "fixed"]
"""own: what the model writes; truth: true statements; fixed: one directive, or several, for every task."""
MethodRole = Literal["reference", "baseline", "before_rl", "after_rl", "control"]
"""The part that a method plays in a comparison. A picture gives each role its own colour."""

VOTING: Final = "_voting"
"""What a method's name ends with where transformed copies of the task voted on the answer."""
_ROUND, _ROUND_NAME = re.compile(r"round_(\d+)"), "round_{n}"


@dataclass(frozen=True)
class Label:
    """How reports call a method: in few words, and in words that a reader of a picture alone understands.

    {rounds}, {steps}, {edit} and {statements} are filled in from the run's configuration, {n} with the number
    of the round.
    """

    short: str
    long: str


@dataclass(frozen=True)
class Method:
    """One method. `passages` and `tasks` are its labels there, None where it does not exist.

    `terminal` are the words beside its name in the terminal's tables. `several` says what becomes of several
    directives for one task: one of them is chosen, or all answer together; "" where there is one.
    `in_eval` says when `seal eval` examines it. `round`: its policy is that of this round.
    """

    name: str
    terminal: str
    trained_on: TrainedOn
    role: MethodRole
    passages: Label | None = None
    tasks: Label | None = None
    several: Literal["", "chosen", "together"] = ""
    in_eval: Literal["by default", "if named", "never"] = "never"
    round: int | None = None

    def label(self, on: Examined) -> Label | None:
        return self.passages if on == "passages" else self.tasks


METHODS: Final = (
    Method(
        "base", "model as it is", "nothing", "reference", in_eval="by default",
        passages=Label("base model", "base model, never trained on the passage"),
        tasks=Label("model as it is", "model as it is, demonstrations in its context"),
    ),
    Method(
        "open_book", "with the passage to read", "nothing", "reference", in_eval="by default",
        passages=Label("passage in context", "passage in context (upper reference)"),
    ),
    Method(
        "passage", "trained on the passage", "passage", "baseline", in_eval="by default",
        passages=Label("passage alone", "trained on the passage alone, {steps}"),
    ),
    Method(
        "passage_best", "the same, at its best setting", "passage", "baseline", in_eval="if named",
        passages=Label(
            "passage alone, best setting", "trained on the passage alone, at its own best setting"
        ),
    ),
    Method(
        "self_edit", "trained on its self-edits", "own", "before_rl", in_eval="by default",
        passages=Label("self-edits before RL", "{edit}, before RL"),
        tasks=Label("self-edits before RL", "trained by its own directives, before RL"),
    ),
    Method(
        _ROUND_NAME, "the same, after round {n} of RL", "own", "after_rl",
        passages=Label("after round {n}", "{edit}, after {rounds} of RL"),
        tasks=Label("after round {n}", "by its own directives, after round {n} of RL"),
    ),
    Method(
        "random_selection", "control: chosen by chance", "own", "control",
        passages=Label("control by chance", "control: same fine-tuning, samples chosen by chance"),
        tasks=Label("control by chance", "control: same fine-tuning, chosen by chance"),
    ),
    Method(
        "seal", "the same, after RL", "own", "after_rl",
        passages=Label("self-edits after RL", "{edit}, after {rounds} of RL (SEAL)"),
        tasks=Label("self-edits after RL", "by its own directives, after {rounds} of RL (SEAL)"),
    ),
    Method(
        "gold", "trained on true statements", "truth", "reference", in_eval="if named",
        passages=Label("true statements", "{statements} (upper reference)"),
    ),
    Method(
        "best_fixed", "by the best directive for all tasks", "fixed", "baseline",
        tasks=Label("best fixed directive", "best directive that is the same for all tasks"),
    ),
    Method(
        "hand_made", "by a directive set up by hand", "fixed", "baseline", in_eval="by default",
        tasks=Label("hand-made directive", "directive set up by hand, the same for all tasks"),
    ),
    Method(
        "chosen", "by the fitting one of several of its own", "own", "reference",
        several="chosen", in_eval="if named",
        tasks=Label("own directives, chosen", "the fitting one of several directives of its own"),
    ),
    Method(
        "seal_chosen", "by the fitting one of several own, after RL", "own", "after_rl", several="chosen",
        tasks=Label("own directives after RL, chosen", "the fitting one of several of its own, after RL"),
    ),
    Method(
        "fixed_chosen", "by the fitting one of the best for all", "fixed", "baseline", several="chosen",
        tasks=Label("best fixed directives, chosen", "the fitting one of the best for all tasks"),
    ),
    Method(
        "committee", "by several of its own together", "own", "reference",
        several="together", in_eval="if named",
        tasks=Label("own directives, together", "several of its own directives, answering together"),
    ),
    Method(
        "seal_committee", "by several own together, after RL", "own", "after_rl", several="together",
        tasks=Label("own directives after RL, together", "several of its own after RL, answering together"),
    ),
    Method(
        "fixed_committee", "by the best for all together", "fixed", "baseline", several="together",
        tasks=Label("best fixed directives, together", "the best for all tasks, answering together"),
    ),
)  # fmt: skip
"""All methods, in the order in which tables show them. `round_{n}` stands for every round but the last, whose
policy is `seal`."""


def find_method(name: str) -> Method | None:
    """The method of that name; that of round 3 for "round_3", and for "seal_voting" the record of "seal",
    since voting is another way to answer and not another training. None for a name that is not known."""
    name = name.removesuffix(VOTING)
    number = _ROUND.fullmatch(name)
    known = _ROUND_NAME if number else name
    method = next((one for one in METHODS if one.name == known), None)
    return _of_round(method, number.group(1)) if method and number else method


def method_named(name: str) -> Method:
    """`find_method` for a name that the code itself wrote."""
    method = find_method(name)
    assert method is not None, name
    return method


def _of_round(method: Method, n: str) -> Method:
    def filled(label: Label | None) -> Label | None:
        return label and Label(label.short.replace("{n}", n), label.long.replace("{n}", n))

    return replace(
        method,
        name=method.name.replace("{n}", n),
        terminal=method.terminal.replace("{n}", n),
        passages=filled(method.passages),
        tasks=filled(method.tasks),
        round=int(n),
    )


def in_order(names: Iterable[str]) -> list[str]:
    """Names in the order of tables: as in METHODS, rounds by their number, each before its voting. Unknown
    ones are the last."""
    order = [method.name for method in METHODS]

    def place(name: str) -> tuple[int, int, str, bool]:
        own = name.removesuffix(VOTING)
        number = _ROUND.fullmatch(own)
        known = _ROUND_NAME if number else own
        index = order.index(known) if known in order else len(order)
        return index, int(number.group(1)) if number else 0, own, own != name

    return sorted(names, key=place)


def methods_in_eval(on: Examined, *, by_default: bool = False) -> tuple[str, ...]:
    """What `seal eval` can examine, or what it examines if no method is named."""
    when = ("by default",) if by_default else ("by default", "if named")
    return tuple(m.name for m in METHODS if m.label(on) is not None and m.in_eval in when)


def terminal_words(name: str) -> str:
    """What a method is, beside its name in a table of the terminal; empty for a name that is not known."""
    if name.endswith(VOTING):
        return "the same, by voting"
    method = find_method(name)
    return method.terminal if method else ""


def short_label(name: str, on: Examined) -> str:
    """A method in few words, for tables and differences."""
    method = find_method(name)
    label = method.label(on) if method else None
    return name if label is None else label.short + voting_suffix(name)


def voting_suffix(name: str) -> str:
    """What a label ends with where copies of the task voted."""
    return ", voting" if name.endswith(VOTING) else ""
