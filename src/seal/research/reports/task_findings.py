"""What the records of a few-shot run say: verdicts, what the directives became, which tasks to show.

Pure functions from the records of a run folder to numbers and sentences. Knows nothing about pages or
pictures, and nothing about how the records came to be. Whatever a run does not have is left out, never
guessed; a self-edit that is no directive is counted and not interpreted.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from seal.protocols import SelfEditFormat
from seal.research.config import RunConfig
from seal.research.methods import VOTING
from seal.research.records import (
    DecisionRecord,
    EvaluationRecord,
    Results,
    SelfEditRecord,
    WrittenRecord,
    accuracies,
    context_named,
)
from seal.research.reports.findings import ExamWords, effect_of_rl, nothing_compared, verdict, with_interval
from seal.self_edits.arc_grammar import DirectiveSpace
from seal.types import Directive, SelfEdit

TASKS: Final = ExamWords("tasks", "task", "solved {} of the test grids")
FIELDS: Final = tuple(DirectiveSpace.model_fields)
_VERDICTS: Final = {
    "above": "{one} did better than {other}",
    "below": "{one} did worse than {other}",
    "open": "it was not shown that {one} does better or worse than {other}",
    "unknown": "whether {one} does better than {other} cannot be told",
}
_TOGETHER: Final = "answering by several directives of its own together"
_COMPARED: Final = {
    ("seal", "best_fixed"): ("one directive of its own for each task", "the best one for all tasks"),
    ("seal_committee", "seal"): (_TOGETHER, "answering by one"),
    ("seal_committee", "best_fixed"): (_TOGETHER, "the best one for all tasks"),
    ("seal_committee", "fixed_committee"): (_TOGETHER, "by several of the best for all tasks"),
    ("seal_chosen", "fixed_chosen"): (
        "the fitting one of several directives of its own",
        "the fitting one of the best for all tasks",
    ),
    ("self_edit", "base"): (
        "training on a task by a directive of its own, before RL,",
        "only seeing the demonstrations",
    ),
}
"""What the sentences call the two methods."""
Value = bool | str | float | int


def headline(results: Results, config: RunConfig) -> list[str]:
    """What the run shows, in sentences that hold whichever way the figures fall. The first is the finding."""
    differences = {(d["a"], d["b"]): d for d in results["differences"]}
    sentences = effect_of_rl(results, config, TASKS)
    searched = (results.get("best_fixed") or {}).get("trainings")
    for pair, (one, other) in _COMPARED.items():
        if difference := differences.get(pair):
            said = _VERDICTS[verdict(difference["ci95"])].format(one=one, other=other)
            note = ""
            if searched and pair == ("seal", "best_fixed"):
                note = f" The one for all was searched with {searched} trainings on the training tasks."
            sentences.append(
                f"{said[0].upper()}{said[1:]}: the difference is {with_interval(difference, TASKS)}.{note}"
            )
    return sentences or [nothing_compared(results, config, TASKS)]


def self_edits(written: Sequence[WrittenRecord], format: SelfEditFormat) -> dict[str, dict[str, SelfEdit]]:
    """What was written for the held-out tasks: method → context → self-edit."""
    edits: dict[str, dict[str, SelfEdit]] = {}
    for record in written:
        context = context_named(record.context)
        edit = format.parse(context, record.text, truncated=record.truncated)
        edits.setdefault(record.method, {})[context.id] = edit
    return edits


@dataclass(frozen=True)
class Choices:
    """What a set of directives chooses: field → value → share among the valid ones, and why others are none.

    `shares` is empty where no one is valid.
    """

    name: str
    n: int
    n_valid: int
    reasons: Mapping[str, int]
    shares: Mapping[str, Mapping[Value, float]]

    @property
    def valid(self) -> float | None:
        return self.n_valid / self.n if self.n else None

    def share(self, field: str, value: Value) -> float | None:
        """None where there is no valid directive to speak of."""
        return self.shares[field].get(value, 0.0) if self.shares else None


def choices(name: str, edits: Iterable[SelfEdit]) -> Choices:
    """The distribution of the directives in self-edits, field by field."""
    own = list(edits)
    valid = [d for edit in own if (d := Directive.of(edit)) is not None]
    reasons = Counter(str(e.directives.get("rejected", "")) for e in own if Directive.of(e) is None)
    shares = {}
    for field in FIELDS if valid else ():
        counts = Counter(getattr(directive, field) for directive in valid)
        shares[field] = {value: counts[value] / len(valid) for value in sorted(counts)}
    return Choices(name, len(own), len(valid), dict(sorted(reasons.items())), shares)


def values_of(field: str, chosen: Sequence[Choices], space: DirectiveSpace) -> list[Value]:
    """The values of a field, in order: those of the space, and any other that was chosen."""
    seen = {value for one in chosen for value in one.shares.get(field, ())}
    return sorted({*getattr(space, field), *seen})


def round_choices(
    round: int,
    samples: Sequence[SelfEditRecord],
    decisions: Sequence[DecisionRecord],
    format: SelfEditFormat,
) -> tuple[Choices, Choices]:
    """What the samples of a round chose, and what those did that were kept."""
    edits = {r.key: format.parse(context_named(r.context), r.text, truncated=r.truncated) for r in samples}
    kept = [edits[d.context, i] for d in decisions for i in d.favoured if (d.context, i) in edits]
    return choices(f"round {round}, written", edits.values()), choices(f"round {round}, kept", kept)


@dataclass(frozen=True)
class FamilyChoice:
    """What one method chose for the tasks of one family. None where it wrote no valid directive for them.

    `rate` is the most frequent learning rate, the lowest of several; `n_rate` says how often it is.
    """

    n_valid: int
    epochs: float | None
    rate: float | None
    n_rate: int


@dataclass(frozen=True)
class FamilyChoices:
    """What each method chose for the tasks of one family, of which there are `n`."""

    family: str
    n: int
    methods: Mapping[str, FamilyChoice]


def family_choices(
    edits: Mapping[str, Mapping[str, SelfEdit]], families: Mapping[str, str], methods: Sequence[str]
) -> list[FamilyChoices]:
    """One row a family: how many tasks it has, and what each method chose for them."""
    rows = []
    for family in sorted(set(families.values())):
        contexts = [c for c, own in families.items() if own == family]
        by_method = {}
        for method in methods:
            written = [edits[method][c] for c in contexts if c in edits.get(method, {})]
            valid = [d for edit in written if (d := Directive.of(edit)) is not None]
            counts = Counter(d.learning_rate for d in valid)
            rate, n_rate = min(counts.items(), key=lambda one: (-one[1], one[0]), default=(None, 0))
            epochs = statistics.fmean(d.num_train_epochs for d in valid) if valid else None
            by_method[method] = FamilyChoice(len(valid), epochs, rate, n_rate)
        rows.append(FamilyChoices(family, len(contexts), by_method))
    return rows


RULES: Final = (
    (
        "Solved only after RL",
        "solved by training on the self-edit after RL, and neither by that before RL nor by the model as it "
        "is",
    ),
    ("Lost by RL", "solved by training on the self-edit before RL, and not on that after"),
    ("Solved by none", "that no method solves, with voting or without"),
    ("Voting changes the outcome", "solved after RL by the vote and not by the one answer, or the reverse"),
)


def worked_tasks(evaluation: Sequence[EvaluationRecord], order: Sequence[str]) -> list[str | None]:
    """For each of RULES, the first context in `order` that it holds for; None if it holds for none.

    A task is solved if all its test grids are right. What could not be graded is neither solved nor not.
    """
    methods = list(dict.fromkeys(r.method for r in evaluation))
    accuracies_of = {m: accuracies(evaluation, m) for m in methods}

    def solved(method: str, context: str) -> bool | None:
        accuracy = accuracies_of.get(method, {}).get(context)
        return None if accuracy is None else accuracy == 1

    def holds(context: str) -> tuple[bool, ...]:
        base, before, after, vote = (
            solved(m, context) for m in ("base", "self_edit", "seal", f"seal{VOTING}")
        )
        every = [solved(m, context) for m in methods]
        return (
            after is True and before is False and base is not True,
            before is True and after is False,
            bool(every) and all(one is False for one in every),
            None not in (after, vote) and after != vote,
        )

    held = {context: holds(context) for context in order}
    return [next((c for c in order if held[c][rule]), None) for rule in range(len(RULES))]
