"""By what answers are written and scored: the model itself, in the caller's thread, or a decoding loop that
answers what many threads ask in common passes.

Knows prompts and adapters; nothing about cells, documents or versions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

from seal.engine.adapt import Adaptation, answer_stop
from seal.engine.serving import AdapterSource, Completion, DecodingLoop, Request
from seal.learner.asking import led, probabilities_of, sure_answers, told_by_logs
from seal.learner.caches import SureText
from seal.models import AnswerScore, score_answers
from seal.models.generate import Generation, generate
from seal.models.tokens import encode_prompt
from seal.training import AdapterBank

_T = TypeVar("_T")


class Speaker(Protocol):
    """Prompt i is answered by the adapter `sources[slots[i]]`, or all of them by the base if there are no
    sources."""

    adaptation: Adaptation

    def answers(
        self,
        prompts: Sequence[str],
        sources: Sequence[AdapterSource] = (),
        slots: Sequence[int] = (),
        *,
        longest_tokens: int = 0,
    ) -> list[SureText]:
        """What is answered in an exam, and how likely that is as a whole. `longest_tokens`: in place of the
        configured longest answer."""
        ...

    def probabilities(
        self,
        prompts: Sequence[str],
        answers: Sequence[str],
        sources: Sequence[AdapterSource] = (),
        slots: Sequence[int] = (),
        written: Sequence[Generation] = (),
    ) -> list[float]:
        """How likely each answer is as a whole after its prompt; 0 for an empty one. What was `written` to
        the prompts says it where it is the same (`probabilities_of`)."""
        return probabilities_of(
            prompts,
            led(self.adaptation, answers),
            lambda pairs, places: self.scores(pairs, sources, [slots[i] for i in places] if sources else ()),
            tokenizer=self.adaptation.tokenizer,
            written=written,
        )

    def scores(
        self,
        pairs: Sequence[tuple[str, str]],
        sources: Sequence[AdapterSource] = (),
        slots: Sequence[int] = (),
    ) -> list[AnswerScore]:
        """How likely the second text of each pair is after the first."""
        ...

    def written(
        self, prompts: Sequence[str], source: AdapterSource, *, max_new_tokens: int, stop: tuple[str, ...]
    ) -> list[Generation]:
        """What one adapter writes to each prompt, greedily, with its logs if they say how likely it is."""
        ...

    def alone(self, function: Callable[[], _T]) -> _T:
        """Calls what runs the model by itself, at a time when it may."""
        ...


class DirectSpeaker(Speaker):
    """The model, run in the thread that asks; two threads may not ask at once."""

    def __init__(self, adaptation: Adaptation) -> None:
        self.adaptation = adaptation

    def answers(
        self,
        prompts: Sequence[str],
        sources: Sequence[AdapterSource] = (),
        slots: Sequence[int] = (),
        *,
        longest_tokens: int = 0,
    ) -> list[SureText]:
        if not sources:
            return sure_answers(self.adaptation, prompts)
        with self._bank(sources) as bank:
            known = [sources[slot].known for slot in slots]
            return sure_answers(
                self.adaptation, prompts, bank, slots, longest_tokens=longest_tokens, known=known
            )

    def scores(
        self,
        pairs: Sequence[tuple[str, str]],
        sources: Sequence[AdapterSource] = (),
        slots: Sequence[int] = (),
    ) -> list[AnswerScore]:
        model, tokenizer = self.adaptation.model, self.adaptation.tokenizer
        if not sources:
            return score_answers(model, tokenizer, pairs)
        with self._bank(sources) as bank:
            return score_answers(model, tokenizer, pairs, adapters=bank, slots=slots)

    def written(
        self, prompts: Sequence[str], source: AdapterSource, *, max_new_tokens: int, stop: tuple[str, ...]
    ) -> list[Generation]:
        with self._bank([source]) as bank:
            return generate(
                self.adaptation.model,
                self.adaptation.tokenizer,
                prompts,
                adapters=bank,
                slots=[0] * len(prompts),
                max_new_tokens=max_new_tokens,
                stop=stop,
                with_logs=told_by_logs(self.adaptation.model),
            )

    def alone(self, function: Callable[[], _T]) -> _T:
        return function()

    def _bank(self, sources: Sequence[AdapterSource]) -> AdapterBank:
        return AdapterBank.of(self.adaptation.model, [source.load() for source in sources])


class LoopSpeaker(Speaker):
    """A decoding loop of the same model: what threads ask at the same time is answered in common passes.

    What is called by `alone` has the model to itself, and speaks by it. A thread is inside `waiting` while it
    waits for the loop.
    """

    def __init__(
        self,
        adaptation: Adaptation,
        loop: DecodingLoop,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        assert loop.model is adaptation.model
        self.adaptation, self.loop, self.waiting = adaptation, loop, waiting
        self._direct = DirectSpeaker(adaptation)

    def answers(
        self,
        prompts: Sequence[str],
        sources: Sequence[AdapterSource] = (),
        slots: Sequence[int] = (),
        *,
        longest_tokens: int = 0,
    ) -> list[SureText]:
        if self.loop.inside:
            return self._direct.answers(prompts, sources, slots, longest_tokens=longest_tokens)
        longest = longest_tokens or self.adaptation.answer_tokens
        said = self._written(prompts, _each(prompts, sources, slots), longest, answer_stop(self.adaptation))
        texts = [self.adaptation.domain.clean_answer(one.text) for one in said]
        return list(zip(texts, self.probabilities(prompts, texts, sources, slots, said), strict=True))

    def scores(
        self,
        pairs: Sequence[tuple[str, str]],
        sources: Sequence[AdapterSource] = (),
        slots: Sequence[int] = (),
    ) -> list[AnswerScore]:
        if self.loop.inside:
            return self._direct.scores(pairs, sources, slots)
        with self.waiting():
            return self.loop.score(pairs, _each(pairs, sources, slots))

    def written(
        self, prompts: Sequence[str], source: AdapterSource, *, max_new_tokens: int, stop: tuple[str, ...]
    ) -> list[Generation]:
        if self.loop.inside:
            return self._direct.written(prompts, source, max_new_tokens=max_new_tokens, stop=stop)
        return self._written(prompts, [source] * len(prompts), max_new_tokens, stop)

    def alone(self, function: Callable[[], _T]) -> _T:
        with self.waiting():
            return self.loop.alone(function)

    def _written(
        self,
        prompts: Sequence[str],
        sources: Sequence[AdapterSource | None],
        max_new_tokens: int,
        stop: tuple[str, ...],
    ) -> list[Generation]:
        ids = [encode_prompt(self.adaptation.tokenizer, prompt) for prompt in prompts]
        logs = 0 if told_by_logs(self.adaptation.model) else None
        requests = [Request(tuple(row), max_new_tokens, stop=stop, logprobs=logs) for row in ids]
        with self.waiting():
            return [_as_written(done) for done in self.loop.generate(requests, sources)]


def _as_written(done: Completion) -> Generation:
    logs = tuple(one.logprob for one in done.logprobs)
    return Generation(done.text, len(done.tokens), done.finish_reason == "length", done.tokens, logs)


def _each(
    asked: Sequence[object], sources: Sequence[AdapterSource], slots: Sequence[int]
) -> list[AdapterSource | None]:
    """By which adapter each is answered."""
    return [sources[slot] for slot in slots] if sources else [None] * len(asked)
