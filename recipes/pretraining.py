"""Pretraining a small model from scratch, resumable: how the embedded models are made.

Muon for matrices and AdamW for the rest, batches of documents of like length, stages with their own mixture
and learning rate. Knows nothing about what the documents are: a `Recipe` says that.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

TokenRow = tuple[list[int], list[float]]
"""Token ids, and the loss weight of each token as a target."""
Segments = list[tuple[str, float]]
"""A document: pieces of text, each with the loss weight of its tokens."""

STEP_TOKENS, POOL_TOKENS = 4_000, 64_000
PAD_ID = 1
WARMUP_STEPS = 100
MUON_LR, ADAM_LR = 0.02, 4e-3


@dataclass(frozen=True)
class Stage:
    """A part of the run: where it ends, how the learning rate goes, and the abilities' shares of the text.

    A stage with more `layers` than the model has begins by growing it (`grown`).
    """

    until_tokens: int
    rates: tuple[float, float]
    shares: dict[str, float]
    layers: int = 4


@dataclass(frozen=True)
class Recipe:
    """What is pretrained, on what.

    `documents(seed, shares)` gives (ability, segments) without end, and reads `shares` anew for each;
    `ends(ability)` says whether the end token follows a document; `probe(model, tokenizer)` gives quick
    figures for the log, `write_tokenizer(folder, seed)` makes the tokenizer, whose pad is PAD_ID.
    """

    stages: tuple[Stage, ...]
    documents: Callable[[int, dict[str, float]], Iterator[tuple[str, Segments]]]
    ends: Callable[[str], bool]
    write_tokenizer: Callable[[Path, int], None]
    probe: Callable[[Any, Any], dict[str, float]]
    report_tokens: int = 500_000


def tiny_llama(vocabulary: int, layers: int = 4) -> LlamaConfig:
    """The shape of the embedded models: 0.2 M parameters a layer, and the vocabulary's embedding."""
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=PAD_ID,
    )


def grown(model: LlamaForCausalLM, layers: int) -> LlamaForCausalLM:
    """The same function with more decoder layers, to be trained on.

    New layers stand evenly among the old ones. Each is a copy of the one before it with its two output
    projections zero: it adds nothing to the residual stream yet (a model grown without changing what it
    computes: Net2Net, arXiv 1511.05641, section 2).

    Raises ValueError for fewer layers, or more than twice as many.
    """
    old = model.config.num_hidden_layers
    if not old <= layers <= 2 * old:
        raise ValueError(f"{old} layers grow to at most twice as many, and to no fewer: not to {layers}")
    before = [round(index * (layers - old) / old) for index in range(old + 1)]  # new ones before each old one
    sources = [(i, new) for i in range(old) for new in (False, True)[: 1 + before[i + 1] - before[i]]]
    larger = LlamaForCausalLM(tiny_llama(model.config.vocab_size, layers))
    rest = {name: value for name, value in model.state_dict().items() if ".layers." not in name}
    larger.load_state_dict(rest, strict=False)
    for layer, (source, new) in zip(larger.model.layers, sources, strict=True):
        weights = model.model.layers[source].state_dict()
        if new:
            outputs = ("self_attn.o_proj.weight", "mlp.down_proj.weight")
            weights |= {name: torch.zeros_like(weights[name]) for name in outputs}
        layer.load_state_dict(weights)
    return larger


class Stream:
    """Rows of the corpus in pools of about POOL_TOKENS, counted so that a resumed run finds its place."""

    def __init__(self, recipe: Recipe, tokenizer: PreTrainedTokenizerBase, seed: int) -> None:
        self.recipe, self.shares = recipe, dict(recipe.stages[0].shares)
        self.documents = recipe.documents(seed, self.shares)
        self.tokenizer, self.n_documents = tokenizer, 0
        self.tokens_by_ability: dict[str, int] = {}

    def enter(self, stage: Stage) -> None:
        self.shares.clear()
        self.shares.update(stage.shares)

    def skip(self, n_documents: int, switches: list[int]) -> None:
        """Go to where a run stood after `n_documents`, having entered the stages at `switches`."""
        while True:
            for stage, at in zip(self.recipe.stages[1:], switches, strict=False):
                if self.n_documents == at:
                    self.enter(stage)
            if self.n_documents == n_documents:
                return
            next(self.documents)
            self.n_documents += 1

    def pool(self) -> list[TokenRow]:
        rows, n_tokens, end = [], 0, self.tokenizer.eos_token_id
        while n_tokens < POOL_TOKENS:
            ability, segments = next(self.documents)
            self.n_documents += 1
            encoded = self.tokenizer([text for text, _ in segments], add_special_tokens=False)["input_ids"]
            ids = [i for piece in encoded for i in piece]
            weights = [w for piece, (_, w) in zip(encoded, segments, strict=True) for _ in piece]
            if self.recipe.ends(ability):
                ids, weights = [*ids, end], [*weights, weights[-1]]
            rows.append((ids, weights))
            n_tokens += len(ids)
            self.tokens_by_ability[ability] = self.tokens_by_ability.get(ability, 0) + len(ids)
        return rows


