"""What a log and a pipe get: whole tables, and progress at a pace with an estimate."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from seal.cli import console
from seal.cli.console import Display, Step, table


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(console, "time", clock)
    return clock


def log(pace_s: float = 0.0) -> tuple[Display, io.StringIO]:
    written = io.StringIO()
    return Display(Console(file=written, soft_wrap=True, width=200), pace_s=pace_s), written


def test_a_table_in_a_pipe_has_every_column_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "a reason that goes on and on " * 8
    console.stdout().print(table("T", ["document", "reason", "at"], [["d" * 12, reason, "now"]], words=True))
    [_, _, row] = capsys.readouterr().out.splitlines()
    assert row.startswith("d" * 12) and reason.strip() in row and row.rstrip().endswith("now")


def test_a_narrow_terminal_wraps_running_text_and_cuts_no_digest() -> None:
    written = io.StringIO()
    narrow = Console(file=written, width=50, force_terminal=True, no_color=True, soft_wrap=True)
    narrow.print(table("T", ["document", "reason"], [["d" * 12, "a reason of many words " * 5]], words=True))
    assert "d" * 12 in written.getvalue() and "…" not in written.getvalue()
    assert written.getvalue().count("many") == 5


def test_without_a_pace_each_stage_is_told_once(clock: Clock) -> None:
    display, written = log()
    for n in range(5):
        display.progress("writing", n, 5)
    display.progress("training", 0, 1)
    assert [line.split("] ")[1] for line in written.getvalue().splitlines()] == ["writing", "training"]


def test_at_a_pace_a_log_has_a_line_every_few_seconds(clock: Clock) -> None:
    display, written = log(pace_s=5)
    for n in range(20):
        display.progress(f"Title {n // 10}: writing", n % 10, 10)
        clock.now += 1
    lines = written.getvalue().splitlines()
    assert len(lines) == 4 and "Title 0: writing, 5 of 10" in lines[1] and "Title 1: writing" in lines[2]
    assert lines[1].endswith("this step about 5 s more")


def test_the_whole_is_estimated_by_earlier_work_and_then_the_step_by_its_pace(clock: Clock) -> None:
    display, written = log(pace_s=1)
    display.expects(60)
    display.progress("a: writing", 0, 4)
    clock.now += 20
    display.progress("a: writing", 1, 4)
    clock.now += 60
    display.progress("a: writing", 2, 4)
    assert [line.rpartition("about ")[2] for line in written.getvalue().splitlines()] == [
        "1 min 0 s to go", "40 s to go", "1 min 20 s more",
    ]  # fmt: skip


def test_a_step_that_was_half_done_when_it_began() -> None:
    assert Step(50, 10.0).left_s(60, 100, 30.0) == 80.0
    assert Step(50, 10.0).left_s(50, 100, 30.0) is None and Step(0, 0.0).left_s(4, 4, 9.0) is None
