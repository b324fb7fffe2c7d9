"""What a learner has made, kept for good: sources, builds, versions, aliases, jobs, and the ledger of it all.

Knows nothing about models: what is stored are texts, files and facts about them. Start with `Workspace`.
"""

from seal.registry.digests import document_key
from seal.registry.ledger import ChainCheck, LedgerEntry, verify
from seal.registry.records import (
    LIVE,
    Audit,
    Build,
    Document,
    ExamQuestion,
    Job,
    Lease,
    Line,
    Version,
)
from seal.registry.store import Member, Store
from seal.registry.workspace import Workspace

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
    "Lease",
    "Audit",
    "LedgerEntry",
    "ChainCheck",
    "verify",
    "document_key",
]
