"""What one more adapter needs in training, counted. Knows nothing about what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seal.loops.bench.workload import Load, Task
from seal.loops.memory import activation_bytes_a_token, adapter_bytes, adapter_parameters

_HANDED_BACK_BYTES = 4  # a parameter of the adapter that training returns, in fp32 on the CPU


@dataclass(frozen=True)
class Need:
    """Bytes of one more adapter. `activations` are estimated from the model's configuration for one example.

    They are an upper bound: a pass has a bound on its tokens, beyond which more adapters take more passes.
    """

    adapter_parameters: int
    state: int
    handed_back: int
    activations: int

    @property
    def least(self) -> int:
        """Factors, gradients, both moments of AdamW, and the copy that is returned."""
        return self.state + self.handed_back

    @property
    def most(self) -> int:
        return self.least + self.activations


def counted_need(model: Any, tasks: Sequence[Task], load: Load) -> Need:
    """The need of an adapter for tasks like these."""
    h = load.hyperparameters
    lengths = [len(example.input_ids) for task in tasks for example in task.plan.examples]
    parameters = adapter_parameters(model, h.rank, h.targets)
    on_cpu = next(model.parameters()).device.type == "cpu"
    return Need(
        adapter_parameters=parameters,
        state=adapter_bytes(model, h.rank, h.targets),
        handed_back=_HANDED_BACK_BYTES * parameters if on_cpu else 0,
        activations=round(activation_bytes_a_token(model) * sum(lengths) / len(lengths)),
    )
