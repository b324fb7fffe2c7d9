"""`peft` with a plain PyTorch loop, written with care: what a user would pick instead of the bank.

One adapter at a time; no padding, no cache in training, losses fetched once at the end, the fused AdamW,
adapters put back to their start instead of injected anew. peft is imported at first use.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from seal.bench.inner_loop.workload import IdTokenizer
from seal.errors import ConfigError
from seal.training import Adapter, TokenizedPlan
from seal.types import Hyperparameters

Factors = Mapping[str, tuple[Tensor, Tensor]]
_PREFIX = "base_model.model."


def require_peft() -> None:
    """Raises ConfigError if the package peft is not installed."""
    try:
        import peft  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "the contenders peft and trainer need the package peft, which is not installed",
            "install it (pip install peft), or leave them out: --contenders engine",
        ) from error


def sharing_weights(model: Any) -> Any:
    """A second tree of modules over the same weights: PEFT changes the tree that it is given."""
    return copy.deepcopy(model, {id(t): t for t in (*model.parameters(), *model.buffers())})


def with_adapter(model: Any, h: Hyperparameters) -> Any:
    """`model` with PEFT's LoRA in it."""
    require_peft()
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=h.rank,
        lora_alpha=h.alpha,  # type: ignore[arg-type]  # a factor of 0.5 is fine for PEFT too
        lora_dropout=h.dropout,
        target_modules=h.targets if isinstance(h.targets, str) else list(h.targets),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


class PeftLoop:
    """One LoRA on a frozen base, trained again and again from fresh weights.

    Raises ConfigError without peft.
    """

    def __init__(self, model: Any, hyperparameters: Hyperparameters) -> None:
        self.hyperparameters = hyperparameters
        self.wrapped = with_adapter(sharing_weights(model), hyperparameters)
        self.trained = [p for p in self.wrapped.parameters() if p.requires_grad]
        self.device = self.trained[0].device

    def train(
        self,
        work: TokenizedPlan,
        *,
        start: Factors | None = None,
        rate: Callable[[int], float] | None = None,
    ) -> list[float]:
        """Trains a fresh adapter, one example a pass; returns the mean loss of every step.

        `start` replaces PEFT's own initial factors, `rate` the constant learning rate by one for each step.
        """
        h = self.hyperparameters
        self._reset(start)
        examples = [
            (torch.tensor([e.input_ids], device=self.device), torch.tensor(e.weights, device=self.device)[1:])
            for e in work.examples
        ]
        optimizer = torch.optim.AdamW(
            self.trained, lr=h.learning_rate, betas=h.betas, weight_decay=h.weight_decay, fused=True
        )
        losses = []
        for step, batch in enumerate(work.steps):
            if rate is not None:
                optimizer.param_groups[0]["lr"] = rate(step)
            total = sum(work.examples[i].total_weight for i in batch)
            parts = [self._backward(*examples[i], total) for i in batch]
            if h.max_grad_norm:
                torch.nn.utils.clip_grad_norm_(self.trained, h.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(torch.stack(parts).sum())
        return torch.stack(losses).tolist() if losses else []

    def _backward(self, ids: Tensor, weights: Tensor, total: float) -> Tensor:
        logits = self.wrapped(input_ids=ids, use_cache=False).logits[0, :-1].float()
        losses = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
        loss = losses @ weights / total
        loss.backward()
        return loss.detach()

    @torch.no_grad()
    def _reset(self, start: Factors | None) -> None:
        if start is None:
            for module in self.wrapped.modules():
                if hasattr(module, "reset_lora_parameters"):
                    module.reset_lora_parameters("default", True)
            return
        factors = self.factors()
        assert factors.keys() == start.keys()
        for name, pair in start.items():
            for mine, given in zip(factors[name], pair, strict=True):
                mine.copy_(given)

    def factors(self) -> dict[str, tuple[Tensor, Tensor]]:
        """The adapter's own parameters A and B by module, as a `seal.training.Adapter` names them."""
        pairs: dict[str, dict[str, Tensor]] = {}
        for name, parameter in self.wrapped.named_parameters():
            module, lora, rest = name.removeprefix(_PREFIX).partition(".lora_")
            if lora:
                pairs.setdefault(module, {})[rest[0]] = parameter
        return {module: (pair["A"], pair["B"]) for module, pair in pairs.items()}

    def adapter(self, id: str, losses: list[float]) -> Adapter:
        """A copy of what was trained."""
        copied = {
            name: (a.detach().float().cpu().clone(), b.detach().float().cpu().clone())
            for name, (a, b) in self.factors().items()
        }
        return Adapter(id, self.hyperparameters, copied, tuple(losses))


@torch.inference_mode()
def answer(wrapped: Any, questions: list[list[int]], n_new: int) -> list[str]:
    """Greedy answers of `n_new` tokens by the model's own `generate`: one batch, padded on the left."""
    from transformers import GenerationConfig

    tokenizer, device = IdTokenizer(), next(wrapped.parameters()).device
    longest = max(map(len, questions))
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(q)) + q for q in questions], device=device)
    mask = torch.tensor([[0] * (longest - len(q)) + [1] * len(q) for q in questions], device=device)
    config = GenerationConfig(max_new_tokens=n_new, do_sample=False, use_cache=True, pad_token_id=pad)
    written = wrapped.generate(input_ids=ids, attention_mask=mask, generation_config=config)
    return tokenizer.batch_decode(written[:, longest:].tolist())
