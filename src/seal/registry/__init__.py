"""What a learner has made, kept for good: sources, builds, versions, aliases, jobs, and the ledger of it all.

Knows nothing about models: what is stored are texts, files and facts about them. Start with `Workspace`. Each
name is loaded when it is first used: that a folder is no workspace (`marker.py`) is known without SQLAlchemy.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seal.registry.digests import document_key
    from seal.registry.ledger import ChainCheck, LedgerEntry, verify
    from seal.registry.records import (
        LIVE,
        AccessKey,
        Audit,
        Brake,
        Build,
        Comparison,
        ComparisonCounts,
        Document,
        ExamQuestion,
        Feedback,
        Job,
        JobEvent,
        Lease,
        Line,
        Push,
        RememberedAnswer,
        Rollout,
        Thumb,
        Version,
        Webhook,
    )
    from seal.registry.store import Member, Store
    from seal.registry.workspace import Workspace

_MODULES = {
    "ChainCheck": "ledger",
    "LedgerEntry": "ledger",
    "document_key": "digests",
    "verify": "ledger",
    "Member": "store",
    "Store": "store",
    "Workspace": "workspace",
}

__all__ = [
    "Workspace",
    "Store",
    "Member",
    "LIVE",
    "Document",
    "Line",
    "ExamQuestion",
    "Build",
    "Version",
    "Job",
    "JobEvent",
    "Brake",
    "Lease",
    "AccessKey",
    "RememberedAnswer",
    "Feedback",
    "Rollout",
    "Comparison",
    "ComparisonCounts",
    "Thumb",
    "Push",
    "Webhook",
    "Audit",
    "LedgerEntry",
    "ChainCheck",
    "verify",
    "document_key",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'records')}"), name)
