"""What a server needs of a learner beside its verbs: the loaded base, which may be another learner's too, and
the cells by which a version speaks.

Knows nothing about requests, and nothing about who asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seal.engine.adapt import Adaptation
from seal.errors import InputError, UnknownNameError, reason_of
from seal.learner.answering import Answer, Cell
from seal.learner.learner import Learner
from seal.learner.speaking import Speaker
from seal.learner.ways import By
from seal.models.identity import stored_digest
from seal.models.load import hide_progress_bars
from seal.registry import Version
from seal.types import Question

BaseKey = tuple[str, str, str]
"""What two learners must have in common to share a base: the digest of its weights as they are stored, the
type of number that they are held in, and the device."""
_ASKS = "?？؟՞"


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


def speak_by(learner: Learner, speaking: Callable[[Adaptation], Speaker | None]) -> None:
    """A learner answers by this from now on; what was made to answer otherwise is made anew when needed."""
    parts = learner.parts
    parts.speaker_of = speaking
    for made in ("library", "skills", "compiler", "asked_base"):
        vars(parts).pop(made, None)
    parts.minds.clear()
    parts.answerers.clear()


def drop_erased(learner: Learner) -> list[str]:
    """Drops what is loaded, if a document of it was erased by now, here or by another process; returns the
    keys of the adapters that must not answer again."""
    erased = {document.id for document in learner.documents() if document.erased}
    minds = learner.parts.minds.items().values()
    gone = [cell.object for mind in minds for cell in mind.cells.values() if cell.document in erased]
    if gone:
        learner.parts.drop_minds()
    return gone


def make_ready(learner: Learner, version: Version | None) -> None:
    """Loads now what a version's first answer would load: skills, and its cells' words.

    Raises what `Learner.ask` does.
    """
    parts = learner.parts
    if parts.config.method == "units":
        parts.answerer(version)
    else:
        parts.mind(version)


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


def ask_in_conversation(
    learner: Learner, question: str, earlier: Sequence[str], version: Version | None, by: By
) -> Answer:
    """The answer to a question that may refer to what was asked `earlier`, the last one last.

    One for which no document is found by itself ("And who built it?") is asked once more with the title of
    the document that the conversation was about. Raises what `Learner.ask` does.
    """
    name = None if version is None else version.id
    answer = learner.ask(question, version=name, by=by)
    if answer.way not in ("base", "unknown") or not any(mark in question for mark in _ASKS):
        return answer
    for before in reversed(earlier):
        cell = cell_about(learner, version, before)
        if cell is not None and cell.entry.title:
            again = learner.ask(f"{question} ({cell.entry.title})", version=name, by=by)
            return answer if again.way in ("base", "unknown") else replace(again, question=question)
    return answer


@dataclass(frozen=True)
class BasePrompt:
    """A conversation as a base reads it: the text, and the strings that end what it then says."""

    text: str
    stop: tuple[str, ...] = ()


def base_prompt(learner: Learner, messages: Sequence[Mapping[str, str]]) -> BasePrompt:
    """By the base's chat template; without one, the last message alone, as an exam asks it.

    Raises InputError if the template refuses the messages.
    """
    from jinja2 import TemplateError

    adaptation = learner.parts.adaptation
    if not getattr(adaptation.tokenizer, "chat_template", None):
        asked = Question(messages[-1]["content"], ())
        return BasePrompt(adaptation.exam_prompt(None, asked), (adaptation.domain.answer_end,))
    try:
        return BasePrompt(adaptation.render([dict(message) for message in messages]))
    except TemplateError as error:
        raise InputError(f"the model's chat template refuses the messages: {reason_of(error)}") from error
