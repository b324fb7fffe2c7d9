"""The benchmark's figures as a Markdown table, a picture and a folder of files. Measures nothing.

Everything that is shown comes from `results.json`, so that it can be shown again, or several together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seal.bench.inner_loop.contenders import NAMES, WORDS
from seal.errors import InputFileError, OutputError
from seal.files import write_beside
from seal.research.reports import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_IDLE = 0.85  # a process that has less than this share of its threads shares the cores with others
RESULTS, TABLE, PICTURE = "results.json", "table.md", "plot.png"
_COLOURS = {
    "engine": plots.SEAL,
    "peft": plots.CONTROL,
    "peft_parallel": plots.EDIT,
    "trainer": plots.PASSAGE,
}
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def check_out(folder: Path) -> None:
    """Raises OutputError if `folder` is there and not empty, before anything is measured."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is not a folder", "choose another --out")
    if folder.is_dir() and any(folder.iterdir()):
        raise OutputError(f"{folder} holds files already", "choose another folder with --out")


def write_results(folder: Path, results: Mapping[str, Any]) -> None:
    """Writes results.json, table.md and plot.png; the folder appears whole or not at all."""
    write_folder(folder, results, markdown(results), picture([results]))


def write_folder(folder: Path, results: Mapping[str, Any], table: str, plot: Figure | None = None) -> None:
    """Writes results.json, the table and, if there is one, the picture. Raises OutputError."""
    check_out(folder)

    def write(beside: Path) -> None:
        beside.mkdir()
        text = json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (beside / RESULTS).write_text(text, encoding="utf-8")
        (beside / TABLE).write_text(table, encoding="utf-8")
        if plot is not None:
            plots.as_png(plot, beside / PICTURE)

    write_beside(folder, write)


def read_results(path: Path) -> dict[str, Any]:
    """The results in a file or in a benchmark's folder. Raises InputFileError."""
    file = path / RESULTS if path.is_dir() else path
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputFileError(f"{file} holds no readable results: {error}") from error
    if not isinstance(results, dict) or "speed" not in results:
        raise InputFileError(
            f"{file} holds no results of this benchmark", "give a folder of seal bench inner-loop"
        )
    return results


