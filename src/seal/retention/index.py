"""An inverted index: which keys have a feature. Immutable; adding or removing a few keys is cheap.

Knows nothing about what features or keys mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_NONE: frozenset[str] = frozenset()


class Index:
    """From each feature to the keys that have it."""

    def __init__(self, postings: Mapping[str, frozenset[str]] | None = None) -> None:
        self._postings = dict(postings or {})

    def __getitem__(self, feature: str) -> frozenset[str]:
        return self._postings.get(feature, _NONE)

    def __contains__(self, feature: object) -> bool:
        return feature in self._postings

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Index) and self._postings == other._postings

    __hash__ = None  # type: ignore[assignment]

    def count(self, feature: str) -> int:
        return len(self[feature])

    def changed(self, added: Mapping[str, Iterable[str]], removed: Mapping[str, Iterable[str]]) -> Index:
        """The index with some keys added and others removed, each given with all its features.

        What a removed key alone had leaves no trace.
        """
        fewer, more = _turned(removed), _turned(added)
        changed = Index(self._postings)
        for feature in fewer.keys() | more.keys():
            keys = (self[feature] - fewer.get(feature, set())) | more.get(feature, set())
            if keys:
                changed._postings[feature] = keys
            else:
                changed._postings.pop(feature, None)
        return changed


def _turned(features: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    turned: dict[str, set[str]] = {}
    for key, own in features.items():
        for feature in own:
            turned.setdefault(feature, set()).add(key)
    return turned
