"""What the learner's records look like on the wire, and what the routes of this folder share.

Knows no route.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, TypeAlias

from fastapi import Header, Query
from pydantic import BaseModel

from seal.learner.at_service import Submitted
from seal.registry import LIVE, Document, Feedback, LedgerEntry, Version
from seal.service.access import Caller, Role, needs
from seal.service.problems import not_found

MOST = 1000
Json: TypeAlias = dict[str, Any]
Asker: TypeAlias = Annotated[Caller, needs(Role.ASK)]
Teacher: TypeAlias = Annotated[Caller, needs(Role.TEACH)]
Approver: TypeAlias = Annotated[Caller, needs(Role.APPROVE)]
Auditor: TypeAlias = Annotated[Caller, needs(Role.AUDIT)]
Admin: TypeAlias = Annotated[Caller, needs(Role.ADMIN)]
AfterQuery: TypeAlias = Annotated[str | None, Query(description="The id after which the page begins.")]
LimitQuery: TypeAlias = Annotated[int, Query(ge=1, le=MOST, description="How many, at most.")]
RequestName: TypeAlias = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Names the request: the same once more does nothing new.",
    ),
]


class ListPage(BaseModel):
    """A page of a list, as OpenAI's lists are."""

    object: str = "list"
    data: list[Json]
    has_more: bool = False
    first_id: str | None = None
    last_id: str | None = None


def page(items: Sequence[Json], after: str | None, limit: int) -> ListPage:
    """The items after the one with an id. Raises Problem (404) if there is none such."""
    ids = [str(item["id"]) for item in items]
    if after is not None and after not in ids:
        raise not_found(f"there is no {after!r} in this list", "after")
    at = 0 if after is None else ids.index(after) + 1
    shown = list(items[at : at + limit])
    ends = (shown[0]["id"], shown[-1]["id"]) if shown else (None, None)
    return ListPage(data=shown, has_more=at + limit < len(items), first_id=ends[0], last_id=ends[1])


def request_of(caller: Caller, name: str | None) -> str | None:
    """The name of a request, which is its key's own."""
    return None if name is None else f"{caller.key}/{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def seconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())


def document_json(document: Document, live: Version | None) -> Json:
    """A document with where it stands; one that was erased has no title."""
    if document.erased:
        state = "forgotten"
    elif live is not None and document.id in live.documents:
        state = "live"
    else:
        state = "stored"
    told = asdict(document)
    return {"object": "seal.document", "created_at": seconds(document.added_at), "state": state, **told}


def submitted_json(one: Submitted) -> Json:
    """What became of a document that was handed in."""
    told: Json = {"object": "seal.document", "id": one.document or None, "title": one.title}
    told["job"] = None if one.job is None else job_id(one.job)
    if one.learned is not None:
        told |= {"state": one.learned.outcome, "reason": one.learned.reason, "version": one.learned.version}
    else:
        told |= {"state": "queued" if one.job is not None else "stored", "reason": ""}
    return told


def version_json(version: Version) -> Json:
    return {
        "object": "seal.version",
        "live": LIVE in version.aliases,
        "created": seconds(version.created_at),
        **asdict(version),
    }


def entry_json(entry: LedgerEntry) -> Json:
    return {"object": "seal.ledger_entry", "id": str(entry.sequence), **asdict(entry)}


def feedback_json(one: Feedback) -> Json:
    return {"object": "seal.feedback", **asdict(one)}


def job_id(number: int) -> str:
    return f"ftjob-{number}"


def job_number(name: str) -> int:
    """Raises Problem (404) for what no job is called."""
    number = name.removeprefix("ftjob-")
    if not (number.isascii() and number.isdecimal() and len(number) <= 15):
        raise not_found(f"there is no job {name!r}", "job_id")
    return int(number)
