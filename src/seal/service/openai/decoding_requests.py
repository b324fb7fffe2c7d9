"""From what a client asked for to what the decoding loop is given, and what is refused on the way."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from seal.engine.serving import Request
from seal.seeds import derive_seed
from seal.service.hosting import Tenant
from seal.service.openai.forms import Generating
from seal.service.problems import invalid
from seal.service.settings import LimitSettings


def context_tokens(tenant: Tenant) -> int | None:
    """The most tokens that the model reads and writes together; None if it does not say."""
    return getattr(tenant.loop.model.config, "max_position_embeddings", None)


def vocabulary(tenant: Tenant) -> int:
    """The number of token ids that the model knows."""
    return tenant.loop.model.get_output_embeddings().weight.shape[0]


def requests_of(
    form: Generating,
    tenant: Tenant,
    limits: LimitSettings,
    prompt: Sequence[int],
    *,
    max_new_tokens: int,
    temperature: float,
    stop: Sequence[str],
    logprobs: int | None,
    prompt_logprobs: bool = False,
) -> list[Request]:
    """The `n` requests of one prompt, which differ in their seeds. Raises Problem (400)."""
    if not prompt:
        raise invalid("an empty prompt needs a model with a token that begins a text", "prompt")
    context = context_tokens(tenant)
    if context is not None and len(prompt) + max_new_tokens > context:
        raise invalid(
            f"This model's maximum context length is {context} tokens. However, you requested "
            f"{len(prompt) + max_new_tokens} tokens ({len(prompt)} in the prompt, {max_new_tokens} in the "
            "completion).",
            param="max_tokens" if len(prompt) < context else "prompt",
            code="context_length_exceeded",
        )
    if max_new_tokens > limits.output_tokens:
        raise invalid(f"at most {limits.output_tokens} tokens are written here", "max_tokens")
    seed = secrets.randbits(62) if form.seed is None else form.seed
    common: dict[str, Any] = {
        "max_new_tokens": max_new_tokens,
        "temperature": temperature,
        "top_p": 1.0 if form.top_p is None else form.top_p,
        "top_k": max(0, form.top_k or 0),
        "stop": tuple(stop),
        "presence_penalty": form.presence_penalty or 0.0,
        "frequency_penalty": form.frequency_penalty or 0.0,
        "logit_bias": _bias(form, vocabulary(tenant)),
        "logprobs": logprobs,
        "timeout_s": limits.request_s,
        "ignore_eos": form.ignore_eos,
    }
    return [
        Request(
            prompt=tuple(prompt),
            seed=derive_seed("choice", seed, i),
            echo_from=1 if prompt_logprobs and i == 0 else None,
            **common,
        )
        for i in range(form.choices)
    ]


def _bias(form: Generating, n_tokens: int) -> dict[int, float]:
    biases: dict[int, float] = {}
    for name, bias in (form.logit_bias or {}).items():
        if not (name.isascii() and name.isdecimal() and int(name) < n_tokens):
            raise invalid(f"logit_bias: {name!r} is no token's id", "logit_bias")
        biases[int(name)] = bias
    return biases
