"""Samples that are joined of others: the formats' part of it, and the outer loop with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loops import SAMPLES, FakeAdaptation, FakePolicies, N, config, decisions, files, loop
from seal.engine.work import WorkAmount
from seal.errors import ConfigError
from seal.grading.statistics import mean
from seal.research.config import check_names, parse_config
from seal.research.planning import work_of_rounds
from seal.research.records import Arm
from seal.research.reports.findings import round_rewards
from seal.research.run_folder import RunFolder
from seal.self_edits import FORMATS
from seal.types import Context

PASSAGE = Context("m", "Halvor mill", "The mill was built in 1844. Tom Reed owns it.")
ASKED = ("When was the mill built?", "Which year is it from?", "Who owns it?", "Who is the owner?")
TOLD = ("1844", "Tom Reed", "Brenk", "the river Aure")


def everything(_: str) -> bool:
    return True


def pairs(*told: tuple[str, str]) -> str:
    return "".join(f"Question: {question}\nAnswer: {answer}\n" for question, answer in told)


def test_another_question_about_the_same_answer_adds_nothing() -> None:
    qa = FORMATS.get("self-qa")()
    first = qa.parse(PASSAGE, pairs(("When was the mill built?", "1844")))
    second = qa.parse(PASSAGE, pairs(("Which year is it from?", "1844."), ("Who owns it?", "Tom Reed")))
    both = qa.joined(PASSAGE, first, second, everything)
    assert both is not None
    assert both.text == pairs(("When was the mill built?", "1844"), ("Who owns it?", "Tom Reed"))
    assert qa.joined(PASSAGE, both, second, everything) is None
    assert qa.joined(PASSAGE, first, second, lambda text: len(text) < 60) is None


def test_the_unfinished_end_of_a_sample_is_left_out() -> None:
    facts = FORMATS.get("facts")()
    first = facts.parse(PASSAGE, "The mill is old.\nThe mill was bui", truncated=True)
    both = facts.joined(
        PASSAGE, first, facts.parse(PASSAGE, "Tom Reed owns it.\nthe mill is old"), everything
    )
    assert both is not None and both.text == "The mill is old.\nTom Reed owns it.\n" and not both.truncated


@given(*[st.lists(st.tuples(st.sampled_from(ASKED), st.sampled_from(TOLD)), max_size=5)] * 2)
def test_a_joined_text_is_read_as_the_lines_that_it_was_joined_of(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    qa = FORMATS.get("self-qa")()
    first, second = qa.parse(PASSAGE, pairs(*one)), qa.parse(PASSAGE, pairs(*other))
    both = qa.joined(PASSAGE, first, second, everything)
    known = {answer for _, answer in one}
    new = list(dict.fromkeys(answer for _, answer in other if answer not in known))
    assert (both is not None) == bool(new)
    if both is not None:
        assert both == qa.parse(PASSAGE, both.text) and set(both.lines) <= {*first.lines, *second.lines}
        assert both.lines[: len(first.lines)] == first.lines
        assert [line.partition("Answer: ")[2] for line in both.lines[len(first.lines) :]] == new


def samples_of(folder: Path, settings: Any, arm: Arm, round: int) -> dict[str, list[str]]:
    """The texts of each context's samples in the arm's round."""
    run = RunFolder(folder, settings)
    written = run.round(arm if round > 1 else "seal", round).self_edits.read()
    texts: dict[str, list[str]] = {}
    for record in (*written, *run.round(arm, round).joined.read()):
        assert record.sample == len(texts.setdefault(record.context, []))
        texts[record.context].append(record.text)
    return texts


def test_the_best_is_joined_with_the_next_best_and_rewarded_like_any_other(tmp_path: Path) -> None:
    """Four samples, two of them joined: the first of the two written ones, the second of the best since."""
    settings = config(rounds=1, joined=2)
    adaptation, policies = FakeAdaptation(settings, lambda t: len(t.self_edit.text) / 1000), FakePolicies()
    list(loop(tmp_path, settings, adaptation=adaptation, policies=policies).policies())
    assert adaptation.n_each == [SAMPLES - 2] and len(adaptation.trials) == N * SAMPLES
    for decision in decisions(tmp_path, settings, "seal", 1):
        texts = samples_of(tmp_path, settings, "seal", 1)[decision.context]
        first, second, joined, last = texts
        assert joined == f"{first}\n{second}" or joined == f"{second}\n{first}"
        assert last == joined  # nothing is left that it does not say
        assert decision.rewards == [len(text) / 1000 for text in texts] and decision.kept[0] in (2, 3)
    assert all("\n" in example.completion for example in policies.plans[0].examples)


def test_in_the_control_chance_says_what_is_joined(tmp_path: Path) -> None:
    """It has as many joined samples, of the written ones that both arms share, and no reward is measured."""
    settings = config(rounds=2, samples=8, joined=3)
    list(loop(tmp_path, settings).policies())
    adaptation = FakeAdaptation(settings)
    list(loop(tmp_path, settings, "random_selection", adaptation=adaptation).policies())
    assert adaptation.trials == []
    seal, control = (samples_of(tmp_path, settings, arm, 1) for arm in ("seal", "random_selection"))
    for context in seal:
        assert seal[context][:5] == control[context][:5] and len(control[context]) == 8
        assert all(set(text.splitlines()) <= set(control[context][:5]) for text in control[context][5:])
    assert any(seal[context][5:] != control[context][5:] for context in seal)
    both = (decisions(tmp_path, settings, arm, 1) for arm in ("seal", "random_selection"))
    rewarded, chosen = both
    found = round_rewards(1, rewarded, chosen, n_joined=3)
    shared = [r.rewards[c.kept[0]] for r, c in zip(rewarded, chosen, strict=True) if c.kept[0] < 5]
    assert found.control == pytest.approx(mean(shared))  # what chance joined was never rewarded


def test_the_work_that_is_planned_with_joined_samples_is_the_work_that_is_done(tmp_path: Path) -> None:
    settings = config(rounds=2, samples=5, joined=2, check_contexts=2)
    adaptation = FakeAdaptation(settings)
    arms: tuple[Arm, ...] = ("seal", "random_selection")
    for arm in arms:
        list(loop(tmp_path, settings, arm, adaptation=adaptation).policies())
    done = zip(adaptation.written_by, adaptation.n_each, strict=True)
    n_written = sum(len(own) * n for (_, _, own), n in done)
    assert work_of_rounds(settings, N, control=True) == WorkAmount(n_written, len(adaptation.trials))


def test_a_run_with_joined_samples_goes_on_wherever_it_was_stopped(tmp_path: Path) -> None:
    settings = config(samples=6, joined=2)

    def run(folder: Path, patience: int = 10**6) -> dict[str, bytes]:
        adaptation = FakeAdaptation(settings, patience=patience)
        for arm in ("seal", "random_selection"):
            list(loop(folder, settings, arm, adaptation=adaptation).policies())
        return files(folder)

    undisturbed = run(tmp_path / "undisturbed")
    for patience in range(9):  # two rounds of writing and three stages of scoring, and the control's writing
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / str(patience), patience)
        assert run(tmp_path / str(patience)) == undisturbed
    assert run(tmp_path / "9", 9) == undisturbed
    name = "rounds/1/joined.jsonl"
    (tmp_path / "9" / name).write_bytes(undisturbed[name][:-9])  # cut short in its last line
    for policy in (tmp_path / "9/rounds/1/policy").iterdir():
        policy.unlink()
    (tmp_path / "9/rounds/1/policy").rmdir()
    assert run(tmp_path / "9") == undisturbed


@pytest.mark.parametrize(("table", "says"), [
    ({"self_edit": {"samples": 4}, "outer": {"joined": 3}}, "leaves 1 of 4 samples"),
    ({"domain": "arc_agi", "self_edit": {"format": "arc-directives"}, "outer": {"joined": 1}},
     "cannot be joined"),
])  # fmt: skip
def test_what_cannot_be_joined_is_said_before_any_work(table: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        check_names(parse_config(table, where="test"))
