"""Taking a document out: the version that a learner would have that never saw it, and the erasure of the
rest.

Every cell is trained from the base on its own document, so that the others stay as they are, bit for bit.
What the document had replaced in older ones comes back: their cells are those of before, or are trained
again.
"""

from __future__ import annotations

from seal.learner.library import KnownDocument
from seal.learner.parts import Parts
from seal.learner.replacing import positions_of, rebuild, replaced
from seal.registry import LIVE, Lease, Version


def forget(parts: Parts, document: str, lease: Lease) -> Version | None:
    """Commits the live version without the document, and its erasure; returns what is then live."""
    workspace, library = parts.workspace, parts.library
    if workspace.document(document).erased:  # by a job that was queued twice, since the first was cut off
        with workspace.transaction(lease=lease):
            workspace.finish(lease, {"forgotten": document})
        return workspace.alias(LIVE)
    parts.drop_meanings()
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
                objects[key] = _again(parts, one, others)
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
            _finish(parts, document, lease, live)
    else:
        with workspace.transaction(lease=lease):
            _finish(parts, document, lease, live)
    parts.drop_minds()
    for version in held:
        if version.documents != (document,):
            parts.watch.notice(
                f"the held version {version.id[:12]} knew it and is gone with it: learn its others again"
            )
    return live


def _finish(parts: Parts, document: str, lease: Lease, live: Version | None) -> None:
    parts.workspace.erase_document(document, reason="forgotten")
    parts.workspace.finish(lease, {"forgotten": document, "live": live.id if live else None})


def _again(
    parts: Parts, older: KnownDocument, others: list[KnownDocument]
) -> tuple[KnownDocument, tuple[str, ...], str]:
    """An older document as the remaining newer ones leave it: what is left, by whom, its cell's object."""
    gone = [one for other in others for one in replaced(parts, other, [older])]
    left, cell = rebuild(parts, older, positions_of(gone))
    return left, tuple(sorted({one.newer for one in gone})), parts.library.put(cell)
