"""`seal init`: begin a workspace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from seal.cli.workspace import say

if TYPE_CHECKING:
    from seal.models.at_hand import Recommendation


def init(
    folder: Annotated[Path, Parameter(help="An empty folder, or one that is not there yet.")],
    *,
    model: Annotated[
        str | None,
        Parameter(
            help="The model that learns: smollm2 or another name that `seal models` lists, a folder, a GGUF "
            'file, a PEFT adapter, a hub name, or "tiny". By default SEAL_MODEL, or else the best real model '
            'at hand; "tiny", which reads only texts of its own world, where there is none.'
        ),
    ] = None,
    writer: Annotated[
        str | None,
        Parameter(
            help="The model that writes self-edits; by default the one that learns. URL#MODEL is a model "
            "behind an OpenAI-compatible endpoint (http://localhost:8000/v1#qwen3-8b), which writes for a "
            "real model that learns: the titles, headings and sentences of all documents are then sent to "
            "that address. Nothing of them leaves this machine otherwise."
        ),
    ] = None,
    writer_key_env: Annotated[
        str | None,
        Parameter(
            help="The environment variable that holds the API key of the writer's endpoint when documents "
            "are learned. Only its name is stored. Without it no key is sent."
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        Parameter(
            help="Passages with questions that the model can answer today and that no update may spoil (as "
            "for `seal eval`). By default the embedded model's own world, or general questions."
        ),
    ] = None,
    database: Annotated[
        str | None,
        Parameter(
            help="A PostgreSQL database, as postgresql://host/name without a password (set PGPASSWORD); "
            "by default a SQLite file in the folder."
        ),
    ] = None,
) -> None:
    """Begin a workspace: the folder in which a model keeps learning.

    It holds the documents, what was made of them, every version of the model, and the ledger that says who
    did what, when and why; `learner.toml` in it has the settings. The model is loaded once, to see that it
    can be used. A making that was cut off is taken up by
    the same command.
    """
    from seal.learner import Learner
    from seal.learner.settings import is_address
    from seal.models.at_hand import check_found, chosen_model

    chosen = None
    if model is None:
        chosen = chosen_model()
        model = chosen.name
    for name in dict.fromkeys((model, writer if writer and not is_address(writer) else model)):
        check_found(name)
        _make_ready(name)
    made = Learner.init(
        folder,
        model=model,
        writer=writer,
        writer_key_env=writer_key_env,
        reference=reference,
        database=database,
    )
    say(f"A workspace for the model {model!r}: {made.path}")
    if chosen is not None:
        _say_why(chosen)
    endpoint = made.parts.config.units.endpoint
    if endpoint is not None:
        say(
            f"  the sentences of its documents are sent to {endpoint.base_url}, where {endpoint.model} writes"
        )
    say(f"  teach it:  seal learn FILE --workspace {made.path}")


def _make_ready(name: str) -> None:
    """Converts what is in a GGUF file now, so that learning can begin at once."""
    from seal.models.model_names import find_model

    if find_model(name).kind in ("gguf", "package"):
        from seal.models.load import hide_progress_bars, is_ready, model_folder

        if not is_ready(name):
            say(f"reading {name} out of its GGUF file, which is done once and takes about a minute ...")
        hide_progress_bars()
        model_folder(name)


def _say_why(chosen: Recommendation) -> None:
    from seal.models.at_hand import missing_models, models_at_hand
    from seal.models.model_names import BUILTIN

    say(f"  it was chosen: {chosen.reason}   (another one: --model; what there is: seal models)")
    if chosen.name in BUILTIN and "SEAL_MODEL" not in os.environ:
        say("note: the embedded model reads only texts of its own fictional world, and cannot learn yours.")
        for better in missing_models(models_at_hand())[:1]:
            say(f"  for real texts:  {better.install}")
            say("                   seal init ANOTHER_FOLDER --model " + better.name)
