"""Texts of unlike length through a causal LM without padding: all lie in one row, one after another.

Everything in a transformer but attention works on tokens by themselves, so that only attention has to know
where a text begins; here it sees each by itself. Texts that begin alike may share that prefix: it lies in the
row once, before them, and each of them sees it and itself. Knows nothing about adapters or losses. Whether a
model can be run this way is found out by trying (`can_pack`): one that does more than plain causal attention
is padded.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from seal.models.attention_backends import attending
from seal.models.context import window_tokens
from seal.models.decoder import Decoder, is_embedded
from seal.models.packed_attention import TextGroup, attended
from seal.models.prefixes import SharedPrefix

_NAME = "seal_packed"
_TOLERANCE = 1e-3
_state = threading.local()
_can_pack: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    *,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention within each text. query [1, H, N, d], key and value [1, H', N, d] -> [1, N, H, d].

    Raises ValueError for a model that caps scores (Gemma 2) or has sinks (gpt-oss): how much that changes
    depends on the text, so that trying on some does not show it.
    """
    if softcap is not None or s_aux is not None:
        raise ValueError("attention with a soft cap or sinks is not packed")
    return attended(_state.groups, query, key, value, scaling), None


def texts_in_flight() -> Sequence[TextGroup]:
    """The texts in the row that is in flight, those together that share what they begin with; none if no
    row is."""
    return getattr(_state, "groups", ())


@contextmanager
def _packed_attention(model: Any, groups: Sequence[TextGroup]) -> Iterator[None]:
    with attending(model, _NAME, _attention):
        _state.groups = groups
        try:
            yield
        finally:
            del _state.groups


def packs(model: nn.Module, longest_tokens: int = 0) -> bool:
    """Whether texts of up to so many tokens are to share a row.

    That needs no padding, but costs a call to attention for each text: dearer than padding on an
    accelerator. In a text that is longer than a model's sliding window a token does not see all before it.
    """
    on_cpu = next(model.parameters()).device.type == "cpu"
    return on_cpu and longest_tokens <= (window_tokens(model) or longest_tokens) and can_pack(model)


def shares_prefixes(model: nn.Module, longest_tokens: int) -> bool:
    """Whether texts of up to so many tokens that begin alike are to share that.

    Not those of the embedded models: they are short, and what they train is held to the bit.
    """
    return not is_embedded(model) and packs(model, longest_tokens)


def can_pack(model: nn.Module) -> bool:
    """Whether texts may share a row: the model's logits are the same as with each in a row of its own."""
    if model not in _can_pack:  # a `Decoder` has the attention that this needs
        _can_pack[model] = isinstance(model, Decoder) or _try(model)
    return _can_pack[model]


def _try(model: Any) -> bool:
    config = model.config.get_text_config()
    if not getattr(model, "_supports_attention_backend", False) or 0 < (window_tokens(model) or 0) < 9:
        return False
    n = config.vocab_size
    rows = [
        [i * 7 % n for i in range(1, 6)],
        [i * 11 % n for i in range(3, 12)],
        [i * 5 % n for i in range(2, 5)],
    ]
    outputs = []
    with torch.inference_mode():
        for packed in (True, False):
            batch = Batch.of(rows, pad=0, packed=packed, device=next(model.parameters()).device)
            try:
                with batch.attention(model):
                    logits = model(**batch.inputs(), use_cache=False).logits
            except (TypeError, ValueError, RuntimeError, KeyError):
                return False  # a model that cannot be called this way is padded
            outputs.append(logits.flatten(0, 1)[batch.real()].float())
    together, apart = outputs
    scale = apart.abs().max().clamp(min=1e-6)
    exact = next(model.parameters()).dtype == torch.float32
    return bool((together - apart).abs().max() / scale < (_TOLERANCE if exact else 0.05))


