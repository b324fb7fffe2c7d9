"""What is learned: the domains, by name, and the sources of generated contexts.

A new domain is one file (or folder) and one line here; it is imported when its name is asked for. A domain
loads its own files; a source generates contexts for the domains that call theirs the same. A domain whose
answers need a grader of their own registers that here too.
"""

from collections.abc import Callable
from typing import Final

from seal.grading import GRADERS
from seal.plugins import Registry
from seal.protocols import Domain, Source

DOMAINS: Final[Registry[Callable[..., Domain]]] = Registry("domain", "seal.domains")
DOMAINS.register_lazily("knowledge", "seal.domains.knowledge:Knowledge")
DOMAINS.register_lazily("arc_agi", "seal.domains.arc_agi:ArcAgi")

GRADERS.register_lazily("grid", "seal.domains.arc_agi:GridGrader")

SOURCES: Final[Registry[Callable[..., Source]]] = Registry("source of contexts", "seal.sources")
SOURCES.register_lazily("microworld", "seal.domains.microworld.source:MicroWorld")
SOURCES.register_lazily("microgrid", "seal.domains.arc_agi.microgrid.source:MicroGrid")

__all__ = ["DOMAINS", "SOURCES"]
