"""Which of several directives fits a task, or none? The model examines itself on the task's demonstrations.

A task of which the model solves every demonstration as it is, with the others before it, is left alone: there
is nothing to learn. For the rest, some demonstrations are left out, one after the other; for each, an adapter
is trained on the others by every directive, and the directive counts that makes the left-out solutions
likeliest. Nothing but what the task shows is looked at, so this needs no labels, and a user can do it too.
Knows nothing about where the directives come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from seal.engine.adapt import Adaptation, Trial
from seal.errors import InputError
from seal.research.few_shot.voting import arc_domain
from seal.research.records import ChoiceRecord
from seal.research.run_folder import RunFolder
from seal.seeds import derive_seed
from seal.types import Context, SelfEdit, Task


def left_out(adaptation: Adaptation, context: Context) -> list[Context]:
    """Each demonstration as an exam, with the others before it, less those that do not fit the text form."""
    domain = arc_domain(adaptation)
    shown = domain.task(context).train
    exams = []
    for index, pair in enumerate(shown if len(shown) > 1 else ()):
        others = (*shown[:index], *shown[index + 1 :])
        try:
            exams.append(domain.context(Task(f"{context.id}/left-out-{index}", others, (pair,))))
        except InputError:
            continue
    return exams


def choose(
    adaptation: Adaptation,
    folder: RunFolder,
    method: str,
    contexts: Sequence[Context],
    candidates: Mapping[str, Sequence[SelfEdit]],
) -> dict[str, SelfEdit]:
    """For each context the candidate that does best, of equally good ones the first; or a self-edit that
    changes nothing. The folder keeps what was chosen (None: nothing), and by what.
    """
    stored = {r.context: r for r in folder.choices.read() if r.method == method}
    missing = [c for c in contexts if c.id not in stored]
    known = solved_as_it_is(adaptation, missing)
    likelihoods = _likelihoods(
        adaptation,
        method,
        [c for c in missing if c.id not in known],
        candidates,
        folder.config.few_shot.choose_by,
    )
    records: list[ChoiceRecord] = []
    for context in missing:
        own, text = likelihoods.get(context.id), None
        if own is not None:
            text = candidates[context.id][own.index(max(own))].text
        records.append(ChoiceRecord(method, context.id, text, own))
    folder.choices.append(records)
    texts = {r.context: r.text for r in (*stored.values(), *records)}
    unchanged = {c.id: SelfEdit(c.id, adaptation.format.name, "", ()) for c in contexts}
    return {
        c.id: unchanged[c.id] if (text := texts[c.id]) is None else adaptation.format.parse(c, text)
        for c in contexts
    }


def solved_as_it_is(adaptation: Adaptation, contexts: Sequence[Context]) -> set[str]:
    """The tasks of which the model as it is solves every demonstration, two or more, when it is left out."""
    asked = [(c, exam) for c in contexts for exam in left_out(adaptation, c)]
    scores = adaptation.examine([(exam, None) for _, exam in asked])
    right_of: dict[str, list[bool]] = {}
    for (context, _), score in zip(asked, scores, strict=True):
        right_of.setdefault(context.id, []).append(score.accuracy == 1)
    return {key for key, right in right_of.items() if len(right) > 1 and all(right)}


def _likelihoods(
    adaptation: Adaptation,
    method: str,
    contexts: Sequence[Context],
    candidates: Mapping[str, Sequence[SelfEdit]],
    n: int,
) -> dict[str, list[float]]:
    """By context, for each candidate the sum of the likelihoods of `n` left-out solutions."""
    seed = adaptation.config.seed
    trials: list[Trial] = []
    owners: list[tuple[str, int]] = []
    for context in contexts:
        for exam in left_out(adaptation, context)[:n]:
            for i, edit in enumerate(candidates[context.id]):
                own = replace(edit, context_id=exam.id)
                trials.append(Trial(exam, own, derive_seed(seed, "choose", exam.id)))
                owners.append((context.id, i))
    scores = adaptation.learn_and_examine(trials, answers=False, stage=f"choosing for {method}")
    sums = {c.id: [0.0] * len(candidates[c.id]) for c in contexts}
    for (context_id, i), score in zip(owners, scores, strict=True):
        sums[context_id][i] += score.likelihood or 0.0  # one that diverged makes nothing likely
    return sums
