from seal.domains.knowledge import load_contexts as load_contexts
from seal.engine.adapt import Adaptation as Adaptation
from seal.learner import Learner as Learner
from seal.learner import Text as Text
from seal.learner import load_documents as load_documents

__version__: str
__all__ = ["Adaptation", "Learner", "Text", "__version__", "load_contexts", "load_documents"]
