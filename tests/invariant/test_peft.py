"""Against the real PEFT: the same training, the same files, the same logits."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from seal.bench.inner_loop.peft_loop import PeftLoop
from seal.training import Adapter, AdapterBank, load_peft, merge, save_peft, tokenize_plan, train
from seal.training.optimizer import learning_rate
from seal.types import TrainingPlan
from toys import distance, relative, toy_model, toy_plan, toy_tokenizer

KINDS = ["llama", "qwen2", "qwen3", "gemma2", "gpt2"]
IDS = torch.tensor([[5, 90, 33, 210, 17, 8], [300, 2, 77, 41, 9, 150]])


def plain_loop(model, plan: TrainingPlan) -> Adapter:
    """The benchmark's plain loop with PEFT; starts from the engine's initial weights."""
    h, work = plan.hyperparameters, tokenize_plan(plan, toy_tokenizer(), max_length=None)
    [untrained] = train(model, toy_tokenizer(), [replace(work, steps=())])
    loop = PeftLoop(model, h)
    rate = partial(learning_rate, h, n_steps=len(work.steps))
    losses = loop.train(work, start=untrained.factors, rate=rate)
    return loop.adapter(plan.id, losses)


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_loop_with_peft_gives_the_same_adapters(kind: str) -> None:
    model = toy_model(kind)
    plans = [
        toy_plan(0, epochs=3, batch_size=1, learning_rate=1e-3),
        toy_plan(1, rank=6, schedule="linear", weight_decay=0.1, max_grad_norm=0.3),
        toy_plan(2, batch_size=0, schedule="cosine", warmup_steps=1, betas=(0.8, 0.99)),
    ]
    for ours, plan in zip(train(model, toy_tokenizer(), plans), plans, strict=True):
        theirs = plain_loop(model, plan)
        assert distance(ours, theirs) < 1e-4
        assert ours.losses == pytest.approx(theirs.losses, rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_export_bank_and_merge_agree(kind: str, tmp_path) -> None:
    model = toy_model(kind)
    targets = ("c_attn",) if kind == "gpt2" else ("q_proj", "down_proj")
    adapters = train(model, toy_tokenizer(), [toy_plan(0, rank=3), toy_plan(1), toy_plan(2, targets=targets)])
    with AdapterBank.of(model, adapters) as bank, torch.no_grad():
        with bank.route(range(3), 2):
            banked = model(IDS.repeat(3, 1)).logits.view(3, 2, *IDS.shape[1:], -1)
        bare = model(IDS).logits
    for adapter, logits in zip(adapters, banked, strict=True):
        folder = save_peft(adapter, tmp_path / adapter.id, "toy")
        theirs = PeftModel.from_pretrained(copy.deepcopy(model), str(folder))
        with torch.no_grad():
            assert relative(theirs(input_ids=IDS).logits, logits) < 1e-5
        assert distance(load_peft(folder, model), adapter) == 0
        merged = copy.deepcopy(model)
        merge(merged, adapter)
        with torch.no_grad():
            assert relative(merged(IDS).logits, logits) < 1e-5
        assert relative(bare, logits) > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_import_of_an_adapter_that_peft_saved(kind: str, tmp_path) -> None:
    model = toy_model(kind)
    config = LoraConfig(
        r=5, lora_alpha=9, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM"
    )  # type: ignore[arg-type]
    torch.manual_seed(3)
    theirs = get_peft_model(copy.deepcopy(model), config)
    theirs.save_pretrained(str(tmp_path / "saved"))
    adapter = load_peft(tmp_path / "saved", model)
    with AdapterBank.of(model, [adapter]) as bank, bank.route([0], 2), torch.no_grad():
        assert relative(model(IDS).logits, theirs(input_ids=IDS).logits) < 1e-5


def test_the_saved_folder_loads_on_a_saved_base(tmp_path) -> None:
    model = toy_model("qwen3")
    model.save_pretrained(tmp_path / "base")
    [adapter] = train(model, toy_tokenizer(), [toy_plan(0)])
    folder = save_peft(adapter, tmp_path / "adapter", str(tmp_path / "base"))
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.float32)
    assert distance(load_peft(folder, base), adapter) == 0
