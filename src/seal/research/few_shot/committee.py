"""Several adapters answer a task together: one for each of several directives, all trained on the whole task.

Each answers transformed copies of the task, and each answer, brought back, is a candidate. The one wins that
all of them find likeliest, on average over adapters and copies: a product of experts, as Franzen et al.
(arXiv 2505.07859) score candidates over copies. An adapter counts on a copy as much as it knows what the copy
shows: not every rule stays the same under a flip or in other colours, and not every directive trains for it.
A task of which the model as it is solves every demonstration is left alone: the bare model answers it, in the
same way. Nothing but what the task shows is looked at. Knows nothing about where the directives come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial

from seal.domains.arc_agi import ArcAgi, Augmentation
from seal.engine.adapt import Adaptation, Trial
from seal.engine.scores import ungraded
from seal.errors import InputError
from seal.grading.statistics import summarise
from seal.models import score_answers
from seal.research.config import FewShotConfig
from seal.research.evaluate import Evaluation
from seal.research.few_shot.choosing import left_out, solved_as_it_is
from seal.research.few_shot.voting import Views, arc_domain, graded_winner, read_grid
from seal.research.records import CommitteeRecord
from seal.seeds import derive_seed
from seal.training import Adapter, AdapterBank
from seal.types import Context, Graded, Grid, Question, Score, SelfEdit, Task

MOST_CANDIDATES = 4
"""Of a test grid, those that adapters and copies of most weight gave; the others are not scored."""
LEAST_WEIGHT = 0.02
"""Of the greatest at a table: who weighs less is not asked about candidates; its word would hardly count."""
_LEAST_LOG_PROBABILITY = -30.0  # one expert that finds a candidate impossible does not overrule all others


@dataclass(frozen=True)
class Panel:
    """A task, and the self-edits whose adapters answer it together; without any, the bare model does."""

    context: Context
    task: Task
    self_edits: tuple[SelfEdit, ...]
    seed: int


@dataclass(frozen=True)
class ProposedGrid:
    """`support`: the weight of the adapters and copies that gave it, over that of all. `log_probability`, in
    nats: the weighted mean over all of them."""

    grid: Grid
    support: float
    log_probability: float


@dataclass(frozen=True)
class Consensus:
    """What a panel agrees on, and its candidates for each test grid."""

    score: Score
    candidates: tuple[tuple[ProposedGrid, ...], ...]


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
    agreed = agree(adaptation, panels, evaluation.folder.config.few_shot, f"evaluating {method}")
    committees = evaluation.folder.committees
    stored = {r.context for r in committees.read() if r.method == method}
    committees.append(
        CommitteeRecord(
            method,
            panel.context.id,
            [edit.text for edit in panel.self_edits],
            [[asdict(one) for one in own] for own in consensus.candidates],
        )
        for panel, consensus in zip(panels, agreed, strict=True)
        if panel.context.id not in stored  # they are, where the run was cut off before the last line
    )
    evaluation.record(method, [consensus.score for consensus in agreed])


def agree(
    adaptation: Adaptation, panels: Sequence[Panel], settings: FewShotConfig, stage: str
) -> list[Consensus]:
    """What each panel agrees on. One whose adapters all diverged comes back ungraded, with the reason."""
    with adaptation.work.doing("train", sum(len(panel.self_edits) for panel in panels)):
        return adaptation.workers.share(
            panels,
            lambda panel: float(len(panel.self_edits) or 1),
            partial(_agree, settings=settings),
            lambda part: _agree(adaptation, part, stage, settings=settings),
        )


@dataclass(frozen=True)
class _Copy:
    """A transformed copy of a task with one test pair: the number of that, the question, what the copy was
    made by, and what it shows, each demonstration as a (prompt, answer) after the others."""

    test: int
    question: Question
    way: Augmentation
    shown: tuple[tuple[str, str], ...]


@dataclass
class _Seat:
    """One member of a panel before one copy: its weight, its answer brought back, and how likely it finds
    each candidate."""

    panel: int
    slot: int
    copy: _Copy
    weight: float = 1.0
    answer: Grid | None = None
    likely: dict[Grid, float] = field(default_factory=dict)


def _agree(
    adaptation: Adaptation, panels: Sequence[Panel], stage: str = "", *, settings: FewShotConfig
) -> list[Consensus]:
    domain, seed = arc_domain(adaptation), adaptation.config.seed
    exams = [Views.of(p.context, p.task, domain, settings.votes, seed) for p in panels]
    trials = [Trial(p.context, edit, p.seed) for p in panels for edit in p.self_edits]
    owners = [i for i, p in enumerate(panels) for _ in p.self_edits]
    trained = [adapter for adapter, _ in adaptation.train(trials, stage=stage)]
    sound = [j for j, adapter in enumerate(trained) if not adapter.failed]
    consensus: dict[int, Consensus] = {}
    for i, panel in enumerate(panels):
        own = [j for j in sound if owners[j] == i]
        if panel.self_edits and not own:
            [reason, *_] = [a.failed for a, owner in zip(trained, owners, strict=True) if owner == i]
            consensus[i] = Consensus(ungraded(panel.context, reason), tuple(() for _ in panel.task.test))
    bare = [i for i, panel in enumerate(panels) if not panel.self_edits]
    consensus |= _agreed(adaptation, exams, [(i, None) for i in bare], [], settings)
    consensus |= _agreed(adaptation, exams, [(owners[j], j) for j in sound], trained, settings)
    return [consensus[i] for i in range(len(panels))]


def _agreed(
    adaptation: Adaptation,
    exams: Sequence[Views],
    members: Sequence[tuple[int, int | None]],
    trained: Sequence[Adapter],
    settings: FewShotConfig,
) -> dict[int, Consensus]:
    """By panel, what its `members`, (panel, adapter or None) each, agree on."""
    if not members:
        return {}
    adapters = [trained[j] for _, j in members if j is not None]
    if not adapters:
        return _asked(adaptation, exams, [i for i, _ in members], None, settings)
    with AdapterBank.of(adaptation.model, adapters) as bank:
        return _asked(adaptation, exams, [i for i, _ in members], bank, settings)


def _asked(
    adaptation: Adaptation,
    exams: Sequence[Views],
    panels: Sequence[int],
    bank: AdapterBank | None,
    settings: FewShotConfig,
) -> dict[int, Consensus]:
    """The members' answers, the candidates in them, and of these the likeliest. Member i has slot i."""
    domain = arc_domain(adaptation)
    copies = {i: _copies(adaptation, exams[i], settings.choose_by) for i in set(panels)}
    seats = [_Seat(i, slot, copy) for slot, i in enumerate(panels) for copy in copies[i]]
    _hear(adaptation, seats, bank)
    tables = {
        i: [
            [seat for seat in seats if seat.panel == i and seat.copy.test == test]
            for test in range(len(exams[i].ways))
        ]
        for i in copies
    }
    supported = {id(table): _supported(table) for own in tables.values() for table in own}
    jobs = [
        (seat, grid, text)
        for own in tables.values()
        for table in own
        for seat in _weighty(table)
        for grid in supported[id(table)]
        if (text := _written(domain, seat.copy, grid)) is not None
    ]
    asked = [(seat, (adaptation.exam_prompt(None, seat.copy.question), text)) for seat, _, text in jobs]
    for (seat, grid, _), value in zip(jobs, _log_probabilities(adaptation, asked, bank), strict=True):
        seat.likely[grid] = value
    return {
        i: _consensus(exams[i], own, [_candidates(table, supported[id(table)]) for table in own], domain)
        for i, own in tables.items()
    }


