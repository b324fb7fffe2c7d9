"""Logits only where they are wanted, for any Hugging Face causal LM. Knows nothing about adapters.

The model's own forward runs, so that soft-capping and scaling after the output head stay the model's
business; a hook hands the head the wanted positions only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from seal.models import native


def logits_at(model: Any, positions: Tensor, **forward: Any) -> tuple[Tensor, Any]:
    """Runs `model` on the keywords of its forward; returns the logits [n, V] at `positions` and its output.

    `positions` [n] index the flattened tokens of the batch.
    """

    def keep(_: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (args[0].flatten(0, -2).index_select(0, positions), *args[1:])

    handle = model.get_output_embeddings().register_forward_pre_hook(keep)
    try:
        output = model(**forward)
    finally:
        handle.remove()
    return output.logits, output


def last_states(model: Any, positions: Tensor, inputs: Mapping[str, Any]) -> Tensor:
    """What goes into the output head [n, d] at `positions` [n] of the flattened tokens of `inputs`."""
    states = model.get_decoder()(use_cache=False, **inputs).last_hidden_state
    return states.flatten(0, -2).index_select(0, positions)


def token_log_probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    """log p(targets) [n] under `logits` [n, V], in fp32. In bf16 on a CPU by native code, without a table in
    fp32; each row's is the same whatever others there are."""
    halves = logits.dtype == torch.bfloat16 and logits.device.type == "cpu" and not logits.requires_grad
    if halves and (library := native.library()) is not None:
        return _of_halves(library, logits.contiguous(), targets.contiguous())
    return -torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")


def _of_halves(library: Any, logits: Tensor, targets: Tensor) -> Tensor:
    (n, n_words), logs = logits.shape, torch.empty(len(targets))
    assert targets.dtype == torch.int64 and len(targets) == n
    assert not n or 0 <= int(targets.min()) <= int(targets.max()) < n_words
    pointers = [one.data_ptr() for one in (logits, targets, logs)]
    library.log_probabilities_of_halves(n, n_words, torch.get_num_threads(), *pointers)
    return logs


class _WeightedLoss(torch.autograd.Function):
    """Cross-entropy whose gradient is made in the forward pass, in the memory of the log-probabilities.

    torch's own fills and reads a second table [n, V]; at a small model that is a tenth of a training step.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        table = torch.log_softmax(logits, dim=-1, dtype=torch.float32)
        places = targets.unsqueeze(1)
        losses = -table.gather(1, places).squeeze(1) * weights
        table.exp_().mul_(weights.unsqueeze(1)).scatter_add_(1, places, -weights.unsqueeze(1))
        ctx.save_for_backward(table)
        ctx.dtype = logits.dtype
        return losses

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (table,) = ctx.saved_tensors  # nobody else's: a second backward pass would be refused
        return table.mul_(gradients[0].unsqueeze(1)).to(ctx.dtype), None, None


def weighted_losses(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """-weights * log p(targets) [n] under `logits` [n, V], in fp32, with a gradient for the logits."""
    return _WeightedLoss.apply(logits, targets, weights)  # type: ignore[no-any-return]


class _WeightedDivergence(torch.autograd.Function):
    """The same for a whole distribution as the target."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, expected: Tensor, weights: Tensor) -> Tensor:
        table = torch.log_softmax(logits, dim=-1, dtype=torch.float32)
        wanted = expected.exp()
        losses = (wanted * (expected - table)).sum(1) * weights
        ctx.save_for_backward(table.exp_().sub_(wanted).mul_(weights.unsqueeze(1)))
        ctx.dtype = logits.dtype
        return losses

    backward = _WeightedLoss.backward


def weighted_divergences(logits: Tensor, expected: Tensor, weights: Tensor) -> Tensor:
    """weights * KL(expected || softmax(logits)) [n], in fp32, with a gradient for `logits` [n, V]; `expected`
    [n, V] are log-probabilities."""
    return _WeightedDivergence.apply(logits, expected, weights)  # type: ignore[no-any-return]
