"""What adapters need in training, counted. Knows nothing about what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seal.bench.inner_loop.shapes import Subject
from seal.bench.inner_loop.workload import Load, TrainingTask
from seal.engine.memory import (
    activation_bytes_a_token,
    adapter_bytes,
    adapter_parameters,
    pass_tokens_that_fit,
)
from seal.training import takes_layers_whole
from seal.training.passes import MAX_TOKENS

_HANDED_BACK_BYTES = 4  # a parameter of the adapter that training returns, in fp32 on the CPU


@dataclass(frozen=True)
class Need:
    """Bytes of an adapter, and of a token in a pass, which is estimated from the model's configuration.

    `state`: factors, gradients and both moments of AdamW. `handed_back`: the copy that is returned, on a CPU.
    """

    adapter_parameters: int
    state: int
    handed_back: int
    a_token: int
    example_tokens: float  # the mean
    longest_tokens: int
    pass_tokens: int  # at most

    def total(self, n: int) -> float:
        """The need of `n` adapters of one example a step; when all have ended, passes need none."""
        tokens = max(self.longest_tokens, min(self.pass_tokens, n * self.example_tokens))
        return n * self.state + max(n * self.handed_back, tokens * self.a_token)

    def slope(self, low: int, high: int) -> float:
        """Of one more adapter, between two numbers of them."""
        return (self.total(high) - self.total(low)) / (high - low)


def counted_need(subject: Subject, tasks: Sequence[TrainingTask], load: Load) -> Need:
    """The need of adapters for tasks like these."""
    h, model = load.hyperparameters, subject.model
    lengths = [len(example.input_ids) for task in tasks for example in task.plan.examples]
    parameters = adapter_parameters(model, h.rank, h.targets)
    kind = subject.device.type
    return Need(
        adapter_parameters=parameters,
        state=adapter_bytes(model, h.rank, h.targets),
        handed_back=_HANDED_BACK_BYTES * parameters if kind == "cpu" else 0,
        a_token=activation_bytes_a_token(model, whole_layers=takes_layers_whole(model), rank=h.rank),
        example_tokens=sum(lengths) / len(lengths),
        longest_tokens=max(lengths),
        pass_tokens=pass_tokens_that_fit(model) or MAX_TOKENS.get(kind, MAX_TOKENS["cpu"]),
    )
