"""AdamW with a state, a step count, a learning rate and a gradient norm for each slot of a bank.

Knows nothing about models or data. Decoupled weight decay: Loshchilov & Hutter, arXiv 1711.05101.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seal.training.adapter import Adapter, Moments
from seal.training.bank import AdapterBank
from seal.types import Hyperparameters

EPSILON = 1e-8


def learning_rate(h: Hyperparameters, step: int, n_steps: int) -> float:
    """The rate of step `step` (from 0) of `n_steps`.

    It rises linearly over the warm-up, reaching its height on the first step after it, and then goes to
    `final_lr_fraction` of it, which the step after the last would have (as in transformers' schedules).
    """
    if step < h.warmup_steps:
        return h.learning_rate * (step + 1) / (h.warmup_steps + 1)
    done = (step - h.warmup_steps) / max(1, n_steps - h.warmup_steps)
    left = {"constant": 1.0, "linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}[h.schedule]
    if h.schedule == "constant":
        return h.learning_rate
    return h.learning_rate * (h.final_lr_fraction + (1 - h.final_lr_fraction) * left)


class SlotAdamW:
    """Optimises every slot of `bank` by itself: one fused kernel a slot, whose state fits the cache."""

    def __init__(self, bank: AdapterBank) -> None:
        self.bank = bank
        self._mean, self._square = torch.zeros_like(bank.weights), torch.zeros_like(bank.weights)
        self._count = torch.zeros(bank.n_slots, device=bank.device)
        bank.gradients = torch.zeros_like(bank.weights)
        self._gradients = bank.gradients

    def reset(self, slot: int) -> None:
        """Forgets everything about `slot`, for the next adapter."""
        for state in (self._mean, self._square, self._count, self._gradients):
            state[slot] = 0

    def read(self, slot: int, h: Hyperparameters) -> Moments:
        """What is known of `slot`, for `load`."""
        return self.bank.read(slot, h, self._mean), self.bank.read(slot, h, self._square)

    def load(self, slot: int, adapter: Adapter) -> None:
        """Knows of `slot` what was known when the adapter's training was left."""
        if adapter.moments is not None:
            mean, square = adapter.moments
            self.bank.put(self._mean, slot, mean)
            self.bank.put(self._square, slot, square)
            self._count[slot] = len(adapter.losses)

    def norms(self) -> Tensor:
        """The norm [S] of each slot's gradient over all its factors."""
        return torch.linalg.vector_norm(self._gradients, dim=1)

    def step(self, slot: int, h: Hyperparameters, rate: float, norm: Tensor) -> None:
        """One clipped AdamW step of `slot`, whose gradient has the norm `norm`.

        Clipping is torch's `clip_grad_norm_` over this adapter alone.
        """
        clip = ((norm + 1e-6) / h.max_grad_norm).clamp(min=1.0) if h.max_grad_norm else None
        torch._fused_adamw_(  # type: ignore[attr-defined]  # the kernel behind torch.optim.AdamW(fused=True)
            [self.bank.weights[slot]],
            [self._gradients[slot]],
            [self._mean[slot]],
            [self._square[slot]],
            [],
            [self._count[slot].add_(1)],
            lr=rate,
            beta1=h.betas[0],
            beta2=h.betas[1],
            weight_decay=h.weight_decay,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
            grad_scale=clip,
            found_inf=None,
        )
