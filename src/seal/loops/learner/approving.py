"""A person lets a held version pass, also when another has gone live since. Needs no model.

Cells stand by themselves: what a held version adds can be put on top of any other. Knows builds and versions.
"""

from __future__ import annotations

from seal.registry import LIVE, Version, Workspace


def approve(workspace: Workspace, name: str, *, reason: str = "", actor: str | None = None) -> Version:
    """Makes a held version live. If another one is live by now than the one it was made from, its documents
    are added to that one: the version that then goes live is a new one, and has its report.

    Raises StateError if the version is not held.
    """
    held = workspace.version(name)
    live = workspace.alias(LIVE)
    if held.state != "held" or held.parent == (live.id if live else None):
        return workspace.approve(name, reason=reason, actor=actor)
    with workspace.transaction():
        made = workspace.add_version(
            base=held.base,
            builds=builds_on(workspace, held, live),
            parent=live.id if live else None,
            settings=held.settings,
            report=held.report,
            reason=f"the documents of {held.id[:12]} on top of what is live",
            actor=actor,
        )
        if made.state == "candidate":
            workspace.hold(made.id, reason=f"made anew from {held.id[:12]}", actor=actor)
        workspace.reject(held.id, reason=f"made anew as {made.id[:12]}", actor=actor)
        return workspace.approve(made.id, reason=reason, actor=actor)


def builds_on(workspace: Workspace, held: Version, live: Version | None) -> list[str]:
    """The live version's builds with what a held one added or rebuilt on its own account."""
    of = {str(workspace.build(key).recipe["document"]): key for key in (live.builds if live else ())}
    parent = set(workspace.version(held.parent).builds) if held.parent else set[str]()
    for key in held.builds:
        build = workspace.build(key)
        document = str(build.recipe["document"])
        # What it shares with its parent is not its own; a document that was taken out since stays out.
        if key not in parent:
            of[document] = key
    return sorted(of.values())
