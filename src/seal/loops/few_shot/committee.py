"""Several adapters answer a task together: one for each of several directives, all trained on the whole task.

Each answers transformed copies of the task, and each answer, brought back, is a candidate. The one wins that
all of them find likeliest, on average over adapters and copies: a product of experts, as Franzen et al.
(arXiv 2505.07859) score candidates over copies. A task of which the model as it is solves every demonstration
is left alone: the bare model answers it, in the same way. Nothing but what the task shows is looked at.
Knows nothing about where the directives come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seal.domains.arc_agi import Augmentation, grade_grid
from seal.errors import InputError
from seal.grading.statistics import summarise
from seal.loops.adapt import Adaptation, Trial, derive_seed
from seal.loops.evaluate import Evaluation
from seal.loops.few_shot.choosing import solved_as_it_is
from seal.loops.few_shot.voting import Views, arc_domain, read_grid
from seal.models import score_answers
from seal.training import Adapter, AdapterBank
from seal.types import Context, Graded, Grid, Question, Score, SelfEdit, Task

RECORDS = "committees.jsonl"
MOST_CANDIDATES = 8
"""Of a test grid, those that most copies and adapters gave; the others are not scored."""
_LEAST_LOG_PROBABILITY = -30.0  # one expert that finds a candidate impossible does not overrule all others


@dataclass(frozen=True)
class Panel:
    """A task, and the self-edits whose adapters answer it together; without any, the bare model does."""

    context: Context
    task: Task
    self_edits: tuple[SelfEdit, ...]
    seed: int


@dataclass(frozen=True)
class Verdict:
    """What a panel agrees on. `candidates`: for each test grid every candidate with the answers that gave it,
    most first, and its mean log-probability in nats, over adapters and copies."""

    score: Score
    candidates: tuple[tuple[tuple[Grid, int, float], ...], ...]


def together(
    evaluation: Evaluation,
    method: str,
    tasks: Mapping[str, Task],
    candidates: Mapping[str, Sequence[SelfEdit]],
) -> None:
    """Examine the adapters of a context's `candidates` together.

    The folder keeps who was asked (no directive: the bare model), and what they thought of every candidate.
    """
    if evaluation.is_done(method):
        return
    adaptation, contexts = evaluation.adaptation, evaluation.contexts
    alone = solved_as_it_is(adaptation, contexts)
    panels = [
        Panel(
            c,
            tasks[c.id],
            () if c.id in alone else tuple(candidates[c.id]),
            derive_seed(adaptation.config.seed, "together", c.id),
        )
        for c in contexts
    ]
    verdicts = agree(adaptation, panels, f"evaluating {method}")
    stored = {r["context"] for r in evaluation.folder.records(RECORDS) if r["method"] == method}
    evaluation.folder.append(
        RECORDS,
        [
            {
                "method": method,
                "context": panel.context.id,
                "directives": [edit.text for edit in panel.self_edits],
                "candidates": [
                    [{"grid": grid, "answers": n, "log_probability": mean} for grid, n, mean in own]
                    for own in verdict.candidates
                ],
            }
            for panel, verdict in zip(panels, verdicts, strict=True)
            if panel.context.id not in stored  # they are, where the run was cut off before the last line
        ],
    )
    evaluation.record(method, [verdict.score for verdict in verdicts])


def agree(adaptation: Adaptation, panels: Sequence[Panel], stage: str) -> list[Verdict]:
    """The verdict of each panel. One whose adapters all diverged comes back ungraded, with the reason."""
    with adaptation.work.doing("train", sum(len(panel.self_edits) for panel in panels)):
        return adaptation.workers.share(
            panels,
            lambda panel: float(len(panel.self_edits) or 1),
            _agree,
            lambda part: _agree(adaptation, part, stage),
        )


@dataclass(frozen=True)
class _Copy:
    """A transformed copy of a task with one test pair: the question, and what the copy was made by."""

    question: Question
    way: Augmentation


def _agree(adaptation: Adaptation, panels: Sequence[Panel], stage: str = "") -> list[Verdict]:
    domain, config = arc_domain(adaptation), adaptation.config
    exams = [Views.of(p.context, p.task, domain, config.arc.votes, config.seed) for p in panels]
    trials = [Trial(p.context, edit, p.seed) for p in panels for edit in p.self_edits]
    owners = [i for i, p in enumerate(panels) for _ in p.self_edits]
    trained = [adapter for adapter, _ in adaptation.train(trials, stage=stage)]
    sound = [j for j, adapter in enumerate(trained) if not adapter.failed]
    found: dict[int, Verdict] = {}
    for i, panel in enumerate(panels):
        own = [j for j in sound if owners[j] == i]
        if panel.self_edits and not own:
            [reason, *_] = [a.failed for a, owner in zip(trained, owners, strict=True) if owner == i]
            found[i] = _ungraded(exams[i], reason)
    bare = [i for i, panel in enumerate(panels) if not panel.self_edits]
    found |= _verdicts(adaptation, exams, [(i, None) for i in bare], [])
    found |= _verdicts(adaptation, exams, [(owners[j], j) for j in sound], trained)
    return [found[i] for i in range(len(panels))]


def _verdicts(
    adaptation: Adaptation,
    exams: Sequence[Views],
    members: Sequence[tuple[int, int | None]],
    trained: Sequence[Adapter],
) -> dict[int, Verdict]:
    """By panel, what its `members`, (panel, adapter or None) each, agree on."""
    if not members:
        return {}
    adapters = [trained[j] for _, j in members if j is not None]
    if not adapters:
        return _asked(adaptation, exams, [i for i, _ in members], None)
    with AdapterBank.of(adaptation.model, adapters) as bank:
        return _asked(adaptation, exams, [i for i, _ in members], bank)


def _asked(
    adaptation: Adaptation, exams: Sequence[Views], panels: Sequence[int], bank: AdapterBank | None
) -> dict[int, Verdict]:
    """The members' answers, the candidates in them, and of these the likeliest. Member i has slot i."""
    domain = arc_domain(adaptation)
    copies = {i: _copies(exams[i]) for i in set(panels)}
    asked = [(m, t, c) for m, i in enumerate(panels) for t, own in enumerate(copies[i]) for c in own]
    texts = adaptation.answer(
        [adaptation.exam_prompt(None, copy.question) for _, _, copy in asked],
        bank=bank,
        slots=[m for m, _, _ in asked] if bank else None,
    )
    counts: dict[tuple[int, int], Counter[Grid]] = {}
    for (m, t, copy), text in zip(asked, texts, strict=True):
        grid = read_grid(domain, text)
        back = None if grid is None else copy.way.backward(grid)
        own = counts.setdefault((panels[m], t), Counter())
        if back is not None:
            own[back] += 1
    candidates = {key: own.most_common(MOST_CANDIDATES) for key, own in counts.items()}
    jobs: list[tuple[tuple[int, int], Grid]] = []
    pairs: list[tuple[str, str]] = []
    slots: list[int] = []
    for m, t, copy in asked:
        prompt = adaptation.exam_prompt(None, copy.question)
        for grid, _ in candidates[panels[m], t]:
            text = _written(domain, copy, grid)
            if text is not None:
                jobs.append(((panels[m], t), grid))
                pairs.append((prompt, adaptation.answer_lead + text))
                slots.append(m)
    scores = score_answers(
        adaptation.model,
        adaptation.tokenizer,
        pairs,
        adapters=bank,
        slots=slots if bank else None,
        append_eos=adaptation.style == "chat",
    )
    likely: dict[tuple[tuple[int, int], Grid], list[float]] = {}
    for job, score in zip(jobs, scores, strict=True):
        likely.setdefault(job, []).append(max(score.log_probability, _LEAST_LOG_PROBABILITY))
    return {
        i: _verdict(
            exams[i],
            [
                [
                    (grid, n, sum(own) / len(own))
                    for grid, n in candidates[i, t]
                    if (own := likely.get(((i, t), grid)))
                ]
                for t in range(len(exams[i].ways))
            ],
            domain,
        )
        for i in copies
    }


