"""The keys and values of many rows of unlike length: each has a lane of a cache, as long as it may become.

Lanes of one length are one tensor for each layer, so that rows attend together; lengths are powers of two. A
lane whose row has ended keeps what it holds until it is needed: a newcomer that begins alike goes on from it,
or from the lane of a row that still runs, by a copy. All lanes together stay within a bound. Knows nothing
about models, adapters (an owner is a name) or requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from torch import Tensor

_SHORTEST_tokens = 64
_WARM = 4  # ended lanes of a length that are kept before one is used again, where there is room
_LEAST_SHARED_tokens = 8


@dataclass(eq=False)
class Lane:
    """Room for one row: what `owner` has read of `tokens` is the first `length_tokens` of them."""

    room: Room
    index: int
    owner: str | None = None
    tokens: list[int] = field(default_factory=list)
    length_tokens: int = 0
    taken: int = 0
    """When it was taken, as a number that rises; 0: it is free."""
    used: int = 0

    def shares(self, tokens: Sequence[int], most: int) -> int:
        """The tokens, at most so many, with which both begin."""
        most = min(most, len(self.tokens))
        if self.tokens[:most] == list(tokens[:most]):
            return most
        low, high = 0, most  # the first `low` are alike, the first `high` are not
        while high - low > 1:
            middle = (low + high) // 2
            if self.tokens[low:middle] == list(tokens[low:middle]):
                low = middle
            else:
                high = middle
        return low


@dataclass(eq=False)
class Room:
    """All lanes of `capacity_tokens`: for each layer keys and values [n, H, capacity, d]."""

    capacity_tokens: int
    lanes: list[Lane] = field(default_factory=list)
    kept: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def layer(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of a layer; those of new tokens [1, H, T, d] say of which kind they are."""
        if layer not in self.kept:
            n, c = len(self.lanes), self.capacity_tokens
            # Zeros: what is masked is multiplied by nought, which must be a number.
            self.kept[layer] = (
                keys.new_zeros(n, keys.shape[1], c, keys.shape[3]),
                values.new_zeros(n, values.shape[1], c, values.shape[3]),
            )
        return self.kept[layer]

    def resize(self, n: int) -> None:
        """Adds free lanes at the end, or takes some away."""
        for layer, (keys, values) in self.kept.items():
            both = []
            for old in (keys, values):
                new = old.new_zeros(n, *old.shape[1:])
                new[: min(n, len(old))] = old[: min(n, len(old))]
                both.append(new)
            self.kept[layer] = both[0], both[1]
        self.lanes = self.lanes[:n] + [Lane(self, i) for i in range(len(self.lanes), n)]

    def copy(self, source: Lane, target: Lane, n_tokens: int) -> None:
        """Puts the first tokens of `source`, of any room with the same layers, into a lane of this one."""
        for layer, (keys, values) in source.room.kept.items():
            own = self.layer(layer, keys[:1], values[:1])
            for mine, other in zip(own, (keys, values), strict=True):
                mine[target.index, :, :n_tokens] = other[source.index, :, :n_tokens]

    def blank(self, lane: Lane) -> None:
        """Forgets what a lane holds."""
        lane.tokens, lane.length_tokens, lane.owner = [], 0, None
        for keys, values in self.kept.values():
            keys[lane.index] = 0
            values[lane.index] = 0


