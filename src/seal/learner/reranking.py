"""Ranks passages by how likely the model that writes questions would ask a question of each.

Practice taught it to write the questions that a sentence answers (practice.py): one that it would hardly
write about a passage is not about it. Knows nothing about how passages are found, or which are worth it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from seal.learner.caches import INFORMATION, RecentlyUsed
from seal.learner.practice import writing_prompt

if TYPE_CHECKING:
    from seal.learner.skills import Skills
    from seal.retention import PassageMatch

_MOST_CHARS: Final = 2000
"""Of a passage that is longer, which hardly any is, the beginning counts."""


class WriterReranker:
    """A `Reranker` of seal.retention, for several threads; what was asked before is remembered."""

    def __init__(self, skills: Callable[[], Skills]) -> None:
        """`skills`: of the model, loaded when they are first needed."""
        self._skills = skills
        self._known: RecentlyUsed[tuple[str, str], float] = RecentlyUsed(INFORMATION)

    def information(self, question: str, passages: Sequence[PassageMatch]) -> list[float]:
        """By how many nats each passage makes the question likelier than no passage does."""
        prompts = [writing_prompt("", "", "", ""), *(_prompt(one) for one in passages)]
        logs = {prompt: self._known.get((prompt, question)) for prompt in prompts}
        new = [prompt for prompt, log in logs.items() if log is None]
        if new:
            found = self._skills().log_probabilities(new, [question] * len(new))
            for prompt, log in zip(new, found, strict=True):
                logs[prompt] = self._known.put((prompt, question), log)
        nothing, *some = (logs[prompt] or 0.0 for prompt in prompts)
        return [log - nothing for log in some]


def _prompt(passage: PassageMatch) -> str:
    return writing_prompt(passage.title, "", "", passage.text[:_MOST_CHARS])