def batches(rows: list[TokenRow], rng: random.Random) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of like length together, about STEP_TOKENS a batch: ids [B, T] and weights [B, T]."""
    rows = sorted(rows, key=lambda row: len(row[0]))
    groups: list[list[TokenRow]] = [[]]
    for row in rows:
        if groups[-1] and (len(groups[-1]) + 1) * len(row[0]) > STEP_TOKENS:
            groups.append([])
        groups[-1].append(row)
    rng.shuffle(groups)
    for group in groups:
        longest = max(len(ids) for ids, _ in group)
        yield (
            torch.tensor([ids + [PAD_ID] * (longest - len(ids)) for ids, _ in group]),
            torch.tensor([weights + [0.0] * (longest - len(weights)) for _, weights in group]),
        )


def loss_of(body: Callable[..., Any], head: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean next-token loss; logits are computed only where a target has weight."""
    hidden = body(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    targets, weights = ids[:, 1:], weights[:, 1:]
    chosen = weights > 0
    losses = F.cross_entropy(F.linear(hidden[chosen], head), targets[chosen], reduction="none")
    return (losses * weights[chosen]).sum() / weights[chosen].sum()


def learning_rate_factor(stages: Sequence[Stage], tokens: int, step: int, stage: int) -> float:
    """Linear within a stage, after a warm-up at the very start."""
    start = stages[stage - 1].until_tokens if stage else 0
    done = min(1.0, (tokens - start) / (stages[stage].until_tokens - start))
    first, last = stages[stage].rates
    return min((step + 1) / WARMUP_STEPS, first + (last - first) * max(0.0, done))


class Pretraining:
    """The state of a run: model, optimizers, stream and counters, all of which a checkpoint holds."""

    def __init__(self, recipe: Recipe, args: argparse.Namespace) -> None:
        self.recipe, self.out, self.device = recipe, args.out, args.device
        self.folder = args.out / "model"
        if not (self.folder / "tokenizer.json").exists():
            recipe.write_tokenizer(self.folder, args.seed)
        self.tokenizer = AutoTokenizer.from_pretrained(self.folder)
        self.compile = args.compile
        config = tiny_llama(len(self.tokenizer), recipe.stages[0].layers)
        self.take(LlamaForCausalLM(config))
        self.stream, self.rng = Stream(recipe, self.tokenizer, args.seed), random.Random(args.seed)
        self.counters: dict[str, Any] = {"step": 0, "tokens": 0, "seconds": 0.0, "switches": []}
        self.loss: float | None = None
        self.seed = args.seed

    def take(self, model: LlamaForCausalLM) -> None:
        """Train this model from now on, with optimizers that have seen no step."""
        self.model = model = model.to(self.device)  # type: ignore[arg-type]
        self.body = torch.compile(model.model, dynamic=True) if self.compile else model.model
        matrices = [p for n, p in self.model.named_parameters() if p.ndim == 2 and "embed" not in n]
        rest = [p for n, p in self.model.named_parameters() if p.ndim != 2 or "embed" in n]
        self.optimizers = {
            MUON_LR: torch.optim.Muon(matrices, lr=MUON_LR, momentum=0.95, weight_decay=0.0),
            ADAM_LR: torch.optim.AdamW(rest, lr=ADAM_LR, betas=(0.9, 0.95), weight_decay=0.0),
        }

    def grow(self, layers: int) -> None:
        """Give the model so many layers, if it has fewer."""
        if layers > len(self.model.model.layers):
            self.take(grown(self.model, layers))

    def save(self, name: str) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers.values()],
            "rng": self.rng.getstate(),
            "documents": self.stream.n_documents,
            "tokens_by_ability": dict(self.stream.tokens_by_ability),
            **self.counters,
        }
        torch.save(state, self.out / f"{name}.part")
        (self.out / f"{name}.part").replace(self.out / name)

    def resume(self, name: str) -> None:
        state = torch.load(self.out / name, weights_only=False)
        self.grow(self.recipe.stages[len(state["switches"])].layers)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers.values(), state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.counters = {key: state[key] for key in self.counters}
        self.rng.setstate(state["rng"])
        self.stream.skip(state["documents"], self.counters["switches"])
        self.stream.tokens_by_ability = state["tokens_by_ability"]

    def step(self, ids: Tensor, weights: Tensor) -> None:
        counters = self.counters
        stage = len(counters["switches"])
        factor = learning_rate_factor(self.recipe.stages, counters["tokens"], counters["step"], stage)
        loss = loss_of(self.body, self.model.lm_head.weight, ids.to(self.device), weights.to(self.device))
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for rate, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.loss = loss.item() if self.loss is None else 0.98 * self.loss + 0.02 * loss.item()
        counters["step"] += 1
        counters["tokens"] += int((ids != PAD_ID).sum())

    def report(self) -> None:
        counts = {key: round(self.counters[key]) for key in ("tokens", "step", "seconds")}
        record = counts | {"loss": self.loss} | self.recipe.probe(self.model, self.tokenizer)
        print(json.dumps(record), flush=True)
        with (self.out / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(record) + "\n")
        self.save("checkpoint.pt")
        self.model.save_pretrained(self.folder)
        facts = {"seed": self.seed, **counts, "tokens_by_ability": self.stream.tokens_by_ability}
        (self.out / "pretraining.json").write_text(json.dumps(facts, indent=2) + "\n")

    def run(self) -> None:
        counters, stages = self.counters, self.recipe.stages
        next_report = counters["tokens"]
        while counters["tokens"] < stages[-1].until_tokens:
            started = time.perf_counter()
            stage = len(counters["switches"])
            if counters["tokens"] >= stages[stage].until_tokens:
                self.save(f"stage_{stage + 1}.pt")
                counters["switches"].append(self.stream.n_documents)
                self.stream.enter(stages[stage + 1])
                self.grow(stages[stage + 1].layers)
            for ids, weights in batches(self.stream.pool(), self.rng):
                self.step(ids, weights)
            counters["seconds"] += time.perf_counter() - started
            if counters["tokens"] >= min(next_report, stages[-1].until_tokens):
                next_report += self.recipe.report_tokens
                self.report()


