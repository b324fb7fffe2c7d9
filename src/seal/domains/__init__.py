"""What is learned: the domains, by name.

A new domain is one file (or folder) and one line here; it is imported when its name is asked for.
"""

from collections.abc import Callable
from typing import Final

from seal.plugins import Registry
from seal.protocols import Domain

DOMAINS: Final[Registry[Callable[..., Domain]]] = Registry("domain", "seal.domains")
DOMAINS.register_lazily("knowledge", "seal.domains.knowledge:Knowledge")
DOMAINS.register_lazily("arc_agi", "seal.domains.arc_agi:ArcAgi")

__all__ = ["DOMAINS"]
