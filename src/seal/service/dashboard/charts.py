"""Line charts as SVG, drawn on the server: where the points are. How they look is the templates' and the
style sheet's.

Knows numbers and their names. A figure that is not there is a gap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seal.service.dashboard import wording

WIDTH, HEIGHT = 340, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 12, 12, 24
_WRITTEN: dict[str, Callable[[float | None], str]] = {
    "share": wording.percent,
    "size": wording.size,
    "number": wording.number,
}


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    told: str


@dataclass(frozen=True)
class ChartLine:
    """One line: its pieces, each without a gap, as SVG paths."""

    name: str
    points: tuple[Point, ...]
    path: str


@dataclass(frozen=True)
class Chart:
    """A chart as its template draws it; all places are in its own units. `ticks` are (y, what is written)."""

    title: str
    lines: tuple[ChartLine, ...]
    ticks: tuple[tuple[float, str], ...]
    labels: tuple[tuple[float, str], ...]
    described: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT


def line_chart(
    title: str,
    names: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None]]],
    kind: str = "number",
) -> Chart | None:
    """A chart of series over the same steps, which have `names`; `kind` is "share", "size" or "number". None
    if no figure is there."""
    written = _WRITTEN[kind]
    there = [v for _, values in series for v in values if v is not None]
    if not there:
        return None
    top = 1.0 if kind == "share" else _round_up(max(there))
    xs = _places(len(names))

    def y(value: float) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / top, 1)

    lines = []
    for name, values in series:
        points = tuple(
            Point(x, y(value), f"{step}: {name} {written(value)}")
            for x, step, value in zip(xs, names, values, strict=True)
            if value is not None
        )
        lines.append(ChartLine(name, points, _path(xs, [None if v is None else y(v) for v in values])))
    ticks = tuple((y(share * top), written(share * top)) for share in (0, 0.5, 1))
    ends = {xs[0]: names[0], xs[-1]: names[-1]}
    said = "; ".join(f"{name} ends at {written(_last(values))}" for name, values in series)
    return Chart(
        title, tuple(lines), ticks, tuple(ends.items()), f"{title}, over {len(names)} versions: {said}."
    )


def _places(n: int) -> list[float]:
    span = WIDTH - _LEFT - _RIGHT
    return [round(_LEFT + (span * i / (n - 1) if n > 1 else span / 2), 1) for i in range(n)]


def _path(xs: Sequence[float], ys: Sequence[float | None]) -> str:
    parts, open_ = [], False
    for x, y in zip(xs, ys, strict=True):
        if y is not None:
            parts.append(f"{'L' if open_ else 'M'}{x:g} {y:g}")
        open_ = y is not None
    return " ".join(parts)


def _last(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)


def _round_up(value: float) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten that is not below a value; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 2.5, 5, 10, 20) if power * step >= value)
