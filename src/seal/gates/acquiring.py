"""The gate on acquisition: was a new document learned?

Knows exams before and after. Answers that became right decide, and where they are too few to tell, how much
likelier each fact's answer became beside other answers to the same question. A cell that learned nothing but
a manner of answering makes all of them likelier alike, which does not count.
"""

from __future__ import annotations

from seal.gates.finding import Finding, GateConfig, Judgement
from seal.gates.report import Exam, Report
from seal.grading.paired import PairedOutcomes, compare, gain_p_value, rise_p_value

FEWEST_TO_TEST = 5
"""Of fewer changes not even one that all go the same way is shown at 5 % (0.5 to the power of 4 is 6 %)."""


def acquisition(report: Report, config: GateConfig) -> list[Finding]:
    """Each document was learned: more items were gained than lost, by the one-sided exact McNemar test.

    A document that supersedes another changes only a few answers, too few to test. It passes if more was
    gained than lost and at least `min_update` of its exam is answered afterwards. A document that was known
    already has nothing to gain: it may go live, since it gives the source of what is known. What else is too
    short for the test is judged by likelihoods, where these were measured (`_likelier`). What is only read
    has changed no weights: there it is enough that more was gained than lost.
    """
    updates = {c.document[:12] for c in report.conflicts if c.against != "base" and c.contradicted}
    return [_acquired(e, e.name.rpartition(" ")[2] in updates, config) for e in report.documents]


def _acquired(exam: Exam, supersedes: bool, config: GateConfig) -> Finding:
    outcomes = compare(exam.candidate, exam.reference)
    if outcomes.coverage < config.min_coverage:
        reason = f"only {outcomes.n} of {len(exam.candidate)} items could be graded"
        return Finding("acquisition", exam.name, "open", reason)
    p = gain_p_value(outcomes)
    reason = f"{outcomes.gained} gained, {outcomes.lost} lost of {outcomes.n} items, p = {p:.3f}"
    learned = p <= config.alpha or (exam.by_reading and outcomes.gained > outcomes.lost)
    if not learned and supersedes and outcomes.gained > outcomes.lost:
        share = sum(v == 1 for v in exam.candidate.values()) / max(1, len(exam.candidate))
        reason += f"; it supersedes another, and {100 * share:.0f} % of its exam is answered"
        learned = share >= config.min_update
    before, after = (sum(v == 1 for v in side.values()) for side in (exam.reference, exam.candidate))
    if not learned and outcomes.n and min(before, after) >= config.known_already * outcomes.n:
        reason = f"already known: {before} of {outcomes.n} were right before it was learned, {after} are now"
        learned = True
    if not learned and exam.candidate_likelihoods:
        learned, more = _likelier(exam, outcomes, config)
        reason += f"; {more}"
    judgement: Judgement = "pass" if learned else "fail"
    return Finding("acquisition", exam.name, judgement, reason)


def _likelier(exam: Exam, outcomes: PairedOutcomes, config: GateConfig) -> tuple[bool, str]:
    """Whether the facts' answers became likelier, and more of them right.

    Of five facts or more by the one-sided signed-rank test (Wilcoxon 1945) over facts, with a mean rise of at
    least `min_rise_nats`. Of fewer by a plain rule: every fact rose by so much, and at least `min_answered`
    of the exam is right. In both cases more answers were gained than lost.
    """
    rises = fact_rises(exam)
    n, least, mean = len(rises), min(rises), sum(rises) / len(rises)
    gained = outcomes.gained > outcomes.lost
    if n >= FEWEST_TO_TEST:
        p = rise_p_value(rises)
        up = sum(rise > 0 for rise in rises)
        said = f"the answers to {up} of {n} facts became likelier, on average {mean:+.1f} nats, p = {p:.3f}"
        return gained and p <= config.alpha and mean >= config.min_rise_nats, said
    share = sum(v == 1 for v in exam.candidate.values()) / max(1, outcomes.n)
    said = (
        f"too few to test: each of {n} facts has to become likelier by {config.min_rise_nats:g} nats (the "
        f"least did by {least:+.1f}), and {100 * config.min_answered:.0f} % to be answered right "
        f"({100 * share:.0f} % are)"
    )
    return gained and least >= config.min_rise_nats and share >= config.min_answered, said


def fact_rises(exam: Exam) -> list[float]:
    """By how many nats each fact's answer gained on other answers, the mean of the questions about it."""
    facts: dict[int, list[float]] = {}
    for n, (key, now) in enumerate(exam.candidate_likelihoods.items()):
        rise = now.lead_nats - exam.reference_likelihoods[key].lead_nats
        facts.setdefault(exam.facts.get(key, -1 - n), []).append(rise)
    return [sum(own) / len(own) for own in facts.values()]
