"""A question with its answer as one training line. Knows that form alone."""

from __future__ import annotations

__all__ = ["line_of", "question_of"]

_ASKS, _ANSWERS = "Question: ", "\nAnswer: "


def question_of(line: str) -> tuple[str, str] | None:
    """The question and the answer of a line that has them."""
    if not line.startswith(_ASKS):
        return None
    question, separator, answer = line.removeprefix(_ASKS).partition(_ANSWERS)
    return (question.strip(), answer.strip()) if separator and answer.strip() else None


def line_of(question: str, answer: str) -> str:
    """A question with its answer as a line."""
    return f"{_ASKS}{question}{_ANSWERS}{answer}"
