"""A person lets a held version pass, also when another has gone live since.

Then what the held one adds is put on top of what is live: its documents' cells as they are, but for what
these and the live ones replace of one another by now. Knows no gate: the person decided.
"""

from __future__ import annotations

from seal.errors import StateError
from seal.learner.answering import Cell
from seal.learner.library import KnownDocument
from seal.learner.parts import Parts
from seal.learner.replacing import positions_of, rebuild, replaced
from seal.registry import LIVE, Lease, Version

Remade = dict[str, tuple[KnownDocument, Cell, tuple[str, ...]]]


def approve_on_top(parts: Parts, name: str, reason: str, actor: str, lease: Lease) -> Version:
    """Makes live what a held version adds, on top of what is live, and commits that with the end of its job.

    The version that then goes live is a new one, and has the held one's report. Raises StateError.
    """
    workspace, library = parts.workspace, parts.library
    held, live = workspace.version(name), workspace.alias(LIVE)
    if held.state != "held":
        raise StateError(f"the version {held.id[:12]} is {held.state}", "Only a held one can be approved.")
    known = library.of_version(live)
    # What it shares with its parent is not its own: that may have been rolled back since.
    there = {*known, *(workspace.version(held.parent).documents if held.parent else ())}
    own = {key: one for key, one in library.of_version(held).items() if key not in there}
    remade = _remade(parts, known, own)
    objects = {key: library.put(cell) for key, (_, cell, _) in remade.items()}
    with workspace.transaction(lease=lease):
        builds = []
        for key, one in (known | own).items():
            if key in remade:
                left, _, by = remade[key]
                builds.append(library.add_build(left, objects[key], by).key)
            else:
                builds.append(one.build)
        made = workspace.add_version(
            base=library.base,
            builds=sorted(builds),
            parent=live.id if live else None,
            settings=held.settings,
            report=held.report,
            reason=f"the documents of {held.id[:12]} on top of what is live",
            actor=actor,
        )
        if made.state == "candidate":
            workspace.hold(made.id, reason=f"made anew from {held.id[:12]}", actor=actor)
        if made.id != held.id:
            workspace.reject(held.id, reason=f"made anew as {made.id[:12]}", actor=actor)
        if made.state == "live-once":
            made = workspace.move_alias(LIVE, made.id, reason=reason, actor=actor)
        else:
            made = workspace.approve(made.id, reason=reason, actor=actor)
        workspace.finish(lease, {"approved": made.id}, actor=actor)
    return made


def _remade(parts: Parts, known: dict[str, KnownDocument], own: dict[str, KnownDocument]) -> Remade:
    """The cells that have to be trained anew: of live documents of which the new ones replace something, and
    of new ones that are not what they were in the held version."""
    remade: Remade = {}
    everything = known | own
    for key, one in everything.items():
        others = everything if key in own else own
        gone = [r for k, other in others.items() if k != key for r in replaced(parts, other, [one])]
        positions, by = set(positions_of(gone)), {r.newer for r in gone}
        if key not in own:
            positions |= set(one.retired)
            by |= set(parts.workspace.build(one.build).sources) - {key}
        if positions != set(one.retired) or by != set(parts.workspace.build(one.build).sources) - {key}:
            remade[key] = (*rebuild(parts, one, sorted(positions)), tuple(sorted(by)))
    return remade
