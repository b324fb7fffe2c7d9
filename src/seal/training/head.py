"""The output head and its loss as one node of autograd: no table of all logits is ever made.

The tokens that bear loss go through the head some at a time, and the gradient of the hidden states is made on
the way. On one core in fp32 native code takes so few that their logits stay in the processor's cache
(`native/head.h`): at a model of a million parameters a table [tokens, vocabulary] is as large as the
activations of all its layers. Elsewhere torch takes blocks of tokens: with a vocabulary of 150,000, a pass of
1,000 tokens would make tables of 600 MB, and several of them. In bf16 on a CPU native code does all that lies
between the two products in one go over the logits, which become their gradient.

Knows nothing about adapters: a head that is adapted goes the general way.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from seal.models import native
from seal.models.decoder import PLAIN_HEADS

_BLOCK_LOGITS = 1 << 24  # of a table in fp32 64 MB; smaller blocks would read the head's weights too often
_BLOCK_HALVES = 1 << 25  # in bf16 as many bytes
_LEAST_WORDS = 8192
_ALIKE = 1e-2
_plain: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


def plain_head(model: Any) -> nn.Linear | None:
    """The model's output head, if native code can take it: a linear module in fp32 without a bias."""
    head = model.get_output_embeddings()
    if type(head) not in PLAIN_HEADS or head.bias is not None or "forward" in vars(head):
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


class Taught(NamedTuple):
    """What a teacher makes of tokens: its last hidden states [n, d], and the head that gives their logits."""

    states: Tensor
    head: nn.Linear


def blockwise_head(model: Any) -> nn.Linear | None:
    """The model's output head, if its vocabulary is so large that blocks pay, and if the logits are its
    product with the last hidden state and nothing else, which is found out by trying."""
    head = model.get_output_embeddings()
    if type(head) not in PLAIN_HEADS or head.out_features < _LEAST_WORDS or "forward" in vars(head):
        return None
    if model not in _plain:
        _plain[model] = _gives_logits(model, head)
    return head if _plain[model] else None


@torch.no_grad()
def _gives_logits(model: Any, head: nn.Linear) -> bool:
    ids = torch.arange(1, 5, device=head.weight.device)[None]
    try:
        states = model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        logits = model(input_ids=ids, use_cache=False).logits
    except (AttributeError, TypeError):  # a model of another build than most
        return False
    own = head(states).float()
    return own.shape == logits.shape and bool((own - logits.float()).abs().max() <= _ALIKE * own.abs().max())


class _BlockwiseLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, head: nn.Linear, targets: Tensor, weights: Tensor, taught: Taught | None
    ) -> Tensor:
        losses, gradient = torch.empty_like(weights), torch.empty_like(states)
        n, halves = len(targets), _in_halves(states, head, taught)
        size = max(1, (_BLOCK_HALVES if halves else _BLOCK_LOGITS) // head.out_features)
        for start in range(0, n, size):
            own = slice(start, min(start + size, n))
            if halves:
                gradient[own] = _losses_of_halves(head, states[own], targets[own], weights[own], losses[own])
                continue
            table, places = _log_probabilities(head, states[own]), targets[own].unsqueeze(1)
            share = weights[own].unsqueeze(1)
            losses[own] = -table.gather(1, places).squeeze(1) * weights[own]
            table.exp_().mul_(share).scatter_add_(1, places, -share)
            gradient[own] = table.to(states.dtype) @ head.weight
        for start in range(n, len(states), size):
            assert taught is not None
            own = slice(start, min(start + size, len(states)))
            if halves:
                told = taught.head(taught.states[own.start - n : own.stop - n])
                gradient[own] = _losses_of_halves(head, states[own], told, weights[own], losses[own])
                continue
            expected = _log_probabilities(taught.head, taught.states[own.start - n : own.stop - n])
            table, wanted = _log_probabilities(head, states[own]), expected.exp()
            losses[own] = (expected.sub_(table).mul_(wanted)).sum(1) * weights[own]
            table.exp_().sub_(wanted).mul_(weights[own].unsqueeze(1))
            gradient[own] = table.to(states.dtype) @ head.weight
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors  # nobody else's: a second backward pass would be refused
        return gradient.mul_(gradients[0].unsqueeze(1).to(gradient.dtype)), None, None, None, None


def _in_halves(states: Tensor, head: nn.Linear, taught: Taught | None) -> bool:
    """Whether native code takes what lies between the products."""
    tensors = [states, head.weight, *([taught.states, taught.head.weight] if taught else [])]
    plain = all(one.dtype == torch.bfloat16 and one.device.type == "cpu" for one in tensors)
    return plain and native.library() is not None


def _losses_of_halves(
    head: nn.Linear, states: Tensor, told: Tensor, weights: Tensor, losses: Tensor
) -> Tensor:
    """Puts the losses [n] where they belong; returns their gradient by the states [n, d]. `told`: the targets
    [n], or a teacher's logits [n, V]."""
    library, logits = native.loaded(), head(states).contiguous()
    n, n_words = logits.shape
    told, weights = told.contiguous(), weights.contiguous()
    assert logits.dtype == torch.bfloat16 and weights.dtype == losses.dtype == torch.float32
    assert len(weights) == len(losses) == n and losses.is_contiguous()
    if told.dim() == 1:
        call = library.head_losses_of_halves
        assert told.dtype == torch.int64 and len(told) == n
        assert not n or 0 <= int(told.min()) <= int(told.max()) < n_words
    else:
        call = library.head_divergences_of_halves
        assert told.dtype == torch.bfloat16 and told.shape == logits.shape
    pointers = [one.data_ptr() for one in (logits, told, weights, losses)]
    call(n, n_words, torch.get_num_threads(), *pointers)
    return logits @ head.weight


def _log_probabilities(head: nn.Linear, states: Tensor) -> Tensor:
    return torch.log_softmax(head(states), dim=-1, dtype=torch.float32)


def blockwise_losses(
    states: Tensor, head: nn.Linear, targets: Tensor, weights: Tensor, taught: Taught | None
) -> Tensor:
    """For the first states [m, d], one for each of `targets` [m], -weights * log p(target); for the others
    weights * KL(taught || own) [n - m]. In fp32, with a gradient for the states."""
    return _BlockwiseLoss.apply(states, head, targets, weights, taught)  # type: ignore[no-any-return]
