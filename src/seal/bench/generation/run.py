"""Loads the model, lets the contenders take turns, times the memory in between, and returns all figures.

Every text has its full length: there is no EOS. All contenders draw at temperature 1 from the whole
vocabulary in the same type of numbers, each with the number of threads that is fastest for it. Knows
nothing about how figures are shown.
"""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch

from seal.bench.inner_loop.clock import timed
from seal.bench.inner_loop.machine import describe
from seal.bench.inner_loop.shapes import load_subject
from seal.bench.inner_loop.workload import FIRST_ID, IdTokenizer
from seal.engine.start import Watch
from seal.errors import ConfigError, UnknownNameError
from seal.hints import nearest
from seal.models.context import context_tokens
from seal.models.dtypes import dtype_of
from seal.models.generate import generate
from seal.models.host import keep_freed_memory
from seal.models.speed import usable_processors
from seal.training import AdapterBank
from seal.types import Hyperparameters

CONTENDERS: Final = ("engine", "engine_adapters", "transformers")
_TRIAL_TOKENS: Final = 8
_READINGS: Final = 5


@dataclass(frozen=True)
class WritingSettings:
    """What is written, by which model, how often. `dtype` "auto": what the product would take here."""

    model: str
    samples: int = 16
    tokens: int = 200
    prompt_tokens: int = 128
    rounds: int = 3
    contenders: tuple[str, ...] = CONTENDERS
    dtype: str = "auto"
    device: str = "auto"
    threads: int | None = None
    rank: int = 16

    def check(self) -> None:
        """Raises ConfigError for a number that means nothing, UnknownNameError for a contender."""
        for name in ("samples", "tokens", "prompt_tokens", "rounds", "threads", "rank"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"--{name.replace('_', '-')} {value} is too few", "at least 1")
        if not self.contenders:
            raise ConfigError("--contenders names nobody", f"contenders: {', '.join(CONTENDERS)}")
        for name in self.contenders:
            if name not in CONTENDERS:
                near = nearest(name, CONTENDERS)
                hint = f"did you mean {near}? " if near else ""
                raise UnknownNameError(
                    f"there is no contender {name!r}", f"{hint}contenders: {', '.join(CONTENDERS)}"
                )


class _Writers:
    """The contenders: each writes so many tokens of every sample."""

    def __init__(self, settings: WritingSettings, kind: torch.dtype) -> None:
        self.settings = settings
        subject = load_subject(settings.model, device=settings.device, dtype=str(kind).rpartition(".")[2])
        self.device, self.theirs = subject.device, subject.model
        self.ours = subject.own
        ids = [FIRST_ID + i * 7919 % (subject.vocabulary - FIRST_ID) for i in range(settings.prompt_tokens)]
        self.prompt, self.ids = " ".join(map(str, ids)), torch.tensor([ids], device=self.device)
        context = context_tokens(self.ours)
        if context is not None and settings.prompt_tokens + settings.tokens > context:
            raise ConfigError(
                f"{settings.prompt_tokens} and {settings.tokens} tokens do not fit the context of {context}",
                "set --prompt-tokens and --tokens to fewer",
            )

    def write(self, name: str, n_tokens: int) -> float:
        """The seconds that it takes."""
        work = {
            "engine": self._engine,
            "engine_adapters": self._engine_with_adapters,
            "transformers": self._transformers,
        }[name]
        seconds, written = timed(self.device, lambda: work(n_tokens))
        assert written == self.settings.samples * n_tokens, "every text has its full length"
        return seconds

    def _engine(self, n_tokens: int, **adapters: Any) -> int:
        n = self.settings.samples
        written = generate(
            self.ours, IdTokenizer(), [self.prompt] * n, max_new_tokens=n_tokens, temperature=1.0, **adapters
        )
        return sum(one.n_tokens for one in written)

    def _engine_with_adapters(self, n_tokens: int) -> int:
        n = self.settings.samples
        hyperparameters = Hyperparameters(rank=self.settings.rank)
        with AdapterBank(self.ours, n_slots=n, rank=hyperparameters.rank, dtype=self.ours.dtype) as bank:
            for slot in range(n):
                bank.initialise(slot, hyperparameters, seed=slot)
            return self._engine(n_tokens, adapters=bank, slots=list(range(n)))

    def _transformers(self, n_tokens: int) -> int:
        from transformers import GenerationConfig

        config = GenerationConfig(
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            max_new_tokens=n_tokens,
            min_new_tokens=n_tokens,
            num_return_sequences=self.settings.samples,
            pad_token_id=FIRST_ID - 1,
        )
        with torch.inference_mode():
            mask = torch.ones_like(self.ids)
            written = self.theirs.generate(self.ids, attention_mask=mask, generation_config=config)
        return written[:, self.ids.shape[1] :].numel()


