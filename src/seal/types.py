"""The nouns of the flow, as frozen records: Context → SelfEdit → TrainingPlan → Adapter → Score.

Knows nothing about models, files or tokens: everything here is text, numbers and tuples.
Axis suffixes used throughout the package: `_C` contexts, `_E` self-edits, `_A` adapters, `_B` rows,
`_T` tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias


@dataclass(frozen=True)
class Question:
    """One exam question. `answers` are all accepted gold answers, the first is the canonical one."""

    text: str
    answers: tuple[str, ...]
    id: str = ""


@dataclass(frozen=True)
class Context:
    """What is to be learned (a passage), with the exam that measures whether it was."""

    id: str
    title: str
    text: str
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True)
class SelfEdit:
    """What a model wrote about one context, parsed: training lines, and directives where the format has them.

    `text` is the completion as sampled. `lines` are the training texts in it, without numbering or bullets.
    `truncated`: the sample ended at its token limit, so its last line was dropped.
    """

    context_id: str
    format: str
    text: str
    lines: tuple[str, ...]
    truncated: bool = False
    directives: Mapping[str, Any] = field(default_factory=dict)


Grid: TypeAlias = tuple[tuple[int, ...], ...]
"""Rows of cells; a cell is a colour, 0-9. Not empty, and all rows are equally long."""


@dataclass(frozen=True)
class Pair:
    """An input grid and the output that the task's rule makes of it; a test pair may be without its
    output."""

    input: Grid
    output: Grid | None = None


@dataclass(frozen=True)
class Task:
    """A few-shot task (ARC): demonstrations `train`, each with its output, and pairs to be solved, `test`."""

    id: str
    train: tuple[Pair, ...]
    test: tuple[Pair, ...] = ()


LossStrategy = Literal["train_using_all_tokens", "train_using_output_tokens"]


@dataclass(frozen=True)
class Directive:
    """A self-edit that configures the training on a task. Names as in SEAL (arXiv 2506.10943, appendix A)."""

    use_basic_augmentations: bool
    use_size_augmentations: bool
    use_chain_augmentations: bool
    use_repeat_augmentations: bool
    strategy: LossStrategy
    learning_rate: float
    num_train_epochs: int

    @classmethod
    def of(cls, self_edit: SelfEdit) -> Directive | None:
        """The directive in a self-edit; None if the self-edit is not a valid one."""
        written = self_edit.directives
        names = [each.name for each in fields(cls)]
        return cls(**{name: written[name] for name in names}) if written.keys() >= set(names) else None


@dataclass(frozen=True)
class ClippedRatio:
    """A token counts by how much likelier it is than it was to the model that wrote it, times the example's
    weight, and as long as that is within 1 ± `clip` (PPO, arXiv 1707.06347); `kl` times the divergence from
    another model, estimated as GRPO does (arXiv 2402.03300, equation 4), is added to the loss.
    """

    clip: float = 0.2
    kl: float = 0.0


@dataclass(frozen=True)
class Preference:
    """An example is to gain more than its rival, both against what they were to an earlier model: the loss
    of DPO (arXiv 2305.18290, equation 7), in which `beta` says how far it may go from that model."""

    beta: float = 0.1


Objective: TypeAlias = ClippedRatio | Preference


@dataclass(frozen=True)
class Rival:
    """The text that an example is preferred to, after the same prompt."""

    completion: str
    reference: tuple[float, ...]


@dataclass(frozen=True)
class Example:
    """One training text. The loss falls on `completion` only (all of the text when `prompt` is empty).

    A negative `weight` makes it unlikelier. With `distil` it is not the text that is learned: at each of its
    tokens the loss is the KL divergence from what a teacher, by default the base model, expects there (Hinton
    et al., arXiv 1503.02531). So a model keeps its behaviour on such texts while it learns something else.

    With an `objective` it is learned by how its likelihood changes. `reference` has the log-probability, in
    nats, of each token of the completion (its end included) under an earlier model: the one that wrote it.
    `anchor` has those under the model that `ClippedRatio.kl` holds it to, if that is another one.
    """

    completion: str
    prompt: str = ""
    weight: float = 1.0
    distil: bool = False
    objective: Objective | None = None
    reference: tuple[float, ...] = ()
    anchor: tuple[float, ...] = ()
    rival: Rival | None = None


@dataclass(frozen=True)
class Lesson:
    """What the policy is to learn from the samples of one context, which go by their numbers.

    `weights`: each of these texts is to become likelier, or with a negative weight unlikelier; only the
    ratios matter. `pairs`: the first of two is to be preferred to the second.
    """

    weights: Mapping[int, float] = field(default_factory=dict)
    pairs: tuple[tuple[int, int], ...] = ()

    @property
    def samples(self) -> list[int]:
        """Those that it names, each once."""
        return list(dict.fromkeys([*self.weights, *(one for pair in self.pairs for one in pair)]))


@dataclass(frozen=True)
class Hyperparameters:
    """How one adapter is trained. Every adapter of a bank may have its own.

    `schedule` is "constant", "linear" or "cosine": the learning rate goes from `learning_rate` to
    `learning_rate * final_lr_fraction` over all steps. `max_steps` above 0 sets the number of optimiser
    steps, in as many epochs as that takes. A step has `batch_size` examples (0: all of them), or, with
    `batch_tokens` above 0, examples of like length up to that many tokens. `targets` is "all-linear" or
    module-name suffixes as in PEFT's `target_modules`. `max_grad_norm` 0 means no clipping.
    """

    rank: int = 32
    alpha: float = 64.0
    dropout: float = 0.0
    targets: str | tuple[str, ...] = "all-linear"
    learning_rate: float = 1e-3
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    final_lr_fraction: float = 0.0
    warmup_steps: int = 0
    epochs: int = 10
    max_steps: int = 0
    batch_size: int = 1
    batch_tokens: int = 0
    shuffle: bool = True
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    max_grad_norm: float = 1.0


@dataclass(frozen=True)
class TrainingPlan:
    """The whole recipe of one adapter: its examples, its hyperparameters and its seed.

    `seed` sets the adapter's initial weights, the order of its examples and its dropout masks;
    nothing else does.
    """

    id: str
    examples: tuple[Example, ...]
    hyperparameters: Hyperparameters
    seed: int


@dataclass(frozen=True)
class ContextSource:
    """Loaded contexts and, where the truth behind them is known, the ideal self-edit of each by context id.

    `tasks` are the few-shot tasks behind the contexts, by context id; `notices` is what a person should know
    of the file: questions that were left out, an encoding that was found out.
    """

    contexts: list[Context]
    gold: Mapping[str, SelfEdit] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


Messages: TypeAlias = list[dict[str, str]]
"""A prompt as chat messages, each with its "role" and its "content"."""


Outcome = Literal["right", "wrong", "ungraded"]


@dataclass(frozen=True)
class Graded:
    """One graded answer. `score` is None exactly when `outcome` is "ungraded"; `reason` then says why."""

    question: str
    gold: tuple[str, ...]
    answer: str
    outcome: Outcome
    score: float | None
    reason: str = ""


LEFT_RACE: Final = "left the race"
"""How the reason begins for which an exam is ungraded whose adapter was behind, and is trained no further."""


@dataclass(frozen=True)
class Score:
    """What one adapter scored in its context's exam.

    `accuracy` is the mean over the graded answers, None if none could be graded. `likelihood` is the
    mean over the questions of the probability the model gives the canonical gold answer, None where
    it was not measured. `notes` say which of a directive's demands were changed, and how.
    """

    context_id: str
    answers: tuple[Graded, ...]
    accuracy: float | None
    coverage: float
    likelihood: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval. `n` counts the independent units (contexts) the interval is over."""

    mean: float
    low: float
    high: float
    n: int
