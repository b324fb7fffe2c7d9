"""`/v1/seal/keys`, `webhooks`, `brake`, `ledger`: who may come, who is told, what is stopped, what
happened."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from seal.registry import AccessKey, Brake, Webhook, verify
from seal.service.access import Caller, Role
from seal.service.access.making import make_key
from seal.service.addresses import pinned
from seal.service.problems import conflict
from seal.service.state import Service, ServiceDep
from seal.service.teaching.version_routes import Reason
from seal.service.teaching.wire import Admin, Approver, Auditor, Json, LimitQuery, ListPage, entry_json
from seal.service.telling import new_signing_secret

router = APIRouter(tags=["administration"])


class NewKey(BaseModel):
    """A key to be made. `trust` is the most that what it teaches is trusted."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    roles: list[Role] = Field(min_length=1)
    days: float | None = Field(
        default=None, gt=0, strict=True, description="For how long it holds; always, if left out."
    )
    trust: float | None = Field(default=None, ge=0, le=1, strict=True)


class NewWebhook(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, max_length=2000)


@router.get("/v1/seal/keys")
async def list_keys(caller: Admin) -> ListPage:
    """All keys of this tenant, without their secrets."""
    workspace = caller.tenant.learner.workspace

    def listed() -> list[Json]:
        now = workspace.clock.now()
        return [_key_json(key, now) for key in workspace.access_keys()]

    return ListPage(data=await caller.tenant.read(listed))


@router.post("/v1/seal/keys", status_code=201)
async def create_key(given: NewKey, caller: Admin) -> Json:
    """Make a key of this tenant. It is in `key`, this once."""
    workspace = caller.tenant.learner.workspace

    def made() -> Json:
        record, secret = make_key(
            workspace,
            caller.tenant.name,
            name=given.name,
            roles=given.roles,
            days=given.days,
            trust=given.trust,
            actor=caller.actor,
        )
        return {**_key_json(record, workspace.clock.now()), "key": str(secret)}

    return await caller.tenant.write(made)


@router.delete("/v1/seal/keys/{key}")
async def revoke_key(key: str, caller: Admin, service: ServiceDep) -> Json:
    """End a key at once, by its id or name."""
    workspace = caller.tenant.learner.workspace
    return _key_json(await revoked(key, caller, service), workspace.clock.now())


@router.get("/v1/seal/webhooks")
async def list_webhooks(caller: Admin) -> ListPage:
    """Who is told of what happens; the secrets are not shown again."""
    told = await caller.tenant.read(caller.tenant.learner.workspace.webhooks)
    return ListPage(data=[_webhook_json(one) for one in told])


@router.post("/v1/seal/webhooks", status_code=201)
async def create_webhook(given: NewWebhook, caller: Admin, service: ServiceDep) -> Json:
    """Have an address told of what happens. The secret by which it knows that it is us is in `secret`, this
    once."""
    private = service.settings.webhooks.private_addresses

    def made() -> Json:
        pinned(given.url, private=private)
        secret = new_signing_secret()
        hook = caller.tenant.learner.workspace.add_webhook(given.url, secret, actor=caller.actor)
        return {**_webhook_json(hook), "secret": secret}

    return await caller.tenant.write(made)


@router.delete("/v1/seal/webhooks/{webhook}")
async def delete_webhook(webhook: str, caller: Admin) -> Json:
    """Tell an address nothing more."""
    await caller.tenant.write(caller.tenant.learner.workspace.drop_webhook, webhook, actor=caller.actor)
    return {"id": webhook, "object": "seal.webhook", "deleted": True}


@router.get("/v1/seal/brake")
async def show_brake(caller: Auditor) -> Json:
    """Whether studying is stopped."""
    return _brake_json(await caller.tenant.read(caller.tenant.learner.brake))


@router.post("/v1/seal/brake")
async def pull_brake(given: Reason, caller: Approver) -> Json:
    """Stop all studying, also what is under way. Answering and forgetting go on."""
    learner = caller.tenant.learner
    return _brake_json(await caller.tenant.read(learner.pull_brake, reason=given.reason, actor=caller.actor))


@router.delete("/v1/seal/brake")
async def release_brake(caller: Approver) -> Json:
    """Let studying go on with what stands in the queue."""
    await caller.tenant.read(caller.tenant.learner.release_brake, actor=caller.actor)
    return _brake_json(None)


@router.get("/v1/seal/ledger")
async def show_ledger(
    caller: Auditor, after: Annotated[int, Query(ge=0, lt=1 << 31)] = 0, limit: LimitQuery = 100
) -> ListPage:
    """Who did what, when and why, in order."""
    workspace = caller.tenant.learner.workspace
    found = await caller.tenant.read(workspace.ledger, after=after, most=limit + 1)
    shown = [entry_json(one) for one in found[:limit]]
    ends = (shown[0]["id"], shown[-1]["id"]) if shown else (None, None)
    return ListPage(data=shown, has_more=len(found) > limit, first_id=ends[0], last_id=ends[1])


@router.get("/v1/seal/ledger/verification")
async def verify_ledger(
    caller: Auditor,
    anchor: Annotated[
        str | None, Query(pattern="^[0-9a-f]{64}$", description="The hash of an entry, kept elsewhere.")
    ] = None,
    everything: Annotated[bool, Query(description="Check every stored file against its hash, too.")] = False,
) -> Json:
    """Whether the chain of entries holds; with `everything`, whether the whole workspace does."""
    learner = caller.tenant.learner

    def verified() -> Json:
        if not everything:
            check = verify(learner.ledger(), anchor)
            return {"sound": check.sound, "ledger": asdict(check)}
        audit = learner.audit(anchor=anchor)
        told = {"problems": list(audit.problems), "n_objects": audit.n_objects}
        return {"sound": audit.sound, "ledger": asdict(audit.ledger), **told}

    return {"object": "seal.verification", **await caller.tenant.read(verified)}


async def revoked(key: str, caller: Caller, service: Service) -> AccessKey:
    """A key, ended. Raises UnknownNameError, Problem (409) for the caller's own."""
    workspace = caller.tenant.learner.workspace

    def ended() -> AccessKey:
        if workspace.key(key).id == caller.key:
            raise conflict("this is the very key that the request came with: revoke it with another one")
        return workspace.revoke_key(key, actor=caller.actor)

    record = await caller.tenant.write(ended)
    service.access.forget(record.id)
    return record


def _key_json(key: AccessKey, now: str) -> Json:
    return {"object": "seal.key", **asdict(key), "holds": key.valid_at(now)}


def _webhook_json(hook: Webhook) -> Json:
    told = asdict(hook)
    del told["secret"]
    return {"object": "seal.webhook", **told}


def _brake_json(brake: Brake | None) -> Json:
    return {"object": "seal.brake", "on": brake is not None, **(asdict(brake) if brake else {})}