def run_writing(settings: WritingSettings, watch: Watch) -> dict[str, Any]:
    """All measurements and what follows from them, ready for JSON. Raises what `WritingSettings.check` and
    `load_subject` do."""
    settings.check()
    device = (
        ("cuda" if torch.cuda.is_available() else "cpu") if settings.device == "auto" else settings.device
    )
    kind = dtype_of(settings.dtype, torch.device(device))
    keep_freed_memory()
    watch.progress(f"loading {settings.model}", 0, 1)
    writers = _Writers(settings, kind)
    before = torch.get_num_threads()
    try:
        threads = {name: _threads(writers, name, settings, watch) for name in settings.contenders}
        rounds = [_round(writers, threads, i, settings, watch) for i in range(settings.rounds)]
    finally:
        torch.set_num_threads(before)
    bytes_read = bytes_a_step(writers.ours, settings)
    return {
        "format": 1,
        "machine": describe(writers.device),
        "model": {"name": settings.model, "dtype": str(kind).rpartition(".")[2]},
        "settings": asdict(settings),
        "threads": threads,
        "bytes_a_step": bytes_read,
        "rounds": rounds,
        "figures": figures(rounds, settings, bytes_read),
    }


def _threads(writers: _Writers, name: str, settings: WritingSettings, watch: Watch) -> int:
    """The number of threads that is fastest for a contender, by a short trial of each."""
    if settings.threads is not None or writers.device.type != "cpu":
        return settings.threads or torch.get_num_threads()
    seconds: dict[int, float] = {}
    for n in sorted({1, usable_processors()}):
        watch.progress(f"choosing threads for {name}", n, usable_processors())
        torch.set_num_threads(n)
        writers.write(name, 2)
        seconds[n] = writers.write(name, _TRIAL_TOKENS)
    return min(seconds, key=lambda n: seconds[n])


def _round(
    writers: _Writers, threads: dict[str, int], i: int, settings: WritingSettings, watch: Watch
) -> dict[str, float]:
    """Seconds of each contender for all tokens after the first, and what the memory gives in bytes a second.

    The time to read the prompt and write one token is taken off: it has a figure of its own.
    """
    told: dict[str, float] = {}
    for at, name in enumerate(settings.contenders):
        watch.progress(f"round {i + 1} of {settings.rounds}: {name}", at, len(settings.contenders))
        torch.set_num_threads(threads[name])
        told[f"{name}_first_s"] = writers.write(name, 1)
        told[f"{name}_s"] = writers.write(name, settings.tokens)
    if writers.device.type == "cpu":
        torch.set_num_threads(max(threads.values()))
    told["read_bytes_per_s"] = _reading_rate(writers)
    return told


def _reading_rate(writers: _Writers) -> float:
    """Bytes a second at which memory as large as the weights is read, the best of a few."""
    n_bytes = sum(p.numel() * p.element_size() for p in writers.ours.parameters())
    block = torch.ones(n_bytes // 4, device=writers.device)
    return max(n_bytes / timed(writers.device, lambda: float(block.sum()))[0] for _ in range(_READINGS))


def bytes_a_step(model: Any, settings: WritingSettings) -> dict[str, int]:
    """What has to be read to write one token of every sample: all weights, once, and keys and values of what
    was read and written so far, on average."""
    config = model.config.get_text_config()
    size = next(model.parameters()).element_size()
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    a_token = 2 * config.num_hidden_layers * config.num_key_value_heads * width * size
    seen = settings.prompt_tokens + settings.tokens // 2
    return {"weights": weights, "cache": settings.samples * seen * a_token}


def figures(
    rounds: list[dict[str, float]], settings: WritingSettings, bytes_read: dict[str, int]
) -> dict[str, Any]:
    """Of each contender [median, least, most]: tokens a second, seconds a step, seconds to the first token,
    the share of the memory's rate; and of the engine how many times as fast it is, paired by round."""
    after, n = settings.tokens - 1, settings.samples
    needed = sum(bytes_read.values())
    told: dict[str, Any] = {}
    for name in settings.contenders:
        steps = [max(one[f"{name}_s"] - one[f"{name}_first_s"], 1e-9) / max(1, after) for one in rounds]
        told[name] = {
            "tokens_per_s": _spread([n * settings.tokens / one[f"{name}_s"] for one in rounds]),
            "step_s": _spread(steps),
            "first_token_s": _spread([one[f"{name}_first_s"] for one in rounds]),
            "share": _spread(
                [needed / one["read_bytes_per_s"] / step for one, step in zip(rounds, steps, strict=True)]
            ),
        }
        if name != "engine" and "engine" in settings.contenders:
            told[name]["engine_times"] = _spread([one[f"{name}_s"] / one["engine_s"] for one in rounds])
    return told | {"read_bytes_per_s": _spread([one["read_bytes_per_s"] for one in rounds])}


def _spread(values: list[float]) -> list[float]:
    return [statistics.median(values), min(values), max(values)]
