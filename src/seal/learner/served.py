"""What a server needs of a learner beside its verbs: the loaded base, which may be another learner's too, and
the cells by which a version speaks.

Knows nothing about requests, and nothing about who asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from seal.engine.adapt import Adaptation
from seal.errors import UnknownNameError
from seal.learner.answering import Cell
from seal.learner.learner import Learner
from seal.models.identity import stored_digest
from seal.models.load import hide_progress_bars
from seal.registry import Version

BaseKey = tuple[str, str, str]
"""What two learners must have in common to share a base: the digest of its weights as they are stored, the
type of number that they are held in, and the device."""


@dataclass(frozen=True)
class LoadedBase:
    """A base model in memory."""

    key: BaseKey
    model: Any
    tokenizer: Any


def load_base(learner: Learner, same: Callable[[BaseKey], LoadedBase | None]) -> LoadedBase:
    """Loads a learner's base, or lets it use one that is loaded: `same` finds that by its key. Returns it.

    Raises what `Adaptation.load` does.
    """
    hide_progress_bars()
    parts = learner.parts
    own = parts.adaptation if "adaptation" in vars(parts) else _loaded(learner)
    weight = next(own.model.parameters())
    kind = str(weight.dtype).removeprefix("torch.")
    key = (stored_digest(own.model), kind, str(weight.device))
    shared = same(key)
    if shared is None:
        shared = LoadedBase(key, own.model, own.tokenizer)
    parts.adaptation = replace(own, model=shared.model)
    return LoadedBase(key, shared.model, own.tokenizer)


def _loaded(learner: Learner) -> Adaptation:
    config = learner.parts.config.engine_config(learner.parts.model_name)
    return Adaptation.load(config, learner.parts.watch.progress)


def make_ready(learner: Learner) -> None:
    """Loads now what the first answer would load: skills, and the cells' words of what is live.

    Raises what `Learner.ask` does.
    """
    live = learner.live()
    parts = learner.parts
    if parts.config.method == "units":
        parts.answerer(live)
    else:
        parts.mind(live)


def cell_in(learner: Learner, version: Version, document: str) -> Cell:
    """A document's cell in a version; its adapter is checked when it is read. Raises UnknownNameError."""
    cell = learner.parts.mind(version).cells.get(document)
    if cell is None:
        raise UnknownNameError(f"the version {version.id[:12]} has no cell of {document[:12]!r}")
    return cell


def cell_about(learner: Learner, version: Version | None, text: str) -> Cell | None:
    """The cell that a text is routed to; None where no document is about it."""
    mind = learner.parts.mind(version)
    [route] = mind.route([text])
    return mind.cells[route[0]] if route else None
