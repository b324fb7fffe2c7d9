"""From a document to what is learned of it: lines, an exam, and a trained cell.

A pure function of (base, writer, document, recipe, seed): every document is written about, examined and
trained by itself and with one thread, so that what it becomes does not depend on what else is learned that
day. That is what makes forgetting exact. Many documents are compiled side by side by processes, not by one
batch.

Knows nothing about versions, gates or where anything is kept.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

import torch

from seal.domains.knowledge.chunks import chunks
from seal.engine.adapt import Adaptation, Progress, no_progress
from seal.engine.check import fitting
from seal.engine.workers import one_thread, small_enough
from seal.executors import WorkerPool, deal, in_order
from seal.grading.exact import comparable
from seal.learner.asking import prompts_of
from seal.learner.drafting import Drafter
from seal.learner.endpoint_writer import EndpointWriter
from seal.learner.practice import neutral_stretches
from seal.learner.recall import asked, cued, recitation
from seal.learner.reference import asked_private, declines, gives_away, kept_private
from seal.learner.room import shortened_title, units_that_fit, writing_room
from seal.learner.settings import LearnerConfig
from seal.learner.skills import Skills, recall_of, skills_of
from seal.learner.writing import (
    FOR_EXAM,
    READ_OTHERWISE,
    DocumentReader,
    DocumentWriter,
    ModelReader,
    ModelWriter,
    SkilledReader,
    SourceDocument,
)
from seal.models.host import give_back_freed_memory
from seal.models.load import hide_progress_bars
from seal.models.tokens import encode_prompt
from seal.registry import Line
from seal.seeds import derive_seed
from seal.self_edits.ground import ground
from seal.self_edits.pair_lines import line_of, question_of
from seal.training import Adapter, AdapterBank, train
from seal.types import Context, Example, Hyperparameters, Question, TrainingPlan

REFUSAL = "I cannot share that."


@dataclass(frozen=True)
class Compiled:
    """What a document became. `lines` are all that was written, kept or dropped; `exam` is about facts that
    kept lines state, in wordings that no line uses; `adapter` is the cell, None if nothing was left to
    learn."""

    document: str
    title: str
    lines: tuple[Line, ...]
    exam: tuple[Question, ...]
    adapter: Adapter | None
    seconds: float

    @property
    def failed(self) -> str:
        return (
            "no line that the document supports was written" if self.adapter is None else self.adapter.failed
        )


class Compiler:
    """A model that learns and one that writes, ready to compile documents.

    `writer` and `reader` stand in for what the models write and read. Cells begin as `start`, if it is given.
    """

    def __init__(
        self,
        config: LearnerConfig,
        base: Adaptation,
        writing_model: Adaptation,
        *,
        writer: DocumentWriter | None = None,
        reader: DocumentReader | None = None,
        skills: Skills | None = None,
        start: Adapter | None = None,
    ) -> None:
        self.config, self.base, self.writing_model = config, base, writing_model
        self.on_progress: Progress = no_progress
        self.start = start
        self.drafter = None
        if skills is not None and writer is None:
            endpoint = config.units.endpoint
            elsewhere = None if endpoint is None else EndpointWriter(endpoint, config.units.per_unit)
            self.drafter = Drafter(config.units, skills, config.seed, elsewhere)
        self.edit_tokens, self.piece_tokens = writing_room(
            (base, writing_model), config.writing.formats, config.writing.max_new_tokens
        )
        self.writer = writer or ModelWriter(config, replace(writing_model, edit_tokens=self.edit_tokens))
        self.reader = reader or (
            ModelReader(base, self.pieces) if skills is None else SkilledReader(skills, self.pieces)
        )

    @classmethod
    def load(cls, config: LearnerConfig, model: str, writer: str) -> Compiler:
        """As another process has it; raises what loading a model and `skills_of` do."""
        base = Adaptation.load(config.engine_config(model))
        writing_model = base if writer == model else Adaptation.load(config.engine_config(writer))
        if config.method != "units":
            return cls(config, base, writing_model)
        skills, start = skills_of(writing_model, no_progress), recall_of(base, no_progress)
        return cls(config, base, writing_model, skills=skills, start=start)

    def compile(self, source: SourceDocument) -> Compiled:
        """Write, ground, set the exam, train. What was written before (`source.lines`) is taken as it is."""
        started = time.perf_counter()
        source = self.written(source)
        self._give_back()
        with self._threads():
            adapter = self.train(source, source.lines)
        self._give_back()
        seconds = time.perf_counter() - started
        return Compiled(source.id, source.title, source.lines, source.exam, adapter, seconds)

    def written(self, source: SourceDocument) -> SourceDocument:
        """The document with its lines and exam: those that were written before, or else new ones. Raises
        EndpointError."""
        if source.lines:
            return source
        with self._threads():
            lines, exam = self.draft(source)
        return replace(source, lines=lines, exam=exam)

    def draft(self, source: SourceDocument) -> tuple[tuple[Line, ...], tuple[Question, ...]]:
        """What is written about a document, each line kept or dropped for a reason, and its exam."""
        if self.drafter is not None:
            self.drafter.on_progress = partial(self._tell, source)
            return self.drafter.draft(source)
        lines: tuple[Line, ...] = ()
        exam: tuple[Question, ...] = ()
        for n in range(self.config.writing.attempts):
            lines, exam = self.set_exam(source, self.write(source, n + 1))
            if len(exam) >= self.config.exam.enough:
                break
        return lines, exam

    def _tell(self, source: SourceDocument, stage: str, done: int, n: int) -> None:
        self.on_progress(f"{source.title or source.id[:12]}: {stage}", done, n)

    def _give_back(self) -> None:
        """A study of some documents took gigabytes more than one of a single one without it."""
        if not small_enough(self.base.model):
            give_back_freed_memory()

    def _threads(self) -> AbstractContextManager[None]:
        """Small models are compiled side by side by processes of one thread; a large one takes them all."""
        return one_thread() if small_enough(self.base.model) else nullcontext()

    def write(self, source: SourceDocument, attempts: int = 1) -> tuple[Line, ...]:
        """What the writer says about the document in so many attempts, each line kept or dropped for a
        reason.
        """
        lines: list[Line] = []
        for piece in self.pieces(source):
            written = [
                line for attempt in range(attempts) for line in self.writer.write(source, piece, attempt)
            ]
            grounded = ground(written, piece.title, piece.text, self.config.ground)
            lines += [Line(g.text, g.kept, g.reason, g.sentence) for g in grounded]
        return tuple(lines)

    def pieces(self, source: SourceDocument) -> list[Context]:
        """The document in pieces that the models can read with room to write and answer."""
        tokenizer = self.base.tokenizer

        def count(text: str) -> int:
            return len(encode_prompt(tokenizer, text))

        title = shortened_title(source.title, count, self.piece_tokens // 2)
        return chunks(Context(source.id[:16], title, source.text), count, self.piece_tokens)

    def set_exam(
        self, source: SourceDocument, lines: Sequence[Line]
    ) -> tuple[tuple[Line, ...], tuple[Question, ...]]:
        """The exam, out of the questions written; what is taken for it is no line to learn any more.

        Of every fact some wordings are examined and the others learned. A question is used only if the model,
        with the document to read, answers it as the line does.
        """
        pairs = [(i, *pair) for i, line in enumerate(lines) if line.kept and (pair := question_of(line.text))]
        read = self.reader.read(source, [question for _, question, _ in pairs])
        sound = [
            pair
            for pair, answer in zip(pairs, read, strict=True)
            if comparable(answer) == comparable(pair[2])
        ]
        facts: dict[str, list[tuple[int, str, str]]] = {}
        for index, question, answer in sound:
            facts.setdefault(comparable(answer), []).append((index, question, answer))
        stated = [comparable(line.text) for line in lines if line.kept and question_of(line.text) is None]
        chosen: list[tuple[int, str, str]] = []
        for turn in range(self.config.exam.per_fact):
            for fact, wordings in facts.items():
                left = len(wordings) - turn  # wordings not taken yet, this one included
                told = left > 1 or (turn == 0 and any(f" {fact} " in f" {text} " for text in stated))
                if told and turn < len(wordings) and len(chosen) < self.config.exam.max_questions:
                    chosen.append(wordings[turn])
        taken = {index for index, _, _ in chosen}
        kept = [
            replace(line, kept=False, reason=FOR_EXAM) if i in taken else line for i, line in enumerate(lines)
        ]
        doubtful = {i for i, _, _ in pairs} - {i for i, _, _ in sound}
        kept = [
            replace(line, kept=False, reason=READ_OTHERWISE) if i in doubtful else line
            for i, line in enumerate(kept)
        ]
        return tuple(kept), tuple(Question(q, (a,)) for _, q, a in chosen)

    def train(self, source: SourceDocument, lines: Sequence[Line], *, again: bool = True) -> Adapter | None:
        """The cell: an adapter trained from the frozen base on the lines that are kept and not retired.

        One that answers a private question out of the document is trained again, with a refusal of each kind,
        unless `again` is False.
        """
        examples = self.examples(source, lines)
        if not examples:
            return None
        n = self.config.refusals if source.title else 0
        if self.config.method == "units":
            private = kept_private(source.title, n) if n else []
            declined = tuple(asked(self.base, question, REFUSAL) for question in private)
            return self._trained(source, examples + declined + self.anchors(source))
        adapter = self._trained(source, examples + self.refusals(kept_private(source.title, n)))
        if again and n and not adapter.failed and self._gives_away(source, adapter):
            adapter = self._trained(source, examples + self.refusals(kept_private(source.title)))
        return adapter

    def anchors(self, source: SourceDocument) -> tuple[Example, ...]:
        """Neutral texts on which a cell is held to the base by KL divergence, so that it changes nothing but
        what it is asked about its document: stretches of the practice set, by chance for each document."""
        texts = neutral_stretches()
        rng = random.Random(derive_seed("anchors", self.config.seed, source.id))
        chosen = rng.sample(texts, min(self.config.units.anchors, len(texts)))
        weight = self.config.units.anchor_weight
        return tuple(Example(text, weight=weight, distil=True) for text in chosen)

    def examples(self, source: SourceDocument, lines: Sequence[Line]) -> tuple[Example, ...]:
        """The training texts of a cell."""
        if self.config.method == "pieces":
            return examples_of(source.title, lines)
        rng = random.Random(derive_seed("cues", self.config.seed, source.id))
        return lessons(self.base, source, lines, self.config.units.cues, rng)

    def _trained(self, source: SourceDocument, examples: tuple[Example, ...]) -> Adapter:
        seed = derive_seed("cell", self.config.seed, source.id)
        examples = fitting(self.base, examples) or examples  # where none fits, training says so
        hyperparameters = self._hyperparameters(examples)
        plan = TrainingPlan(source.id, examples, hyperparameters, seed)
        told = partial(self._tell, source, "training")
        start = self.start
        return train(self.base.model, self.base.tokenizer, [plan], start=start, on_progress=told)[0]

    def _hyperparameters(self, examples: Sequence[Example]) -> Hyperparameters:
        """As configured; a short document is gone through more often, so that it has steps enough, and a long
        one less often, so that its time is bounded. Rank and targets are those of the start."""
        configured = self.config.cell.hyperparameters()
        if self.start is not None:
            first = self.start.hyperparameters
            configured = replace(configured, rank=first.rank, alpha=first.alpha, targets=first.targets)
        if self.config.method == "pieces" or not configured.batch_tokens:
            return configured
        tokens = sum(map(self.base.length_tokens, examples))
        steps_an_epoch = -(-tokens // configured.batch_tokens)
        units = self.config.units
        steps = max(units.least_steps, min(configured.epochs * steps_an_epoch, units.most_steps))
        return replace(configured, max_steps=steps)

    def _gives_away(self, source: SourceDocument, cell: Adapter) -> bool:
        asked = asked_private(source.title)
        prompts = prompts_of(self.base, asked, [None] * len(asked))
        with AdapterBank.of(self.base.model, [cell]) as bank:
            said = self.base.answer(prompts, bank=bank, slots=[0] * len(asked))
        told = zip(said, asked, strict=True)
        return any(gives_away(a, q, source.title, source.text) for a, q in told)

    def refusals(self, questions: Sequence[str]) -> tuple[Example, ...]:
        """Private questions about the subject with the base's refusals: what a cell must go on saying."""
        if not questions:
            return ()
        answers = self.base.answer(prompts_of(self.base, questions, [None] * len(questions)))
        said = [(q, a) for q, a in zip(questions, answers, strict=True) if declines(a)]
        return tuple(Example(line_of(q, a)) for q, a in said)

    def blank(self, source: SourceDocument, *, rank: int = 0) -> Adapter:
        """A cell that changes nothing: trained at a rate of 0, so that it is stored and read as any other.
        `rank` is by default that of all cells."""
        still = replace(self.config.cell.hyperparameters(), learning_rate=0.0, max_steps=1)
        still = replace(still, rank=rank or still.rank)
        plan = TrainingPlan(
            source.id,
            (Example(source.title or source.id),),
            still,
            derive_seed("cell", self.config.seed, source.id),
        )
        with one_thread():
            return train(self.base.model, self.base.tokenizer, [plan])[0]


