"""Language models: loading, sampling and scoring. Knows nothing about training."""

from seal.models.generate import Generation, generate
from seal.models.load import builtin_path, load_model, save_model
from seal.models.score import AnswerScore, score_answers

__all__ = [
    "AnswerScore",
    "Generation",
    "builtin_path",
    "generate",
    "load_model",
    "save_model",
    "score_answers",
]
