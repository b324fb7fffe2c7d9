"""The teacher-forced exam: how likely a model finds given answers, many adapters at once.

One pass over prompt and answer, instead of one for each token of an answer; what prompts have in common at
their beginning is computed once. Knows nothing about grading.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from seal.errors import InputError
from seal.models.context import context_tokens, embedded_tokens
from seal.models.drafted import SlotHolder
from seal.models.host import keep_freed_memory
from seal.models.logits import logits_at, token_log_probabilities
from seal.models.packed import Batch, chunks, packs, shares_prefixes
from seal.models.prefixes import SharedPrefix, shared_prefixes
from seal.models.tokens import check_ids, encode_pair, pad_id

_MOST_LOGITS = 1 << 27  # of one pass: 4096 answer tokens with a vocabulary of 32k


@dataclass(frozen=True)
class AnswerScore:
    """`log_probability` of all tokens of the answer together, in nats.

    `exact`: at every token the answer's was the likeliest, so that greedy decoding writes the answer.
    `token_logs`: the log-probability of each token.
    """

    log_probability: float
    n_tokens: int
    exact: bool
    token_logs: tuple[float, ...] = ()

    @property
    def probability(self) -> float:
        return math.exp(self.log_probability)

    def measured(self, by: Literal["answer", "token"]) -> float:
        """The probability of the whole answer, or the mean of those of its tokens."""
        if by == "answer":
            return self.probability
        return sum(map(math.exp, self.token_logs)) / len(self.token_logs)


def score_answers(
    model: nn.Module,
    tokenizer: Any,
    pairs: Sequence[tuple[str, str]],
    *,
    adapters: SlotHolder | None = None,
    slots: Sequence[int] | None = None,
    append_eos: bool = False,
    max_tokens: int = 4096,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[AnswerScore]:
    """Scores (prompt, answer) pairs; returns the scores in their order.

    Args:
        adapters: an open bank; pair i then uses the adapter in `slots[i]`. None: the bare model.
        append_eos: the answer has to end too. A stop string ("\\n") is given as part of the answer.
        max_tokens: tokens of one pass at most.

    Raises:
        InputError: an answer is empty or a pair is longer than the model's context.
    """
    if (adapters is None) != (slots is None) or (slots is not None and len(slots) != len(pairs)):
        raise InputError("adapters and slots come together, one slot for each pair")
    keep_freed_memory()
    encoded = [encode_pair(tokenizer, prompt, answer, append_eos=append_eos) for prompt, answer in pairs]
    prompts, answers = [prompt for prompt, _ in encoded], [answer for _, answer in encoded]
    ids = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
    context, n_words = context_tokens(model), embedded_tokens(model)
    check_ids(tokenizer, ids, n_words)
    for i, row in enumerate(ids):
        if not (prompts[i] and answers[i]) or (context is not None and len(row) > context):
            raise InputError(
                f"pair {i} has a prompt of {len(prompts[i])} and an answer of {len(answers[i])} tokens",
                f"neither may be empty, and together they must fit the model's context of {context}",
            )
    device = next(model.parameters()).device
    longest = max(map(len, ids), default=0)
    packed, sharing = packs(model, longest), shares_prefixes(model, longest)

    def prefixes_of(members: Sequence[int]) -> list[SharedPrefix]:
        rows, own = [ids[i] for i in members], [slots[i] for i in members] if slots else None
        most = [len(prompts[i]) - 1 for i in members]
        return shared_prefixes(rows, most, own, padded=False) if sharing else []

    order = sorted(range(len(ids)), key=lambda i: (slots[i] if slots else 0, len(ids[i])))
    lengths = [len(row) for row in ids]
    if groups := prefixes_of(range(len(ids))):
        order = [i for group in groups for i in group.members]
        for group in groups:
            for i in group.members[1:]:
                lengths[i] -= group.length_tokens
    owners = [slots[i] if slots else n for n, i in enumerate(order)]
    results: dict[int, AnswerScore] = {}
    # The logits of answers take more room than all else where the vocabulary is large.
    dearness = max_tokens * model.get_output_embeddings().weight.shape[0] / _MOST_LOGITS  # type: ignore[operator, union-attr]
    sizes = [max(lengths[i], math.ceil(len(answers[i]) * dearness)) for i in order]
    for places in chunks(owners, sizes, max_tokens=max_tokens, packed=packed):
        members = [order[n] for n in places]
        batch = Batch.of(
            [ids[i] for i in members],
            pad=pad_id(tokenizer, n_words),
            packed=packed,
            device=device,
            prefixes=prefixes_of(members),
        )
        positions = [
            start + t
            for start, i in zip(batch.starts, members, strict=True)
            for t in range(len(prompts[i]) - 1, len(ids[i]) - 1)
        ]
        targets = torch.tensor([t for i in members for t in answers[i]], device=device)
        shares = batch.rows_of([owners[n] for n in places])
        route = adapters.route(list(shares), list(shares.values())) if adapters else nullcontext()
        with torch.inference_mode(), route, batch.attention(model):
            where = torch.tensor(positions, device=device)
            logits, _ = logits_at(model, where, use_cache=False, **batch.inputs())
            measured = token_log_probabilities(logits, targets), logits.argmax(-1) == targets
        counts = [len(answers[i]) for i in members]
        for i, logs, hits in zip(members, *(x.cpu().split(counts) for x in measured), strict=True):
            total = logs.double().sum().item()
            results[i] = AnswerScore(total, len(logs), bool(hits.all()), tuple(logs.tolist()))
        if on_progress:
            on_progress(len(results), len(pairs))
    return [results[i] for i in range(len(pairs))]
