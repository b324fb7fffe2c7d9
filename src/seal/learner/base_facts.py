"""What is found out about a frozen base by asking it once: what it knows, how sure it is of what does not
exist, and its answers to all that must not be lost.

Kept in files beside the workspace, from one process to the next. Knows nothing about versions or documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from seal.engine.adapt import Adaptation
from seal.engine.start import Watch
from seal.files import write_durably
from seal.learner.answering import Mind
from seal.learner.caches import AnswerKey, GivenAnswers, SureText
from seal.learner.library import Library
from seal.learner.reference import ReferenceItem
from seal.learner.reference_choice import Choice, choose, sure_level
from seal.learner.settings import LearnerConfig
from seal.registry.canonical import sha256

_CACHE = ".cache"


@dataclass
class BaseFacts:
    """Asks a base, unless it was asked before. `folder` is the workspace's."""

    adaptation: Adaptation
    library: Library
    config: LearnerConfig
    folder: Path
    watch: Watch

    def __post_init__(self) -> None:
        self._first_answers = GivenAnswers()

    def choice(self, items: Sequence[ReferenceItem]) -> Choice:
        """Which of the general questions count for this base."""

        def ask() -> dict[str, Any]:
            self._first_answers = GivenAnswers()
            bare = self._bare(self._first_answers)
            told = partial(self.watch.progress, "asking the base what it knows")
            return asdict(choose(bare, items, self.config.gates, told))

        asked = [[i.question, i.answers] for i in items]
        found = self._found_once("reference", [asked, self.config.grader], ask)
        return Choice(**{name: tuple(ids) for name, ids in found.items()})

    def sure(self) -> float:
        """From which certainty on the base counts as sure of an answer: as set, or higher if this base is
        surer of what does not exist."""
        return max(
            self.config.sure, self._found_once("sure", [], lambda: sure_level(self._bare(GivenAnswers())))
        )

    def _found_once(self, name: str, facts: Sequence[Any], find: Callable[[], Any]) -> Any:
        """What was found out about this base by asking it, kept in a file from one process to the next."""
        of_base = [self.library.base, self.library.environment, self.adaptation.style]
        asked = json.dumps([*of_base, self.config.instruction, self.config.max_answer_tokens, *facts])
        path = self.folder / _CACHE / f"{name}-{sha256(asked.encode())[:16]}.json"
        if path.exists():
            try:
                return json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):  # a cache that cannot be read is made anew
                pass
        found = find()
        _keep(path, json.dumps(found))
        return found

    def answers(self, items: Sequence[ReferenceItem]) -> GivenAnswers:
        """Answers that were given. Those of the base to the reference are never dropped, and are kept in a
        file from one process to the next."""
        asked = json.dumps([[i.question, i.shown and i.shown.text] for i in items])
        facts = (self.library.base, self.library.environment, self.adaptation.style, asked)
        path = self.folder / _CACHE / f"base-{sha256(chr(0).join(facts).encode())[:16]}.json"
        if path.exists():
            try:
                rows = json.loads(path.read_text(encoding="utf-8"))
                return GivenAnswers({(None, prompt): (text, p) for prompt, text, p in rows})
            except (OSError, ValueError, TypeError):  # a cache that cannot be read is made anew
                pass
        kept = self._asked_of_the_base(items)
        rows = [[prompt, text, p] for (_, prompt), (text, p) in kept.items()]
        _keep(path, json.dumps(rows))
        return GivenAnswers(kept)

    def _asked_of_the_base(self, items: Sequence[ReferenceItem]) -> dict[AnswerKey, SureText]:
        """The base's answers to the whole reference."""
        self.watch.progress("asking the base what must not be lost", 0, 1)
        given = GivenAnswers(self._first_answers.recent.items(), bound=max(1, len(items)))
        bare = self._bare(given)
        bare.answer([None] * len(items), [i.question for i in items], [i.shown for i in items])
        return given.kept | given.recent.items()

    def _bare(self, known: GivenAnswers) -> Mind:
        return Mind(self.adaptation, {}, self.config.router, known)


def _keep(path: Path, text: str) -> None:
    """Keeps what was asked of the base for the next process."""
    try:
        path.parent.mkdir(exist_ok=True)
        write_durably(path, [text.encode()])
    except OSError:  # a folder that cannot be written is still read
        pass