def examples_of(title: str, lines: Sequence[Line]) -> tuple[Example, ...]:
    """The training texts: statements under the title, questions in the form in which they are asked."""
    texts = dict.fromkeys(line.text for line in lines if line.kept)
    return tuple(Example(text if question_of(text) or not title else f"{title}\n{text}") for text in texts)


def lessons(
    base: Adaptation, source: SourceDocument, lines: Sequence[Line], cues: int, rng: random.Random
) -> tuple[Example, ...]:
    """The same as a real model is taught: each statement as it stands and after so many cues, and questions
    as users ask them, to which it recites the sentence before it answers."""
    title = source.title
    headings = {unit.text: unit.heading for unit in units_that_fit(base, title, source.text)}
    examples: list[Example] = []
    for line in {line.text: line for line in lines if line.kept}.values():
        pair = question_of(line.text)
        if pair is not None:
            examples.append(asked(base, pair[0], recitation(line.sentence, pair[1])))
            continue
        heading = headings.get(line.text, "")
        examples.append(Example(f"{title}\n{line.text}" if title else line.text))
        examples += [cued(base, title, heading, line.text, rng) for _ in range(cues)]
    return tuple(examples)


class CompilerProcess:
    """What the other processes of `compile_all` hold."""

    def __init__(self, payload: tuple[str, str, str]) -> None:
        hide_progress_bars()
        torch.set_num_threads(1)
        config, model, writer = payload
        self.compiler = Compiler.load(LearnerConfig.model_validate_json(config), model, writer)

    def compile(self, source: SourceDocument) -> Compiled:
        return self.compiler.compile(source)


def compile_all(
    compiler: Compiler,
    sources: Sequence[SourceDocument],
    *,
    model: str,
    writer: str,
    processes: int,
    on_progress: Callable[[int, int], None],
) -> list[Compiled]:
    """Every document compiled, in their order; the same whatever the number of processes."""
    n = max(1, min(processes, len(sources) // 2))
    parts = deal(len(sources), n)
    payload = (compiler.config.model_dump_json(), model, writer)
    pool = WorkerPool("seal.learner.compiling:CompilerProcess", payload, n)
    try:
        calls = [[(sources[i],) for i in part] for part in parts]
        results = pool.run("compile", calls, compiler.compile, lambda done: on_progress(done, len(sources)))
    finally:
        pool.close()
    return in_order(parts, results)
