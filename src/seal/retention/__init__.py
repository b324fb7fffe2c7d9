"""Documents are learned each by itself, so that none is forgotten; this finds those that a question is about.

Knows text. Knows nothing about models or adapters.
"""

from seal.retention.certainty import confidence
from seal.retention.finder import Finder, Found
from seal.retention.page import DocumentPage
from seal.retention.passages import Encoder, PassageIndex
from seal.retention.router import CellRouter, DocumentMatch, RouterConfig
from seal.retention.search import PassageMatch, Reranker
from seal.retention.stretches import PageText

__all__ = [
    "DocumentMatch",
    "DocumentPage",
    "Encoder",
    "CellRouter",
    "Finder",
    "Found",
    "PageText",
    "PassageIndex",
    "PassageMatch",
    "Reranker",
    "RouterConfig",
    "confidence",
]
