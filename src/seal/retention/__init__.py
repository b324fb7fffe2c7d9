"""Against forgetting: which of the things that were learned, each kept by itself, a question wants.

Knows text. Knows nothing about models or adapters.
"""

from seal.retention.page import DocumentPage
from seal.retention.router import CellRouter, DocumentMatch, RouterConfig

__all__ = ["DocumentMatch", "DocumentPage", "CellRouter", "RouterConfig"]
