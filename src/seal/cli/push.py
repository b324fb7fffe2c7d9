"""`seal push`: a live version on another server, and what the servers have."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from seal.cli.console import Display, table
from seal.cli.workspace import JsonFlag, WorkspaceFlag, date, open_learner, print_json, say, short
from seal.errors import InputError

if TYPE_CHECKING:
    from seal.registry import Push


def push(
    *,
    to: Annotated[
        str | None, Parameter(help="The server's address, as http://gpu-1:8000/v1: vLLM or LoRAX.")
    ] = None,
    version: Annotated[str, Parameter(help="The live one, or one that it succeeded.")] = "live",
    document: Annotated[str | None, Parameter(help="Only this document's cell: its title or id.")] = None,
    kind: Annotated[
        Literal["auto", "vllm", "lorax"], Parameter(help="What the server is; auto asks it.")
    ] = "auto",
    folder: Annotated[
        Path | None,
        Parameter(help="Where the adapter's files are written; by default pushed/ in the workspace."),
    ] = None,
    seen_as: Annotated[
        str | None, Parameter(help="The name of that folder as the server sees it, if it is another.")
    ] = None,
    key_env: Annotated[
        str | None, Parameter(help="The environment variable with the server's key; none is sent without it.")
    ] = None,
    tolerance: Annotated[
        float, Parameter(help="Nats by which a token's log-probability there may differ in the mean.")
    ] = 0.1,
    status: Annotated[
        bool,
        Parameter(negative=(), help="Say which server has what; what is to be unloaded is tried again."),
    ] = False,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Load what is live into a running vLLM or LoRAX server, and see that it answers there as it does here.

    The adapter is that of `seal export`, under a name that follows from its content. It is unloaded, and its
    files removed, when the version is rolled back or a document of it forgotten; a server that is away then
    is told when it is back (`seal serve` and `--status` try again).
    """
    if to is None and not status:
        raise InputError("no server is named", "Give its address: --to http://gpu-1:8000/v1, or --status.")
    display = Display()
    learner = open_learner(workspace, watch=None if json else display)
    if to is None:
        learner.settle_pushes()
        there = learner.pushes()
        print_json([asdict(one) for one in there]) if json else _show(there)
        return
    from seal.learner.pushing import PushTarget

    only = None if document is None else learner.document(document).id
    target = PushTarget(to, kind, key_env, folder, seen_as, tolerance)
    with display.running(workspace):
        done = learner.push(target, version=version, document=only)
    if json:
        print_json({**asdict(done.push), **asdict(done.compared)})
        return
    say(f"{done.push.server} has it as the model {done.push.name}")
    say(
        f"compared on {done.compared.texts} answers: a token's log-probability differs by "
        f"{done.compared.difference_nats:.4f} nats in the mean, and without the adapter by "
        f"{done.compared.base_nats:.4f}"
    )


def _show(there: list[Push]) -> None:
    if not there:
        say("no server was given anything")
        return
    rows = [
        [one.server, one.kind, one.name, short(one.version), one.state, date(one.at), one.problem]
        for one in there
    ]
    columns = ["server", "kind", "model", "version", "state", "since (UTC)", "reason"]
    Display().console.print(table("What other servers have", columns, rows, words=True))
