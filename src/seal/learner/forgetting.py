"""Taking a document out: the version that a learner would have that never saw it, and the erasure of the
rest.

Every cell is trained from the base on its own document, so that the others stay as they are, bit for bit.
What the document had replaced in older ones comes back: their cells are those of before, or are trained
again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal.learner.library import KnownDocument
from seal.learner.replacing import positions_of, rebuild, replaced
from seal.registry import LIVE, Lease, Version

if TYPE_CHECKING:
    from seal.learner.learner import Learner


def forget(learner: Learner, document: str, lease: Lease) -> Version | None:
    """Commits the live version without the document, and its erasure; returns what is then live."""
    workspace, library = learner.workspace, learner.library
    if workspace.document(document).erased:  # by a job that was queued twice, since the first was cut off
        with workspace.transaction(lease=lease):
            workspace.finish(lease, {"forgotten": document})
        return workspace.alias(LIVE)
    live = workspace.alias(LIVE)
    held = [v for v in workspace.versions() if v.state == "held" and document in v.documents]
    builds: list[str] = []
    if live is not None and document in live.documents:
        known = library.of_version(live)
        objects: dict[str, tuple[KnownDocument, tuple[str, ...], str]] = {}
        for key, one in known.items():
            sources = workspace.build(one.build).sources
            if key != document and document in sources:
                others = [known[s] for s in sources if s not in (key, document) and s in known]
                objects[key] = _again(learner, one, others)
        with workspace.transaction(lease=lease):
            for key, one in known.items():
                if key in objects:
                    left, by, made = objects[key]
                    builds.append(library.add_build(left, made, by).key)
                elif key != document:
                    builds.append(one.build)
            version = workspace.add_version(
                base=library.base,
                builds=sorted(builds),
                parent=live.id,
                settings=live.settings,
                reason=f"without document {document[:12]}",
            )
            live = workspace.move_alias(LIVE, version.id, reason=f"document {document[:12]} forgotten")
            _finish(learner, document, lease, live)
    else:
        with workspace.transaction(lease=lease):
            _finish(learner, document, lease, live)
    learner.drop_minds()
    for version in held:
        if version.documents != (document,):
            learner.watch.notice(
                f"the held version {version.id[:12]} knew it and is gone with it: learn its others again"
            )
    return live


def _finish(learner: Learner, document: str, lease: Lease, live: Version | None) -> None:
    learner.workspace.erase_document(document, reason="forgotten")
    learner.workspace.finish(lease, {"forgotten": document, "live": live.id if live else None})


def _again(
    learner: Learner, older: KnownDocument, others: list[KnownDocument]
) -> tuple[KnownDocument, tuple[str, ...], str]:
    """An older document as the remaining newer ones leave it: what is left, by whom, its cell's object."""
    found = [one for other in others for one in replaced(learner, other, [older])]
    left, cell = rebuild(learner, older, positions_of(found))
    return left, tuple(sorted({one.newer for one in found})), learner.library.put(cell)
