"""Verbs that take a model for minutes, in a process of their own, so that answers do not wait:

    python -m seal.service.apart FOLDER VERB < its arguments as JSON > what came of it as JSON

What goes wrong with an error of the package is raised again by whoever asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seal import errors
from seal.errors import SealError, TrainingError
from seal.learner import Learner


def _diff(learner: Learner, told: dict[str, Any]) -> Any:
    return [asdict(change) for change in learner.diff(told["before"], told["after"])]


def _export(learner: Learner, told: dict[str, Any]) -> Any:
    made = learner.export(
        told["out"], version=told["version"], document=told["document"], merged=told["merged"]
    )
    return {**asdict(made), "folder": str(made.folder)}


VERBS: dict[str, Callable[[Learner, dict[str, Any]], Any]] = {"diff": _diff, "export": _export}


def in_process(folder: Path, verb: str, **told: Any) -> Any:
    """What came of a verb on the workspace in a folder. Raises what the verb does, TrainingError if its
    process ended before it."""
    done = subprocess.run(
        [sys.executable, "-m", "seal.service.apart", str(folder.resolve()), verb],
        input=json.dumps(told).encode(),
        stdout=subprocess.PIPE,
        check=False,
    )
    try:
        said = json.loads(done.stdout)
    except ValueError:
        raise TrainingError(
            f"the process for {verb} ended with status {done.returncode}", "Was memory short? Try again."
        ) from None
    if "error" in said:
        kind = getattr(errors, said["error"], SealError)
        raise kind(said["message"], said["hint"])
    return said["result"]


def main(folder: str, verb: str) -> None:
    """Does a verb as `in_process` asks for it."""
    told = json.load(sys.stdin)
    try:
        said: dict[str, Any] = {"result": VERBS[verb](Learner.open(folder, actor="service"), told)}
    except SealError as error:
        said = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
