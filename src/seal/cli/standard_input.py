"""The standard input as an argument: `-`, as in `seal learn -` and `seal ask -`.

Knows that cyclopts takes a lone dash for an option, and the name that stands in for it until a command runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["is_input", "read_input", "with_input_named"]

_NAME = "/dev/stdin"  # which means the same to every other program
_READERS = ("learn", "ask", "why")


def with_input_named(tokens: Sequence[str]) -> list[str]:
    """The tokens of a command line with every lone dash as a name that is no option."""
    if not tokens or tokens[0] not in _READERS:
        return list(tokens)
    return [_NAME if token == "-" else token for token in tokens]


def is_input(name: object) -> bool:
    """Whether an argument means the standard input."""
    return str(name) in ("-", _NAME)


def read_input() -> bytes:
    """All that is on the input."""
    return sys.stdin.buffer.read()
