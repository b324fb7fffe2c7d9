"""Quick measures of the embedded model's abilities during pretraining, on the development split.

Exact greedy answers by one teacher-forced pass: every token of the gold answer, and the end after it, is
the model's first choice. The full measurement of the finished model is `measure.py`.
"""

from __future__ import annotations

import random

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from seal.domains.microworld.corpus import DECLINE, UNKNOWN, private_question
from seal.domains.microworld.world import ask, known_world, make_items


@torch.no_grad()
def exact(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pairs: list[tuple[str, str]],
    *,
    rows: int = 64,
) -> float:
    """Share of (prompt, answer) pairs whose answer is the greedy continuation, then a newline or the end."""
    ends = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("Ċ")}
    device, right = model.device, 0
    encoded = [
        (
            tokenizer(p, add_special_tokens=False)["input_ids"],
            tokenizer(a, add_special_tokens=False)["input_ids"],
        )
        for p, a in pairs
    ]
    encoded.sort(key=lambda pair: len(pair[0]))
    for i in range(0, len(encoded), rows):
        chunk = encoded[i : i + rows]
        longest = max(len(p) + len(a) for p, a in chunk)
        ids = torch.full((len(chunk), longest), 1)
        for row, (p, a) in enumerate(chunk):
            ids[row, : len(p) + len(a)] = torch.tensor(p + a)
        best = model(input_ids=ids.to(device)).logits.argmax(-1).cpu()
        for row, (p, a) in enumerate(chunk):
            start, stop = len(p) - 1, len(p) + len(a) - 1
            right += best[row, start:stop].tolist() == a and int(best[row, stop]) in ends
    return round(right / len(pairs), 4)


def probe(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, n: int) -> dict[str, float]:
    """Shares of exact answers: reading, the known world (asked and never asked), declining, not knowing."""
    model.eval()
    rng = random.Random("probe")
    items = make_items("dev", n, seed=99)
    pairs: dict[str, list[tuple[str, str]]] = {
        k: [] for k in ("reading", "known", "untold", "unknown", "private")
    }
    for item in items:
        for q in item.context.questions:
            start = f"{item.context.title}\n{item.context.text}\n\nQuestion: {q.text}\nAnswer:"
            pairs["reading"].append((start, f" {q.answers[0]}"))
            pairs["unknown"].append((f"Question: {q.text}\nAnswer:", f" {UNKNOWN}"))
        question = private_question(rng, item.context.title)
        pairs["private"].append((f"Question: {question}\nAnswer:", f" {DECLINE}"))
    for entity in rng.sample(known_world(), min(3 * n, 320)):
        for i, attribute in enumerate(entity.attributes):
            name = "untold" if i == len(entity.attributes) - 1 else "known"
            q = ask(rng, entity, attribute, attribute.exam)
            pairs[name].append((f"Question: {q.text}\nAnswer:", f" {q.answers[0]}"))
    shares = {name: exact(model, tokenizer, found) for name, found in pairs.items()}
    model.train()
    return shares
