"""The output head and its loss as one node of autograd, on one core: no table of logits is ever made.

The tokens that bear loss go through the head a few at a time, so that their logits stay in the processor's
cache, and the gradient of the hidden states is made on the way (`native/head.h`). At a model of a million
parameters a table [tokens, vocabulary] is as large as the activations of all its layers.

Knows nothing about adapters: a head that is adapted goes the general way.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from seal.training import native


def plain_head(model: Any) -> nn.Linear | None:
    """The model's output head, if native code can take it: a linear module in fp32 without a bias."""
    head = model.get_output_embeddings()
    if type(head) is not nn.Linear or head.bias is not None or "forward" in vars(head):
        return None
    weight = head.weight
    return head if weight.dtype == torch.float32 and weight.is_contiguous() else None


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        library = native.library()
        assert library is not None and weight.shape[1] == states.shape[1] and len(states) == len(targets)
        n_words = len(weight)
        assert not len(targets) or 0 <= int(targets.min()) <= int(targets.max()) < n_words
        states, targets, weights = (one.contiguous() for one in (states, targets, weights))
        losses, gradient = torch.empty_like(weights), torch.empty_like(states)
        scratch = states.new_empty(library.head_floats(n_words))
        pointers = [one.data_ptr() for one in (states, weight, targets, weights, losses, gradient, scratch)]
        library.head_losses(*states.shape, n_words, *pointers)
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors  # nobody else's: a second backward pass would be refused
        return gradient.mul_(gradients[0].unsqueeze(1)), None, None, None


def head_losses(states: Tensor, head: nn.Linear, targets: Tensor, weights: Tensor) -> Tensor:
    """-weights * log p(targets) [n] under the logits of `states` [n, d], with a gradient for the states."""
    return _HeadLoss.apply(states, head.weight, targets, weights)  # type: ignore[no-any-return]
