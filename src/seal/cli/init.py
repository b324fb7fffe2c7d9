"""`seal init`: begin a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seal.cli.workspace import say


def init(
    folder: Annotated[Path, Parameter(help="An empty folder, or one that is not there yet.")],
    *,
    model: Annotated[
        str, Parameter(help='The model that learns: "tiny" (built in), a folder, or a hub name.')
    ] = "tiny",
    writer: Annotated[
        str | None, Parameter(help="The model that writes self-edits; by default the one that learns.")
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
    did what, when and why; `learner.toml` in it has the settings. A making that was cut off is taken up by
    the same command.
    """
    from seal.learner import Learner

    made = Learner.init(folder, model=model, writer=writer, reference=reference, database=database)
    say(f"A workspace for the model {model!r}: {made.path}")
    say(f"  teach it:  seal learn FILE --workspace {made.path}")
