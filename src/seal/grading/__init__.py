"""How answers are graded, and the statistics of the grades. Knows nothing about models or training.

A grader is one file here and one line below; other packages add theirs by the entry-point group
`seal.graders`, and a domain whose answers are of a kind of their own registers its grader itself
(seal/domains/__init__.py). Each registered part is a class that takes its own `Config`, or nothing for the
defaults where it has them: `GRADERS.get("lexical")()`.
"""

from collections.abc import Callable

from seal.grading.exact import Exact
from seal.grading.lexical import Lexical
from seal.plugins import Registry
from seal.protocols import Grader

GRADERS: Registry[Callable[..., Grader]] = Registry(kind="grader", group="seal.graders")
GRADERS.register("exact", Exact)
GRADERS.register("lexical", Lexical)
GRADERS.register_lazily("meaning", "seal.grading.by_meaning:Meaning")
GRADERS.register_lazily("judge", "seal.grading.judge:Judge")

__all__ = ["GRADERS", "Exact", "Lexical"]
