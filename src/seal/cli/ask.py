"""`seal ask`: the live version answers."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeAlias

from cyclopts import Parameter
from rich.text import Text

from seal.cli.console import Display
from seal.cli.workspace import JsonFlag, WorkspaceFlag, open_learner, print_json
from seal.errors import InputError

Questions: TypeAlias = Annotated[
    str, Parameter(help="One or more questions; - reads them from the input, one a line.")
]
VersionFlag: TypeAlias = Annotated[
    str | None,
    Parameter(
        help="Another version than the live one; its id or an alias. One that is held does not answer."
    ),
]


def ask(
    *questions: Questions,
    version: VersionFlag = None,
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Ask the live version. `seal why` says where an answer is from."""
    asked = questions_of(questions)
    answers = open_learner(workspace).ask(asked, version=version)
    if json:
        print_json([asdict(answer) for answer in answers])
        return
    console = Display().console
    for answer in answers:
        if len(answers) > 1:
            console.print(Text(answer.question, style="dim"))
        console.print(Text(answer.text))
        if answer.stated is False:
            console.print(Text("  (its document does not say so)", style="yellow"))


def questions_of(questions: tuple[str, ...]) -> list[str]:
    """The questions on the command line or the input. Raises InputError if there are none."""
    asked = [q.strip() for q in questions]
    if asked == ["-"]:
        asked = [line.strip() for line in sys.stdin if line.strip()]
    if not asked:
        raise InputError("no question is asked", 'Put it in quotes: seal ask "Who wrote it?"')
    return asked
