"""A live version on another server: loaded there, compared with what it is here, and taken back.

Knows in which order that is done, so that a kill at any moment leaves a row that says what the server may
have. A server lets go of what was rolled back or forgotten as soon as it answers; the files that it was
loaded from go at once. Knows nothing about how servers are spoken to.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from seal.endpoint.lora_servers import LoraServer, lora_server
from seal.errors import InputError, OutputError, SealError, StateError, reason_of
from seal.learner.parts import Parts
from seal.registry import Push, Version, Workspace

_TEXTS = 16
_CUT_OFF_S = 600.0
_FILES = ("adapter_model.safetensors", "adapter_config.json")
TOLERANCE_NATS = 0.1
"""By how much the log-probability of a token may differ in the mean: a server computes in bfloat16 what is
computed in float32 here. Without the adapter the answers that it learned differ by whole nats."""


@dataclass(frozen=True)
class PushTarget:
    """A server, and where it finds files: `folder` here is `seen_as` there (None: by the same name)."""

    url: str
    kind: str = "auto"
    key_env: str | None = None
    folder: Path | None = None
    seen_as: str | None = None
    tolerance_nats: float = TOLERANCE_NATS


@dataclass(frozen=True)
class ServedComparison:
    """How far an adapter there is from here: the mean difference of a token's log-probability over `texts`,
    and how far the base without it is."""

    texts: int
    difference_nats: float
    base_nats: float

    def holds(self, tolerance_nats: float) -> bool:
        """Whether it is the same adapter: within the tolerance, and nearer to it than halfway to the base."""
        return self.difference_nats <= tolerance_nats and 2 * self.difference_nats <= self.base_nats


@dataclass(frozen=True)
class Pushed:
    """What a server was given, and how it compares."""

    push: Push
    compared: ServedComparison


def push(parts: Parts, target: PushTarget, *, version: str, document: str | None) -> Pushed:
    """Loads a version's adapter into a server, and verifies it there; nothing stays loaded that is not.

    Raises what `export` does, EndpointError, ConfigError, StateError if the version is not live, or if the
    server does not take the adapter or answers otherwise.
    """
    workspace = parts.workspace
    made = _live(workspace, version)
    server = lora_server(target.url, target.kind, target.key_env)
    folder = _exported(parts, target.folder or workspace.path / "pushed", made, document)
    name = folder.name
    path = str(folder.resolve()) if target.seen_as is None else f"{target.seen_as.rstrip('/')}/{name}"
    row = workspace.add_push(
        target.url.rstrip("/"),
        server.kind,
        name,
        version=made.id,
        document=document,
        folder=str(folder),
        path=path,
        key_env=target.key_env,
    )
    try:
        server.load(name, path)
        compared = compare_served(parts, server, row, made, document)
        if not compared.holds(target.tolerance_nats):
            raise StateError(
                f"{name} answers otherwise on {row.server} than here: a token's log-probability differs by "
                f"{compared.difference_nats:.3f} nats in the mean, and without the adapter by "
                f"{compared.base_nats:.3f}",
                f"At most {target.tolerance_nats:g} is let pass (--tolerance). Does it serve the same base?",
            )
    except BaseException as error:
        _take_back(workspace, server, row, error)
        raise
    return Pushed(workspace.push_is(row.id, "loaded"), compared)


def compare_served(
    parts: Parts, server: LoraServer, row: Push, version: Version, document: str | None
) -> ServedComparison:
    """Compares the log-probabilities of the documents' exam answers there and here. Raises EndpointError,
    StateError if there is no exam to compare by."""
    from seal.engine.serving import AdapterSource
    from seal.learner.asking import prompts_of
    from seal.learner.measuring import exam_items
    from seal.learner.speaking import DirectSpeaker
    from seal.models.tokens import encode_completion, encode_prompt
    from seal.training.adapter import load_peft

    adaptation = parts.adaptation
    known = parts.library.of_version(version)
    items = [item for key, one in known.items() if document in (None, key) for item in exam_items(one)]
    items = items[:: max(1, len(items) // _TEXTS)][:_TEXTS]
    if not items:
        raise StateError("no exam question is there to compare by", "Learn a document with questions.")
    prompts = prompts_of(adaptation, [i.question for i in items], [i.shown for i in items])
    pairs = [(p, adaptation.answer_lead + i.answers[0]) for p, i in zip(prompts, items, strict=True)]
    adapter = load_peft(row.folder, adaptation.model)
    speaker = parts.speaker_of(adaptation) or DirectSpeaker(adaptation)
    here = speaker.scores(pairs, [AdapterSource(row.name, lambda: adapter)], [0] * len(pairs))
    base = speaker.scores(pairs)
    differences, distances = list[float](), list[float]()
    for (prompt, answer), own, bare in zip(pairs, here, base, strict=True):
        first = encode_prompt(adaptation.tokenizer, prompt)
        ids = [*first, *encode_completion(adaptation.tokenizer, answer, append_eos=False)]
        there = server.log_probabilities(row.name, row.path, prompt + answer, ids)[len(first) - 1 :]
        differences += [abs(a - b) for a, b in zip(there, own.token_logs, strict=True)]
        distances += [abs(a - b) for a, b in zip(bare.token_logs, own.token_logs, strict=True)]
    return ServedComparison(len(pairs), _mean(differences), _mean(distances))


def settle(workspace: Workspace) -> list[Push]:
    """Has servers let go of what was rolled back or forgotten, and of what a kill left half loaded; returns
    what they still have, since they do not answer."""
    for one in workspace.pushes():
        if one.state == "loading" and _age_s(one.at, workspace.clock.now()) > _CUT_OFF_S:
            workspace.push_is(one.id, "unloading", problem="its loading was cut off")
    left = list[Push]()
    for one in workspace.pushes_to_unload():
        _drop_files(workspace, one)
        try:
            if not _others(workspace, one):  # one cell may be in several versions
                lora_server(one.server, one.kind, one.key_env).unload(one.name)
            workspace.push_is(one.id, "gone")
        except SealError as error:
            left.append(workspace.push_is(one.id, "unloading", problem=error.message))
    return left


def _live(workspace: Workspace, name: str) -> Version:
    """Raises StateError for a version that would be taken back at once."""
    found = workspace.version(name)
    if found.erased or not workspace.is_live_or_succeeded(found.id):
        raise StateError(f"the version {found.id[:12]} is not live", "Push one that is: seal versions")
    return found


def _exported(parts: Parts, parent: Path, version: Version, document: str | None) -> Path:
    """The version's adapter in a folder that is named after what is in it."""
    from seal.learner.exporting import export

    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".push-", dir=parent) as beside:
            made = Path(beside) / "adapter"
            export(parts, made, version=version, document=document)
            digest = hashlib.sha256()
            for file in _FILES:
                digest.update((made / file).read_bytes())
            named = parent / f"seal-{digest.hexdigest()[:12]}"
            if not named.exists():
                os.replace(made, named)
            return named
    except OSError as error:
        if isinstance(error, SealError):
            raise
        raise OutputError(
            f"{parent} cannot be written: {reason_of(error)}", "Name another: --folder."
        ) from error


