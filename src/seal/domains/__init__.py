"""What is learned: the domains, by name, and the generators of contexts.

A new domain is one file (or folder) and one line here; it is imported when its name is asked for. A domain
loads its own files; a generator makes contexts for the domains that call theirs the same. A domain whose
answers need a grader of their own registers that here too.
"""

from collections.abc import Callable
from typing import Final

from seal.grading import GRADERS
from seal.plugins import Registry
from seal.protocols import ContextGenerator, Domain

DOMAINS: Final[Registry[Callable[..., Domain]]] = Registry("domain", "seal.domains")
DOMAINS.register_lazily("knowledge", "seal.domains.knowledge:Knowledge")
DOMAINS.register_lazily("arc_agi", "seal.domains.arc_agi:ArcAgi")

GRADERS.register_lazily("grid", "seal.domains.arc_agi:GridGrader")

GENERATORS: Final[Registry[Callable[..., ContextGenerator]]] = Registry("generator", "seal.generators")
GENERATORS.register_lazily("microworld", "seal.domains.microworld.generator:MicroWorld")
GENERATORS.register_lazily("microgrid", "seal.domains.arc_agi.microgrid.generator:MicroGrid")

__all__ = ["DOMAINS", "GENERATORS"]
