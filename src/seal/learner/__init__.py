"""The learner: a model that keeps learning, keeps what it should keep, and can say why.

Read `study.py` first: it is the whole flow. `learner.py` has the verbs, `queue.py` the jobs, `parts.py` what
the parts share. Knows nothing about the command line.
"""

from seal.learner.documents import Learned, Text, load_documents
from seal.learner.learner import Learner

__all__ = ["Learner", "Learned", "Text", "load_documents"]
