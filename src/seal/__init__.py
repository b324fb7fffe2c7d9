"""A language model that teaches itself: it writes its own training data, trains on it, is examined, and
learns from the result to write better data (SEAL, arXiv 2506.10943).

Importing `seal` loads nothing heavy: the parts are imported by name, as in `from seal.types import Context`.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("seal-lm")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
