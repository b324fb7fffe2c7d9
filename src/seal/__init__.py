"""A language model that teaches itself: it writes its own training data, trains on it, is examined, and
learns from the result to write better data (SEAL, arXiv 2506.10943).

    from seal import Learner, Text, load_documents       a model that keeps learning
    from seal import Adaptation, load_contexts           the inner loop, for experiments

Importing `seal` loads nothing heavy: each of these is imported when it is first used. All else is imported by
the name of its module, as in `from seal.types import Context`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

try:
    __version__ = version("seal-lm")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

# By name, so that the lower layers, which read the version here, do not import the upper ones. What a type
# checker sees is in __init__.pyi.
_HOMES = {
    "Learner": "seal.learner",
    "Text": "seal.learner",
    "load_documents": "seal.learner",
    "Adaptation": "seal.engine.adapt",
    "load_contexts": "seal.domains.knowledge",
}

# pyright: reportUnsupportedDunderAll=false
__all__ = ["Adaptation", "Learner", "Text", "__version__", "load_contexts", "load_documents"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
