"""The pictures of a run: accuracy by method, paired differences, rewards by round, gain by passage, choices.

Knows numbers and labels. Knows nothing about run folders or pages. Each picture is a matplotlib Figure;
`as_svg` makes it a part of a page (colours follow the page's light or dark theme, text stays text), `as_png`
a file. matplotlib is imported at first use because it takes a second.
"""

from __future__ import annotations

import html
import io
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seal.research.methods import MethodRole, find_method
from seal.research.reports.findings import RoundRewards, percent, points, verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1b1c1e", "#5d5f63", "#d9dadd", "#ffffff"
REFERENCE, PASSAGE, EDIT, SEAL, CONTROL = "#7d7f84", "#aa4499", "#2b8f6d", "#0b62a8", "#c4500c"
VARIABLES = {
    INK: "currentColor", MUTED: "var(--muted)", GRID: "var(--grid)", PAPER: "var(--paper)",
    REFERENCE: "var(--reference)", PASSAGE: "var(--passage)", EDIT: "var(--edit)", SEAL: "var(--seal)",
    CONTROL: "var(--control)",
}  # fmt: skip
"""Colours told apart with the common kinds of colour blindness, and their names in the page. A label
always says the same as the colour."""
_OF_ROLE: dict[MethodRole, str] = {
    "reference": REFERENCE, "baseline": PASSAGE, "before_rl": EDIT, "after_rl": SEAL, "control": CONTROL,
}  # fmt: skip
_WIDTH_IN, _PAGE_PT, _WIDE_PT = 4.6, 10, 12.5
"""The width of a picture in a page, the size of its letters, and that of the letters of one by itself."""


def colour_of(method: str) -> str:
    known = find_method(method)
    return _OF_ROLE[known.role] if known else REFERENCE


def accuracy_figure(
    rows: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str],
    *,
    beside: Mapping[str, Mapping[str, Any]] | None = None,
    axis: str = "exam questions answered correctly",
    title: str = "",
    subtitle: str = "",
) -> Figure:
    """Accuracy of each method with its interval, on an axis from 0 to 100 %.

    With a title it is a picture by itself, 1200 pixels wide, labels beside the points; without, a part of a
    page, narrow enough for a phone, labels above the points. `beside` has a second row for a method, drawn
    hollow below its first.
    """
    wide = bool(title)
    size = _WIDE_PT if wide else _PAGE_PT
    row_in = 0.5 if beside is None else 0.74
    top_in, bottom_in = (1.15 if wide else 0.12), (0.75 if wide else 0.55)
    height_in = top_in + bottom_in + row_in * len(rows)
    fig, axes = _canvas(12 if wide else _WIDTH_IN, height_in)
    left, right = (0.43, 0.84) if wide else (0.02, 0.65)
    axes.set_position((left, bottom_in / height_in, right - left, row_in * len(rows) / height_in))
    for y, row in enumerate(rows):
        second = (beside or {}).get(row["name"])
        if wide:
            axes.annotate(
                labels[row["name"]], (0, y), xytext=(-12, 0), textcoords="offset points", ha="right",
                va="center", color=INK, fontsize=size,
            )  # fmt: skip
            at, next_at = (y, y) if second is None else (y - 0.18, y + 0.18)
        else:
            axes.text(0, y - 0.1 / row_in, labels[row["name"]], va="center", color=INK, fontsize=size)
            at, next_at = (y + 0.2, y) if beside is None else (y + 0.09, y + 0.37)
        _accuracy_mark(axes, at, row, colour_of(row["name"]), wide=wide)
        if second is not None:
            _accuracy_mark(axes, next_at, second, colour_of(row["name"]), wide=wide, hollow=True)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100\u00a0%"])
    axes.set_xlabel(axis, fontsize=size)
    axes.tick_params(labelsize=size)
    if title:
        fig.text(0.02, 1 - 0.42 / height_in, title, fontsize=18, fontweight="bold", color=INK)
        fig.text(0.02, 1 - 0.78 / height_in, subtitle, fontsize=12.5, color=MUTED)
    return fig


def _accuracy_mark(
    axes: Axes, at: float, row: Mapping[str, Any], colour: str, *, wide: bool, hollow: bool = False
) -> None:
    value, ci95 = row["accuracy"], row["ci95"]
    if value is None or math.isnan(value):
        axes.text(0.01, at, "not graded", va="center", color=MUTED, fontsize=_WIDE_PT if wide else _PAGE_PT)
        return
    axes.plot([0, value], [at, at], color=colour, linewidth=1.2, alpha=0.6, solid_capstyle="butt")
    text = percent(value)
    if verdict(ci95) != "unknown":
        low, high = ci95
        axes.plot(
            [low, high], [at, at], color=colour, linewidth=8 if wide else 6, alpha=0.4, solid_capstyle="butt"
        )
        text += f"  [{100 * low:.0f}, {100 * high:.0f}]"
    axes.plot(
        [value], [at], "o", color=colour, markerfacecolor=PAPER if hollow else colour,
        markeredgewidth=1.6 if hollow else 1, markersize=9 if wide else 7, clip_on=False, zorder=3,
    )  # fmt: skip
    axes.annotate(
        text, (1, at), xytext=(12, 0), textcoords="offset points", ha="left", va="center", color=INK,
        annotation_clip=False, fontsize=_WIDE_PT if wide else _PAGE_PT,
    )  # fmt: skip


