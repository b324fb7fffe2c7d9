"""The learner: a model that keeps learning, keeps what it should keep, and can say why.

Read `study.py` first: it is the whole flow. `learner.py` has the verbs. Knows nothing about the command line.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seal.learner.learner import Learner, Text

__all__ = ["Learner", "Text"]


def __getattr__(name: str) -> Any:
    """Loaded when it is first used: commands on a workspace that need no model stay quick."""
    if name in __all__:
        from seal.learner import learner

        return getattr(learner, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
