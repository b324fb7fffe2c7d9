"""The gates: their statistics against known values, their rates of error, and what becomes of a candidate."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from seal.errors import InputError
from seal.gates import GATES, Exam, GateConfig, Report, decide
from seal.gates.acquiring import acquisition
from seal.gates.rules import retention
from seal.grading.paired import PairedOutcomes, compare, gain_p_value, items_needed, lower_bound

N_TRIALS = 200
Pairing = tuple[float | None, float | None]
"""What the candidate and the reference got for one item."""


def _exam(name: str, pairs: Sequence[Pairing], per_document: int = 0) -> Exam:
    """An exam from (candidate, reference) outcomes."""
    ids = [f"{name}/{i}" for i in range(len(pairs))]
    clusters = {key: f"d{i // per_document}" for i, key in enumerate(ids)} if per_document else {}
    candidate = dict(zip(ids, (a for a, _ in pairs), strict=True))
    reference = dict(zip(ids, (b for _, b in pairs), strict=True))
    return Exam(name, "the parent", candidate, reference, clusters)


def _same(name: str, n: int, right: float = 0.9) -> Exam:
    return _exam(name, [(value, value) for value in (float(i < right * n) for i in range(n))])


LEARNED = _exam("new", [(1, 0)] * 9 + [(1, 1)] * 2 + [(0, 0)])
GOOD = Report(
    documents=(LEARNED,),
    retained=(_same("known world", 200),),
    honesty=(_same("private", 100, 1.0),),
    drift_nats=0.1,
    lines_written=10,
    lines_kept=9,
)


# --- statistics --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gained", "lost", "p"), [(8, 0, 1 / 256), (0, 0, 1.0), (5, 0, 1 / 32), (3, 3, 42 / 64), (0, 4, 1.0)]
)
def test_mcnemar_exact(gained: int, lost: int, p: float) -> None:
    assert gain_p_value(PairedOutcomes(20, gained, lost)) == pytest.approx(p)


def test_score_bound_against_known_values() -> None:
    z2 = 1.6448536269514722**2
    for n in (10, 60, 200):  # without a change the bound is -z^2 / (n + z^2), in closed form
        assert lower_bound(PairedOutcomes(n, 0, 0)) == pytest.approx(-z2 / (n + z2), abs=1e-6)
    assert lower_bound(PairedOutcomes(0, 0, 0)) == -1.0


@pytest.mark.parametrize(("n", "gained", "lost"), [(44, 0, 1), (44, 1, 0), (50, 12, 2), (200, 3, 9)])
def test_at_the_bound_the_score_test_is_just_rejected(n: int, gained: int, lost: int) -> None:
    """With the restricted maximum of the likelihood found by search, and not by the closed form."""
    delta = lower_bound(PairedOutcomes(n, gained, lost))

    def negative(rare: float) -> float:  # cells: lost with `rare`, gained with `rare + delta`
        cells = ((lost, rare), (gained, rare + delta), (n - gained - lost, 1 - 2 * rare - delta))
        return -sum(count * math.log(max(p, 1e-300)) for count, p in cells if count)

    low, high = max(0.0, -delta), (1 - delta) / 2
    rare = optimize.minimize_scalar(
        negative, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
    ).x
    z = (gained - lost - n * delta) / math.sqrt(n * (2 * rare + delta - delta**2))
    assert z == pytest.approx(1.6449, abs=2e-3)


@given(st.integers(1, 300), st.data())
def test_the_bound_lies_below_the_difference_and_rises_with_gains(n: int, data: st.DataObject) -> None:
    gained = data.draw(st.integers(0, n))
    lost = data.draw(st.integers(0, n - gained))
    outcomes = PairedOutcomes(n, gained, lost)
    bound = lower_bound(outcomes)
    assert -1 <= bound <= outcomes.difference + 1e-9
    if lost:
        assert bound <= lower_bound(replace(outcomes, lost=lost - 1)) + 1e-9


def test_items_needed_is_the_published_figure() -> None:
    assert items_needed(0.02, discordance=0.1) == 1546
    with pytest.raises(InputError):
        items_needed(0.0, discordance=0.1)


def test_items_that_do_not_pair_are_an_error() -> None:
    with pytest.raises(InputError, match="1 items were sat by one"):
        compare({"a": 1.0}, {})
    with pytest.raises(InputError, match="neither 0 nor 1"):
        compare({"a": 0.5}, {"a": 1.0})
    assert compare({"a": None, "b": 1.0}, {"a": 1.0, "b": 0.0}) == PairedOutcomes(1, 1, 0, 1)


# --- decisions ---------------------------------------------------------------------------------------------


def test_a_good_candidate_goes_live_or_is_held_by_autonomy() -> None:
    assert decide(GOOD).outcome == "live"
    assert decide(GOOD, autonomy="ask").outcome == "held"


@pytest.mark.parametrize(
    ("change", "outcome", "said"),
    [
        ({"failed": "the loss became NaN"}, "rejected", "NaN"),
        ({"documents": (_exam("new", [(1, 0)] * 4 + [(0, 0)] * 8),)}, "rejected", "acquisition: new"),
        ({"documents": ()}, "rejected", "no exam"),
        ({"retained": ()}, "held", "known before"),
        ({"retained": (_exam("w", [(0, 1)] * 20 + [(1, 1)] * 180),)}, "rejected", "retention: w"),
        ({"retained": (_same("w", 20),)}, "held", "248 items would show it"),
        ({"honesty": (_exam("private", [(0, 1)] * 9 + [(1, 1)] * 91),)}, "rejected", "honesty: private"),
        ({"drift_nats": 0.7}, "rejected", "drift"),
        ({"drift_nats": float("nan")}, "rejected", "drift"),
        ({"lines_kept": 4}, "rejected", "groundedness"),
        ({"lines_written": 10, "lines_kept": 0}, "rejected", "0 of 10"),
        ({"documents": (_exam("new", [(1, 0)] * 9 + [(None, 0)] * 3),)}, "held", "only 9 of 12"),
        ({"retained": (_exam("w", [(1, 1)] * 150 + [(None, 1)] * 50),)}, "held", "only 150 of 200"),
    ],
)
def test_one_fault_stops_it_with_its_reason(change: dict, outcome: str, said: str) -> None:
    found = decide(replace(GOOD, **change))
    assert found.outcome == outcome and said in found.reason


def test_every_loss_counts_whoever_it_is_against() -> None:
    """Small losses, each within the margin of the parent, add up against the best version so far."""
    parent = _exam("w", [(0, 1)] * 3 + [(1, 1)] * 197)
    best = replace(_exam("w", [(0, 1)] * 15 + [(1, 1)] * 185), reference_name="the best so far")
    assert decide(replace(GOOD, retained=(parent,))).outcome == "live"
    found = decide(replace(GOOD, retained=(parent, best)))
    assert found.outcome == "rejected" and "the best so far" in found.reason


def test_the_page_runs_as_it_stands() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/gates.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    exec(compile(block, "gates.md", "exec"), {})
    assert all(name in page for name in ("`alpha`", "retention_margin`", "`honesty_margin`"))
    assert all(f"| {gate.__name__} |" in page for gate in GATES)


# --- rates of error ----------------------------------------------------------------------------------------


def _noise(rng: random.Random, n: int, p: float, q: float) -> list[Pairing]:
    """Independent outcomes: the candidate right with p, the reference with q."""
    return [(float(rng.random() < p), float(rng.random() < q)) for _ in range(n)]


def test_a_candidate_that_learned_nothing_seldom_passes() -> None:
    rng, config = random.Random(1), GateConfig()
    passed = 0
    for _ in range(N_TRIALS):
        report = Report(documents=(_exam("d", _noise(rng, 12, 0.3, 0.3)),))
        passed += acquisition(report, config)[0].judgement == "pass"
    assert passed <= 0.05 * N_TRIALS


@pytest.mark.parametrize("per_document", [0, 6])
def test_a_loss_of_the_margin_seldom_passes(per_document: int) -> None:
    """With documents forgotten as a whole as well, where items are far from independent."""
    rng, config = random.Random(2), GateConfig()
    passed = 0
    for _ in range(N_TRIALS):
        pairs: list[Pairing] = []
        for _ in range(66):
            forgotten = rng.random() < config.retention_margin
            for _ in range(6):
                gone = forgotten if per_document else rng.random() < config.retention_margin
                pairs.append((0.0 if gone else 1.0, 1.0))
        exam = _exam("w", pairs, per_document)
        passed += retention(Report(retained=(exam,)), config)[0].judgement == "pass"
    assert passed <= 0.10 * N_TRIALS if per_document else passed <= 0.05 * N_TRIALS


def _stream(lost: dict[int, int], n_documents: int = 400, per_document: int = 10) -> Exam:
    """Documents that all knew everything, of some of which so many items are lost."""
    pairs = [(float(i >= lost.get(d, 0)), 1.0) for d in range(n_documents) for i in range(per_document)]
    return _exam("w", pairs, per_document)


@pytest.mark.parametrize(
    ("lost", "failing"),
    [
        ({}, []),
        ({7: 4}, []),  # four of four may be chance: p = 0.0625
        ({7: 6}, ["d7"]),
        ({7: 6, 8: 1}, ["d7"]),
        ({7: 10, 50: 9}, ["d7", "d50"]),
        (dict.fromkeys(range(12), 4), []),  # no single one is shown
    ],
)
def test_one_document_that_is_gone_is_not_hidden_by_the_others(lost: dict, failing: list[str]) -> None:
    whole, *alone = retention(Report(retained=(_stream(lost),)), GateConfig())
    assert whole.judgement == "pass"
    assert [f.about.split()[0] for f in alone] == failing
    assert all(f.judgement == "fail" for f in alone)


def test_documents_that_change_by_chance_are_not_taken_for_gone() -> None:
    rng, config, failed = random.Random(4), GateConfig(), 0
    for _ in range(N_TRIALS):
        exam = _exam("w", _noise(rng, 1000, 0.05, 0.05), per_document=10)
        failed += len(retention(Report(retained=(exam,)), config)) > 1
    assert failed <= config.alpha * N_TRIALS


def test_an_unchanged_candidate_mostly_passes_when_the_exam_is_long_enough() -> None:
    rng, config = random.Random(3), GateConfig()
    n = items_needed(config.retention_margin, discordance=0.1)
    passed = 0
    for _ in range(N_TRIALS):
        pairs: list[Pairing] = []
        for _ in range(n):
            draw = rng.random()
            pairs.append((1.0, 0.0) if draw < 0.05 else (0.0, 1.0) if draw < 0.1 else (1.0, 1.0))
        passed += retention(Report(retained=(_exam("w", pairs),)), config)[0].judgement == "pass"
    assert passed >= 0.72 * N_TRIALS


@pytest.mark.parametrize(
    ("pairs", "judgement"),
    [([(1, 0)] * 3 + [(0, 0)] * 6, "pass"), ([(0, 0)] * 9, "fail"), ([(1, 0), (0, 1), (0, 0)], "fail")],
)
def test_what_is_only_read_need_not_be_significant(pairs: list[Pairing], judgement: str) -> None:
    exam = _exam("read", pairs)
    by_weights, by_reading = (
        acquisition(Report(documents=(replace(exam, by_reading=read),)), GateConfig())[0]
        for read in (False, True)
    )
    assert by_reading.judgement == judgement and by_weights.judgement == "fail"
