"""`/v1/seal/documents`: what is to be learned and what was; and `/v1/files`, by which OpenAI's clients send
it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from seal.learner import Learner, Text
from seal.learner.documents import checked_trust
from seal.service.access import Caller
from seal.service.problems import conflict
from seal.service.teaching.jobs_wire import job_json
from seal.service.teaching.uploads import bare_name, documents_of_upload
from seal.service.teaching.wire import (
    AfterQuery,
    Approver,
    Json,
    LimitQuery,
    ListPage,
    RequestName,
    Teacher,
    document_json,
    page,
    request_of,
    seconds,
    submitted_json,
)
from seal.types import Question

router = APIRouter(tags=["documents"])


class GivenQuestion(BaseModel):
    """A question of a document's exam, with all answers that are right."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=1)
    answers: list[str] = Field(min_length=1)


class GivenDocument(BaseModel):
    """A document to be learned. `trust` is from 0 to 1, and at most that of the key; with `study` false it is
    only stored, and a job can be made of it later."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1)
    title: str = ""
    trust: float | None = Field(default=None, ge=0, le=1, strict=True)
    questions: list[GivenQuestion] = []
    study: bool = Field(default=True, strict=True)


class NewTitle(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1)
    reason: str = ""


@router.post("/v1/seal/documents", status_code=202)
async def post_document(given: GivenDocument, caller: Teacher, name: RequestName = None) -> ListPage:
    """Hand in a text. It is studied by a worker; its job says how that goes."""
    text = _text(given, caller)
    return await _submitted(caller, [text], name, study=given.study)


@router.post("/v1/seal/documents/files", status_code=202)
async def post_file(
    caller: Teacher,
    file: Annotated[UploadFile, File(description="A file of any kind that `seal learn` reads.")],
    title: Annotated[str | None, Form()] = None,
    trust: Annotated[float | None, Form(ge=0, le=1)] = None,
    study: Annotated[bool, Form()] = True,
    name: RequestName = None,
) -> ListPage:
    """Hand in a file with one document or several."""
    texts = await _read(caller, file, title, trust)
    return await _submitted(caller, texts, name, study=study)


@router.get("/v1/seal/documents")
async def list_documents(caller: Teacher, after: AfterQuery = None, limit: LimitQuery = 100) -> ListPage:
    """All documents in the order in which they came; of a forgotten one its id is left."""
    learner = caller.tenant.learner

    def listed() -> list[Json]:
        live = learner.live()
        return [document_json(document, live) for document in learner.documents()]

    return page(await caller.tenant.read(listed), after, limit)


@router.get("/v1/seal/documents/{document_id}")
async def get_document(document_id: str, caller: Teacher) -> Json:
    """A document with its text, the lines that were written about it with the reason for each that was
    dropped, and its exam."""
    return await caller.tenant.read(_whole, caller.tenant.learner, document_id)


@router.patch("/v1/seal/documents/{document_id}")
async def retitle_document(document_id: str, new: NewTitle, caller: Teacher) -> Json:
    """Correct a document's title. What was trained stays as it is."""
    learner = caller.tenant.learner

    def retitled() -> Json:
        made = learner.retitle(document_id, new.title, reason=new.reason, actor=caller.actor)
        return document_json(made, learner.live())

    return await caller.tenant.write(retitled)


@router.post("/v1/seal/documents/{document_id}/supersede", status_code=202)
async def supersede_document(
    document_id: str, given: GivenDocument, caller: Approver, name: RequestName = None
) -> ListPage:
    """Hand in the text that takes a document's place: once it is live, the older one is forgotten."""
    older = (await caller.tenant.read(caller.tenant.learner.document, document_id)).id
    text = _text(given, caller)
    return await _submitted(caller, [text], name, supersedes=[older])


@router.delete("/v1/seal/documents/{document_id}", status_code=202)
async def forget_document(document_id: str, caller: Approver, name: RequestName = None) -> Json:
    """Take a document out: the live version is then one that never saw it, and its words are erased. The job
    says when that is done."""
    learner, request = caller.tenant.learner, request_of(caller, name)

    def forgotten() -> Json:
        job = learner.submit_forget(document_id, request=request, actor=caller.actor)
        return job_json(learner, job)

    return await caller.tenant.write(forgotten)


@router.post("/v1/files")
async def post_openai_file(
    caller: Teacher,
    file: Annotated[UploadFile, File()],
    purpose: Annotated[str, Form()] = "fine-tune",
) -> Json:
    """Store a file with one document, as OpenAI's clients do before they make a job of it."""
    texts = await _read(caller, file, None, None)
    if len(texts) != 1:
        raise conflict("the file has several documents: send it to /v1/seal/documents/files")
    told = (await _submitted(caller, texts, None, study=False)).data[0]
    if told["id"] is None:
        raise conflict(f"the document is refused: {told['reason']}")
    stored = await caller.tenant.read(caller.tenant.learner.document, told["id"])
    return _file_json(stored.id, bare_name(file.filename), file.size or 0, stored.added_at, purpose)


@router.get("/v1/files/{file_id}")
async def get_openai_file(file_id: str, caller: Teacher) -> Json:
    """A stored document, as OpenAI's clients know files."""
    learner = caller.tenant.learner
    stored = await caller.tenant.read(learner.document, file_id)
    text = await caller.tenant.read(learner.workspace.text, stored.id)
    return _file_json(stored.id, stored.title, len(text.encode()), stored.added_at, "fine-tune")


def _file_json(id: str, name: str, size: int, added_at: str, purpose: str) -> Json:
    return {
        "id": id,
        "object": "file",
        "bytes": size,
        "created_at": seconds(added_at),
        "filename": name or "document",
        "purpose": purpose,
        "status": "processed",
    }


def _text(given: GivenDocument, caller: Caller) -> Text:
    questions = tuple(Question(one.question, tuple(one.answers)) for one in given.questions)
    return Text(given.text, given.title, allowed_trust(given.trust, caller), questions, bool(given.title))


def allowed_trust(wanted: float | None, caller: Caller) -> float | None:
    """The trust in what a caller teaches: never more than in the key."""
    checked_trust(wanted)
    if caller.trust is None:
        return wanted
    return caller.trust if wanted is None else min(wanted, caller.trust)


async def _read(caller: Caller, file: UploadFile, title: str | None, trust: float | None) -> list[Text]:
    raw, allowed = await file.read(), allowed_trust(trust, caller)
    return await caller.tenant.read(documents_of_upload, raw, file.filename, title=title, trust=allowed)


async def _submitted(caller: Caller, texts: Sequence[Text], name: str | None, **how: Any) -> ListPage:
    told = await caller.tenant.write(
        caller.tenant.learner.submit,
        list(texts),
        request=request_of(caller, name),
        actor=caller.actor,
        **how,
    )
    return ListPage(data=[submitted_json(one) for one in told])


def _whole(learner: Learner, name: str) -> Json:
    document = learner.document(name)
    told = document_json(document, learner.live())
    lines, exam = learner.lines(document.id), learner.exam(document.id)
    return {
        **told,
        "text": learner.workspace.text(document.id),
        "lines": [asdict(line) for line in lines.lines],
        "exam": [asdict(question) for question in exam.questions],
    }
