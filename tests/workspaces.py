"""Workspaces for tests: a clock set by hand, a document learned in one line, a search of all bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seal.registry import LIVE, Build, Document, Version, Workspace
from seal.registry.clock import Clock


class SetClock(Clock):
    """Stands still until it is told otherwise."""

    def __init__(self, boot: str = "one") -> None:
        self.time, self.seconds, self.system = "2026-01-01T00:00:00+00:00", 0.0, boot

    def now(self) -> str:
        return self.time

    def monotonic(self) -> float:
        return self.seconds

    def boot(self) -> str:
        return self.system


def build(workspace: Workspace, documents: Sequence[str], *, seed: int = 0) -> Build:
    """A build of these documents, whose adapter is a text that names them."""
    made = workspace.store.put_bytes(f"adapter {seed} {sorted(documents)}".encode())
    return workspace.add_build(
        base="tiny", writer="tiny", sources=documents, recipe={"rank": 4}, seed=seed, object=made
    )


def version(
    workspace: Workspace, documents: Sequence[str], *, parent: str | None = None, report: str | None = None
) -> Version:
    """A candidate that knows these documents."""
    builds = [build(workspace, documents).key] if documents else []
    return workspace.add_version(base="tiny", builds=builds, parent=parent, report=report)


def learn(workspace: Workspace, text: str) -> tuple[Document, Version]:
    """A document, and a live version that knows it besides what the live one knew."""
    live = workspace.alias()
    document = workspace.add_document(text, title=text[:12])
    known = [*(live.documents if live else ()), document.id]
    made = version(workspace, known, parent=live.id if live else None)
    return document, workspace.move_alias(LIVE, made.id, reason="learned")


def files_with(folder: Path, needle: bytes) -> list[Path]:
    """The files below a folder in which these bytes stand, or whose name has them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if needle in path.read_bytes() or needle in str(path).encode()]
