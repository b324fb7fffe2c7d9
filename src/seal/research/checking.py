"""No round may be worse than the one before: a policy is taken over only if it is shown to be better.

On contexts that are kept for this and train nothing, the policy in force and the one that a round proposes
write one self-edit each, with the same seeds, and each is rewarded as in training. The proposed one is taken
over if the rise, paired by context, is more than chance explains (the one-sided signed-rank test); else the
policy in force stays, which costs nothing where the two are equally good. The error of a round is
`outer.check_error` divided by the number of rounds, so that with at most this probability any round takes
over a policy that is no better than the one before (Bonferroni).

Knows nothing about how a policy came to be; both arms are checked alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seal.grading.paired import rise_p_value
from seal.grading.statistics import mean
from seal.research.records import Arm, CheckRecord
from seal.research.run_folder import RunFolder
from seal.research.samples import Rewards, SampleScorer
from seal.types import Context


class PolicyCheck:
    """The checks of one arm's rounds on the contexts that are kept for it."""

    def __init__(
        self, sampling: SampleScorer, folder: RunFolder, contexts: Sequence[Context], arm: Arm
    ) -> None:
        self.sampling, self.folder, self.contexts = sampling, folder, contexts
        self.arm: Arm = arm
        self.outer = folder.config.outer

    def taken(self, round: int, before: Any, proposed: Any) -> bool:
        """Whether the policy that a round proposes is taken over in place of that before it. It is, where no
        contexts are kept. The check goes into the round's folder."""
        if not self.contexts:
            return True
        standing = self.standing(round - 1)
        old = self._rewards(standing, before)
        new = self._rewards(round, proposed)
        both = [(a, b) for key in new if (a := old[key]) is not None and (b := new[key]) is not None]
        p_value = rise_p_value([b - a for a, b in both])
        error = self.outer.check_error / self.outer.rounds
        taken = p_value <= error
        record = CheckRecord(
            round,
            len(both),
            mean(a for a, _ in both),
            mean(b for _, b in both),
            p_value,
            error,
            taken,
            round if taken else standing,
        )
        self.folder.round(self.arm, round).keep_check(record)
        return taken

    def standing(self, round: int) -> int:
        """The round whose policy is in force after this one."""
        check = self.folder.round(self.arm, round).check if round else None
        return check.standing if check else 0

    def _rewards(self, round: int, policy: Any) -> Rewards:
        """What the self-edits are worth that the policy which a round proposed writes; that of round 0 is the
        base's, in both arms."""
        place = self.folder.round(self.arm if round else "seal", round)
        stage = f"round {round}: writing for the check" if round else "writing for the checks, by the base"
        seed = f"{self.folder.config.seed}/check"
        written = self.sampling.write(
            place.check_self_edits, self.contexts, 1, policy, seed=seed, stage=stage
        )
        return self.sampling.rewards(
            place.check_scores,
            policy,
            [one for own in written for one in own],
            stage=f"round {round}: checking the policy",
            lines_only=not self.outer.reward_with_passage,
        )
