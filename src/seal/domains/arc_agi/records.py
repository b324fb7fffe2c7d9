"""JSON values to tasks, with errors that name the place: file, task, grid, row and cell.

Knows the shape of ARC's JSON. Knows nothing about files beyond the name it puts in messages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from seal.domains.arc_agi.grids import COLOURS, size_problem
from seal.errors import InputError, InputFileError
from seal.hints import guess, nearest
from seal.types import Grid, Pair, Task

TASK_HINT: Final = (
    'A task is {"train": [{"input": [[0, 1], ...], "output": [[...], ...]}, ...], "test": [{"input": ...}]}.'
)
_GRID_HINT: Final = (
    f"A grid is a list of equally long rows; a cell is a whole number from 0 to {COLOURS - 1}."
)
_SOLUTIONS_HINT: Final = (
    'Solutions are {"name": [grid, ...]}, one grid for each test of the task of that name.'
)
_NAMES: Final = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
_SHOWN: Final = 60


class _Twice(Exception):
    """A key that stands twice in one object: the JSON library would silently drop the first."""


def parse_json(text: str, where: str) -> Any:
    """The value of a JSON text.

    Raises:
        InputFileError: it is broken, too deep, or has a key twice in one object.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise InputFileError(f"{where}: broken JSON at {at}: {error.msg}.", "Correct it there.") from error
    except _Twice as error:
        message = f"{where}: the key {quoted(str(error))} stands twice in the same object."
        raise InputFileError(message, "Rename one of the two, or take it out.") from None
    except (RecursionError, ValueError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else f"{error}"
        raise InputFileError(f"{where}: the JSON cannot be read: {reason}.", TASK_HINT) from error


def is_task(value: Mapping[str, Any]) -> bool:
    """Whether an object is a task by itself, rather than tasks by name (one may be named "train")."""
    return any(key in value and not isinstance(value[key], Mapping) for key in ("train", "test"))


def task_from(value: Any, name: str, where: str) -> Task:
    """The task in a JSON value.

    Raises:
        InputError: something in it is missing or wrong; the message says what and where.
    """
    if not name.strip() or "\0" in name or _unwritable(name):
        raise InputError(f"{where}: {quoted(name)} is no name for a task.", "Name it in plain characters.")
    here = f"{where}: task {quoted(name)}"
    if not isinstance(value, Mapping):
        raise InputError(f"{here}: expected an object, found {_name(value)}.", TASK_HINT)
    train = [
        _pair(item, f"{here}, train[{index}]", needs_output=True)
        for index, item in enumerate(_list(value, "train", here))
    ]
    test = [
        _pair(item, f"{here}, test[{index}]", needs_output=False)
        for index, item in enumerate(_list(value, "test", here))
    ]
    for key, pairs in (("train", train), ("test", test)):
        if not pairs:
            what = "demonstration" if key == "train" else "pair to be solved"
            raise InputError(f'{here}: "{key}" is empty.', f"Give at least one {what}.")
    return Task(name, tuple(train), tuple(test))


def solve(task: Task, solutions: Mapping[str, Any], where: str) -> Task:
    """The task with the outputs of its tests, from a file of solutions.

    Raises:
        InputError: the task has no solutions there, or they do not fit it.
    """
    if task.id not in solutions:
        hint = guess(task.id, solutions, shown=quoted)
        raise InputError(f"{where}: there is no solution for task {quoted(task.id)}.{hint}", _SOLUTIONS_HINT)
    here = f"{where}: task {quoted(task.id)}"
    given = solutions[task.id]
    if not isinstance(given, list):
        raise InputError(f"{here}: expected a list of grids, found {_name(given)}.", _SOLUTIONS_HINT)
    if len(given) != len(task.test):
        raise InputError(f"{here}: {len(given)} solutions for {len(task.test)} tests.", _SOLUTIONS_HINT)
    pairs = []
    for index, (pair, value) in enumerate(zip(task.test, given, strict=True)):
        output = grid_from(value, f"{here}, solution [{index}]")
        if pair.output is not None and pair.output != output:
            raise InputError(
                f"{here}: solution [{index}] differs from the output that stands beside the input.",
                "Take one of the two out.",
            )
        pairs.append(Pair(pair.input, output))
    return Task(task.id, task.train, tuple(pairs))


def grid_from(value: Any, where: str) -> Grid:
    """The grid in a JSON value.

    Raises:
        InputError: it is not one; the message names the row and the cell.
    """
    rows = _not_empty_list(value, where, "grid")
    first = _not_empty_list(rows[0], f"{where}, row 0", "row")
    for index, row in enumerate(rows):
        cells = _not_empty_list(row, f"{where}, row {index}", "row")
        if len(cells) != len(first):
            _refuse(f"{where}, row {index}: {len(cells)} cells, and row 0 has {len(first)}.")
    if problem := size_problem(len(rows), len(first)):
        _refuse(f"{where}: {problem}.", "Leave the task out, or cut the grid.")
    for index, row in enumerate(rows):
        for column, cell in enumerate(row):
            # bool is an int to Python, and 1.0 equals 1: both are mistakes in a file
            if type(cell) is not int:
                _refuse(f"{where}, row {index}, cell {column}: a colour is expected, found {_shown(cell)}.")
            if not 0 <= cell < COLOURS:
                _refuse(f"{where}, row {index}, cell {column}: there is no colour {_number(cell)}.")
    return tuple(tuple(row) for row in rows)


def quoted(name: str) -> str:
    """A name in a message: short, and without characters that cannot be printed."""
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    return f'"{_short(printable)}"'


def _pair(value: Any, where: str, *, needs_output: bool) -> Pair:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: expected an object, found {_name(value)}.", TASK_HINT)
    for key in ("input", "output"):
        missing = value.get(key) is None
        near = nearest(key, [k for k in value if k not in ("input", "output")])
        if missing and (near or key == "input" or needs_output):
            hint = f" Did you mean that by {quoted(near)}?" if near else ""
            raise InputError(f'{where}: the key "{key}" is missing{_present(value)}.{hint}', TASK_HINT)
    output = value.get("output")
    return Pair(
        grid_from(value["input"], f"{where}, input"),
        None if output is None else grid_from(output, f"{where}, output"),
    )


def _list(value: Mapping[str, Any], key: str, where: str) -> list[Any]:
    if key not in value:
        raise InputError(f'{where}: the key "{key}" is missing{_present(value)}.', TASK_HINT)
    if not isinstance(value[key], list):
        raise InputError(f'{where}: "{key}" must hold a list, found {_name(value[key])}.', TASK_HINT)
    return value[key]


def _not_empty_list(value: Any, where: str, what: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(f"{where}: expected a {what} as a list, found {_name(value)}.")
    if not value:
        _refuse(f"{where}: the {what} is empty.")
    return value


def _refuse(message: str, hint: str = _GRID_HINT) -> NoReturn:
    raise InputError(message, hint)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique: dict[str, Any] = {}
    for key, value in pairs:
        if key in unique:
            raise _Twice(key)
        unique[key] = value
    return unique


def _present(value: Mapping[str, Any]) -> str:
    keys = ", ".join(quoted(str(key)) for key in list(value)[:6])
    return f" (there are {keys})" if keys else ""


def _shown(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str):
        return f"the text {quoted(cell)}"
    return f"{cell}" if isinstance(cell, float) else _name(cell)


def _name(value: Any) -> str:
    return _NAMES.get(type(value), "a number")


def _number(cell: int) -> str:
    return f"{cell}" if abs(cell) < 10**12 else "so far from 0 to 9"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _unwritable(name: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in name)
