"""The ledger: who did what, when and why, in a chain of hashes that shows every later change.

Knows nothing about where entries are kept. Each entry's hash covers all of it, and the hash of the entry
before. So an entry that is altered, removed or moved no longer fits its neighbours. Two things the chain
alone cannot show: that its last entries were cut off, and that all from some entry on was written anew by
someone who recomputed the hashes. Both need an anchor: the hash of an entry, kept where whoever can change
the workspace cannot change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from seal.registry.canonical import digest_of

GENESIS = "0" * 64
NO_ANCHOR = (
    "Without an anchor it cannot be told whether the last entries were cut off, or the chain written anew: "
    "keep the head's hash elsewhere, and give it with --anchor next time."
)


@dataclass(frozen=True)
class LedgerEntry:
    """One thing that happened. Order is by `sequence`; `time` is what the clock said, and may jump."""

    sequence: int
    time: str
    actor: str
    action: str
    reason: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    software: Mapping[str, str]
    previous: str
    hash: str = ""

    def own_hash(self) -> str:
        """The hash that follows from everything else in the entry."""
        fields = asdict(self)
        del fields["hash"]
        return digest_of(fields)


@dataclass(frozen=True)
class ChainCheck:
    """What a check of the chain found. `first_bad` is the sequence number where it breaks."""

    sound: bool
    n_entries: int
    head: str
    first_bad: int | None = None
    problem: str = ""
    anchored_at: int | None = None
    note: str = ""


def following(last: tuple[int, str] | None, **fields: Any) -> LedgerEntry:
    """The entry after the one of (sequence, hash) `last`; the first one after None."""
    sequence, previous = last or (0, GENESIS)
    entry = LedgerEntry(sequence=sequence + 1, previous=previous, **fields)
    return LedgerEntry(**{**asdict(entry), "hash": entry.own_hash()})


def verify(entries: Iterable[LedgerEntry], anchor: str | None = None) -> ChainCheck:
    """Checks the chain from its first entry, and names the first that is bad and what is wrong with it.

    `anchor`: the hash of an entry, kept elsewhere since it was the head; its absence shows a cut.
    """
    chain = list(entries)
    head = chain[-1].hash if chain else GENESIS
    places = {entry.hash: entry.sequence for entry in chain}
    previous = GENESIS
    for expected, entry in enumerate(chain, start=1):
        problem = _misplaced(entry, expected, chain) or _altered(entry) or _unlinked(entry, previous)
        if problem:
            return ChainCheck(False, len(chain), head, expected, problem)
        previous = entry.hash
    if anchor is None:
        return ChainCheck(True, len(chain), head, note=NO_ANCHOR)
    if anchor not in places and anchor != GENESIS:
        problem = (
            f"no entry has the anchor's hash {anchor[:12]}…: the ledger was cut off before it, or written "
            f"anew (it now has {len(chain)} entries)"
        )
        return ChainCheck(False, len(chain), head, len(chain) + 1, problem)
    return ChainCheck(True, len(chain), head, anchored_at=places.get(anchor, 0))


def _misplaced(entry: LedgerEntry, expected: int, chain: list[LedgerEntry]) -> str:
    if entry.sequence == expected:
        return ""
    if entry.sequence < expected:  # all before this one are in their places
        return f"entry {entry.sequence} stands a second time, in the place of entry {expected}"
    later = any(other.sequence == expected for other in chain[expected:])
    return (
        f"entry {expected} is {'out of order' if later else 'missing'}: entry {entry.sequence} stands there"
    )


def _altered(entry: LedgerEntry) -> str:
    if entry.hash == entry.own_hash():
        return ""
    return f"entry {entry.sequence} was altered: its content does not have the hash that it states"


def _unlinked(entry: LedgerEntry, previous: str) -> str:
    if entry.previous == previous:
        return ""
    before = f"entry {entry.sequence - 1}" if entry.sequence > 1 else "the beginning"
    return f"entry {entry.sequence} does not follow {before}: one of the two was replaced"