def _hear(adaptation: Adaptation, seats: Sequence[_Seat], bank: AdapterBank | None) -> None:
    """Gives each seat its answer, and its weight: how likely it finds what its copy shows."""
    domain = arc_domain(adaptation)
    texts = adaptation.answer(
        [adaptation.exam_prompt(None, seat.copy.question) for seat in seats],
        bank=bank,
        slots=[seat.slot for seat in seats] if bank else None,
    )
    shown = [(seat, pair) for seat in seats for pair in seat.copy.shown]
    known = iter(_log_probabilities(adaptation, shown, bank))
    for seat, text in zip(seats, texts, strict=True):
        grid = read_grid(domain, text)
        seat.answer = None if grid is None else seat.copy.way.backward(grid)
        if own := [next(known) for _ in seat.copy.shown]:
            seat.weight = math.exp(sum(own) / len(own))


def _log_probabilities(
    adaptation: Adaptation, asked: Sequence[tuple[_Seat, tuple[str, str]]], bank: AdapterBank | None
) -> list[float]:
    """How likely the adapter of each seat finds the answer of a (prompt, answer), in nats."""
    scores = score_answers(
        adaptation.model,
        adaptation.tokenizer,
        [(prompt, adaptation.answer_lead + text) for _, (prompt, text) in asked],
        adapters=bank,
        slots=[seat.slot for seat, _ in asked] if bank else None,
        append_eos=adaptation.style == "chat",
    )
    return [max(score.log_probability, _LEAST_LOG_PROBABILITY) for score in scores]


