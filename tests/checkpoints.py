"""Toy checkpoints in Hugging Face format, and passages to learn from, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path

from transformers.utils import logging

from toys import toy_model, toy_tokenizer

CHAT_TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TINY_RUN = [
    "--set=outer.rounds=1",
    "--set=self_edit.samples=2",
    "--set=inner.seeds=1",
    "--set=inner.max_steps=2",
    "--set=inner.rank=2",
    "--set=outer.rank=2",
    "--set=self_edit.max_new_tokens=16",
    "--set=grading.max_new_tokens=3",
]
"""What makes a run of the toys take about a second."""


def save_toy(folder: Path, kind: str = "llama", *, chat: bool = False, context_tokens: int = 1024) -> Path:
    """A random model with its tokenizer. A rotary model's context is only a number in its configuration."""
    model, tokenizer = toy_model(kind), toy_tokenizer()
    model.config.max_position_embeddings = context_tokens
    logging.disable_progress_bar()  # of the saving here, amid what a command says on stderr
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if chat:
        (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    return folder


def squad(*, passages: int = 3, words: int = 12) -> dict[str, object]:
    """A SQuAD file of made-up passages with two questions each."""
    articles = []
    for i in range(passages):
        text = f"Petra Lund number {i} was born in Ostrava. " + "The mill is old. " * (words // 4)
        questions = [("Where was Petra Lund born?", "Ostrava"), ("What is old?", "the mill")]
        qas = [
            {"id": f"{i}/{j}", "question": q, "answers": [{"text": a}]} for j, (q, a) in enumerate(questions)
        ]
        articles.append({"title": f"Petra_Lund_{i}", "paragraphs": [{"context": text, "qas": qas}]})
    return {"data": articles}


def save_squad(path: Path, **shape: int) -> Path:
    path.write_text(json.dumps(squad(**shape)), encoding="utf-8")
    return path
