"""Losses of texts by how their log-probabilities change, and what they make each token count.

An objective (`seal.types.Objective`) is a function of the log-probabilities of a text's tokens, or of two
texts'. Its derivatives by them turn it into a weighted example, which is all that a pass has to know. Each
function here is the formula of its paper. Knows nothing about models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from seal.training.batching import TokenizedExample
from seal.types import ClippedRatio, Preference


def clipped_ratio(
    logs: Tensor, reference: Tensor, anchor: Tensor, weight: float, objective: ClippedRatio
) -> Tensor:
    """The loss [T] of each token: PPO's clipped surrogate (arXiv 1707.06347, equation 7) with GRPO's estimate
    of the divergence from the anchor (arXiv 2402.03300, equation 4). `weight` is the advantage."""
    ratio = (logs - reference).exp()
    within = ratio.clamp(1 - objective.clip, 1 + objective.clip)
    losses = -torch.minimum(ratio * weight, within * weight)
    if objective.kl:
        away = anchor - logs
        losses = losses + objective.kl * (away.exp() - away - 1)
    return losses


def preference(
    logs: Tensor, reference: Tensor, rival_logs: Tensor, rival_reference: Tensor, objective: Preference
) -> Tensor:
    """The loss of a pair: DPO (arXiv 2305.18290, equation 7)."""
    margin = (logs - reference).sum() - (rival_logs - rival_reference).sum()
    return -F.logsigmoid(objective.beta * margin)


def steered(
    examples: Sequence[TokenizedExample], logs: Sequence[Tensor]
) -> tuple[float, list[TokenizedExample]]:
    """The sum of the losses of examples with objectives, a rival after the one that is preferred to it; and
    the examples with what each of their targets counts now. `logs` are their targets' log-probabilities."""
    own = [one.double().requires_grad_() for one in logs]
    references = [torch.tensor(example.reference, dtype=torch.float64) for example in examples]
    losses = []
    with torch.enable_grad():
        for i, example in enumerate(examples):
            if isinstance(example.objective, ClippedRatio):
                anchor = torch.tensor(example.anchor or example.reference, dtype=torch.float64)
                given = own[i], references[i], anchor, example.weight
                losses.append(clipped_ratio(*given, example.objective).sum())
            elif isinstance(example.objective, Preference):
                pair = own[i], references[i], own[i + 1], references[i + 1]
                losses.append(example.weight * preference(*pair, example.objective))
        loss = torch.stack(losses).sum()
        gradients = torch.autograd.grad(loss, own)
    weights = [tuple((-gradient).tolist()) for gradient in gradients]
    return loss.item(), [replace(e, now=own) for e, own in zip(examples, weights, strict=True)]