def markdown(results: Mapping[str, Any], *, level: int = 2) -> str:
    """All tables of one model."""
    head = "#" * level
    model = results["model"]
    parts = [
        f"{head} {model['name']}: {si(model['parameters'])} parameters, {model['dtype']}",
        _about(results),
        _table(_SPEED, speed_rows(results)),
        notes(results),
    ]
    if results["ratios"]:
        parts += [
            "Times as many self-edits a second, paired by round; median [smallest, largest]:",
            _table(("adapters", *(f"engine / {name}" for name in NAMES[1:])), ratio_rows(results)),
        ]
    if results["shares"]:
        parts += [_SHARES_TEXT, _table(_SHARES, share_rows(results))]
    parts += [memory_text(results), profile_text(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(results: Mapping[str, Any]) -> str:
    m, load = results["machine"], results["load"]
    h = load["hyperparameters"]
    where = m["device"] if m["cuda"] and m["device"] != "CPU" else f"{m['cpu']}, {m['cpu_capability']}"
    return (
        f"{where}; {_count(m['cores'], 'core')}; {'with' if m['native'] else 'without'} native code. "
        f"torch {m['torch']}, transformers "
        f"{m['transformers']}, peft {m['peft']}; {m['date']}. A self-edit: {load['n_examples']} examples of "
        f"{load['example_tokens'][0]}-{load['example_tokens'][1]} tokens, {h['epochs']} epochs, batch "
        f"{h['batch_size']}, LoRA r {h['rank']} on all linear layers, then {load['n_questions']} questions "
        f"of {load['question_tokens'][0]}-{load['question_tokens'][1]} tokens with {load['answer_tokens']} "
        f"new tokens each. {_count(results['settings']['rounds'], 'round')}, alternating."
    )


def notes(results: Mapping[str, Any]) -> str:
    """What was measured on less than all of the work."""
    scaled = {r["scaled_from_steps"] for r in results["speed"]} - {0}
    alone = {r["n_measured"] for r in results["speed"] if r["contender"] == "peft"}
    texts = []
    if alone:
        texts.append(
            f"peft trains one adapter at a time, so its cost a self-edit does not depend on their number: "
            f"it is measured on at most {_count(max(alone), 'self-edit')} a round."
        )
    if scaled:
        texts.append(
            f"trainer is scaled from {_count(max(scaled), 'step')}: every step computes as much "
            f"({results['load']['padded_tokens']:,} tokens)."
        )
    had = [r["cores_busy"] / r["threads"] for r in results["speed"] if r["contender"] == "engine"]
    if results["machine"]["device"] == "CPU" and had and min(had) < _IDLE:
        texts.append(
            f"The machine was not idle: at times the engine had {percent(min(had))} of its threads, "
            "and every rate is lower for it."
        )
    return " ".join(texts)


_SPEED = ("adapters", "contender", "processes × threads", "self-edits/s [min, max]", "s a self-edit",
          "training", "exam",
          "tokens/s trained", "written", "op/s", "peak memory", "measured")  # fmt: skip


def speed_rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each number of adapters and contender."""
    rows = []
    for r in results["speed"]:
        n, steps = r["n_measured"], r["scaled_from_steps"]
        peaks = [r["peak_train_bytes"], r["peak_exam_bytes"]]
        rows.append((
            str(r["adapters"]),
            r["contender"],
            f"{r['processes']} × {r['threads']}",
            spread_text(r["self_edits_per_s"]),
            figure(1 / r["self_edits_per_s"]["median"]),
            figure(r["train_s"]),
            figure(r["exam_s"]),
            si(r["trained_tokens_per_s"]),
            si(r["written_tokens_per_s"]),
            si(r["operations_per_s"]),
            "–" if None in peaks else f"{si(max(peaks))}B",
            _count(n, "self-edit") + (f", scaled from {_count(steps, 'step')}" if steps else ""),
        ))  # fmt: skip
    return rows


def ratio_rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each number of adapters."""
    ratios = {(r["adapters"], r["over"]): r for r in results["ratios"]}
    counts = dict.fromkeys(r["adapters"] for r in results["ratios"])
    return [
        (str(n), *(spread_text(ratios[n, o]) if (n, o) in ratios else "–" for o in NAMES[1:])) for n in counts
    ]


_SHARES = ("adapters", "operations a self-edit", "share, all [min, max]", "training", "exam",
           "products alone, op/s", "large square, op/s", "engine / large square")  # fmt: skip
_SHARES_TEXT = (
    "The share: what the work's matrix products take by themselves, at the same shapes, over what the engine "
    "takes for everything; median [smallest, largest] over rounds:"
)


def share_rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each number of adapters."""
    return [
        (
            str(r["adapters"]),
            si(r["operations_per_self_edit"]),
            spread_text(r["of_products"], percent),
            percent(r["of_products_train"]["median"]),
            percent(r["of_products_exam"]["median"]),
            si(r["products_operations_per_s"]["median"]),
            si(r["peak_operations_per_s"]["median"]),
            percent(r["of_peak"]["median"]),
        )
        for r in results["shares"]
    ]


_SIZES = ("model", "parameters", "example tokens", "adapters", "s a self-edit", "operations a self-edit",
          *(f"engine / {name}" for name in NAMES[1:]), "share", "memory of one more adapter")  # fmt: skip


def sizes_table(many: Sequence[Mapping[str, Any]]) -> str:
    """A row for each run, at its largest number of adapters: how cost grows with the model and the tokens."""
    rows = []
    for results in many:
        n = max(r["adapters"] for r in results["speed"])
        engine = [r for r in results["speed"] if (r["adapters"], r["contender"]) == (n, "engine")]
        shares = [r for r in results["shares"] if r["adapters"] == n]
        ratios = next((row for row in ratio_rows(results) if row[0] == str(n)), ("", *"–" * len(NAMES[1:])))
        slope = results["memory"]["per_adapter"]
        rows.append((
            results["model"]["name"],
            si(results["model"]["parameters"]),
            "-".join(map(str, results["load"]["example_tokens"])),
            str(n),
            figure(1 / engine[0]["self_edits_per_s"]["median"]) if engine else "–",
            si(shares[0]["operations_per_self_edit"]) if shares else "–",
            *ratios[1:],
            spread_text(shares[0]["of_products"], percent) if shares else "–",
            f"{si(slope['measured_bytes'])}B" if slope else "–",
        ))  # fmt: skip
    return _table(_SIZES, rows)


def memory_text(results: Mapping[str, Any]) -> str:
    """What one more adapter takes in training, measured and counted."""
    slope, need = results["memory"]["per_adapter"], results["memory"]["counted"]
    if slope is None:
        return ""
    measured, counted = slope["measured_bytes"], slope["counted_bytes"]
    return (
        f"Memory of one more adapter in training, in one process, between {slope['from_adapters']} and "
        f"{slope['to_adapters']}: {si(measured)}B measured, {si(counted)}B counted (measured / counted "
        f"{measured / counted:.2f}). Counted: {si(need['state'])}B for factors, gradients and moments, "
        f"{si(need['a_token'])}B for each token of a pass of at most {need['pass_tokens']:,}, and, when it "
        f"ends and no pass needs memory, {si(need['handed_back'])}B for the adapter handed back."
    )


def profile_text(results: Mapping[str, Any]) -> str:
    """Where the engine's time goes, if that was measured."""
    profile = results["profile"]
    if not profile:
        return ""
    parts = [part for part in profile["train"] if part != "slowed_by"]
    rows = [(part, percent(profile["train"][part]), percent(profile["exam"][part])) for part in parts]
    slowed = max(profile["train"]["slowed_by"], profile["exam"]["slowed_by"])
    return (
        f"Where the engine's time goes with {profile['adapters']} adapters, by torch's profiler (which "
        f"slowed the work down {slowed:.2f} times):\n\n" + _table(("part", "training", "exam"), rows)
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---" if column in ("contender", "part", "measured", "model") else "---:" for column in columns]
    return "\n".join(f"| {' | '.join(cell.strip() for cell in row)} |" for row in (columns, rule, *rows))


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def figure(value: float) -> str:
    """Three significant digits."""
    return (
        f"{value:.3g}" if 1e-3 <= abs(value) < 1000 else f"{value:,.0f}" if value >= 1000 else f"{value:.1e}"
    )


def percent(value: float) -> str:
    """A share."""
    return f"{100 * value:.1f} %"


def spread_text(spread: Mapping[str, float], say: Any = figure) -> str:
    """Median [smallest, largest]."""
    return f"{say(spread['median'])} [{say(spread['min'])}, {say(spread['max'])}]"


def si(value: float | None) -> str:
    """A large number with its unit's prefix."""
    if value is None:
        return "–"
    for size, prefix in _UNITS:
        if abs(value) >= size:
            return f"{value / size:.3g} {prefix}"
    return f"{value:.3g} "


def picture(many: Sequence[Mapping[str, Any]]) -> Figure:
    """Self-edits a second by number of adapters, and the share of the matrix-product rate; a row a model."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(10, 3.4 * len(many)), layout="constrained")
    grid = fig.subplots(len(many), 2, squeeze=False)
    for (left, right), results in zip(grid, many, strict=True):
        _draw_speed(left, results)
        _draw_shares(right, results)
    return fig


def _draw_speed(axes: Any, results: Mapping[str, Any]) -> None:
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    for name in NAMES:
        rows = [r for r in results["speed"] if r["contender"] == name]
        if rows:
            x, rate = [r["adapters"] for r in rows], [r["self_edits_per_s"] for r in rows]
            middle = [r["median"] for r in rate]
            ends = [[r["median"] - r["min"] for r in rate], [r["max"] - r["median"] for r in rate]]
            axes.errorbar(x, middle, ends, color=_COLOURS[name], marker="o", capsize=3, label=WORDS[name])
    axes.set(xscale="log", yscale="log", xlabel="adapters", ylabel="self-edits a second")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    model, (low, high) = results["model"], results["load"]["example_tokens"]
    title = f"{model['name']}: {si(model['parameters'])} parameters, {low}-{high} tokens"
    axes.set_title(title, loc="left", fontsize=10)
    _tidy(axes, results)


def _draw_shares(axes: Any, results: Mapping[str, Any]) -> None:
    for key, label, colour in (
        ("of_products_train", "training", plots.SEAL),
        ("of_products_exam", "exam", plots.EDIT),
        ("of_products", "both", plots.INK),
    ):
        rows = results["shares"]
        if rows:
            x, y = [r["adapters"] for r in rows], [100 * r[key]["median"] for r in rows]
            axes.plot(x, y, color=colour, marker="o", label=label)
    axes.set(xscale="log", xlabel="adapters", ylabel="% of the engine's time")
    axes.set_ylim(0, 100)
    axes.set_title("matrix products by themselves", loc="left", fontsize=10)
    _tidy(axes, results)


def _tidy(axes: Any, results: Mapping[str, Any]) -> None:
    from matplotlib.ticker import NullLocator

    counts = list(dict.fromkeys(r["adapters"] for r in results["speed"]))
    axes.set_xticks(counts, [str(n) for n in counts])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(True, color=plots.GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
