"""`seal eval`: how much a model learns from passages, by several methods."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from seal.cli.console import Display, default_out, difference_table, endpoint_line, method_table
from seal.cli.flags import RunFlags, resolve
from seal.cli.train import show_plan


def eval_(
    *,
    flags: RunFlags | None = None,
    methods: Annotated[
        str | None,
        Parameter(
            help="Which methods, separated by commas: base (as it is), open_book (with the passage to read), "
            "passage (trained on the passage), passage_best (the same at the recipe's own setting), "
            "self_edit (trained on what the model writes), gold (on true statements; micro-world only); on "
            "tasks base, self_edit, hand_made (one directive for all), chosen (the fitting one of several), "
            "committee (several together). "
            "By default base,open_book,passage,self_edit, or for tasks base,self_edit,hand_made."
        ),
    ] = None,
    n: Annotated[
        int | None, Parameter(help="Passages to examine on (the first n). [data.n_evaluation]")
    ] = None,
) -> None:
    """Examine a model, or a policy that was trained here, on held-out passages.

    Every method is examined on the same passages and questions; intervals are over passages, and differences
    are paired. The passages need questions with answers.
    """
    flags = flags or RunFlags()
    config = resolve(flags, {"data.n_evaluation": n}, data_key="data.evaluation")
    from seal.engine.parts import build_domain
    from seal.research.examine import default_methods, run_evaluation  # loads torch, after the flags' check

    chosen = [name.strip() for name in methods.split(",")] if methods else list(default_methods(config))
    display = Display()
    if flags.dry_run:
        from seal.research.dry_run import plan_evaluation

        show_plan(display, plan_evaluation(config, chosen, display))
        return
    place = flags.place()
    out = flags.out or default_out("eval")
    with display.running(out):
        results = run_evaluation(config, out, list(dict.fromkeys(chosen)), display, place=place)
    display.console.print()
    domain = build_domain(config)
    display.console.print(method_table(results, unit=domain.unit, asked=domain.asked))
    if results["differences"]:
        display.console.print()
        display.console.print(difference_table(results, unit=domain.unit))
    ungraded = [m for m in results["methods"] if m["coverage"] < 1]
    if ungraded:
        display.notice(
            "some answers could not be graded and count neither way (for instance of adapters that "
            f"diverged); the reasons are in {out}/evaluation.jsonl"
        )
    if "endpoint" in results:
        display.console.print(Text(f"\n{endpoint_line(results['endpoint'])}"))
    display.console.print(f"\nThe run: {out} ({results['wall_s']:.0f} s)")
