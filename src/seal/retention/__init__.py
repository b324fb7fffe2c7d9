"""Documents are learned each by itself, so that none is forgotten; this finds those that a question is about.

Knows text. Knows nothing about models or adapters.
"""

from seal.retention.page import DocumentPage
from seal.retention.router import CellRouter, DocumentMatch, RouterConfig

__all__ = ["DocumentMatch", "DocumentPage", "CellRouter", "RouterConfig"]
