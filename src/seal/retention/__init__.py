"""Against forgetting: which of the things that were learned, each kept by itself, a question wants.

Knows text. Knows nothing about models or adapters.
"""

from seal.retention.page import Entry
from seal.retention.router import Candidate, Router, RouterConfig

__all__ = ["Candidate", "Entry", "Router", "RouterConfig"]
