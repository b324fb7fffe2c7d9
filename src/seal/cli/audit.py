"""`seal audit`: who did what, when and why; and whether that can be believed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from seal.cli.workspace import JsonFlag, WorkspaceFlag, open_learner, print_json, say, show_entries
from seal.errors import DamageError, SealError

if TYPE_CHECKING:
    from seal.learner import Learner
    from seal.models.soundness import Check
    from seal.registry import Audit


def audit(
    *,
    verify: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Check the whole workspace: the ledger's chain, the aliases and versions against it, "
            "the hash of every stored file and of the model's weights. What is wrong is an error, exit "
            "status 2.",
        ),
    ] = False,
    anchor: Annotated[
        str | None,
        Parameter(
            help="The hash of the ledger's head as `seal audit --verify` printed it earlier, kept elsewhere. "
            "Without one it cannot be told whether the ledger's last entries were cut off. Implies --verify."
        ),
    ] = None,
    last: Annotated[int, Parameter(help="How many entries to list, from the end; 0 lists all.")] = 20,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """List the ledger, or check the workspace against it."""
    learner = open_learner(workspace)
    if verify or anchor is not None:
        audit = learner.audit(anchor=anchor.strip().lower() if anchor is not None else None)
        _verify(audit, _weights(learner) if audit.sound else None, json)
    else:
        _list(learner, last, json)


def _list(learner: Learner, last: int, json: bool) -> None:
    entries = learner.ledger()[-last if last > 0 else 0 :]
    if json:
        print_json([asdict(entry) for entry in entries])
        return
    show_entries(f"The ledger of {learner.path}", entries)


def _weights(learner: Learner) -> Check | None:
    """Whether the model's files are those that the versions were made with; None if there are no versions."""
    if not learner.workspace.bases():
        return None
    from seal.learner.checkup import check_base
    from seal.models.soundness import Check

    try:
        return next(iter(check_base(learner)), None)
    except SealError as error:
        return Check("weights", "warning", f"not checked: {error.message}", error.hint)


def _verify(checked: Audit, weights: Check | None, json: bool) -> None:
    chain = checked.ledger
    if json:
        print_json({"sound": checked.sound, **asdict(checked), "weights": weights and asdict(weights)})
    if not checked.sound:
        raise DamageError(
            "; ".join([*([chain.problem] if chain.problem else []), *checked.problems]),
            "Compare with a copy of the workspace. Nothing was changed by this check.",
        )
    if weights is not None and weights.state == "problem":
        raise DamageError(f"the model has {weights.said}", weights.advice)
    if json:
        return
    say(f"sound: {chain.n_entries} entries, {checked.n_objects} objects")
    say(f"head: {chain.head}")
    if weights is not None:
        say(f"weights: {weights.said}")
    say(
        chain.note
        or f"The anchor is entry {chain.anchored_at}: nothing up to it was cut off or written anew."
    )
