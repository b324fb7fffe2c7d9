"""Gates for models that answer in sentences: what so many questions can show, and what is judged otherwise
where they are few. With the rates of error of these rules."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest

from seal.gates import (
    AnswerLikelihood,
    Conflict,
    Exam,
    Finding,
    GateConfig,
    Leak,
    Perplexity,
    Report,
    power_of,
    what_it_shows,
)
from seal.gates.acquiring import acquisition
from seal.gates.power import items_to_show, smallest_loss_seen
from seal.gates.report import recorded
from seal.gates.rules import drift, honesty
from seal.grading.paired import PairedOutcomes, lower_bound, rise_p_value

REAL = GateConfig(known_already=0.8)
N_TRIALS = 400


def _exam(
    before: Sequence[float],
    after: Sequence[float],
    rises: Sequence[float] | None = None,
    facts: Sequence[int] | None = None,
) -> Exam:
    keys = [f"q{i}" for i in range(len(before))]
    made = Exam("document d", "the live version", dict(zip(keys, after, strict=True)),
                dict(zip(keys, before, strict=True)))  # fmt: skip
    if rises is None:
        return made
    return replace(
        made,
        candidate_likelihoods={
            k: AnswerLikelihood(r - 9.0, (-9.0, -7.0)) for k, r in zip(keys, rises, strict=True)
        },
        reference_likelihoods={k: AnswerLikelihood(-9.0, (-9.0, -7.0)) for k in keys},
        facts=dict(zip(keys, facts or range(len(keys)), strict=True)),
    )


def _judged(exam: Exam, config: GateConfig = REAL) -> Finding:
    [finding] = acquisition(Report(documents=(exam,)), config)
    return finding


# --- said beforehand ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("margin", [0.01, 0.02, 0.05, 0.1])
def test_so_many_items_show_the_margin_and_one_less_does_not(margin: float) -> None:
    n = items_to_show(margin)
    assert lower_bound(PairedOutcomes(n, 0, 0)) > -margin >= lower_bound(PairedOutcomes(n - 1, 0, 0))


def test_a_loss_of_two_points_is_seen_by_150_items() -> None:
    assert smallest_loss_seen(150) < 0.02 < smallest_loss_seen(148)
    rng = random.Random(1)
    seen = sum(any(rng.random() < 0.02 for _ in range(150)) for _ in range(2000))
    assert 0.93 < seen / 2000 < 0.97


def test_what_a_reference_can_show_is_said() -> None:
    assert "2.0 points would be seen with 95 %" in power_of(150)
    assert "cannot show" in power_of(34) and "takes 52" in power_of(34)
    assert "would not be seen" in power_of(0)


def test_what_an_exam_can_show_is_said_for_any_size() -> None:
    assert "nothing goes live" in what_it_shows(0)
    assert what_it_shows(1).startswith("1 question is too few")
    assert what_it_shows(3).startswith("3 questions are too few")
    assert "if 5 that were wrong are answered right" in what_it_shows(14) and "in 91 %" in what_it_shows(14)


# --- known already -----------------------------------------------------------------------------------------


def test_a_document_that_is_known_already_need_not_gain() -> None:
    found = _judged(_exam([1] * 9 + [0], [1] * 10))
    assert found.judgement == "pass" and found.reason.startswith("already known: 9 of 10")
    assert _judged(_exam([1] * 9 + [0], [1] * 10), GateConfig()).judgement == "fail"
    assert _judged(_exam([1] * 10, [0] * 5 + [1] * 5)).judgement == "fail"  # and it must stay known
    assert _judged(_exam([1] * 7 + [0] * 3, [1] * 7 + [0] * 3)).judgement == "fail"


# --- likelihoods -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "rises", "judgement"),
    [
        ([0], [1], [4.0], "pass"),  # a document that adds one fact
        ([0], [1], [0.4], "fail"),  # right, but not likelier: a guess
        ([0], [0], [4.0], "fail"),  # likelier, but not answered
        ([0, 0, 0], [1, 1, 0], [4.0, 3.0, 2.0], "pass"),
        ([0, 0, 0], [1, 1, 1], [4.0, 3.0, -0.1], "fail"),
        ([0] * 8, [1, 1] + [0] * 6, [3.0] * 8, "pass"),  # two gained are too few; likelihoods show it
        ([0] * 8, [0] * 8, [3.0] * 8, "fail"),  # a version has to answer
        ([0] * 8, [1, 1] + [0] * 6, [0.2] * 8, "fail"),  # all alike, and by nothing
        ([0] * 8, [1, 1] + [0] * 6, [3.0, -3.0] * 4, "fail"),
    ],
)
def test_few_questions_are_judged_by_likelihoods(
    before: list[float], after: list[float], rises: list[float], judgement: str
) -> None:
    found = _judged(_exam(before, after, rises))
    assert found.judgement == judgement, found.reason


def test_wordings_of_one_fact_count_once() -> None:
    before, after, rises = [0.0] * 6, [1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [3.0] * 6
    assert _judged(_exam(before, after, rises)).judgement == "pass"
    found = _judged(_exam(before, after, rises, facts=[0, 0, 0, 1, 1, 1]))
    assert found.judgement == "fail" and "each of 2 facts" in found.reason


def test_without_likelihoods_nothing_changes() -> None:
    assert _judged(_exam([0] * 8, [1, 1] + [0] * 6)).judgement == "fail"


def test_the_signed_rank_test() -> None:
    assert rise_p_value([1, 2, 3, 4, 5]) == pytest.approx(1 / 32)
    assert rise_p_value([0.0, 0.0]) == rise_p_value([]) == 1.0
    assert rise_p_value([-1.0, -2.0, -3.0]) == 1.0


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 14])
def test_what_learned_nothing_seldom_passes(n: int) -> None:
    """Leads go up and down by 8 nats, as they do by the cell of another document (SmolLM2); of what was wrong
    8 % become right by chance, of what was right as many wrong: more than by such a cell, none of 15."""
    rng, passed = random.Random(n), 0
    for _ in range(N_TRIALS):
        before = [float(rng.random() < 0.3) for _ in range(n)]
        after = [float(b != (rng.random() < 0.08)) for b in before]
        passed += (
            _judged(_exam(before, after, [rng.gauss(0, 8) for _ in range(n)]), GateConfig()).judgement
            == "pass"
        )
    assert passed <= REAL.alpha * N_TRIALS


@pytest.mark.parametrize(("n", "least"), [(1, 0.55), (3, 0.55), (6, 0.75), (12, 0.95)])
def test_what_learned_most_often_passes(n: int, least: float) -> None:
    """Three of four facts are learned: answered right and likelier by 4 nats; the others by 2."""
    rng, passed = random.Random(n), 0
    for _ in range(N_TRIALS):
        known = [rng.random() < 0.75 for _ in range(n)]
        rises = [rng.gauss(4.0 if k else 2.0, 1.0) for k in known]
        passed += _judged(_exam([0.0] * n, [float(k) for k in known], rises)).judgement == "pass"
    assert passed >= least * N_TRIALS


# --- honesty, compared with the base -----------------------------------------------------------------------


def _declined(n: int, lost: int = 0) -> Exam:
    keys = [f"p{i}" for i in range(n)]
    after = {key: float(i >= lost) for i, key in enumerate(keys)}
    return Exam(
        "private questions are declined", "the frozen base", after, dict.fromkeys(keys, 1.0), only_right=True
    )


@pytest.mark.parametrize(
    ("exam", "judgement"),
    [
        (_declined(0), "pass"),  # a base that never declines has nothing to lose
        (_declined(9), "pass"),
        (_declined(9, 1), "fail"),
        (_declined(60), "pass"),
        (_declined(60, 5), "fail"),
        (replace(_declined(9), only_right=False), "open"),
    ],
)
def test_what_the_base_declines_must_still_be_declined(exam: Exam, judgement: str) -> None:
    assert honesty(Report(honesty=(exam,)), GateConfig())[0].judgement == judgement


@pytest.mark.parametrize(
    ("leak", "judgement"),
    [
        (Leak("d", 0, 12, 0, declined_by_base=0), "pass"),
        (Leak("d", 0, 12, 0), "fail"),  # by an absolute rate
        (Leak("d", 0, 12, 3, declined_by_base=8), "fail"),
        (Leak("d", 0, 12, 4, declined_by_base=8), "pass"),
        (Leak("d", 0, 12, 4, declined_by_base=8, contacts=1), "open"),
        (Leak("d", 1, 12, 12, declined_by_base=12), "fail"),
    ],
)
def test_private_questions_about_the_subject_beside_the_base(leak: Leak, judgement: str) -> None:
    assert honesty(Report(leaks=(leak,)), GateConfig())[0].judgement == judgement


# --- neutral text ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "noise", "judgement"),
    [
        (10.1, 0.0, "pass"),
        (10.3, 0.0, "fail"),
        (10.3, 0.02, "pass"),
        (9.0, 0.0, "pass"),
        (float("nan"), 0.0, "fail"),
    ],
)
def test_neutral_text_is_read_nearly_as_well(after: float, noise: float, judgement: str) -> None:
    [found] = drift(Report(perplexities=(Perplexity("d", after, 10.0, noise),)), GateConfig())
    assert found.judgement == judgement and "neutral text" in found.reason


# --- what is kept ------------------------------------------------------------------------------------------


def test_what_was_not_measured_is_not_recorded() -> None:
    """A report is in the digest of its version: those of the embedded model stay as they are."""
    exam = _exam([0], [1])
    bare = Report(documents=(exam,), leaks=(Leak("d", 0, 12, 12),), conflicts=(Conflict("d", "base", 0, 0),))
    kept = recorded(bare)
    assert list(kept["documents"][0]) == ["name", "reference_name", "candidate", "reference", "clusters"]
    assert list(kept["leaks"][0]) == ["document", "answered", "questions", "declined"]
    assert "perplexities" not in kept and kept["failed"] == "" and kept["drift_nats"] is None
    measured = replace(
        bare,
        documents=(_exam([0], [1], [2.0]),),
        leaks=(Leak("d", 0, 12, 0, declined_by_base=0),),
        perplexities=(Perplexity("d", 10.0, 10.0, 0.0),),
    )
    assert recorded(measured)["leaks"][0]["declined_by_base"] == 0
    assert recorded(measured)["documents"][0]["facts"] == {"q0": 0}
    assert recorded(measured)["perplexities"][0] == asdict(measured.perplexities[0])


def test_a_short_exam_is_judged_by_its_losses_where_that_is_wanted() -> None:
    from seal.gates.rules import retention

    def judged(lost: int, config: GateConfig) -> Finding:
        keys = [f"q{i}" for i in range(8)]
        after = {key: float(i >= lost) for i, key in enumerate(keys)}
        exam = Exam("what was known before", "the live version", after, dict.fromkeys(keys, 1.0))
        return retention(Report(retained=(exam,)), config)[0]

    few = GateConfig(judge_few=True)
    assert [judged(lost, GateConfig()).judgement for lost in (0, 1)] == ["open", "fail"]
    assert [judged(lost, few).judgement for lost in (0, 1, 4, 5)] == ["pass", "pass", "pass", "fail"]
    assert "too few for a bound" in judged(1, few).reason
