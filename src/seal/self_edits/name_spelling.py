"""Names that a small writer misspelt, as their source spells them.

SmolLM2-135M writes "Ellensen" about a text on Marta Ellingsen, in a third of its questions. Knows words by
their letters only; whether what is said of a name is true, others check.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

_NAME: Final = re.compile(r"(?<!\w)[^\W\d_]{5,}")
_ALIKE: Final = 0.75


def mended_names(text: str, source: str) -> str:
    """`text` with every name that `source` does not have, but one that is spelt nearly so, as that one; a
    name that is like none or like several stays as it is."""
    names, folded = _words_of(source)

    def mended(found: re.Match[str]) -> str:
        word = found[0]
        if not word[0].isupper() or word.casefold() in folded:
            return word
        like = get_close_matches(word, names, n=2, cutoff=_ALIKE)
        return like[0] if len(like) == 1 else word

    return _NAME.sub(mended, text)


@lru_cache(maxsize=16)
def _words_of(source: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The words of a source that may be names, and all its words without case."""
    there = set(_NAME.findall(source))
    names = tuple(sorted(word for word in there if word[0].isupper()))
    return names, frozenset(word.casefold() for word in there)
