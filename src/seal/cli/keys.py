"""`seal keys`: who may use a workspace over a network."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from seal.cli.console import Display, table
from seal.cli.workspace import JsonFlag, ReasonFlag, WorkspaceFlag, date, open_learner, print_json, say
from seal.errors import InputError

if TYPE_CHECKING:
    from seal.registry import AccessKey

keys = App(name="keys", help="Make, list and revoke the keys by which a workspace is used over a network.")


@keys.command
def create(
    name: Annotated[str, Parameter(help="Whom the key is for; the ledger names what is done with it so.")],
    *,
    roles: Annotated[
        str, Parameter(help="What it may be used for: ask, teach, approve, audit, admin; several by commas.")
    ] = "ask",
    days: Annotated[
        float | None, Parameter(help="For how long it holds; until it is revoked, if left out.")
    ] = None,
    trust: Annotated[
        float | None, Parameter(help="The most that what it teaches is trusted, from 0 to 1.")
    ] = None,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Make a key. It is shown this once; what is kept of it is a hash."""
    learner = open_learner(workspace)
    try:
        from seal.service.access.making import make_key
        from seal.service.hosting import tenant_name
    except ModuleNotFoundError as error:
        raise InputError(
            f"keys need a package that is not installed: {error.name}", "pip install 'seal-lm[serve]'"
        ) from error

    wanted = [role.strip() for role in roles.split(",") if role.strip()]
    record, secret = make_key(
        learner.workspace, tenant_name(learner.path), name=name, roles=wanted, days=days, trust=trust
    )
    if json:
        print_json({**asdict(record), "key": str(secret)})
    else:
        say(f"the key {record.id} of {name} ({', '.join(record.roles)}), which is shown this once:  {secret}")


@keys.command(name="list")
def list_(*, workspace: WorkspaceFlag = Path("."), json: JsonFlag = False) -> None:
    """List all keys, without their secrets."""
    there = open_learner(workspace).workspace
    made, now = there.access_keys(), there.clock.now()
    if json:
        print_json([{**asdict(key), "holds": key.valid_at(now)} for key in made])
        return
    columns = ["id", "name", "roles", "state", "made (UTC)", "last used"]
    rows = [
        [
            key.id,
            key.name,
            ", ".join(key.roles),
            _state(key, now),
            date(key.created_at),
            key.used_on or "never",
        ]
        for key in made
    ]
    Display().console.print(table("keys", columns, rows, words=True))


@keys.command
def revoke(
    key: Annotated[str, Parameter(help="Its id, or its name.")],
    *,
    reason: ReasonFlag = "",
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """End a key for good. A server that runs refuses it within a second."""
    revoked = open_learner(workspace).workspace.revoke_key(key, reason=reason)
    print_json(asdict(revoked)) if json else say(f"the key {revoked.id} of {revoked.name} is revoked")


def _state(key: AccessKey, now: str) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if not key.valid_at(now):
        return "expired"
    return "holds" if key.expires_at is None else f"until {date(key.expires_at)}"