def differences_figure(rows: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> Figure:
    """Paired differences a − b with their intervals, around a line at 0. Filled: the interval excludes 0."""
    row_in, bottom_in, top_in = 0.5, 0.55, 0.12
    height_in = top_in + bottom_in + row_in * len(rows)
    fig, axes = _canvas(_WIDTH_IN, height_in)
    axes.set_position((0.02, bottom_in / height_in, 0.58, row_in * len(rows) / height_in))
    bounds = [
        0.0,
        *(100 * v for row in rows for v in [row["mean"], *(row["ci95"] or ())] if math.isfinite(v)),
    ]
    margin = max(2.0, 0.05 * (max(bounds) - min(bounds)))
    left = min(bounds) - margin
    axes.axvline(0, color=INK, linewidth=1)
    for y, row in enumerate(rows):
        state, at, mean = verdict(row["ci95"]), y + 0.2, 100 * row["mean"]
        colour = REFERENCE if state in ("open", "unknown") else colour_of(row["a"])
        axes.text(
            left,
            y - 0.2,
            f"{labels[row['a']]} \u2212 {labels[row['b']]}",
            va="center",
            color=INK,
            fontsize=_PAGE_PT,
        )
        text = points(row["mean"])
        if state != "unknown":
            low, high = row["ci95"]
            axes.plot([100 * low, 100 * high], [at, at], color=colour, linewidth=2.2, solid_capstyle="butt")
            text += f"  [{points(low)}, {points(high)}]"
        face = colour if state in ("above", "below") else "none"
        axes.plot([mean], [at], "o", color=colour, markerfacecolor=face, markersize=7, zorder=3)
        axes.annotate(
            text, (1, at), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
            va="center", color=INK, fontsize=_PAGE_PT,
        )  # fmt: skip
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(left, max(bounds) + margin)
    axes.set_xlabel("difference in percentage points")
    return fig


def rewards_figure(rounds: Sequence[RoundRewards], reward: str) -> Figure:
    """A histogram of the rewards for each round; the samples that were kept are dark."""
    panel_in, gap_in, bottom_in = 1.35, 0.42, 0.6
    height_in = bottom_in + len(rounds) * (panel_in + gap_in)
    fig, first = _canvas(_WIDTH_IN, height_in)
    edges = [i / 20 for i in range(21)]
    top = max(
        sum(lo <= min(v, 0.999) < hi for v in r.values)
        for r in rounds
        for lo, hi in itertools.pairwise(edges)
    )
    for i, one in enumerate(rounds):
        axes = first if i == 0 else fig.add_axes((0, 0, 1, 1))
        below_in = bottom_in + (len(rounds) - 1 - i) * (panel_in + gap_in)
        axes.set_position((0.1, below_in / height_in, 0.87, panel_in / height_in))
        _frame(axes)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", left=False, labelleft=True)
        axes.tick_params(axis="x", labelbottom=i == len(rounds) - 1)
        axes.hist(one.values, bins=edges, color=REFERENCE, alpha=0.45)
        axes.hist(one.kept, bins=edges, color=SEAL)
        for value, style in ((one.mean, "--"), (one.mean_kept, "-")):
            if value is not None:
                axes.axvline(value, linestyle=style, linewidth=1.6, color=INK)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, max(1, top) * 1.05)
        axes.yaxis.get_major_locator().set_params(integer=True, nbins=4)  # type: ignore[attr-defined]
        axes.set_title(f"round {one.round}: {len(one.values)} samples", loc="left", fontsize=10, color=INK)
    axes.set_xlabel(f"reward ({reward})")  # pyright: ignore[reportPossiblyUnboundVariable]
    return fig