class LaneCache:
    """Lanes that are taken for a row and given back."""

    def __init__(self, most_tokens: int) -> None:
        self.most_tokens = most_tokens
        self._rooms: dict[int, Room] = {}
        self._clock = 0

    @staticmethod
    def capacity(need_tokens: int) -> int:
        """How long a lane for so many tokens is."""
        return max(_SHORTEST_tokens, 1 << (need_tokens - 1).bit_length())

    @property
    def room_tokens(self) -> int:
        """What all lanes hold, taken or not."""
        return sum(room.capacity_tokens * len(room.lanes) for room in list(self._rooms.values()))

    @property
    def taken_tokens(self) -> int:
        return sum(lane.room.capacity_tokens for lane in self._lanes() if lane.taken)

    def _lanes(self) -> Iterator[Lane]:
        """As they are now: other threads look at how much is taken."""
        for room in list(self._rooms.values()):
            yield from list(room.lanes)

    def take(self, need_tokens: int, owner: str | None, tokens: Sequence[int], shareable: int) -> Lane | None:
        """A lane for a row of `owner` that begins with `tokens`; None if there is no room now.

        What another lane holds of its first `shareable` tokens is there already if it had ended
        (`length_tokens`); from one that runs `share` copies it.
        """
        room = self._rooms.setdefault(self.capacity(need_tokens), Room(self.capacity(need_tokens)))
        free = [lane for lane in room.lanes if not lane.taken]
        best = max(
            free, key=lambda lane: (self._kept(lane, owner, tokens, shareable), -lane.used), default=None
        )
        if best is None or not self._kept(best, owner, tokens, shareable):
            if len(free) < _WARM and (grown := self._grow(room)) is not None:
                best = grown
            elif free:
                best = min(free, key=lambda lane: lane.used)
        if best is None:
            return None
        self._clock += 1
        best.length_tokens = self._kept(best, owner, tokens, shareable)
        best.owner, best.tokens, best.taken = owner, list(tokens), self._clock
        return best

    def _kept(self, lane: Lane, owner: str | None, tokens: Sequence[int], shareable: int) -> int:
        """What a lane holds of a row's first tokens, if that is worth having."""
        if lane.owner != owner or not lane.length_tokens:
            return 0
        n = lane.shares(tokens, min(shareable, lane.length_tokens))
        return n if n >= min(_LEAST_SHARED_tokens, shareable) else 0

    def share(self, lane: Lane, shareable: int) -> bool:
        """Copies to a lane that has read nothing yet what another holds of its first `shareable` tokens.

        False if one that was taken earlier is about to have read more of them: it is worth waiting for.
        """
        best, most = None, lane.length_tokens
        promised = 0
        for other in self._lanes():
            if other is lane or other.owner != lane.owner or not other.tokens:
                continue
            n = other.shares(lane.tokens, shareable)
            there = min(n, other.length_tokens)
            if other.taken and other.taken < lane.taken:
                promised = max(promised, n)
            if there > most:
                best, most = other, there
        if promised >= most + _LEAST_SHARED_tokens:
            return False
        if best is not None and most >= lane.length_tokens + _LEAST_SHARED_tokens:
            lane.room.copy(best, lane, most)
            lane.length_tokens = most
        return True

    def give_back(self, lane: Lane) -> None:
        """The row has ended. What it has read stays until the lane is needed."""
        self._clock += 1
        lane.tokens = lane.tokens[: lane.length_tokens]
        lane.taken, lane.used = 0, self._clock

    def blank(self, lane: Lane) -> None:
        """Forgets what a lane holds, and lets no number of it stay."""
        lane.room.blank(lane)

    def forget(self, owner: str) -> None:
        """What rows of `owner` that have ended left is used no more."""
        for lane in self._lanes():
            if lane.owner == owner and not lane.taken:
                lane.room.blank(lane)

    def clear(self) -> None:
        """Gives all memory back."""
        self._rooms.clear()

    def _grow(self, room: Room) -> Lane | None:
        """A new lane, with others beside it where there is room for them."""
        n = len(room.lanes)
        for more in dict.fromkeys((max(1, n), 1)):
            if self._freed(more * room.capacity_tokens, room):
                room.resize(n + more)
                return room.lanes[n]
        return None

    def _freed(self, tokens: int, wanting: Room) -> bool:
        """Whether there is room for so many tokens more, free lanes at the end of other rooms given up."""
        over = self.room_tokens + tokens - self.most_tokens
        spare: list[tuple[Room, int]] = []
        for room in self._rooms.values():
            if over <= 0:
                break
            if room is not wanting:
                ends = _free_at_end(room.lanes, -(-over // room.capacity_tokens))
                spare.append((room, ends))
                over -= ends * room.capacity_tokens
        if over > 0:
            return False
        for room, ends in spare:
            if ends:
                room.resize(len(room.lanes) - ends)
        return True


def _free_at_end(lanes: Sequence[Lane], most: int) -> int:
    n = 0
    while n < min(most, len(lanes)) and not lanes[-1 - n].taken:
        n += 1
    return n
