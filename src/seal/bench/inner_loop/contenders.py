"""Who does the work: this engine; `peft` with a plain loop; `transformers.Trainer` as it is usually called.

Each learns tasks and then answers their questions, and takes its own time. Knows nothing about rounds,
ratios or tables.
"""

from __future__ import annotations

from collections.abc import Sequence

from seal.bench.inner_loop.clock import give_back, timed
from seal.bench.inner_loop.contender import Contender, TrainingTime
from seal.bench.inner_loop.peft_loop import PeftLoop, answer, require_peft
from seal.bench.inner_loop.shapes import Subject
from seal.bench.inner_loop.trainer_loop import TrainerLoop
from seal.bench.inner_loop.workload import IdTokenizer, Load, TrainingTask, question_ids
from seal.engine.memory import pass_tokens_that_fit, slots_that_fit
from seal.errors import UnknownNameError
from seal.hints import nearest
from seal.models.generate import generate
from seal.training import Adapter, AdapterBank, train

NAMES = ("engine", "peft", "peft_parallel", "trainer")
WORDS = {
    "engine": "seal, many adapters at once",
    "peft": "peft, plain PyTorch loop, no padding",
    "peft_parallel": "the same, one process a core",
    "trainer": "transformers.Trainer with peft, padded",
}
EXAM_ROWS = 256
"""Rows that are answered at once; `Adaptation` examines with as many."""


class Engine:
    """`seal.training.train` on all tasks, then `seal.models.generate` with an AdapterBank."""

    name, at_once = "engine", True

    def __init__(self, subject: Subject, load: Load) -> None:
        self.subject, self.load = subject, load
        self.adapters: list[Adapter] = []
        self._room: dict[int, tuple[int, int | None]] = {}

    def room(self, n: int) -> tuple[int, int | None]:
        """(how many of `n` adapters are trained at once, tokens of a pass at most), fixed for all rounds."""
        if n not in self._room:
            model, h = self.subject.own, self.load.hyperparameters
            self.adapters = []
            give_back(self.subject.device)  # what another contender left in a cache counts as taken
            slots = slots_that_fit(model, h.rank, h.targets, wanted=n)
            self._room[n] = slots, pass_tokens_that_fit(model)
        return self._room[n]

    def learn(self, tasks: Sequence[TrainingTask]) -> TrainingTime:
        model, (slots, tokens) = self.subject.own, self.room(len(tasks))
        self.adapters = []
        if self.subject.device.type == "cuda":
            give_back(self.subject.device)
        seconds, self.adapters = timed(
            self.subject.device,
            lambda: train(
                model, IdTokenizer(), [task.plan for task in tasks], max_slots=slots, max_tokens=tokens
            ),
        )
        failed = [adapter.failed for adapter in self.adapters if adapter.failed]
        assert not failed, failed[0]
        return TrainingTime(seconds)

    def examine(self, tasks: Sequence[TrainingTask]) -> tuple[float, list[list[str]]]:
        n = self.load.n_questions

        def exam() -> list[str]:
            with AdapterBank.of(self.subject.own, self.adapters) as bank:
                written = generate(
                    self.subject.own,
                    IdTokenizer(),
                    [question for task in tasks for question in task.questions],
                    adapters=bank,
                    slots=[slot for slot in range(len(tasks)) for _ in range(n)],
                    max_new_tokens=self.load.answer_tokens,
                    batch_size=EXAM_ROWS,
                )
            return [one.text for one in written]

        seconds, texts = timed(self.subject.device, exam)
        return seconds, [texts[at : at + n] for at in range(0, len(texts), n)]


class PeftContender:
    """A PeftLoop, one task at a time; then the model's own `generate` for its questions, in one batch."""

    name, at_once = "peft", False

    def __init__(self, subject: Subject, load: Load) -> None:
        self.subject, self.load = subject, load
        self.loop = PeftLoop(subject.model, load.hyperparameters)

    def learn(self, tasks: Sequence[TrainingTask]) -> TrainingTime:
        [task] = tasks
        seconds, _ = timed(self.subject.device, lambda: self.loop.train(task.plan))
        return TrainingTime(seconds)

    def examine(self, tasks: Sequence[TrainingTask]) -> tuple[float, list[list[str]]]:
        [task] = tasks
        seconds, texts = timed(
            self.subject.device,
            lambda: answer(self.loop.wrapped, question_ids(task), self.load.answer_tokens),
        )
        return seconds, [texts]


def check_names(names: Sequence[str]) -> None:
    """Raises UnknownNameError for a name that no contender has, ConfigError where its package is missing."""
    for name in names:
        if name not in NAMES:
            near = nearest(name, NAMES, cutoff=0.4)
            hint = f"did you mean {near!r}? " if near else ""
            raise UnknownNameError(f"there is no contender {name!r}", f"{hint}contenders: {', '.join(NAMES)}")
    if set(names) - {"engine"}:
        require_peft()


def make_contender(name: str, subject: Subject, load: Load, *, trainer_steps: int) -> Contender:
    """The contender of this name, in this process."""
    if name == "engine":
        return Engine(subject, load)
    if name == "trainer":
        return TrainerLoop(subject, load, steps=trainer_steps)
    return PeftContender(subject, load)
