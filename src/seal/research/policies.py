"""A policy: how it is fine-tuned, kept in the run's folder, and loaded again.

The policy is the model that writes self-edits. Knows nothing about how its training examples were chosen.
"""

from __future__ import annotations

import copy
import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from safetensors import SafetensorError

from seal.engine.adapt import Adaptation
from seal.engine.card import write_card
from seal.errors import TrainingError
from seal.files import write_beside
from seal.models import load_model, save_model, score_answers
from seal.research.run_folder import RoundFolder
from seal.training import Adapter, merge, train
from seal.training.adapter import keeps_transposed, load_peft, save_peft, stacked
from seal.types import Example, TrainingPlan

ADAPTER = "adapter"


class Policies:
    """The policies of one run, all fine-tuned from the base of `adaptation`."""

    def __init__(self, adaptation: Adaptation) -> None:
        self.adaptation = adaptation
        self._adapters: WeakKeyDictionary[Any, Adapter] = WeakKeyDictionary()

    def fine_tuned(self, policy: Any, plan: TrainingPlan, stage: str) -> tuple[Any, float]:
        """A new policy and its last loss; the old one is left as it was. Raises TrainingError if training
        diverged."""
        [adapter] = train(
            policy,
            self.adaptation.tokenizer,
            [plan],
            on_progress=lambda done, total: self.adaptation.on_progress(stage, done, total),
        )
        if adapter.failed:
            raise TrainingError(f"{stage}: {adapter.failed}", "Lower outer.learning_rate.")
        updated = copy.deepcopy(policy)
        merge(updated, adapter)
        before = self._adapters.get(policy)
        self._adapters[updated] = adapter if before is None else stacked(before, adapter)
        return updated, adapter.losses[-1]

    def log_probabilities(self, policy: Any, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """The log-probability of each token of each example's completion, its end included, after its
        prompt."""
        pairs = [(example.prompt, example.completion) for example in examples]
        scores = score_answers(policy, self.adaptation.tokenizer, pairs, append_eos=True)
        return [score.token_logs for score in scores]

    def save(self, policy: Any, place: RoundFolder) -> None:
        """Keep the policy of a round: whole, or not at all if the run is cut off here."""
        write_beside(place.policy, lambda beside: self._write(policy, place, beside))
        self._tell(policy, place)

    def load(self, place: RoundFolder) -> Any:
        base = self.adaptation.model
        dtype = str(base.dtype).removeprefix("torch.")
        policy = load_model(place.policy, dtype=dtype, device=base.device)[0]
        if self.adaptation.endpoint is not None:
            self._adapters[policy] = load_peft(place.policy / ADAPTER, base)
            self._tell(policy, place)
        return policy

    def _tell(self, policy: Any, place: RoundFolder) -> None:
        """Tells who samples elsewhere where a policy's adapter is."""
        if self.adaptation.endpoint is not None:
            self.adaptation.endpoint.policy_at(policy, place.policy / ADAPTER)

    def _write(self, policy: Any, place: RoundFolder, folder: Path) -> None:
        try:
            save_model(policy, self.adaptation.tokenizer, folder)
        except SafetensorError as error:  # how safetensors reports what the system refused
            raise OSError(errno.ENOSPC if "os error 28" in str(error) else errno.EIO, str(error)) from error
        config = self.adaptation.config
        if self.adaptation.endpoint is not None:  # the policy as what a server adds to the base
            transposed = keeps_transposed(policy)
            save_peft(self._adapters[policy], folder / ADAPTER, config.model.name, transposed=transposed)
        write_card(
            folder,
            base=config.model.name,
            arm=place.arm,
            round=place.round,
            format=config.self_edit.format,
            style=self.adaptation.style,
            seed=config.seed,
        )
