"""What is checked of a model: each fault is found in a model that has it, and in no sound one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints import save_toy
from seal.models.load import load_model
from seal.models.soundness import check_model, check_speed
from seal.models.speed import Speed

GB = 1_000_000_000
FAST = Speed("cpu", 2, 200e9, 210e9, 16 * GB, 8 * GB)


@pytest.fixture
def toy_chat(tmp_path: Path) -> tuple[Any, Any]:
    model, tokenizer = load_model(save_toy(tmp_path / "toy", chat=True))
    model.get_output_embeddings().weight.data.mul_(0.05)  # a random model guesses, worse than evenly
    return model, tokenizer


def found(model: Any, tokenizer: Any) -> dict[str, str]:
    """What is not in order, and how bad it is."""
    return {c.name: c.state for c in check_model(model, tokenizer) if c.state != "ok"}


def test_the_embedded_model_is_sound() -> None:
    checks = check_model(*load_model("tiny"))
    assert {c.state for c in checks} <= {"ok", "warning"}
    assert [c.state for c in checks if c.name in ("special tokens", "chat template")] == ["ok", "ok"]


def test_a_model_that_was_never_trained_is_told(toy_chat: tuple[Any, Any]) -> None:
    assert found(*toy_chat) == {"numbers": "problem"}


@pytest.mark.parametrize(
    ("template", "state"),
    [
        ("<eos>{{ messages[0].content }}", None),
        ("{{ bos_token }}{{ bos_token }}{{ messages[0].content }}", None),
        ("{{ strftime_now('%d %b %Y') }} {{ messages[0].content }}", None),
        ("<249>{{ messages[0].content }}", "problem"),
        ("{{ messages[0].role }}", "problem"),
        ("{{ raise_exception('no') }}", "problem"),
        ("{{ messages[0]", "problem"),
    ],
)
def test_templates(toy_chat: tuple[Any, Any], template: str, state: str | None) -> None:
    model, tokenizer = toy_chat
    tokenizer.chat_template = template
    if "<249>" in template:
        tokenizer.add_tokens([f"<{i}>" for i in range(250)])
    if "bos_token" in template:
        tokenizer.bos_token = "<eos>"
    assert found(model, tokenizer).get("chat template") == state


def test_tokens_outside_of_the_model(toy_chat: tuple[Any, Any]) -> None:
    model, tokenizer = toy_chat
    tokenizer.add_tokens([f"<{i}>" for i in range(200)])
    tokenizer.add_special_tokens({"pad_token": "<new pad>"})
    assert "special tokens" not in found(model, tokenizer)  # nothing is ever padded with it
    tokenizer.add_special_tokens({"eos_token": "<new end>"})
    assert found(model, tokenizer)["special tokens"] == "problem"


def test_text_that_comes_back_changed(toy_chat: tuple[Any, Any]) -> None:
    from tokenizers import normalizers

    model, tokenizer = toy_chat
    tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()
    assert found(model, tokenizer)["text to tokens and back"] == "warning"


def test_numbers_that_are_not_finite(toy_chat: tuple[Any, Any]) -> None:
    model, tokenizer = toy_chat
    with torch.no_grad():
        next(model.parameters()).fill_(float("inf"))
    assert "float32" in next(c.advice for c in check_model(model, tokenizer) if c.name == "numbers")


def test_the_faster_type_is_named_and_no_other() -> None:
    def told(speed: Speed, dtype: str, **more: Any) -> list[str]:
        return [c.advice for c in check_speed(speed, dtype, 2, **more) if c.state == "warning"]

    from dataclasses import replace

    assert told(FAST, "float32") == [] == told(FAST, "bfloat16")
    quick = replace(FAST, bfloat16_flops=900e9)
    [advice] = told(quick, "float32")
    assert 'dtype = "bfloat16"' in advice
    assert told(quick, "bfloat16") == [] == told(quick, "float32", small=True)
    assert ["OMP_NUM_THREADS=2" in a for a in told(replace(FAST, threads=8), "float32")] == [True]
    assert len(told(FAST, "float32", busy=7.0)) == 1
