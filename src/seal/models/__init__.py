"""Language models: loading, sampling and scoring. Knows nothing about training.

Each name is loaded when it is first used, so that what a model's name means (`model_names.py`) is known
without torch. The function `generate` is imported from its module, which has the same name.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seal.models.generate import Generation
    from seal.models.load import load_model, save_model
    from seal.models.model_names import builtin_path
    from seal.models.score import AnswerScore, score_answers

_MODULES = {
    "AnswerScore": "score",
    "Generation": "generate",
    "builtin_path": "model_names",
    "load_model": "load",
    "save_model": "load",
    "score_answers": "score",
}

__all__ = [
    "AnswerScore",
    "Generation",
    "builtin_path",
    "load_model",
    "save_model",
    "score_answers",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