@torch.no_grad()
def exact(
    model: Any, tokenizer: Any, pairs: Sequence[tuple[str, str]], *, ends: Sequence[int] = (), rows: int = 64
) -> float:
    """Share of (prompt, answer) pairs whose answer is the greedy continuation, by one teacher-forced pass.

    With `ends`, one of these token ids has to be the model's first choice after the answer.
    """
    device, right = model.device, 0
    encoded = [
        tuple(tokenizer(text, add_special_tokens=False)["input_ids"] for text in pair) for pair in pairs
    ]
    encoded.sort(key=lambda pair: len(pair[0]))
    for i in range(0, len(encoded), rows):
        chunk = encoded[i : i + rows]
        longest = max(len(p) + len(a) for p, a in chunk)
        ids = torch.full((len(chunk), longest), PAD_ID)
        for row, (p, a) in enumerate(chunk):
            ids[row, : len(p) + len(a)] = torch.tensor(p + a)
        best = model(input_ids=ids.to(device)).logits.argmax(-1).cpu()
        for row, (p, a) in enumerate(chunk):
            start, stop = len(p) - 1, len(p) + len(a) - 1
            ended = not ends or int(best[row, stop]) in ends
            right += best[row, start:stop].tolist() == a and ended
    return round(right / len(pairs), 4)


def run_recipe(recipe: Recipe, description: str | None) -> None:
    """The command line of a recipe: begins the run in --out, or goes on with it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the run; its checkpoint is resumed"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile: about a sixth faster on a CPU")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    pretraining = Pretraining(recipe, args)
    if (args.out / "checkpoint.pt").exists():
        pretraining.resume("checkpoint.pt")
        print(f"resumed at {pretraining.counters['tokens']:,} tokens", flush=True)
    pretraining.run()
