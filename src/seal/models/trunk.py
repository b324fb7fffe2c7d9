"""The decoder layers below the first that learns: their output is the same at every step, so it is kept.

With adapters on upper layers only, an example goes through the frozen layers below once, and every later
step begins where they end. Whether a model can be run this way is found out by trying; one that cannot
computes them anew. Knows nothing about adapters or losses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from seal.models.packed import Batch

_TOLERANCE = 1e-3


class _Reached(Exception):
    """The states that were wanted."""


class Trunk:
    """The first `depth` decoder layers of a model."""

    def __init__(self, model: Any, layers: Sequence[Any], depth: int) -> None:
        self.model, self.layers, self.depth = model, layers, depth

    @classmethod
    def below(cls, model: Any, learning: Collection[nn.Module], *, packed: bool) -> Trunk | None:
        """What is below all modules of `learning`; None if that is nothing, or cannot be kept."""
        try:
            layers = list(model.get_decoder().layers)
        except AttributeError:
            return None
        for depth, layer in enumerate(layers):
            if any(module in learning for module in layer.modules()):
                within = {module for own in layers for module in own.modules()}
                trunk = cls(model, layers, depth)
                return trunk if depth and within.issuperset(learning) and trunk._works(packed) else None
        return None

    @torch.no_grad()
    def states(self, rows: Sequence[Sequence[int]], *, pad: int, packed: bool) -> list[Tensor]:
        """What the trunk makes of each text: [T, d]."""
        device = next(self.model.parameters()).device
        batch = Batch.of(rows, pad=pad, packed=packed, device=device)

        def reached(_: Any, args: tuple[Any, ...], given: dict[str, Any]) -> None:
            raise _Reached(args[0] if args else given["hidden_states"])

        handle = self.layers[self.depth].register_forward_pre_hook(reached, with_kwargs=True)
        try:
            with batch.attention(self.model):
                self.model(**batch.inputs(), use_cache=False)
            raise RuntimeError("the model has gone past its layers")
        except _Reached as reached_states:
            flat = reached_states.args[0].flatten(0, 1)
        finally:
            handle.remove()
        return [flat[start : start + len(row)].clone() for start, row in zip(batch.starts, rows, strict=True)]

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Inside, the model takes states of the trunk as its embeddings, and goes on from there."""
        for layer in self.layers[: self.depth]:
            layer.forward = _as_given
        try:
            yield
        finally:
            for layer in self.layers[: self.depth]:
                vars(layer).pop("forward", None)

    def _works(self, packed: bool) -> bool:
        vocabulary = self.model.config.get_text_config().vocab_size
        rows = [[i * 7 % vocabulary for i in range(1, 6)], [i * 11 % vocabulary for i in range(3, 12)]]
        batch = Batch.of(rows, pad=0, packed=packed, device=next(self.model.parameters()).device)
        outputs = []
        with torch.no_grad():
            try:
                states = self.states(rows, pad=0, packed=packed)
                with batch.attention(self.model):
                    outputs.append(self.model(**batch.inputs(), use_cache=False).logits)
                with batch.attention(self.model), self.passed():
                    outputs.append(self.model(**batch.inputs_from(states), use_cache=False).logits)
            except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, IndexError):
                return False  # its layers are called, or what they give is passed on, in another way
        whole, kept = (logits.flatten(0, 1)[batch.real()].float() for logits in outputs)
        exact = whole.dtype == next(self.model.parameters()).dtype
        return bool((whole - kept).abs().max() <= (_TOLERANCE if exact else 0.05) * whole.abs().max())


def _as_given(hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
    return hidden_states