@dataclass(frozen=True)
class Batch:
    """Texts as a model's input: in one row [1, N], or padded on the right [B, T].

    Token t of text i lies at `starts[i] + t` of the flattened tokens, unless it is of a shared prefix.
    `shares[i]` is what the text takes of them; the first of those that share a prefix takes the prefix.
    """

    input_ids: Tensor
    position_ids: Tensor | None
    starts: tuple[int, ...]
    shares: tuple[int, ...]
    lengths_tokens: tuple[int, ...]
    prefixes: tuple[SharedPrefix, ...] = ()

    @classmethod
    def of(
        cls,
        rows: Sequence[Sequence[int]],
        *,
        pad: int,
        packed: bool,
        device: torch.device,
        prefixes: Sequence[SharedPrefix] = (),
    ) -> Batch:
        """`prefixes` has every row once, or is empty; only texts in one row can share."""
        lengths = tuple(map(len, rows))
        if packed:
            return cls._packed(rows, prefixes or (SharedPrefix(tuple(range(len(rows))), 0),), device)
        assert not prefixes
        longest = max(lengths)
        # On the right of a causal model padding needs no mask: real tokens never see it.
        ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows]).to(device)
        starts = tuple(range(0, longest * len(rows), longest))
        return cls(ids, None, starts, (longest,) * len(rows), lengths)

    @classmethod
    def _packed(
        cls, rows: Sequence[Sequence[int]], prefixes: Sequence[SharedPrefix], device: torch.device
    ) -> Batch:
        ids: list[int] = []
        places: list[Tensor] = []
        starts, shares = [0] * len(rows), [0] * len(rows)
        for prefix in prefixes:
            before = prefix.length_tokens
            ids += rows[prefix.members[0]][:before]
            places.append(torch.arange(before))
            for i in prefix.members:
                starts[i], shares[i] = len(ids) - before, len(rows[i]) - before
                ids += rows[i][before:]
                places.append(torch.arange(before, len(rows[i])))
            shares[prefix.members[0]] += before
        return cls(
            torch.tensor([ids]).to(device),
            torch.cat(places).unsqueeze(0).to(device),
            tuple(starts),
            tuple(shares),
            tuple(map(len, rows)),
            tuple(prefixes),
        )

    def inputs(self) -> dict[str, Tensor]:
        """The keywords of the model's forward."""
        ids = {"input_ids": self.input_ids}
        return ids if self.position_ids is None else ids | {"position_ids": self.position_ids}

    def inputs_from(self, states: Sequence[Tensor]) -> dict[str, Tensor]:
        """The same for a model that is given states [T, d] of each text in place of its embeddings."""
        if self.position_ids is not None:
            parts = []
            for prefix in self.prefixes:
                parts.append(states[prefix.members[0]][: prefix.length_tokens])
                parts += [states[i][prefix.length_tokens :] for i in prefix.members]
            return {"inputs_embeds": torch.cat(parts).unsqueeze(0), "position_ids": self.position_ids}
        return {"inputs_embeds": nn.utils.rnn.pad_sequence(list(states), batch_first=True)}

    def attention(self, model: nn.Module) -> Any:
        """Around the forward pass."""
        if self.position_ids is None:
            return nullcontext()
        groups, singly = [], is_embedded(model)
        for prefix in self.prefixes:
            n = prefix.length_tokens
            groups.append(TextGroup(n, tuple(self.lengths_tokens[i] - n for i in prefix.members), singly))
        return _packed_attention(model, groups)

    def rows_of(self, owners: Sequence[int]) -> dict[int, int]:
        """What each owner of texts has of the batch, as `AdapterBank.route` wants it.

        Text i is of `owners[i]`. In tokens where all texts lie in one row, else in rows.
        """
        taken: dict[int, int] = {}
        for owner, share in zip(owners, self.shares, strict=True):
            taken[owner] = taken.get(owner, 0) + (1 if self.position_ids is None else share)
        return taken

    def real(self) -> Tensor:
        """The flattened places [n] of all tokens that are no padding, text after text; none is shared."""
        return torch.cat(
            [torch.arange(start, start + n) for start, n in zip(self.starts, self.lengths_tokens)]
        ).to(self.input_ids.device)


def chunks(
    owners: Sequence[int], lengths_tokens: Sequence[int], *, max_tokens: int, packed: bool
) -> list[list[int]]:
    """Rows in passes of at most `max_tokens` tokens, padding included, unless a single row has more.

    Row i belongs to `owners[i]`. Passes go through the owners in their order; one that does not fit beside
    those before it begins a new pass, and only one that fits in no pass is spread over several, by itself.
    """
    rows: dict[int, list[int]] = {}
    for i, owner in enumerate(owners):
        rows.setdefault(owner, []).append(i)

    def size(members: list[int]) -> int:
        lengths = [lengths_tokens[i] for i in members]
        return sum(lengths) if packed else max(lengths, default=0) * len(lengths)

    passes: list[list[int]] = [[]]
    for owner in sorted(rows):
        if size(rows[owner]) <= max_tokens:
            if passes[-1] and size(passes[-1] + rows[owner]) > max_tokens:
                passes.append([])
            passes[-1] += rows[owner]
            continue
        own: list[list[int]] = [[]]
        for i in sorted(rows[owner], key=lambda i: -lengths_tokens[i]):
            if own[-1] and size([*own[-1], i]) > max_tokens:
                own.append([])
            own[-1].append(i)
        passes += [*own, []]
    return [members for members in passes if members]
