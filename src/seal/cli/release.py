"""`seal release`: a version is tried beside the live one, and what was seen of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from seal.cli.console import Display, table
from seal.cli.workspace import (
    JsonFlag,
    ReasonFlag,
    WorkspaceFlag,
    date,
    open_learner,
    print_json,
    say,
    say_live,
    short,
)
from seal.errors import InputError

if TYPE_CHECKING:
    from seal.learner import Learner
    from seal.learner.rolling_out import RolloutView
    from seal.registry.records import RolloutMode

_SHARE = "of the callers (canary) or the questions (shadow), above 0 up to 1; by default the setting"


def release(
    version: Annotated[
        str | None,
        Parameter(
            help="The version to try: one that is held, or that was live before. Without one: how it is."
        ),
    ] = None,
    *,
    shadow: Annotated[
        bool, Parameter(negative=(), help="It answers a share of the questions too, and nobody sees it.")
    ] = False,
    canary: Annotated[
        bool, Parameter(negative=(), help="It answers a share of the callers, always the same ones.")
    ] = False,
    share: Annotated[float | None, Parameter(help=f"The share {_SHARE}.")] = None,
    end: Annotated[
        Literal["promote", "revert"] | None,
        Parameter(help="End what runs: make its version live, or have all answered by the live one again."),
    ] = None,
    differences: Annotated[
        bool, Parameter(negative=(), help="Show where the two versions of the latest one differed.")
    ] = False,
    judge: Annotated[int | None, Parameter(help="The number of a difference that --right is about.")] = None,
    right: Annotated[
        Literal["candidate", "live", "neither"] | None, Parameter(help="Whose answer to it is right.")
    ] = None,
    reason: ReasonFlag = "",
    workspace: WorkspaceFlag = Path("."),
    json: JsonFlag = False,
) -> None:
    """Try a version beside the live one before it takes its place, or see how that is going.

    `seal serve` does the trying. A sequential test promotes the version or reverts it, with an error rate
    that holds however often it is looked at (`rollout` in learner.toml).
    """
    if version is not None and shadow == canary:
        raise InputError("it is not said how the version is to be tried", "Add --shadow or --canary.")
    if version is None and (shadow or canary or share is not None):
        raise InputError("no version is named", "Give the id of one that is held: seal versions")
    if (judge is None) != (right is None):
        raise InputError("a verdict needs --judge and --right", "Both stand in: seal release --differences")
    learner = open_learner(workspace)
    if version is not None:
        mode: RolloutMode = "shadow" if shadow else "canary"
        learner.try_out(version, mode, share=share, reason=reason)
    if judge is not None and right is not None:
        learner.judge(judge, right)
    if end == "promote":
        moved = learner.promote(reason=reason)
        if not json:
            say_live(moved)
    elif end == "revert":
        learner.revert(reason=reason)
    _show(learner, differences, json)


def _show(learner: Learner, differences: bool, json: bool) -> None:
    views, live = learner.rollouts(), learner.live()
    told = learner.differences() if differences else []
    if json:
        print_json(
            {
                "live": live and live.id,
                "rollouts": [_json(one) for one in views],
                "differences": [asdict(one) for one in told],
            }
        )
        return
    if not views:
        say("no version was tried beside the live one yet: seal release VERSION --canary")
        return
    for line in lines_of(views[-1]):
        say(line)
    if told:
        columns = ["difference", "question", "live", "candidate", "right"]
        rows = [
            [
                str(one.id),
                one.question or "(forgotten)",
                one.given if one.side == "live" else one.other,
                one.given if one.side == "candidate" else one.other,
                f"{one.better or '?'}{f' ({one.judged_by})' if one.judged_by else ''}",
            ]
            for one in told
        ]
        Display().console.print(table("Where they differ", columns, rows, words=True))


def lines_of(view: RolloutView) -> list[str]:
    """A rollout in a few plain lines."""
    one, seen, evidence = view.rollout, view.counts, view.evidence
    what = "of the callers" if one.mode == "canary" else "of the questions"
    lines = [
        f"{one.mode} of {short(one.version)} beside {short(one.baseline)}: {100 * one.share:g} % {what}, "
        f"since {date(one.began_at)} UTC by {one.actor}",
        f"answered: {seen.answered['live']} by the live one, {seen.answered['candidate']} by the new one; "
        f"{seen.compared} by both, {seen.differing} of them differently",
        evidence.reason,
        f"evidence for it {evidence.for_it:.2f}, against it {evidence.against_it:.2f} "
        f"({evidence.threshold:.2f} nats decide)",
    ]
    if one.state != "running":
        lines.append(f"{one.state}, {date(one.ended_at or '')} UTC: {one.reason or 'no reason was given'}")
    return lines


def _json(view: RolloutView) -> dict[str, Any]:
    return {
        **asdict(view.rollout),
        "seen": asdict(view.counts),
        "evidence": {**asdict(view.evidence), "reason": view.evidence.reason},
    }
