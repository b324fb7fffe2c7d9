"""What was found out about a frozen base by asking it, once, and kept in files.

Which reference questions count for it, what it answers to them, from which certainty on it is sure, and how
well it reads neutral text. Knows nothing about documents or versions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seal.engine.adapt import Adaptation
from seal.engine.start import Watch
from seal.files import write_durably
from seal.learner.answering import Mind
from seal.learner.caches import AnswerKey, GivenAnswers, SureText
from seal.learner.fluency import NeutralReading, neutral_pieces, read_neutral
from seal.learner.reference import ReferenceItem
from seal.learner.reference_choice import Choice, choose, sure_level
from seal.learner.reference_sets import likely_right
from seal.models.identity import weights_fingerprint
from seal.registry.canonical import sha256

if TYPE_CHECKING:
    from seal.learner.settings import LearnerConfig
    from seal.learner.speaking import Speaker


class AskedBase:
    """A base, and the folder for what it answered. `identity` says which base it is, and where it runs."""

    def __init__(
        self,
        folder: Path,
        adaptation: Adaptation,
        identity: Sequence[str],
        config: LearnerConfig,
        watch: Watch,
        speaker: Speaker | None = None,
    ) -> None:
        self.folder, self.adaptation, self.config, self.watch = folder, adaptation, config, watch
        self.speaker = speaker
        self.identity = [*identity, adaptation.style]
        self._first: dict[AnswerKey, SureText] = {}

    def choice(self, items: Sequence[ReferenceItem]) -> Choice:
        """Which of the general questions count for this base."""

        def ask() -> dict[str, Any]:
            given = GivenAnswers()
            told = partial(self.watch.progress, "asking the base what it knows")
            likely = likely_right(weights_fingerprint(self.adaptation.model))
            made = choose(self._bare(given), items, self.config.gates, told, likely)
            self._first = given.recent.items()
            return asdict(made)

        asked = [[i.question, i.answers] for i in items]
        found = self._once("reference", [asked, self.config.grader], ask)
        return Choice(**{name: tuple(ids) for name, ids in found.items()})

    @cached_property
    def sure(self) -> float:
        """From which certainty on it counts as sure: as set, or higher if it is as sure of what does not
        exist."""
        return max(self.config.sure, self._once("sure", [], lambda: sure_level(self._bare(GivenAnswers()))))

    @cached_property
    def neutral(self) -> NeutralReading:
        """How it reads neutral text."""
        found = self._once("neutral", [neutral_pieces()], lambda: asdict(read_neutral(self.adaptation)))
        return NeutralReading(**found)

    def answers(self, items: Sequence[ReferenceItem]) -> GivenAnswers:
        """Its answers to the reference, which are never dropped."""
        asked = json.dumps([[i.question, i.shown and i.shown.text] for i in items])
        path = self._path("base", chr(0).join([*self.identity, asked]))
        if path.exists():
            try:
                rows = json.loads(path.read_text(encoding="utf-8"))
                return GivenAnswers({(None, prompt): (text, p) for prompt, text, p in rows})
            except (OSError, ValueError, TypeError):  # a cache that cannot be read is made anew
                pass
        self.watch.progress("asking the base what must not be lost", 0, 1)
        given = GivenAnswers(self._first, bound=max(1, len(items)))
        self._bare(given).answer([None] * len(items), [i.question for i in items], [i.shown for i in items])
        kept = given.kept | given.recent.items()
        _keep(path, json.dumps([[prompt, text, p] for (_, prompt), (text, p) in kept.items()]))
        return GivenAnswers(kept)

    def _bare(self, given: GivenAnswers) -> Mind:
        return Mind(self.adaptation, {}, self.config.router, given, speaker=self.speaker)

    def _once(self, name: str, facts: Sequence[Any], find: Callable[[], Any]) -> Any:
        """What is found by asking, kept from one process to the next."""
        settings = [self.config.instruction, self.config.max_answer_tokens]
        path = self._path(name, json.dumps([*self.identity, *settings, *facts]))
        if path.exists():
            try:
                return json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):  # a cache that cannot be read is made anew
                pass
        found = find()
        _keep(path, json.dumps(found))
        return found

    def _path(self, name: str, asked: str) -> Path:
        return self.folder / f"{name}-{sha256(asked.encode())[:16]}.json"


def _keep(path: Path, text: str) -> None:
    """Keeps what was asked of the base for the next process."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, [text.encode()])
    except OSError:  # a folder that cannot be written is still read
        pass
