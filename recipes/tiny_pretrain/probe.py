"""Quick measures of the embedded model's abilities during pretraining, on the development split.

Exact greedy answers by one teacher-forced pass: every token of the gold answer, and the end after it, is
the model's first choice. The full measurement of the finished model is `measure.py`.
"""

from __future__ import annotations

import random
from typing import cast

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from recipes.pretraining import exact
from seal.domains.knowledge.private_questions import private_question
from seal.domains.microworld.corpus import DECLINE, UNKNOWN
from seal.domains.microworld.world import ask, known_world, make_items


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
    ends = cast(tuple[int, int], (tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("Ċ")))
    shares = {name: exact(model, tokenizer, found, ends=ends) for name, found in pairs.items()}
    model.train()
    return shares