def _take_back(workspace: Workspace, server: LoraServer, row: Push, error: BaseException) -> None:
    """Undoes a push that failed; where the server does not answer any more, it is told later."""
    why = error.message if isinstance(error, SealError) else type(error).__name__
    for one in _others(workspace, row):  # the same was loaded before, and is not what it should be
        workspace.push_is(one.id, "refused", problem=why)
    try:
        server.unload(row.name)
        workspace.push_is(row.id, "refused", problem=why)
    except SealError:
        workspace.push_is(row.id, "unloading", problem=why)
    _drop_files(workspace, row)


def _drop_files(workspace: Workspace, row: Push) -> None:
    """Removes the files that an adapter was loaded from, unless another server needs them."""
    mine = {one.id for one in workspace.pushes_to_unload()} | {row.id}
    others = [one for one in workspace.pushes() if one.id not in mine and one.state in ("loading", "loaded")]
    if any(one.folder == row.folder for one in others):
        return
    with suppress(OSError):
        shutil.rmtree(row.folder)


def _others(workspace: Workspace, row: Push) -> list[Push]:
    """Other pushes of the same adapter to the same server, that stay."""
    gone = {one.id for one in workspace.pushes_to_unload()} | {row.id}
    same = [one for one in workspace.pushes() if (one.server, one.name) == (row.server, row.name)]
    return [one for one in same if one.id not in gone and one.state == "loaded"]


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise InputError("no token is there to compare", "Learn a document with questions.")
    return sum(values) / len(values)


def _age_s(then: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()
