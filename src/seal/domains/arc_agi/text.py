"""Grids and tasks as text: several representations, each with an exact inverse that says why a text is none.

Knows characters. Knows nothing about tokens, files or training.

| name | a grid of two rows |
|---|---|
| rows | digits with spaces between them, a row a line |
| numpy | the same in numpy's brackets, as in the test-time training that SEAL builds on (2411.07279) |
| compact | one character a cell, a row a line |
| padded | compact, each row filled up to a fixed width, so that in a pair of rows an output cell stands at a
  constant distance from its input cell whatever the row's length |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from seal.domains.arc_agi.grids import COLOURS, MAX_SIDE, grids_of, size_problem, width
from seal.errors import ConfigError, InputError
from seal.hints import did_you_mean
from seal.types import Grid, Pair, Task

_DIGITS: Final = frozenset("0123456789")
_HINT: Final = "A grid is written as {name} writes it: see seal.domains.arc_agi.text."


class Representation(Protocol):
    """How a grid is written, and read back. `read(write(grid)) == grid`, and `write(read(text)) == text`."""

    @property
    def name(self) -> str: ...

    def fits(self, grid: Grid) -> bool:
        """Whether the grid can be written."""
        ...

    def write(self, grid: Grid) -> str: ...

    def read(self, text: str) -> Grid:
        """The grid in a text. Raises InputError, with the place, if the text is not exactly one."""
        ...


@dataclass(frozen=True)
class Rows:
    """Digits with `separator` between them, a row a line."""

    name: str = "rows"
    separator: str = " "

    def fits(self, grid: Grid) -> bool:
        return True

    def write(self, grid: Grid) -> str:
        return "\n".join(self.separator.join(map(str, row)) for row in grid)

    def read(self, text: str) -> Grid:
        lines = _lines(self.name, text)
        return _checked(self.name, [_cells(self.name, line, at, self.separator) for at, line in lines])


@dataclass(frozen=True)
class Numpy:
    """As numpy prints an array of whole numbers: [[0 1]\\n [2 3]]."""

    name: str = "numpy"

    def fits(self, grid: Grid) -> bool:
        return True

    def write(self, grid: Grid) -> str:
        return "[" + "\n ".join("[" + " ".join(map(str, row)) + "]" for row in grid) + "]"

    def read(self, text: str) -> Grid:
        lines = _lines(self.name, text)
        rows = []
        for at, line in lines:
            opening = "[[" if at == 0 else " ["
            closing = "]]" if at == len(lines) - 1 else "]"
            inner = line.removeprefix(opening).removesuffix(closing)
            if f"{opening}{inner}{closing}" != line:
                raise _no_grid(
                    self.name, f"row {at} does not begin with {opening!r} and end with {closing!r}"
                )
            rows.append(_cells(self.name, inner, at, " "))
        return _checked(self.name, rows)


@dataclass(frozen=True)
class Padded:
    """One character a cell, and `pad` from the row's end to `columns`."""

    columns: int = MAX_SIDE
    pad: str = "."
    name: str = "padded"

    def __post_init__(self) -> None:
        if len(self.pad) != 1 or self.pad in _DIGITS or self.pad.isspace():
            raise ConfigError(
                f"{self.pad!r} cannot be the pad.", "Set it to one character, no digit or space."
            )
        if problem := size_problem(1, self.columns) if self.columns > 0 else f"{self.columns} columns":
            raise ConfigError(f"rows cannot be padded to {problem}.", "Set columns within these limits.")

    def fits(self, grid: Grid) -> bool:
        return width(grid) <= self.columns

    def write(self, grid: Grid) -> str:
        """The grid as text. Raises InputError if it is wider than `columns`."""
        if not self.fits(grid):
            raise InputError(
                f"a grid of {width(grid)} columns does not fit {self.columns} padded columns.",
                "Set columns to the widest grid, or leave the task out.",
            )
        return "\n".join("".join(map(str, row)).ljust(self.columns, self.pad) for row in grid)

    def read(self, text: str) -> Grid:
        rows = []
        for at, line in _lines(self.name, text):
            if len(line) != self.columns:
                raise _no_grid(self.name, f"row {at} has {len(line)} characters, not {self.columns}")
            rows.append(_cells(self.name, line.rstrip(self.pad), at, ""))
        return _checked(self.name, rows)


