"""Knowledge incorporation: passages that a model is to know by heart, with exams in questions and answers.

`load` reads contexts from files, each kind by its own reader; `domain` realises self-edits as training
documents and words the exam.
"""

from seal.domains.knowledge.domain import Knowledge, KnowledgeConfig, clean_answer
from seal.domains.knowledge.load import context_id, load_contexts, require_questions

__all__ = [
    "Knowledge",
    "KnowledgeConfig",
    "clean_answer",
    "context_id",
    "load_contexts",
    "require_questions",
]