def _weighty(table: Sequence[_Seat]) -> list[_Seat]:
    least = LEAST_WEIGHT * max(seat.weight for seat in table)
    return [seat for seat in table if seat.weight >= least]


def _supported(table: Sequence[_Seat]) -> dict[Grid, float]:
    """The answers of most weight, each with its share of all weight."""
    support: dict[Grid, float] = {}
    for seat in table:
        if seat.answer is not None:
            support[seat.answer] = support.get(seat.answer, 0.0) + seat.weight
    best = sorted(support, key=lambda grid: -support[grid])[:MOST_CANDIDATES]
    whole = sum(seat.weight for seat in table)
    return {grid: support[grid] / whole for grid in best}


def _candidates(table: Sequence[_Seat], supported: Mapping[Grid, float]) -> list[ProposedGrid]:
    proposed = []
    for grid, support in supported.items():
        own = [(seat.weight, seat.likely[grid]) for seat in table if grid in seat.likely]
        if own:
            mean = sum(w * x for w, x in own) / sum(w for w, _ in own)
            proposed.append(ProposedGrid(grid, support, mean))
    return proposed


def _copies(adaptation: Adaptation, exam: Views, n_shown: int) -> list[_Copy]:
    domain = arc_domain(adaptation)
    questions = iter(exam.context.questions)
    copies = []
    for test, (ways, tasks) in enumerate(zip(exam.ways, exam.copies, strict=True)):
        for way, task in zip(ways, tasks, strict=True):
            shown = [
                (adaptation.exam_prompt(None, question), question.answers[0] + domain.answer_end)
                for context in left_out(adaptation, domain.context(task))[:n_shown]
                for question in context.questions
            ]
            copies.append(_Copy(test, next(questions), way, tuple(shown)))
    return copies


def _written(domain: ArcAgi, copy: _Copy, grid: Grid) -> str | None:
    """A candidate as the answer to a copy; None where it does not fit the text form."""
    try:
        return domain.form.grid.write(copy.way.forward(grid)) + domain.answer_end
    except InputError:
        return None


def _consensus(
    exam: Views,
    tables: Sequence[Sequence[_Seat]],
    candidates: Sequence[Sequence[ProposedGrid]],
    domain: ArcAgi,
) -> Consensus:
    graded: list[Graded] = []
    for table, own, output in zip(tables, candidates, exam.outputs, strict=True):
        question = table[0].copy.question
        # of equals, the one with most support
        winner = max(own, key=lambda one: one.log_probability).grid if own else None
        graded.append(graded_winner(winner, output, question.text, question.answers, domain))
    return Consensus(summarise(graded, exam.context.id), tuple(map(tuple, candidates)))
