"""What the id of a model means: `live` or another alias, a version, one document's cell of it, or the base.

An id that means nothing here, or a version that may not answer, is 404: never another model in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

from seal.errors import InputError, UnknownNameError
from seal.learner import Learner
from seal.registry import LIVE, Version
from seal.service.problems import Problem, not_found

BASE = "base"
_SHORTEST_DOCUMENT = 4


@dataclass(frozen=True)
class Target:
    """Who is to answer. `live` without a version: nothing was learned yet. `document`: that one's cell."""

    id: str
    version: Version | None = None
    document: str | None = None

    @property
    def is_base(self) -> bool:
        return self.id == BASE


def target_of(learner: Learner, model: str) -> Target:
    """Whom a model's id means. Raises Problem (404)."""
    if model == BASE:
        return Target(BASE)
    name, cell, document = model.partition("/")
    if name == LIVE and learner.live() is None and not cell:
        return Target(LIVE)
    try:
        version = learner.version(name)
    except (UnknownNameError, InputError) as error:
        raise unknown(model, str(error.hint)) from error
    if version.state != "live-once" or version.erased:
        raise unknown(model, "It does not answer.")
    if not cell:
        return Target(model, version)
    matches = [key for key in version.documents if key.startswith(document)]
    if len(document) < _SHORTEST_DOCUMENT or len(matches) != 1:
        raise unknown(model, "The version has no such document.")
    return Target(model, version, matches[0])


def unknown(model: str, why: str = "") -> Problem:
    message = f"The model {model!r} does not exist, or you have no access to it. {why}"
    return not_found(message.strip(), param="model", code="model_not_found")


def answering(learner: Learner) -> list[Version]:
    """The versions that may answer, in the order in which they were made."""
    return [v for v in learner.versions() if v.state == "live-once" and not v.erased]
