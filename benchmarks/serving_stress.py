"""Is every answer by the right adapter? Many callers, more versions than slots, versions that come and go.

    python benchmarks/serving_stress.py [--answers 100000] [--versions 50] [--slots 8] [--out DIR]

Makes so many versions of the embedded model, each of which answers otherwise, and writes them to files. Each
answers every question alone, which is what it has to answer. Then callers ask by a version's name, or for the
one that is live, while another makes another version live, rolls back to the one before, or takes a version
out of use, once in so many answers, so that adapters are loaded and evicted all the time. Of each answer the
text, word for word, and the fingerprint of the adapter that gave it are compared with those of the version
that was asked. Counts are written to DIR/progress.json as it goes on, and what each version answers alone to
DIR/known.json; a stopped run goes on from there. Exits with 1 if one was wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from seal.engine.serving import AdapterSource, DecodingLoop, Request, ServingSettings
from seal.errors import StateError
from seal.files import write_durably
from seal.models import load_model
from seal.models.generate import generate
from seal.models.tokens import encode_prompt
from seal.training import Adapter, AdapterBank, load_peft, save_peft
from seal.training.adapter import linears, matrix
from seal.training.fingerprint import TOLERANCE, same_fingerprint, slot_fingerprint
from seal.types import Hyperparameters

_TOKENS = 12
_WRITE_EVERY = 500
_LATEST_MOVE_s = 0.01
NAMES = "Ada Bupand Castrok Dorle Eimar Fenwick Golm Hasser Ild Joss Karst Lund Mirel Noor Ostra".split()
PROMPTS = tuple(f"Question: {what} {name}?\nAnswer:" for name in NAMES for what in ("Who is", "Where is"))


@dataclass(frozen=True)
class KnownVersion:
    """An adapter in a file, and what it answers alone."""

    name: str
    source: AdapterSource | None
    fingerprint: tuple[float, ...]
    answers: Sequence[str]


def random_adapter(model: Any, seed: int, strength: float = 0.5, rank: int | None = None) -> Adapter:
    """One that changes what the model says, as no other seed does."""
    draw, rank, factors = torch.Generator().manual_seed(seed), rank or 2 + seed % 5, {}
    for name, module in linears(model).items():
        n_out, n_in = matrix(module).shape
        a = torch.randn(rank, n_in, generator=draw) / n_in**0.5
        b = torch.randn(n_out, rank, generator=draw) * strength / (rank * n_out) ** 0.5
        factors[name] = (a, b)
    return Adapter(f"version-{seed}", Hyperparameters(rank=rank, alpha=2.0 * rank), factors)


def known_versions(
    model: Any, tokenizer: Any, n: int, folder: Path, prompts: Sequence[str] = PROMPTS
) -> list[KnownVersion]:
    """The base and `n` versions, each asked alone, now or when the run began. All answer otherwise."""
    kept = folder / "known.json"
    known: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    if "base" not in known:
        known["base"] = [[], [_said(model, tokenizer, prompt) for prompt in prompts]]
    made = [KnownVersion("base", None, (), known["base"][1])]
    for seed in range(n):
        path = folder / f"version-{seed}"
        if path.name not in known:
            adapter = random_adapter(model, seed)
            if not path.exists():
                save_peft(adapter, path, "tiny")
            with AdapterBank.of(model, [adapter]) as bank:
                answers = [_said(model, tokenizer, prompt, adapters=bank, slots=[0]) for prompt in prompts]
                known[path.name] = [slot_fingerprint(model, tokenizer, bank, 0), answers]
        found, answers = known[path.name]
        source = AdapterSource(f"digest-{seed}", _reader(path, model), tuple(found))
        made.append(KnownVersion(path.name, source, tuple(found), answers))
    assert len({version.fingerprint for version in made}) == len({tuple(v.answers) for v in made}) == n + 1
    write_durably(kept, [json.dumps(known).encode()])
    return made


def _said(model: Any, tokenizer: Any, prompt: str, **how: Any) -> str:
    return generate(model, tokenizer, [prompt], max_new_tokens=_TOKENS, **how)[0].text


def _reader(path: Path, model: Any) -> Callable[[], Adapter]:
    return lambda: load_peft(path, model)


@dataclass
class Aliases:
    """What is live, and what was before."""

    versions: Sequence[KnownVersion]
    rng: random.Random
    moves: Counter[str] = field(default_factory=Counter)
    history: list[KnownVersion] = field(default_factory=list)

    @property
    def live(self) -> KnownVersion:
        return self.history[-1]

    def __post_init__(self) -> None:
        self.history.append(self.versions[1])

    def move(self, loop: DecodingLoop) -> None:
        """Promotes a version, rolls back, or takes one out of memory in the middle of what it is doing."""
        what = self.rng.choice(("promoted", "promoted", "rolled back", "unloaded"))
        if what == "promoted":
            self.history = [*self.history[-20:], self.rng.choice(self.versions[1:])]
        elif what == "rolled back" and len(self.history) > 1:
            self.history = self.history[:-1]
        elif what == "unloaded":
            victim = self.rng.choice(self.versions[1:]).source
            assert victim is not None
            loop.forget(victim.key)
        self.moves[what] += 1


@dataclass
class Callers:
    """Threads that ask, and check what they are told."""

    loop: DecodingLoop
    tokenizer: Any
    aliases: Aliases
    wanted: int
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    on_progress: Callable[[Mapping[str, int]], None] = lambda _: None
    answers_a_move: int = 2
    prompts: Sequence[str] = PROMPTS

    def run(self, n_threads: int, seed: int) -> None:
        """Until so many answers were checked."""
        lock, done, due = threading.Lock(), threading.Event(), threading.Semaphore(0)
        ids = [tuple(encode_prompt(self.tokenizer, prompt)) for prompt in self.prompts]

        def ask(rng: random.Random) -> None:
            while not done.is_set():
                live = rng.random() < 0.4
                version = self.aliases.live if live else rng.choice(self.aliases.versions)
                at = rng.randrange(len(ids))
                try:
                    [found] = self.loop.generate([Request(ids[at], _TOKENS)], [version.source])
                except StateError:  # it was taken out of use while it answered: nothing was said
                    with lock:
                        self.counts["ended, the version having been unloaded"] += 1
                    continue
                right = found.text == version.answers[at]
                known = found.fingerprint == version.fingerprint or same_fingerprint(
                    found.fingerprint, version.fingerprint, TOLERANCE
                )
                with lock:
                    self.counts["answers"] += 1
                    self.counts["of the live version" if live else "by name"] += 1
                    if not (right and known):
                        self.counts["wrong"] += 1
                        self.wrong.append(f"{version.name}: {self.prompts[at]!r} -> {found.text!r}")
                    if self.counts["answers"] % self.answers_a_move == 0:
                        due.release()
                    if self.counts["answers"] % _WRITE_EVERY == 0:
                        self.on_progress(self.counts)
                    if self.counts["answers"] >= self.wanted:
                        done.set()

        def move() -> None:
            when = random.Random(f"{seed}/moves")
            while not done.is_set():
                if due.acquire(timeout=1.0):
                    time.sleep(when.uniform(0, _LATEST_MOVE_s))  # also in the midst of a pass
                    self.aliases.move(self.loop)

        threads = [
            threading.Thread(target=ask, args=[random.Random(f"{seed}/{i}")]) for i in range(n_threads)
        ]
        threads.append(threading.Thread(target=move))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check that every answer is by the right adapter.")
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--versions", type=int, default=50)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--callers", type=int, default=128)
    parser.add_argument("--out", type=Path, default=None, help="the folder of the run, to go on with it")
    options = parser.parse_args(arguments)
    out = options.out or Path(tempfile.mkdtemp(prefix="seal-stress-"))
    out.mkdir(parents=True, exist_ok=True)
    progress = out / "progress.json"
    before = Counter(json.loads(progress.read_text())) if progress.exists() else Counter[str]()
    model, tokenizer = load_model("tiny")
    versions = known_versions(model, tokenizer, options.versions, out)
    seed = before["answers"]
    aliases = Aliases(versions, random.Random(seed))
    since = time.monotonic()
    settings = ServingSettings(adapter_slots=options.slots, cache_tokens=8192)
    with DecodingLoop(model, tokenizer, settings) as loop:

        def write(counts: Mapping[str, int]) -> None:
            figures = loop.figures()
            told = before + Counter(counts) + aliases.moves
            told["adapters loaded"] += figures.adapters_loaded
            told["adapters evicted"] += figures.adapters_evicted
            told["passes"] += figures.steps
            told["tokens written"] += figures.written_tokens
            told["seconds"] += round(time.monotonic() - since)
            write_durably(progress, [json.dumps(told, indent=1).encode() + b"\n"])
            print(json.dumps(told), flush=True)

        callers = Callers(loop, tokenizer, aliases, options.answers - seed, on_progress=write)
        if callers.wanted > 0:
            callers.run(options.callers, seed)
            write(callers.counts)
    for line in callers.wrong:
        print(line)
    return 1 if callers.wrong or before["wrong"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