def gains_figure(values: Sequence[float]) -> Figure:
    """One bar a passage, from the largest loss to the largest gain, in percentage points."""
    fig, axes = _canvas(_WIDTH_IN, 2.3)
    axes.set_position((0.11, 0.2, 0.87, 0.76))
    axes.yaxis.grid(True, color=GRID, linewidth=0.8)
    axes.xaxis.grid(False)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", labelleft=True)
    ordered = sorted(values)
    colours = [SEAL if v > 0 else CONTROL for v in ordered]
    axes.bar(range(len(ordered)), [100 * v for v in ordered], color=colours, width=0.75)
    # What did not change is a dot on the line, so that it is seen to have been examined.
    flat = [i for i, v in enumerate(ordered) if v == 0]
    axes.plot(flat, [0] * len(flat), "o", color=REFERENCE, markersize=4, zorder=3)
    axes.axhline(0, color=INK, linewidth=1)
    axes.set_xticks([])
    axes.set_xlabel("held-out passages, sorted")
    axes.spines["bottom"].set_visible(False)
    return fig


def shares_figure(
    groups: Sequence[tuple[str, Sequence[tuple[str, Mapping[str, float]]]]], labels: Mapping[str, str]
) -> Figure:
    """Shares as bars: groups of (heading, rows of (value, method → share)), one thin bar a method.

    The methods are those of `labels`, in its order in every row; the legend says which bar is whose.
    """
    bar_in, between_in, heading_in, legend_in, bottom_in = 0.11, 0.1, 0.34, 0.26, 0.5
    row_in = bar_in * len(labels) + between_in
    body_in = sum(heading_in + row_in * len(rows) for _, rows in groups)
    top_in = 0.1 + legend_in * len(labels)
    height_in = top_in + body_in + bottom_in
    fig, axes = _canvas(_WIDTH_IN, height_in)
    axes.set_position((0.3, bottom_in / height_in, 0.44, body_in / height_in))
    for i, (method, label) in enumerate(labels.items()):
        y = 1 - (0.12 + legend_in * i) / height_in
        axes.add_patch(_bar(0.02, y - 0.05 / height_in, 0.05, bar_in / height_in, method, fig.transFigure))
        fig.text(0.09, y, label, va="center", color=INK, fontsize=_PAGE_PT)
    at = 0.0
    for heading, rows in groups:
        axes.annotate(
            heading, (0.02, at + heading_in - 0.1), xycoords=("figure fraction", "data"), color=MUTED,
            fontsize=_PAGE_PT, annotation_clip=False,
        )  # fmt: skip
        at += heading_in
        for value, shares in rows:
            middle = at + (row_in - between_in) / 2
            axes.annotate(
                value, (0, middle), xytext=(-6, 0), textcoords="offset points", ha="right", va="center",
                color=INK, fontsize=_PAGE_PT,
            )  # fmt: skip
            for i, method in enumerate(labels):
                axes.add_patch(_bar(0, at + i * bar_in, shares[method], 0.8 * bar_in, method, axes.transData))
            axes.annotate(
                " / ".join(f"{100 * shares[method]:.0f}" for method in labels), (1, middle), xytext=(6, 0),
                textcoords="offset points", va="center", color=INK, fontsize=_PAGE_PT, annotation_clip=False,
            )  # fmt: skip
            at += row_in
    axes.set_ylim(body_in, 0)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "50", "100\u00a0%"])
    axes.set_xlabel("share of the valid directives")
    return fig


def _bar(x: float, y: float, width: float, height: float, method: str, transform: Any) -> Any:
    from matplotlib.patches import Rectangle

    # Not clipped: the legend lies outside of the axes that hold it.
    return Rectangle(
        (x, y), width, height, color=colour_of(method), linewidth=0, transform=transform, clip_on=False
    )


def _canvas(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width_in, height_in))
    axes = fig.add_subplot()
    _frame(axes)
    axes.xaxis.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", left=False, labelleft=False)
    return fig, axes


def _frame(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(MUTED)
    axes.tick_params(colors=MUTED, labelcolor=INK)
    axes.xaxis.label.set_color(MUTED)
    axes.yaxis.label.set_color(MUTED)
    axes.patch.set_visible(False)


def as_svg(fig: Figure, name: str, alt: str) -> str:
    """An <svg> element for a page: ids begin with `name`, text is text, nothing is loaded from elsewhere."""
    buffer = io.StringIO()
    with _settings(name):
        fig.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>(?:[^<]|<(?!/?metadata>))*+</metadata>", "", svg)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = svg.replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, variable)
    svg = re.sub(
        r'(<svg\b(?:(?! width=)[^<>])*+) width="[^"<>]*"',
        r"\1",
        re.sub(r'(<svg\b(?:(?! height=)[^<>])*+) height="[^"<>]*"', r"\1", svg, count=1),
        count=1,
    )
    return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(alt)}"', 1).strip()


def as_png(fig: Figure, path: Path) -> None:
    """The picture on white, 100 pixels an inch."""
    with _settings("png"):
        fig.savefig(path, format="png", dpi=100, facecolor=PAPER, metadata={"Software": None})


@contextmanager
def _settings(salt: str) -> Iterator[None]:
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        yield
