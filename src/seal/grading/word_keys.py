"""A word as it is compared: the form in which the tables of this folder hold it, and texts are looked up.

Knows case, accents and what Arabic joins to a word. Knows no words.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from seal.signs import without_marks

_ARABIC: Final = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه"})


@lru_cache(maxsize=1 << 15)
def key_of(word: str) -> str:
    """A word as it is compared: without case, possessive 's and, in Latin, Greek and Cyrillic, accents."""
    word = word.casefold()
    if word.endswith("'s"):
        word = word[:-2]
    if word.isascii():
        return word.replace("'", "")
    word = without_marks(word)
    if "\u0600" <= word[:1] <= "\u06ff":
        word = word.translate(_ARABIC)
        for prefix in ("وال", "بال", "فال", "كال", "ال"):
            if word.startswith(prefix) and len(word) - len(prefix) >= 3:
                return word[len(prefix) :]
    return word.replace("'", "")


def keys_of(names: str) -> tuple[str, ...]:
    """The keys of the words of a table's row."""
    return tuple(map(key_of, names.split()))
