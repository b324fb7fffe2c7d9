"""How every run starts: load, choose threads, check that all texts fit; and what it tells whoever watches.

Knows nothing about what is run, and nothing about how it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from seal.config import EngineConfig
from seal.engine.adapt import Adaptation
from seal.engine.check import check_fit
from seal.engine.elsewhere import RayPlace, work_at
from seal.engine.threads import choose_threads
from seal.engine.work import Work
from seal.models.load import hide_progress_bars
from seal.types import Context


class Watch(Protocol):
    """Is told how a run goes; the command line's shows it."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """What is being done, how much of it is done, how much there is."""

    def began(self, work: Work) -> None:
        """The run's account of its work, from which the time still needed can be told."""

    def notice(self, text: str) -> None:
        """Something that the user should know, and that is no error."""

    def figures(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """The rows of the table so far, each time that one becomes known."""


class Silent(Watch):
    """Ignores it all."""


def start(
    config: EngineConfig,
    contexts: Sequence[Context],
    watch: Watch,
    *,
    writes: bool = True,
    open_book: bool = False,
    place: RayPlace | None = None,
) -> Adaptation:
    """The loaded model with its parts, once it is sure that it can read all of `contexts`.

    With a `place`, which this process takes part in, its work is done there. Raises what `Adaptation.load`
    and `check_fit` do.
    """
    hide_progress_bars()
    watch.progress(f"loading {config.model.name}", 0, 1)
    adaptation = Adaptation.load(config, watch.progress)
    for notice in check_fit(adaptation, contexts, writes=writes, open_book=open_book):
        watch.notice(notice)
    if place is None:
        watch.progress("choosing threads", 0, 1)
        threads, why = choose_threads(adaptation.model, adaptation.tokenizer)
        watch.notice(f"{threads} thread{'s' if threads > 1 else ''} ({why})")
    else:
        work_at(adaptation, place, watch.notice)
    watch.began(adaptation.work)
    return adaptation