def _copies(exam: Views) -> list[list[_Copy]]:
    """Of each test pair."""
    questions = iter(exam.context.questions)
    return [[_Copy(next(questions), way) for way in ways] for ways in exam.ways]


def _written(domain: Any, copy: _Copy, grid: Grid) -> str | None:
    """A candidate as the answer to a copy; None where it does not fit the text form."""
    try:
        return domain.form.grid.write(copy.way.forward(grid)) + domain.answer_end
    except InputError:
        return None


def _verdict(exam: Views, candidates: Sequence[Sequence[tuple[Grid, int, float]]], domain: Any) -> Verdict:
    graded: list[Graded] = []
    for own, copies, output in zip(candidates, _copies(exam), exam.outputs, strict=True):
        question = copies[0].question
        winner = max(own, key=lambda one: one[2])[0] if own else None  # of equals, what more of them gave
        outcome, reason = grade_grid(winner, output)
        value = None if outcome == "ungraded" else float(outcome == "right")
        answer = "" if winner is None else domain.form.grid.write(winner)
        graded.append(Graded(question.text, question.answers, answer, outcome, value, reason))
    return Verdict(summarise(graded, exam.context.id), tuple(map(tuple, candidates)))


def _ungraded(exam: Views, reason: str) -> Verdict:
    firsts = [copies[0].question for copies in _copies(exam)]
    graded = [Graded(q.text, q.answers, "", "ungraded", None, reason) for q in firsts]
    return Verdict(summarise(graded, exam.context.id), tuple(() for _ in firsts))
