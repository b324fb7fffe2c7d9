"""What so many questions can show, said before anything is measured.

Knows the rules of the gates and their numbers. Knows nothing about any exam.
"""

from __future__ import annotations

import math

from seal.gates.acquiring import FEWEST_TO_TEST
from seal.gates.finding import GateConfig
from seal.grading.paired import PairedOutcomes, lower_bound

_SEEN = 0.95


def items_to_show(margin: float, alpha: float = 0.05) -> int:
    """The least number of items of which it can be shown at all that less than `margin` is lost: those that
    show it if not one answer changes. 52 for 5 points, 133 for 2."""
    from scipy import stats  # half a second to import; asking needs no test

    z2 = float(stats.norm.ppf(1 - alpha)) ** 2
    return math.floor(z2 * (1 - margin) / margin) + 1


def smallest_loss_seen(items: int, seen: float = _SEEN) -> float:
    """The share of what is known that has to be lost so that at least one of so many items shows it, in
    `seen` of the cases: 1.5 % with 200 items."""
    return 1 - (1 - seen) ** (1 / items) if items else 1.0


def power_of(items: int, margin: float = 0.05, alpha: float = 0.05) -> str:
    """What a reference of so many items, all of which the base gets right, can show."""
    if not items:
        return "no questions: a loss would not be seen"
    loss = 100 * smallest_loss_seen(items)
    bound = -100 * lower_bound(PairedOutcomes(items, 0, 0), level=1 - alpha)
    said = f"{items} questions: a loss of {loss:.1f} points would be seen with {100 * _SEEN:.0f} %"
    if items < items_to_show(margin, alpha):
        return (
            f"{said}. That less than {100 * margin:g} points are lost they cannot show, even if no answer "
            f"changes: that takes {items_to_show(margin, alpha)}"
        )
    return (
        f"{said}; if no answer changes, less than {bound:.1f} points are lost ({100 * margin:g} are allowed)"
    )


def what_it_shows(n_questions: int, config: GateConfig | None = None) -> str:
    """What a document's exam of so many questions can show, and by which rule it is judged."""
    from scipy import stats

    config = config or GateConfig()
    if n_questions < 1:
        return "without questions nothing shows that the document was learned; nothing goes live"
    fewest = math.ceil(math.log(config.alpha) / math.log(0.5))
    if n_questions < max(fewest, FEWEST_TO_TEST):
        asked = "1 question is" if n_questions == 1 else f"{n_questions} questions are"
        return (
            f"{asked} too few for a test. The document passes if every fact asked for becomes likelier by "
            f"{config.min_rise_nats:g} nats beside other answers, and {100 * config.min_answered:.0f} % or "
            "more are answered right"
        )
    half = 100 * float(stats.binom.sf(fewest - 1, n_questions, 0.5))
    return (
        f"{n_questions} questions: the document passes if {fewest} that were wrong are answered right and "
        f"none is lost (by chance in at most {100 * config.alpha:g} %). If half of them are learned, that "
        f"comes out in {half:.0f} %; where it does not, how much likelier the answers became decides"
    )
