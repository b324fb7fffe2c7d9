"""How much two texts have in common, by their word triples. Knows nothing about what they say."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# A sign of a script that is written without spaces counts as a word.
_WORD: Final = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0eff]|[^\W_]+")
_LEAST: Final = 12  # triples; of shorter texts, how much one contains of the other says little

Shingles = frozenset[tuple[str, ...]]


def shingles(text: str, n_words: int = 3) -> Shingles:
    """The runs of `n_words` words in a text; all its words as one run if they are fewer."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    if not words:
        return frozenset()
    return frozenset(tuple(words[at : at + n_words]) for at in range(max(1, len(words) - n_words + 1)))


def shared(one: Shingles, other: Shingles) -> tuple[float, float]:
    """Jaccard's share (Broder 1997), and the share of the smaller set that the other one contains."""
    common = len(one & other)
    if not common:
        return 0.0, 0.0
    smaller = min(len(one), len(other))
    return common / len(one | other), common / smaller if smaller >= _LEAST else 0.0
