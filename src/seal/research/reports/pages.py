"""How a report becomes one page: its templates, how they show figures, and the pictures that reports share.

Knows the templates beside it, and the rows of `results.json`. Knows nothing about what a report says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from seal.files import write_beside
from seal.research.methods import Examined, short_label
from seal.research.records import DifferenceRow, MethodRow
from seal.research.reports import plots
from seal.research.reports.findings import RoundRewards, number, percent, points, verdict
from seal.types import Estimate

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.figure import Figure

REPORT, PICTURE = "report.html", "results.png"


def write(folder: Path, html: str, picture: Figure | None) -> Path:
    """Write the page, and the picture by itself if there is one; returns the page's path."""
    if picture is not None:
        write_beside(folder / PICTURE, lambda beside: plots.as_png(picture, beside))
    write_beside(folder / REPORT, lambda beside: beside.write_text(html, encoding="utf-8"))
    return folder / REPORT


def template(name: str, on: Examined) -> Template:
    """A template of this folder, for a run that examined methods `on` passages or tasks. All text that it is
    given is escaped; its filter `short` names a method in few words."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(
            lambda name: (files("seal.research.reports") / "templates" / name).read_text(encoding="utf-8")
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent, "points": points, "number": number, "cell": cell,
        "short": lambda name: short_label(name, on),
    }  # fmt: skip
    environment.globals["verdict"] = verdict
    return environment.get_template(name)


def cell(estimate: Estimate | None, kind: str, *, signed: bool = False) -> str:
    """An estimate with its interval, as a table shows it; the interval of a share in whole percent."""
    if estimate is None:
        return "n/a"
    scale, digits, unit = (1, 1, "") if kind == "number" else (100, 0, "" if signed else "\u00a0%")

    def show(value: float, digits: int) -> str:
        text = number(scale * value, digits)
        return f"+{text}" if signed and text[0] != "\u2212" and float(text) else text

    mean = show(estimate.mean, 1) + unit
    if math.isnan(estimate.low):
        return mean
    return f"{mean} [{show(estimate.low, digits)}, {show(estimate.high, digits)}]"


def row_text(row: MethodRow) -> str:
    """An accuracy with its interval, in words."""
    accuracy, ci95 = percent(row["accuracy"]), row["ci95"]
    if ci95 is None or verdict(ci95) == "unknown":
        return accuracy
    low, high = ci95
    return f"{accuracy}, 95\u00a0% interval {percent(low)} to {percent(high)}"


def differences_svg(rows: Sequence[DifferenceRow], on: Examined) -> str:
    labels = {name: short_label(name, on) for row in rows for name in (row["a"], row["b"])}
    texts = [f"{labels[d['a']]} minus {labels[d['b']]}: {points(d['mean'])}" for d in rows]
    figure = plots.differences_figure(rows, labels)
    alt = "Paired differences in percentage points: " + "; ".join(texts)
    return plots.as_svg(figure, "differences", alt)


def rewards_svg(rewards: Sequence[RoundRewards], reward: str) -> str | None:
    """None where no sample of any round has a reward."""
    if not any(r.values for r in rewards):
        return None
    texts = [
        f"round {r.round}: mean of all {number(r.mean, 2)}, of the kept {number(r.mean_kept, 2)}"
        for r in rewards
    ]
    figure = plots.rewards_figure([r for r in rewards if r.values], reward)
    return plots.as_svg(figure, "rewards", "Rewards by round: " + "; ".join(texts))
