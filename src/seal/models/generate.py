"""Batched sampling, in which each row may use its own adapter. Knows nothing about training or grading.

Every row draws from its own seed, so that what is sampled does not depend on what else is in the batch
(up to the rounding of sums). Rows that end leave the batch, and their keys and values the cache. What prompts
have in common at their beginning is computed once, and its keys and values copied to each of their rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from seal.errors import InputError
from seal.models.cache import can_copy_rows, can_pad_rows, new_cache, select_rows
from seal.models.context import context_tokens, embedded_tokens
from seal.models.copying import CopiedRow, CopiedText, DraftPlanner
from seal.models.decoder import Decoder
from seal.models.drafted import DraftedRow, DraftedWriting, SlotHolder, WriteToken, can_draft
from seal.models.ending import Ender
from seal.models.host import keep_freed_memory
from seal.models.logits import logits_at
from seal.models.prefixes import SharedPrefix, shared_prefixes
from seal.models.sampling import Sampling, draw, drawn_logs, uniforms
from seal.models.tokens import check_ids, encode_prompt, pad_id

_KNOWN_CHARACTERS = 40_000  # of a known text; to look through more takes longer than it saves
_COMPACT_BELOW = 0.75  # ended rows leave the batch when it shrinks to this share


class Constraint(Protocol):
    """Says which tokens may come next. A state is hashable; `advance` and `allowed` are pure."""

    @property
    def start(self) -> Hashable: ...

    def allowed(self, state: Any) -> Sequence[int]:
        """The ids of the tokens that may come next, at least one."""
        ...

    def advance(self, state: Any, token: int) -> Hashable:
        """The state after an allowed token."""
        ...


@dataclass(frozen=True)
class Generation:
    """One completion, without the stop string. `truncated`: it ended at the token limit.

    If it was asked for, `tokens` are those that were written, its end included, and `token_logs` their
    log-probabilities in nats.
    """

    text: str
    n_tokens: int
    truncated: bool
    tokens: tuple[int, ...] = ()
    token_logs: tuple[float, ...] = ()


def generate(
    model: nn.Module,
    tokenizer: Any,
    prompts: Sequence[str],
    *,
    adapters: SlotHolder | None = None,
    slots: Sequence[int] | None = None,
    max_new_tokens: int = 64,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seeds: Sequence[int] | None = None,
    stop: Sequence[str] = (),
    constraint: Constraint | None = None,
    batch_size: int = 64,
    most_drafted: int = 16,
    known: Sequence[str] | None = None,
    with_logs: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Generation]:
    """Completes every prompt; returns the completions in the order of the prompts.

    Args:
        adapters: an open bank; row i then uses the adapter in `slots[i]`. None: the bare model.
        seeds: one for each prompt (its index, if None); the sample depends on nothing else but the prompt.
        stop: strings that end a completion, besides the model's EOS tokens; they are cut off.
        constraint: allows some tokens only; among them the model's probabilities decide, as they stand.
        batch_size: rows that run at once, at most.
        most_drafted: tokens that a row may copy from its text at a time, to be checked in one pass; what is
            written does not depend on it. For models in bf16 on a CPU with native code.
        known: of each prompt, a text that its completion may have much of besides, to be copied likewise.
        with_logs: note each token and how likely the model finds it, before temperature and constraint.
        on_progress: called with the completions done and those to do.

    Raises:
        InputError: a prompt is empty or leaves no room for `max_new_tokens` in the model's context.
    """
    sampling = Sampling(max_new_tokens, temperature, top_p, tuple(stop))
    if (adapters is None) != (slots is None) or (slots is not None and len(slots) != len(prompts)):
        raise InputError("adapters and slots come together, one slot for each prompt")
    if seeds is not None and len(seeds) != len(prompts):
        raise InputError(f"there are {len(seeds)} seeds for {len(prompts)} prompts")
    keep_freed_memory()
    encoded = [encode_prompt(tokenizer, prompt) for prompt in prompts]
    context, rows = context_tokens(model), embedded_tokens(model)
    check_ids(tokenizer, encoded, rows)
    for i, ids in enumerate(encoded):
        if not ids or (context is not None and len(ids) + max_new_tokens > context):
            raise InputError(
                f"prompt {i} has {len(ids)} tokens, with {max_new_tokens} new ones in a context of {context}",
                "shorten the prompt or max_new_tokens; an empty prompt needs a tokenizer with BOS",
            )
    results: dict[int, Generation] = {}
    ender = Ender(model, tokenizer, sampling.stop)
    drafting = can_draft(model)
    copied = {
        text: CopiedText(encode_prompt(tokenizer, text[:_KNOWN_CHARACTERS]))
        for text in set(known or ())
        if drafting
    }
    seeds = seeds or range(len(prompts))
    longest = max(map(len, encoded), default=0) + max_new_tokens
    sharing = can_copy_rows(model, longest)
    for places in _batches(encoded, slots, batch_size, sharing=sharing, padded=can_pad_rows(model)):
        own = [slots[i] for i in places] if slots else []
        texts, draws = [encoded[i] for i in places], [seeds[i] for i in places]
        pad = pad_id(tokenizer, rows)
        batch = _Batch(model, texts, places, own, sampling, draws, pad, constraint, most_drafted)
        batch.with_logs = with_logs
        if known is not None and drafting:
            batch.known = [copied[known[i]] for i in places]
        with torch.inference_mode():
            batch.prepare(adapters, sharing=sharing)
            results |= batch.run(adapters, ender)
        if on_progress:
            on_progress(len(results), len(prompts))
    return [results[i] for i in range(len(prompts))]


def _batches(
    encoded: Sequence[list[int]],
    slots: Sequence[int] | None,
    batch_size: int,
    *,
    sharing: bool,
    padded: bool,
) -> list[list[int]]:
    """Prompts that run together, at most `batch_size`, longest first; with adapters, slot after slot.

    `sharing`: those that begin alike come one after another. Not `padded`: all are of one length.
    """
    order = sorted(range(len(encoded)), key=lambda i: -len(encoded[i]))
    if sharing and len(encoded) > batch_size:
        groups = shared_prefixes(encoded, [len(ids) - 1 for ids in encoded], slots, padded=False)
        longest = {i: max(len(encoded[j]) for j in group.members) for group in groups for i in group.members}
        first = {i: group.members[0] for group in groups for i in group.members}
        order.sort(key=lambda i: (-longest.get(i, 0), first.get(i, 0)))
    if slots is not None:
        order.sort(key=lambda i: slots[i])
    kinds: dict[int, list[int]] = {}
    for i in order:
        kinds.setdefault(0 if padded else len(encoded[i]), []).append(i)
    return [own[at : at + batch_size] for own in kinds.values() for at in range(0, len(own), batch_size)]


class _Batch:
    """Rows in flight, in the order of their slots. A place holds a prompt's index."""

    def __init__(
        self,
        model: nn.Module,
        rows: Sequence[list[int]],
        places: list[int],
        slots: list[int],
        sampling: Sampling,
        seeds: Sequence[int],
        pad: int,
        constraint: Constraint | None,
        most_drafted: int,
    ) -> None:
        self.model, self.sampling, self.places, self.slots = model, sampling, places, slots
        self.rows, self.pad = rows, pad
        self.constraint, self.most_drafted = constraint, most_drafted
        self.known: list[CopiedText] | None = None
        self.with_logs = False
        self.states = [constraint.start if constraint else None] * len(places)
        self.alive = [True] * len(places)
        self.new: list[list[int]] = [[] for _ in places]
        self.logs: list[list[float]] = [[] for _ in places]
        self.device = next(model.parameters()).device
        self.uniform = uniforms(seeds, sampling).to(self.device)
        self.seen = 0

    def prepare(self, adapters: SlotHolder | None, *, sharing: bool) -> None:
        """Lays the prompts out; with `sharing`, computes what they have in common at the beginning.

        In the cache stand the prefixes, then the rests of the prompts, then what is written. Each part is
        padded on the left; keys know their positions, so that padding between them does no harm.
        """
        most, n_new = [len(row) - 1 for row in self.rows], self.sampling.max_new_tokens
        prefixes = shared_prefixes(self.rows, most, self.slots, padded=True) if sharing else []
        shared = {i: prefix.length_tokens for prefix in prefixes for i in prefix.members}
        heads = [row[: shared.get(i, 0)] for i, row in enumerate(self.rows)]
        rests = [row[len(head) :] for row, head in zip(self.rows, heads, strict=True)]
        (before, head_mask), (ids, rest_mask) = _padded(heads, self.pad), _padded(rests, self.pad)
        mask = torch.cat([head_mask, rest_mask, torch.ones(len(self.rows), n_new, dtype=torch.long)], 1)
        if prefixes and not can_copy_rows(self.model, mask.shape[1]):
            return self.prepare(adapters, sharing=False)
        self.ids, self.mask = ids.to(self.device), mask.to(self.device)
        self.positions = (self.mask.cumsum(1) - 1).clamp(min=0)
        self.padded = not bool(self.mask.all())
        self.cache_name, self.cache = new_cache(self.model, self.mask.shape[1])
        if prefixes:
            self._read(prefixes, before.to(self.device), adapters)

    def _read(self, prefixes: Sequence[SharedPrefix], heads: Tensor, adapters: SlotHolder | None) -> None:
        """Puts the keys and values of each prefix into the cache, and copies them to all of its rows."""
        first = [prefix.members[0] for prefix in prefixes]
        index = torch.tensor(first, device=self.device)
        slots = [self.slots[i] for i in first] if self.slots else []
        self._logits(adapters, heads[index], self.mask[index], self.positions[index], slots)
        prefix_of = {i: k for k, prefix in enumerate(prefixes) for i in prefix.members}
        rows = [prefix_of[i] for i in range(len(self.rows))]
        select_rows(self.cache, torch.tensor(rows, device=self.device))

    def run(self, adapters: SlotHolder | None, ender: Ender) -> dict[int, Generation]:
        results: dict[int, Generation] = {}
        write = partial(self._write, ender, results)
        for step in range(self.sampling.max_new_tokens):
            logits = self._logits(adapters, self.ids, self.mask, self.positions, self.slots)
            tokens = draw(self._allowed(logits), self.sampling, self.uniform[:, step].contiguous())
            logs = drawn_logs(logits, tokens) if self.with_logs else [0.0] * len(tokens)
            for place, (token, log) in enumerate(zip(tokens.tolist(), logs, strict=True)):
                if self.alive[place]:
                    write(place, token, log)
            if not any(self.alive) or (step == 0 and self._drafted(adapters, write)):
                break
            self.ids = tokens.unsqueeze(1)
            self._compact()
        return results

    def _write(
        self, ender: Ender, results: dict[int, Generation], place: int, token: int, log: float
    ) -> bool:
        """Whether the row goes on after this token."""
        new, logs = self.new[place], self.logs[place]
        new.append(token)
        logs.append(log)
        if self.constraint:
            self.states[place] = self.constraint.advance(self.states[place], token)
        text = ender.ended(new)
        truncated = text is None and len(new) == self.sampling.max_new_tokens
        if truncated:
            text = ender.text(new)
        if text is not None:
            done = Generation(text, len(new), truncated)
            if self.with_logs:
                done = replace(done, tokens=tuple(new), token_logs=tuple(logs))
            results[self.places[place]] = done
            self.alive[place] = False
        return self.alive[place]

    def _drafted(self, adapters: SlotHolder | None, write: WriteToken) -> bool:
        """Goes on with drafts to the end, after the first token; False if that is not possible here."""
        if self.constraint or not can_draft(self.model):
            return False
        assert isinstance(self.model, Decoder)
        rows = [
            DraftedRow(i, self.slots[i] if self.slots else 0, self._copied(i), 1, self.seen)
            for i, alive in enumerate(self.alive)
            if alive
        ]
        mask = self.mask.bool() if self.padded else None
        writing = DraftedWriting(
            self.model,
            self.cache,
            adapters,
            self.positions,
            mask,
            self.sampling,
            self.uniform,
            DraftPlanner(),
            self.most_drafted,
            with_logs=self.with_logs,
        )
        return writing.run(rows, write)

    def _copied(self, row: int) -> CopiedRow:
        return CopiedRow(self.rows[row] + self.new[row], self.known[row] if self.known else None)

    def _allowed(self, logits: Tensor) -> Tensor:
        """The logits [B, V], those of tokens that may not come next at minus infinity."""
        if self.constraint is None:
            return logits
        held = torch.full_like(logits, float("-inf"))
        for place, state in enumerate(self.states):
            ids = list(self.constraint.allowed(state)) if self.alive[place] else [0]
            held[place, ids] = logits[place, ids]
        return held

    def _logits(
        self, adapters: SlotHolder | None, ids: Tensor, mask: Tensor, positions: Tensor, slots: Sequence[int]
    ) -> Tensor:
        """Logits [B, V] after the last token of every row of `ids` [B, T], which go into the cache."""
        n_rows, n = ids.shape
        last = torch.arange(1, n_rows + 1, device=ids.device) * n - 1
        shares = Counter(slots)
        with adapters.route(list(shares), list(shares.values())) if adapters else nullcontext():
            logits, _ = logits_at(
                self.model,
                last,
                input_ids=ids,
                attention_mask=mask[:, : self.seen + n] if self.padded else None,
                position_ids=positions[:, self.seen : self.seen + n],
                use_cache=True,
                **{self.cache_name: self.cache},
            )
        self.seen += n
        return logits

    def _compact(self) -> None:
        """Drops ended rows when enough have."""
        kept = [place for place, alive in enumerate(self.alive) if alive]
        if len(kept) > _COMPACT_BELOW * len(self.places):
            return
        index = torch.tensor(kept, device=self.ids.device)
        select_rows(self.cache, index)
        self.ids, self.mask, self.positions = self.ids[index], self.mask[index], self.positions[index]
        self.uniform = self.uniform[index]
        self.places, self.new = [self.places[k] for k in kept], [self.new[k] for k in kept]
        self.logs = [self.logs[k] for k in kept]
        self.slots = [self.slots[k] for k in kept] if self.slots else []
        self.states = [self.states[k] for k in kept]
        self.alive = [True] * len(kept)


def _padded(rows: Sequence[list[int]], pad: int) -> tuple[Tensor, Tensor]:
    """Rows filled up on the left [B, T], and where they have tokens of their own [B, T]."""
    longest = max(map(len, rows))
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows], dtype=torch.long)
    lengths = torch.tensor([len(row) for row in rows])
    return ids, (torch.arange(longest) >= longest - lengths.unsqueeze(1)).long()
