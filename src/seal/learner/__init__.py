"""The learner: a model that keeps learning, keeps what it should keep, and can say why.

Read `study.py` first: it is the whole flow. `learner.py` has the verbs, `queue.py` the jobs, `parts.py` what
the parts share. `Learner` is loaded when it is first used: what is wrong with a document is known without a
workspace. Knows nothing about the command line.
"""

from typing import TYPE_CHECKING, Any

from seal.learner.documents import Learned, Text, load_documents

if TYPE_CHECKING:
    from seal.learner.learner import Learner

__all__ = ["Learner", "Learned", "Text", "load_documents"]


def __getattr__(name: str) -> Any:
    if name == "Learner":
        from seal.learner.learner import Learner

        return Learner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
