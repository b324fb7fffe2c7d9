"""Taking a document out: the version that a learner would have that never saw it, and the erasure of the
rest.

Every cell is trained from the base on its own document, so that the others stay as they are, bit for bit.
What the document had replaced in older ones comes back: their cells are those of before, or are trained
again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal.loops.learner.conflicts import retirements
from seal.loops.learner.study import rebuild
from seal.registry import LIVE, Lease, Version

if TYPE_CHECKING:
    from seal.loops.learner.learner import Learner


def forget(learner: Learner, document: str, lease: Lease) -> Version | None:
    """Commits the live version without the document, and its erasure; returns what is then live."""
    workspace, library = learner.workspace, learner.library
    live = workspace.alias(LIVE)
    held = [v for v in workspace.versions() if v.state == "held" and document in v.documents]
    builds: list[str] = []
    if live is not None and document in live.documents:
        known = library.of_version(live)
        objects: dict[str, tuple[tuple[int, ...], tuple[str, ...], str]] = {}
        for key, one in known.items():
            sources = workspace.build(one.build).sources
            if key != document and document in sources:
                objects[key] = _again(learner, key, [s for s in sources if s not in (key, document)])
        with workspace.transaction(lease=lease):
            for key, one in known.items():
                if key in objects:
                    retired, by, made = objects[key]
                    builds.append(library.add_build(key, made, retired, by).key)
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


def _again(learner: Learner, key: str, others: list[str]) -> tuple[tuple[int, ...], tuple[str, ...], str]:
    """An older document's cell as the remaining newer ones leave it: retired positions, by whom, the
    object.
    """
    library = learner.library
    older = library.known(key)
    found = [one for other in others for one in retirements(learner.compiler, library.known(other), [older])]
    positions = tuple(sorted({p for one in found for p in one.positions}))
    made = rebuild(learner, older, positions)
    assert made is not None, "a document that had a cell has lines"
    return positions, tuple(sorted({one.newer for one in found})), library.put(made[1].adapter)
