"""`seal watch`: a folder whose files are kept learned."""

from __future__ import annotations

import json as jsonlib
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.text import Text

from seal.cli.console import Display, print_error
from seal.cli.dry_run import told_of
from seal.cli.learn import PACE_S, show_learned
from seal.cli.workspace import JsonFlag, TrustFlag, WorkspaceFlag, open_learner, short
from seal.errors import InputError, InputFileError, Interrupted, SealError

if TYPE_CHECKING:
    from seal.learner.watching import FolderPass, Stamps, WatchedFolder
    from seal.registry import Document


def watch(
    folder: Annotated[Path, Parameter(help="The folder; its subfolders belong to it.")],
    *,
    once: Annotated[
        bool, Parameter(negative=(), help="Look once, learn what is new or changed, and end.")
    ] = False,
    interval: Annotated[
        float,
        Parameter(
            help="Seconds between two looks. A file is read once it has stayed the same from one look to the "
            "next."
        ),
    ] = 2.0,
    forget_removed: Annotated[
        bool,
        Parameter(
            negative=(), help="Forget the documents of files that are gone; without it they are named."
        ),
    ] = False,
    trust: TrustFlag = None,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Keep the files of a folder learned: what is new is learned, and what changes is learned anew.

    The text of a changed file takes the place of that file's earlier text, which is forgotten once the new
    one is live; until then it stays. A file that cannot be read is named and passed over. What a file's text
    was is kept in the workspace, so that a later watch goes on where this one ends. Ctrl-C ends it.

    With --once the exit status is that of `seal learn`. --json prints one object a look that found something,
    each on a line of its own.
    """
    if not folder.is_dir():
        raise InputFileError(f"{folder} is no folder", "Name a folder whose files are to be learned.")
    if not interval > 0:
        raise InputError(f"the interval is {interval:g} s", "Give a time above 0.")
    display = Display(pace_s=PACE_S)
    learner = open_learner(workspace, watch=None if json else display)
    from seal.learner.documents import checked_trust
    from seal.learner.watching import WatchedFolder

    watched = WatchedFolder(learner, folder, trust=checked_trust(trust), forget_removed=forget_removed)
    if once:
        _end(_look(watched, display, json))
    try:
        if not json:
            display.notice(f"watching {folder}; Ctrl-C ends it")
        _keep_looking(watched, display, interval, json)
    except KeyboardInterrupt as error:
        raise Interrupted("no file was being learned") from error


def _keep_looking(watched: WatchedFolder, display: Display, interval: float, json: bool) -> None:
    """Looks for good: whenever files have changed and are at rest."""
    handled: Stamps | None = None
    earlier: Stamps | None = None
    while True:
        seen = watched.stamps()
        if seen != handled and seen == earlier:
            handled = seen
            try:
                _look(watched, display, json)
            except Interrupted:
                raise
            except SealError as error:  # of this look; the next change is another try
                print_error("error", error.message, error.hint)
        else:
            _say_forgotten(watched.settle(), display, json)
        earlier = seen
        time.sleep(interval)


def _look(watched: WatchedFolder, display: Display, json: bool) -> FolderPass:
    try:
        with display.running(watched.learner.path):
            found = watched.look()
    except Interrupted as stopped:
        raise Interrupted("what was not finished is taken up by the next `seal watch`") from stopped
    if json:
        if any((found.learned, found.forgotten, found.unreadable, found.removed)):
            print(jsonlib.dumps(_told(found), ensure_ascii=False), flush=True)
        return found
    show_learned(display, found.learned)
    for error in found.unreadable:
        print_error("passed over", error.message, error.hint)
    _say_forgotten(found.forgotten, display, json)
    for one in found.waiting:
        display.notice(f"{_name(one)} stays until what follows it is live")
    for one in found.removed:
        display.notice(f"the file of {_name(one)} is gone: seal forget {short(one.id)}, or --forget-removed")
    return found


def _say_forgotten(documents: tuple[Document, ...], display: Display, json: bool) -> None:
    for one in () if json else documents:
        display.console.print(Text(f"- {one.title or '(no title)'} {short(one.id)}: forgotten"))


def _name(one: Document) -> str:
    return f"{one.title or '(no title)'} {short(one.id)}"


def _told(found: FolderPass) -> dict[str, object]:
    return {
        "documents": [asdict(one) for one in found.learned],
        "forgotten": [one.id for one in found.forgotten],
        "passed_over": told_of(found.unreadable),
        "removed": [one.id for one in found.removed],
        "waiting": [one.id for one in found.waiting],
    }


def _end(found: FolderPass) -> None:
    """Ends with the exit status of `seal learn`."""
    if found.unreadable:
        raise SystemExit(2)
    raise SystemExit(1 if any(one.outcome in ("held", "rejected") for one in found.learned) else 0)
