"""Is a workspace ready to learn? Its model, what waits in its queue, and whether its gates can be passed.

Each check says how it is and what to do. Changes nothing. What is checked of a model by itself is in
`seal.models.soundness`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seal.errors import SealError
from seal.gates import GateConfig
from seal.gates.power import items_to_show
from seal.learner.library import named_among
from seal.models.soundness import Check, check_model, check_speed

if TYPE_CHECKING:
    from seal.learner.learner import Learner
    from seal.learner.reference import ReferenceItem
    from seal.models.speed import Speed

_SMALL = 20_000_000


def check_machine(model: Any, speed: Speed) -> list[Check]:
    """Memory, type of numbers and threads, for a loaded model."""
    from seal.models.speed import programs_at_work, usable_processors

    parameters = sum(p.numel() for p in model.parameters())
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    checks = check_speed(
        speed, dtype, usable_processors(), busy=programs_at_work(), small=parameters < _SMALL
    )
    needed = 8 * parameters
    said = f"{speed.free_bytes / 1e9:.1f} GB are free of {speed.memory_bytes / 1e9:.1f}"
    if needed > speed.free_bytes:
        advice = "Close other programs, or take a smaller model (see `seal models`)."
        return [
            *checks,
            Check("memory", "warning", f"{said}; learning takes about {needed / 1e9:.1f} more", advice),
        ]
    return [*checks, Check("memory", "ok", said)]


def check_loading(name: str, load: Any) -> tuple[Check, tuple[Any, Any] | None]:
    """Calls `load`, which gives (model, tokenizer); what it raises for the user becomes the check."""
    started = time.monotonic()
    try:
        model, tokenizer = load()
    except SealError as error:
        return Check("model", "problem", f"{name}: {error.message}", error.hint), None
    n = sum(p.numel() for p in model.parameters())
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    said = (
        f"{name}: {n / 1e6:.1f} million parameters in {dtype}, loaded in {time.monotonic() - started:.1f} s"
    )
    return Check("model", "ok", said), (model, tokenizer)


def check_workspace(learner: Learner, speed: Speed) -> list[Check]:
    """All checks of a workspace, its model's first."""
    parts = learner.parts
    name = parts.model_name
    try:
        config = parts.config
    except SealError as error:
        return [Check("settings", "problem", error.message, error.hint), _queue(learner)]
    told, loaded = check_loading(name, lambda: (parts.adaptation.model, parts.adaptation.tokenizer))
    checks = [told]
    if loaded is not None:
        checks += [*check_base(learner), *check_model(*loaded), *check_machine(loaded[0], speed)]
        try:
            checks += check_reference(parts.reference, config.gates)
        except SealError as error:
            checks.append(Check("gates: reference", "problem", error.message, error.hint))
    return [*checks, _queue(learner)]


def check_base(learner: Learner) -> list[Check]:
    """Whether the model's files are the base that the versions were made with: they are read as a whole,
    whatever is remembered of them. Nothing to say before there are versions."""
    known = learner.workspace.bases()
    if not known:
        return []
    if named := named_among(learner.parts.adaptation.model, known, anew=True):
        return [Check("weights", "ok", f"{named[0][:12]}, which the versions here were made with")]
    there = ", ".join(sorted(digest[:12] for digest in known))
    advice = "Put the model's files back that the workspace was begun with."
    return [
        Check("weights", "problem", f"other weights than the versions here were made with ({there})", advice)
    ]


def check_reference(items: Sequence[ReferenceItem], gates: GateConfig) -> list[Check]:
    """Whether a reference can show that nothing was lost, if nothing was.

    Private questions may be few: then none of those that the base declines may be lost.
    """
    from seal.learner.reference_choice import said_of

    known, *private = said_of(items, gates)
    n, needed = (
        sum(item.kind == "known" for item in items),
        items_to_show(gates.retention_margin, gates.alpha),
    )
    checks = [Check("gates: private questions", "ok", said) for said in private]
    if n >= needed:
        return [Check("gates: reference", "ok", known), *checks]
    advice = (
        f"Give passages with at least {needed} questions that this model answers today (`seal init "
        "--reference`), or raise gates.retention_margin in learner.toml."
    )
    return [Check("gates: reference", "problem", known, advice), *checks]


def _queue(learner: Learner) -> Check:
    states = Counter(job.state for job in learner.workspace.jobs())
    waiting, running, failed = states["queued"], states["running"], states["failed"]
    said = f"{waiting} waiting, {running} being done, {failed} failed, {states['done']} done"
    if waiting and not running:
        return Check("jobs", "warning", said, "The next `seal learn` or `seal forget` does what is waiting.")
    if running:
        return Check(
            "jobs", "warning", said, "If no `seal` is at work on it, the next `seal learn` takes it up."
        )
    return Check("jobs", "ok", said)
