"""What a base practises once: an adapter with which it writes about sentences and reads texts, and one with
which it recalls, where the cells of documents begin.

It practises on the practice set, and the adapters are kept for all workspaces; some come with the package.
The base itself is not changed by it: what is learned of documents goes into cells of their own.
Knows nothing about documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from seal.engine.check import fitting
from seal.engine.serving import AdapterSource
from seal.errors import InputError, TrainingError
from seal.files import cache_folder
from seal.learner.asking import probabilities_of, told_by_logs
from seal.learner.practice import practice_documents, read_answer, skills_name
from seal.learner.practice_texts import TOGETHER, practice_examples
from seal.learner.recall import recall_examples, recall_hyperparameters
from seal.models import AnswerScore, score_answers
from seal.models.context import context_tokens
from seal.models.generate import Generation, generate
from seal.models.identity import weights_fingerprint
from seal.training import Adapter, AdapterBank, load_peft, save_peft, train
from seal.types import Hyperparameters, TrainingPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seal.engine.adapt import Adaptation
    from seal.learner.speaking import Speaker

ROUNDS: Final = 1
_SEED: Final = 0
_HYPERPARAMETERS: Final = Hyperparameters(
    rank=8,
    alpha=16.0,
    learning_rate=8e-4,
    schedule="linear",
    final_lr_fraction=0.05,
    warmup_steps=4,
    epochs=1,
    batch_size=2 * TOGETHER,
    shuffle=False,  # what is read beside the same passages stands together
)
_READ_TOKENS: Final = 24
_ROWS: Final = 48
_WEIGHTS: Final = "adapter_model.safetensors"
RECALL: Final = "recall"
_HERE: Final = 4  # a base that comes without skills practises on every fourth document: minutes, not an hour


@dataclass(frozen=True)
class ReadAnswer:
    """What was read in a text: empty where the text does not say. `probability`: of the answer as a whole."""

    text: str
    probability: float


class Skills:
    """A base with its skills on: it writes and reads by the prompts of practice.py. `speaker`: by what it
    reads; None: by the model itself, in the thread that asks."""

    def __init__(self, base: Adaptation, adapter: Adapter, speaker: Speaker | None = None) -> None:
        self.base, self.adapter, self.speaker = base, adapter, speaker
        self._bank: AdapterBank | None = None

    @cached_property
    def source(self) -> AdapterSource:
        """The adapter, by a digest of its numbers."""
        digest = hashlib.sha256()
        for name, factors in sorted(self.adapter.factors.items()):
            for factor in factors:
                digest.update(name.encode() + factor.contiguous().numpy().tobytes())
        return AdapterSource(f"skills/{digest.hexdigest()}", lambda: self.adapter)

    @contextmanager
    def on(self) -> Iterator[AdapterBank]:
        """Inside, the skills are loaded once for all that is asked."""
        if self._bank is not None:
            yield self._bank
            return
        with AdapterBank.of(self.base.model, [self.adapter]) as bank:
            self._bank = bank
            try:
                yield bank
            finally:
                self._bank = None

    def write(
        self,
        prompts: Sequence[str],
        *,
        seeds: Sequence[int],
        temperature: float,
        top_p: float,
        max_new_tokens: int,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> list[Generation]:
        """What is written to each prompt of `writing_prompt`."""
        return self._generate(
            prompts,
            max_new_tokens=max_new_tokens,
            seeds=seeds,
            temperature=temperature,
            top_p=top_p,
            on_progress=on_progress,
        )

    def read(
        self, prompts: Sequence[str], on_progress: Callable[[int, int], None] | None = None
    ) -> list[ReadAnswer]:
        """The answer to each prompt of `reading_prompt`."""
        how: Any = {"max_new_tokens": _READ_TOKENS, "stop": ("\n",)}
        if self.speaker is not None:
            said = self.speaker.written(prompts, self.source, **how)
        else:
            logs = told_by_logs(self.base.model)
            said = self._generate(prompts, on_progress=on_progress, with_logs=logs, **how)
        texts = [one.text.strip() for one in said]
        sure = self._measured(prompts, texts, said)
        return [ReadAnswer(read_answer(text), p) for text, p in zip(texts, sure, strict=True)]

    def probabilities(self, prompts: Sequence[str], answers: Sequence[str]) -> list[float]:
        """How likely each answer is after its prompt, with its end; 0 for an empty one."""
        return self._measured(prompts, answers)

    def log_probabilities(self, prompts: Sequence[str], texts: Sequence[str]) -> list[float]:
        """How likely each text is after its prompt, in nats."""
        pairs = list(zip(prompts, texts, strict=True))
        return [one.log_probability for one in self._scores(pairs, range(len(pairs)))]

    def _measured(
        self, prompts: Sequence[str], answers: Sequence[str], written: Sequence[Generation] = ()
    ) -> list[float]:
        texts = [f" {one}\n" if one else "" for one in answers]
        tokenizer = self.base.tokenizer
        return probabilities_of(prompts, texts, self._scores, tokenizer=tokenizer, written=written)

    def _scores(self, pairs: Sequence[tuple[str, str]], _: Sequence[int]) -> list[AnswerScore]:
        if self.speaker is not None:
            return self.speaker.scores(pairs, [self.source], [0] * len(pairs))
        with self.on() as bank:
            return score_answers(
                self.base.model, self.base.tokenizer, pairs, adapters=bank, slots=[0] * len(pairs)
            )

    def _generate(self, prompts: Sequence[str], **how: Any) -> list[Generation]:
        with self.on() as bank:
            return generate(
                self.base.model,
                self.base.tokenizer,
                prompts,
                adapters=bank,
                slots=[0] * len(prompts),
                batch_size=_ROWS,
                **how,
            )


def skills_of(
    base: Adaptation, watch: Callable[[str, int, int], None], speaker: Speaker | None = None
) -> Skills:
    """The skills of a base: those that come with the package, those that were practised here before, or new
    ones, which takes minutes. Raises TrainingError if practice diverged."""
    find = partial(_kept, base, "", lambda: practised(base, watch, every=_HERE))
    return Skills(base, find() if speaker is None else speaker.alone(find), speaker)


def recall_of(base: Adaptation, watch: Callable[[str, int, int], None]) -> Adapter:
    """Where the cells of a base begin: it has practised to recall what it learned. As `skills_of`."""
    return _kept(base, RECALL, lambda: practised_recall(base, watch, every=_HERE))


def _kept(base: Adaptation, part: str, practise: Callable[[], Adapter]) -> Adapter:
    name = skills_name(weights_fingerprint(base.model)) + (f"-{part}" if part else "")
    with as_file(files("seal.learner") / "skills_of_models") as packaged:
        for folder in (packaged / name, skills_folder() / name):
            if (folder / _WEIGHTS).exists():
                return load_peft(folder, base.model)
    adapter = practise()
    folder = skills_folder() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        save_peft(adapter, folder, base.config.model.name)
    return load_peft(folder, base.model)


def practised(
    base: Adaptation, watch: Callable[[str, int, int], None], *, rounds: int = ROUNDS, every: int = 1
) -> Adapter:
    """Practises to write and to read on `every` n-th document of the practice set, so many times. Raises
    TrainingError if it diverged."""
    examples = practice_examples(practice_documents()[::every], _SEED, rounds)
    told = partial(watch, "practising to write and read, once for this model")
    return _practised(base, TrainingPlan("skills", examples, _HYPERPARAMETERS, _SEED), told)


def practised_recall(
    base: Adaptation, watch: Callable[[str, int, int], None], *, rounds: int = ROUNDS, every: int = 1
) -> Adapter:
    """Practises to recall, likewise."""
    examples = recall_examples(base, practice_documents()[::every], _SEED, rounds)
    told = partial(watch, "practising to recall, once for this model")
    return _practised(base, TrainingPlan("recall", examples, recall_hyperparameters(base.model), _SEED), told)


def _practised(base: Adaptation, plan: TrainingPlan, told: Callable[[int, int], None]) -> Adapter:
    fit = fitting(base, plan.examples)  # what is longer than the context is not practised
    if not fit:
        raise InputError(
            f"the model's context of {context_tokens(base.model)} tokens holds no text of the practice set",
            "Take a model with a longer context.",
        )
    [adapter] = train(base.model, base.tokenizer, [replace(plan, examples=fit)], on_progress=told)
    if adapter.failed:
        raise TrainingError(f"the model could not practise: {adapter.failed}", "Try another dtype.")
    return adapter


def skills_folder() -> Path:
    """Where skills that were practised on this machine are kept."""
    return cache_folder() / "skills"
