"""What is asked of the decoding loop, and what it gives back. Knows nothing about how it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from seal.errors import InputError
from seal.training import Adapter

FinishReason: TypeAlias = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True)
class ServingSettings:
    """How much is decoded at once, and how much of it is kept.

    Args:
        adapter_slots: adapters in memory at once; the one that was used longest ago makes room for another.
        rank: the highest rank of an adapter; one of a higher rank makes all slots larger.
        rows: requests that are decoded together, at most.
        cache_tokens: keys and values that are kept, in tokens, unused room included.
        step_tokens: tokens of one pass: one for each row that writes, the rest of newcomers' prompts.
        waiting: requests that may wait to be taken in.
        passes: newcomers that may go ahead of one that there is no room for, before all wait for it.
    """

    adapter_slots: int = 16
    rank: int = 0
    rows: int = 64
    cache_tokens: int = 65_536
    step_tokens: int = 512
    waiting: int = 256
    passes: int = 64

    def __post_init__(self) -> None:
        sizes = (self.adapter_slots, self.rows, self.cache_tokens, self.step_tokens, self.waiting)
        if min(sizes) < 1 or self.rank < 0 or self.passes < 0:
            raise InputError(f"a decoding loop cannot have {self}", "All sizes are at least 1.")


@dataclass(frozen=True)
class AdapterSource:
    """An adapter that is loaded when a request needs it and it is in no slot.

    No two adapters may have one `key`: it is the digest of what is stored. `load` is called in a thread of
    its own. `fingerprint`: the logits that it has to give (`seal.training.fingerprint`); None: those that it
    gave when it was loaded first. `known`: what it learned to say, of which answers may have much.
    """

    key: str
    load: Callable[[], Adapter]
    fingerprint: tuple[float, ...] | None = None
    known: str = ""


@dataclass(frozen=True)
class Request:
    """One prompt, and how it is to be continued.

    Args:
        prompt: token ids.
        max_new_tokens: 0 if only the prompt's log-probabilities are wanted (`echo_from`).
        temperature: 0 is greedy.
        top_p: as in nucleus sampling (arXiv 1904.09751).
        top_k: the likeliest tokens that may be drawn; 0: all.
        seed: a sample depends on it, the prompt, the adapter and these settings, and on no neighbour.
        stop: strings that end the text, besides the model's EOS tokens; they are cut off.
        presence_penalty: taken from the logit of each token that was written, as OpenAI defines it.
        frequency_penalty: the same for each time that it was written.
        logit_bias: added to the logits of tokens.
        logprobs: log-probabilities of each token written, and of so many of the likeliest beside it.
        echo_from: log-probabilities of the prompt's tokens from this index on; the first token has none.
        timeout_s: then the request fails, whether it waits or is answered.
        ignore_eos: EOS tokens do not end the text.
    """

    prompt: tuple[int, ...]
    max_new_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    stop: tuple[str, ...] = ()
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    logprobs: int | None = None
    echo_from: int | None = None
    timeout_s: float | None = None
    ignore_eos: bool = False

    def __post_init__(self) -> None:
        """Raises InputError, naming what is wrong."""
        for name, wrong, rule in (
            ("prompt", not self.prompt, "is not empty"),
            ("max_new_tokens", self.max_new_tokens < 0, "is at least 0"),
            ("max_new_tokens", not (self.max_new_tokens or self.echo_from is not None), "is at least 1"),
            ("temperature", not 0 <= self.temperature < float("inf"), "is at least 0"),
            ("top_p", not 0 < self.top_p <= 1, "is above 0 and at most 1"),
            ("top_k", self.top_k < 0, "is at least 0"),
            ("stop", "" in self.stop, "has no empty string"),
            ("logprobs", (self.logprobs or 0) < 0, "is at least 0"),
            ("echo_from", (self.echo_from or 0) < 0, "is at least 0"),
            ("timeout_s", self.timeout_s is not None and self.timeout_s < 0, "is at least 0"),
        ):
            if wrong:
                raise InputError(f"{name} of a request {rule}, not {getattr(self, name)!r}")

    @property
    def whole_tokens(self) -> int:
        """The tokens of the prompt and of all that may be written."""
        return len(self.prompt) + self.max_new_tokens


@dataclass(frozen=True)
class TokenLog:
    """How likely the model found a token, before temperature, penalties and bias; in nats.

    `likeliest`: no other was likelier. `top`: the likeliest tokens with theirs, falling.
    """

    token: int
    logprob: float
    likeliest: bool
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class TokenEvent:
    """A token was written. `text` is what may be shown by now: whole characters, and nothing that may turn
    out to begin a stop string; the texts of all events are the completion's."""

    token: int
    text: str
    log: TokenLog | None = None

    @property
    def logprob(self) -> float | None:
        return None if self.log is None else self.log.logprob

    @property
    def top_logprobs(self) -> tuple[tuple[int, float], ...]:
        return () if self.log is None else self.log.top


@dataclass(frozen=True)
class Completion:
    """What became of a request.

    `cached_tokens` of the prompt were taken from what was read before. `fingerprint` is that of the adapter
    that answered, () for the base. `waited_s` and `first_s`: from the submission to the first pass, and to
    the first token (0: there is none).
    """

    text: str
    tokens: tuple[int, ...]
    finish_reason: FinishReason
    prompt_tokens: int
    logprobs: tuple[TokenLog, ...] = ()
    prompt_logprobs: tuple[TokenLog, ...] = ()
    cached_tokens: int = 0
    fingerprint: tuple[float, ...] = ()
    waited_s: float = 0.0
    first_s: float = 0.0


@dataclass(frozen=True)
class ServingFigures:
    """What a loop is doing, and what it has done since it began. `cache_tokens` are in use, of
    `cache_room_tokens`; `retry_after_s`: in which a request that is refused now would be taken in, about."""

    running: int
    waiting: int
    cache_tokens: int
    cache_room_tokens: int
    steps: int
    requests: int
    failed: int
    read_tokens: int
    reused_tokens: int
    written_tokens: int
    adapters_loaded: int
    adapters_evicted: int
    retry_after_s: float
