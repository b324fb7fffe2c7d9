"""Which adapters are in memory, and who uses them. The bank's slot 0 stays empty: it is the base's.

An adapter that is put into a slot must give the logits that it is known by; where it does not, it is
refused, and nobody is answered by it. Rows hold the slot that answers them; of those that nobody holds the
one that was used longest ago makes room. Knows nothing about where adapters come from.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from seal.errors import AdapterError
from seal.training import Adapter, AdapterBank
from seal.training.fingerprint import fingerprint_tolerance, same_fingerprint, slot_fingerprint
from seal.types import Hyperparameters

_KNOWN = 4096  # fingerprints that are remembered of adapters that have gone


@dataclass(eq=False)
class AdapterSlot:
    """A slot in use: which adapter is in it, and how many rows hold it."""

    index: int
    key: str
    hyperparameters: Hyperparameters
    fingerprint: tuple[float, ...]
    holders: int = 0


class AdapterSlots:
    """The adapters of one model. Inside `open`, no other bank may be."""

    def __init__(self, model: Any, tokenizer: Any, n_slots: int, rank: int) -> None:
        self.model, self.tokenizer, self.n_slots = model, tokenizer, n_slots
        kind = next(model.parameters()).dtype
        self._tolerance = fingerprint_tolerance(kind)
        self._bank: AdapterBank | None = self._made(rank) if rank else None
        self._open = False
        self._slots: OrderedDict[str, AdapterSlot] = OrderedDict()  # used longest ago first
        self._known: OrderedDict[str, tuple[float, ...]] = OrderedDict()
        self.loaded = self.evicted = 0

    def _made(self, rank: int) -> AdapterBank:
        kind = next(self.model.parameters()).dtype
        return AdapterBank(self.model, n_slots=self.n_slots + 1, rank=rank, dtype=kind)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Inside, the model is the bank's."""
        self._switch(True)
        try:
            yield
        finally:
            self._switch(False)

    def _switch(self, on: bool) -> None:
        if self._bank is not None and on != self._open:
            self._bank.__enter__() if on else self._bank.__exit__()
        self._open = on

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Inside, the model is as it was before."""
        self._switch(False)
        try:
            yield
        finally:
            self._switch(True)

    def route(self, slots: Sequence[int], shares: Sequence[int]) -> AbstractContextManager[None]:
        """Inside, the tokens of a pass fall to these slots, which rise; without any adapter, to the base."""
        if self._bank is None or not any(slots):
            return nullcontext()
        return self._bank.route(slots, shares)

    def __contains__(self, key: str) -> bool:
        return key in self._slots

    def hold(self, key: str, expected: tuple[float, ...] | None) -> AdapterSlot:
        """The slot of an adapter that is there, until it is let go. Raises AdapterError if it is not the one
        that was expected."""
        slot = self._slots[key]
        self._compare(key, slot.fingerprint, expected)
        self._slots.move_to_end(key)
        slot.holders += 1
        return slot

    def let_go(self, slot: AdapterSlot) -> None:
        slot.holders -= 1
        assert slot.holders >= 0

    def put(self, key: str, adapter: Adapter, expected: tuple[float, ...] | None) -> bool:
        """Loads an adapter, in the place of another if need be; False if all are in use.

        Raises AdapterError if it does not fit the model, or gives other logits than are expected of it.
        """
        if adapter.failed:
            raise AdapterError(f"the adapter {key[:12]} cannot be used: {adapter.failed}")
        index = self._free()
        if index is None:
            return False
        bank = self._roomy(adapter.hyperparameters.rank)
        bank.load(index, adapter)
        try:
            found = tuple(slot_fingerprint(self.model, self.tokenizer, bank, index))
            if not all(map(math.isfinite, found)):
                raise AdapterError(f"the adapter {key[:12]} gives numbers that are not finite")
            self._compare(key, found, expected)
            self._compare(key, found, self._known.get(key))
        except AdapterError:
            bank.clear(index)
            raise
        self._known[key] = found
        self._known.move_to_end(key)
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        self._slots[key] = AdapterSlot(index, key, adapter.hyperparameters, found)
        self.loaded += 1
        return True

    def _compare(self, key: str, found: Sequence[float], expected: Sequence[float] | None) -> None:
        if expected is not None and not same_fingerprint(found, expected, self._tolerance):
            raise AdapterError(
                f"the adapter {key[:12]} does not give the logits that it is known by",
                "It was exchanged or misread, and nothing was answered by it. Restore it from a copy.",
            )

    def forget(self, key: str) -> None:
        """Takes an adapter that nobody holds out."""
        slot = self._slots.get(key)
        if slot is not None and not slot.holders:
            self._drop(slot)

    def _drop(self, slot: AdapterSlot) -> None:
        del self._slots[slot.key]
        assert self._bank is not None
        self._bank.clear(slot.index)

    def _free(self) -> int | None:
        taken = {slot.index for slot in self._slots.values()}
        if len(taken) == self.n_slots:
            idle = next((slot for slot in self._slots.values() if not slot.holders), None)
            if idle is None:
                return None
            self._drop(idle)
            self.evicted += 1
            return idle.index
        return next(index for index in range(1, self.n_slots + 1) if index not in taken)

    def _roomy(self, rank: int) -> AdapterBank:
        """The bank, with room for adapters of a rank; what it holds stays."""
        before = self._bank
        if before is not None and before.rank >= rank:
            return before
        was_open = self._open
        self._switch(False)
        self._bank = self._made(rank)
        for slot in self._slots.values() if before is not None else ():
            assert before is not None
            factors = before.read(slot.index, slot.hyperparameters)
            self._bank.load(slot.index, Adapter(slot.key, slot.hyperparameters, factors))
        self._switch(was_open)
        return self._bank
