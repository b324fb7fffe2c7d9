"""`/v1/models`: what can be asked for as `model`, each with its parent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel

from seal.learner import Learner
from seal.models.sentence_encoder import ENCODER, sentence_model_folder
from seal.registry import LIVE, Version
from seal.registry.marker import MARKER
from seal.service.access import Caller, Role, needs
from seal.service.openai.model_ids import BASE, answering, target_of

router = APIRouter(tags=["models"])


class ModelCard(BaseModel):
    """A model as OpenAI lists it, with vLLM's `root` and `parent`. `seal` says what it is here."""

    id: str
    object: str = "model"
    created: int
    owned_by: str = "seal"
    root: str | None = None
    parent: str | None = None
    seal: dict[str, Any] = {}


class ModelList(BaseModel):
    object: str = "list"
    data: list[ModelCard]


@router.get("/v1/models")
async def list_models(caller: Annotated[Caller, needs(Role.ASK)]) -> ModelList:
    """The base, the aliases, the versions that may answer, and the cells of those that have an alias; and the
    encoder of `/v1/embeddings`, where it is installed."""
    cards = await caller.tenant.read(lambda: list(_cards(caller.tenant.learner)))
    return ModelList(data=cards)


@router.get("/v1/models/{model:path}")
async def retrieve_model(model: str, caller: Annotated[Caller, needs(Role.ASK)]) -> ModelCard:
    """One model, by any id that it may be asked by."""
    return await caller.tenant.read(_card, caller.tenant.learner, model)


def _card(learner: Learner, model: str) -> ModelCard:
    if model == ENCODER and (encoder := _encoder()):
        return encoder[0]
    target = target_of(learner, model)
    version = target.version
    if version is None:
        return _base(learner).model_copy(update={"id": target.id})
    if target.document is not None:
        return _cell(learner, version, target.document, model)
    return _version(version, model)


def _cards(learner: Learner) -> Iterator[ModelCard]:
    versions = answering(learner)
    aliases = {alias: version for version in versions for alias in version.aliases}
    if LIVE not in aliases:
        yield _base(learner).model_copy(update={"id": LIVE, "parent": BASE, "seal": {"kind": "alias"}})
    for alias in sorted(aliases, key=lambda name: (name != LIVE, name)):
        yield _version(aliases[alias], alias)
    yield _base(learner)
    for version in versions:
        yield _version(version, version.id)
    for version in {version.id: version for version in aliases.values()}.values():
        for document in version.documents:
            yield _cell(learner, version, document, f"{version.id}/{document}")
    yield from _encoder()


def _encoder() -> list[ModelCard]:
    """The model of `/v1/embeddings`, if it is installed."""
    folder = sentence_model_folder()
    if folder is None:
        return []
    return [ModelCard(id=ENCODER, created=int(folder.stat().st_mtime), seal={"kind": "encoder"})]


def _base(learner: Learner) -> ModelCard:
    name = learner.workspace.settings()["model"]
    began = int((learner.path / MARKER).stat().st_mtime)
    return ModelCard(id=BASE, created=began, root=name, seal={"kind": "base", "model": name})


def _version(version: Version, id: str) -> ModelCard:
    told = {
        "kind": "version" if id == version.id else "alias",
        "version": version.id,
        "content": version.content,
        "documents": len(version.documents),
        "live": LIVE in version.aliases,
    }
    parent = version.id if id in version.aliases else (version.parent or BASE)
    return ModelCard(id=id, created=_seconds(version.created_at), root=version.id, parent=parent, seal=told)


def _cell(learner: Learner, version: Version, document: str, id: str) -> ModelCard:
    title = learner.workspace.document(document).title
    told = {"kind": "cell", "version": version.id, "document": document, "title": title}
    return ModelCard(id=id, created=_seconds(version.created_at), root=BASE, parent=version.id, seal=told)


def _seconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())