@dataclass(frozen=True)
class TextForm:
    """A task as text: each pair is `before_input`, the input, `before_output`, the output, `end`.

    Demonstrations and the pair to be solved have one form, so that what solves a task is what continues it.
    """

    grid: Representation
    before_input: str = ""
    before_output: str = ">"
    end: str = "\n\n"

    def fits(self, task: Task) -> bool:
        """Whether every grid of the task can be written."""
        return all(self.grid.fits(grid) for grid in grids_of(task))

    def pair(self, pair: Pair) -> str:
        """A whole pair. Raises InputError if it has no output or a grid does not fit."""
        if pair.output is None:
            raise InputError("a pair without its output cannot be written.", "Use prompt for a test.")
        return f"{self.question(pair.input)}{self.answer(pair.output)}"

    def question(self, grid: Grid) -> str:
        """A pair up to where its output begins."""
        return f"{self.before_input}{self.grid.write(grid)}{self.before_output}"

    def answer(self, grid: Grid) -> str:
        """What stands after `question`: the output, and the end of the pair."""
        return f"{self.grid.write(grid)}{self.end}"

    def demonstrations(self, task: Task) -> str:
        return "".join(self.pair(pair) for pair in task.train)

    def prompt(self, task: Task, grid: Grid) -> str:
        """The demonstrations, then `grid` as the input whose output is to be written."""
        return f"{self.demonstrations(task)}{self.question(grid)}"

    def read_answer(self, text: str) -> Grid:
        """The grid that a completion begins with. Raises InputError if it is none."""
        return self.grid.read(self.cut(text))

    def cut(self, text: str) -> str:
        """A completion up to the end of its pair, without white space around it."""
        return text.strip().split(self.end, 1)[0].strip()

    def read_demonstrations(self, text: str) -> tuple[Pair, ...]:
        """The inverse of `demonstrations`. Raises InputError, with the pair, for any other text."""
        pairs = []
        rest = text
        while rest:
            at = f"demonstration [{len(pairs)}]"
            whole, end, rest = rest.partition(self.end)
            first, middle, second = whole.removeprefix(self.before_input).partition(self.before_output)
            if not (end and middle and whole.startswith(self.before_input)):
                raise InputError(f"{at} is not written as a pair.", f"A pair is {self.pattern!r}.")
            try:
                pairs.append(Pair(self.grid.read(first), self.grid.read(second)))
            except InputError as error:
                raise InputError(f"{at}: {error.message}", error.hint) from error
        return tuple(pairs)

    @property
    def pattern(self) -> str:
        return f"{self.before_input}INPUT{self.before_output}OUTPUT{self.end}"


_WORDS: Final = {"before_input": "Input:\n", "before_output": "\nOutput:\n"}
TEXT_FORMS: Final[dict[str, TextForm]] = {
    "rows": TextForm(Rows(), **_WORDS),
    "numpy": TextForm(Numpy(), **_WORDS),
    "compact": TextForm(Rows("compact", "")),
    "padded": TextForm(Padded()),
}


def text_form(name: str, *, columns: int = MAX_SIDE) -> TextForm:
    """The text form of this name; `columns` is the width of the padded one.

    Raises ConfigError if there is none.
    """
    if name not in TEXT_FORMS:
        raise ConfigError(f"unknown representation {name!r}.", did_you_mean(name, TEXT_FORMS))
    return TextForm(Padded(columns)) if name == "padded" else TEXT_FORMS[name]


def _lines(name: str, text: str) -> list[tuple[int, str]]:
    if not text:
        raise _no_grid(name, "it is empty")
    return list(enumerate(text.split("\n")))


def _cells(name: str, line: str, at: int, separator: str) -> tuple[int, ...]:
    parts = line.split(separator) if separator else list(line)
    if line == "":
        raise _no_grid(name, f"row {at} is empty")
    for column, part in enumerate(parts):
        if part not in _DIGITS:
            shown = repr(part if len(part) <= 20 else f"{part[:17]}...")
            raise _no_grid(name, f"row {at}, cell {column} is {shown}, not a digit")
    return tuple(map(int, parts))


def _checked(name: str, rows: list[tuple[int, ...]]) -> Grid:
    for at, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise _no_grid(name, f"row {at} has {len(row)} cells, and row 0 has {len(rows[0])}")
    if problem := size_problem(len(rows), len(rows[0])):
        raise _no_grid(name, problem)
    assert all(0 <= cell < COLOURS for row in rows for cell in row)
    return tuple(rows)


def _no_grid(name: str, why: str) -> InputError:
    return InputError(f"the text is no grid: {why}.", _HINT.format(name=name))
