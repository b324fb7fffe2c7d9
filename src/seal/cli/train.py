"""`seal train`: reinforcement learning of the writer, on one's own model and passages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.text import Text

from seal.cli.console import Display, default_out, endpoint_line, table
from seal.cli.flags import RunFlags, resolve

if TYPE_CHECKING:
    from seal.research.dry_run import PlanLine
    from seal.research.records import TrainingResults


def train(
    *,
    flags: RunFlags | None = None,
    rounds: Annotated[
        int | None, Parameter(help="Rounds of sampling, scoring and learning. [outer.rounds]")
    ] = None,
    samples: Annotated[
        int | None, Parameter(help="Self-edits sampled for each passage and round. [self_edit.samples]")
    ] = None,
    n_train: Annotated[
        int | None, Parameter(help="Passages to train on (the first n). [data.n_train]")
    ] = None,
    control: Annotated[
        bool | None,
        Parameter(help="Also train the control arm, whose samples are chosen by chance. [outer.control]"),
    ] = None,
) -> None:
    """Teach a model to write better self-edits.

    Each round it writes several self-edits about every passage, trains an adapter on each, is examined on
    the passage's questions, and is then fine-tuned on the self-edits that helped most. The policy of every
    round is saved in Hugging Face format in the run's folder. The passages need questions with answers.
    """
    flags = flags or RunFlags()
    own = {
        "outer.rounds": rounds,
        "self_edit.samples": samples,
        "data.n_train": n_train,
        "outer.control": control,
    }
    config = resolve(flags, own, data_key="data.train")
    display = Display()
    if flags.dry_run:
        from seal.research.dry_run import plan_training

        show_plan(display, plan_training(config, display))
        return
    place = flags.place()
    out = flags.out or default_out("train")
    with display.running(out):
        from seal.research.train import run_training

        results = run_training(config, out, display, place=place)
    _show(display, results, out)


def _show(display: Display, results: TrainingResults, out: Path) -> None:
    rows = [
        [f"{r['arm']}, round {r['round']}", f"{r['n_kept']} of {r['n_self_edits']}",
         _number(r["mean_reward"]), _number(r["mean_reward_kept"]), f"{r['loss']:.3f}", str(r["n_ungraded"])]
        for r in results["rounds"]
    ]  # fmt: skip
    columns = ["arm and round", "kept", "mean reward", "of the kept", "loss", "ungraded"]
    display.console.print()
    display.console.print(table("What was kept, and what was learned from", columns, rows))
    failed = sum(r["n_failed_adapters"] for r in results["rounds"])
    if failed:
        display.notice(
            f"{failed} adapters were left out, since they diverged or none of their answers could be graded; "
            f"the reasons are in {out}/rounds/*/scores.jsonl"
        )
    own = [r for r in results["rounds"] if r["arm"] == "seal"]
    display.console.print()
    if own:
        policy = out / own[-1]["policy"]
        display.console.print(f"The policy after the last round: {policy} (its README says how to load it)")
        display.console.print(f"How much it helps:  seal eval --model {policy} --data HELD_OUT_PASSAGES")
    if "endpoint" in results:
        display.console.print(Text(endpoint_line(results["endpoint"])))
    display.console.print(f"The run: {out} ({results['wall_s']:.0f} s)")


def show_plan(display: Display, lines: Sequence[PlanLine]) -> None:
    """The lines of a dry run: what, how much, and how that is known."""
    display.console.print("What would be done:")
    for line in lines:
        display.console.print(Text(f"  {line.name:<20} {line.value:>15}   {line.source}".rstrip()))
    display.console.print("Nothing was written.")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
