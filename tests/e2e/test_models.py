"""Toy models of several architectures through the whole inner loop, with and without a chat template."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from checkpoints import save_squad, save_toy
from seal.domains.knowledge import load_contexts
from seal.engine import threads
from seal.engine.adapt import Adaptation, Trial
from seal.engine.check import check_fit
from seal.engine.memory import adapter_bytes, adapter_parameters, slots_that_fit, weight_bytes
from seal.engine.work import Work, WorkAmount
from seal.errors import InputError
from seal.models.tokens import cut_to
from seal.research.config import RunConfig, parse_config
from seal.types import SelfEdit

KINDS = ["qwen3", "llama", "gemma2"]


def small(model: Path) -> RunConfig:
    return parse_config(
        {
            "model": {"name": str(model)},
            "self_edit": {"max_new_tokens": 16},
            "inner": {"rank": 2, "max_steps": 2},
            "grading": {"max_new_tokens": 3},
        },
        where="test",
    )


@pytest.mark.parametrize("chat", [False, True], ids=["base", "chat"])
@pytest.mark.parametrize("kind", KINDS)
def test_write_train_and_examine(kind: str, chat: bool, tmp_path: Path) -> None:
    adaptation = Adaptation.load(small(save_toy(tmp_path / "model", kind, chat=chat)))
    assert adaptation.style == ("chat" if chat else "base")
    context = load_contexts(save_squad(tmp_path / "passages.json"))[0]
    assert adaptation.writing_prompt(context).startswith("<user>") == chat
    weights = {name: p.clone() for name, p in adaptation.model.named_parameters()}

    [edits] = adaptation.write([context], 2, seed=1)
    [again] = adaptation.write([context], 2, seed=1)
    assert edits == again and edits[0].text != edits[1].text
    trials = [Trial(context, edit, i) for i, edit in enumerate(edits)]
    scores = adaptation.learn_and_examine(trials, answers=True)

    assert [len(score.answers) for score in scores] == [2, 2]
    assert all(score.coverage == 1 and score.likelihood is not None for score in scores)
    assert all(torch.equal(p, weights[name]) for name, p in adaptation.model.named_parameters())


def test_a_broken_sample_stays_within_its_limit(tmp_path: Path) -> None:
    """Bytes that are no characters read back as several tokens each."""
    adaptation = Adaptation.load(small(save_toy(tmp_path / "model")))
    text = "\ufffd" * 16
    cut = cut_to(adaptation.tokenizer, text, adaptation.edit_tokens)
    assert len(adaptation.tokenizer(cut)["input_ids"]) <= 16 < len(adaptation.tokenizer(text)["input_ids"])
    assert cut_to(adaptation.tokenizer, "the mill", adaptation.edit_tokens) == "the mill"


def test_an_exam_that_does_not_fit(tmp_path: Path) -> None:
    adaptation = Adaptation.load(small(save_toy(tmp_path / "model", context_tokens=200)))
    contexts = load_contexts(save_squad(tmp_path / "passages.json", words=40))
    assert check_fit(adaptation, contexts, writes=False) == []
    adaptation.model.config.max_position_embeddings = 100
    with pytest.raises(InputError, match="with one of its questions and the answer"):
        check_fit(adaptation, contexts, writes=False, open_book=True)


def test_memory_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Adaptation.load(small(save_toy(tmp_path / "model"))).model
    peft_parameters = sum(
        4 * (m.in_features + m.out_features)
        for name, m in model.named_modules()
        if isinstance(m, torch.nn.Linear) and "lm_head" not in name
    )
    assert adapter_parameters(model, 4, "all-linear") == peft_parameters
    assert weight_bytes(model) == 4 * sum(p.numel() for p in model.parameters())
    one = adapter_bytes(model, 4, "all-linear")
    monkeypatch.setattr("seal.engine.memory.free_bytes", lambda device: 6 * one)
    assert slots_that_fit(model, 4, "all-linear", wanted=96) == 3
    assert slots_that_fit(model, 4, "all-linear", wanted=2) == 2
    monkeypatch.setattr("seal.engine.memory.free_bytes", lambda device: 0)
    assert slots_that_fit(model, 4, "all-linear", wanted=96) == 1


@pytest.mark.parametrize(
    ("times", "best"), [({1: 1.0, 2: 20.0}, 1), ({1: 1.0, 2: 0.6, 4: 0.59}, 2), ({1: 1.0, 2: 0.95}, 1)]
)
def test_the_faster_number_of_threads(
    times: dict[int, float], best: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adaptation = Adaptation.load(small(save_toy(tmp_path / "model")))
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(threads, "_candidates", lambda: list(times)[1:])
    monkeypatch.setattr(threads, "_step_s", lambda model, tokenizer, n: times[n])
    chosen, why = threads.choose_threads(adaptation.model, adaptation.tokenizer)
    assert (chosen, torch.get_num_threads()) == (best, best) and "a step takes 1000 ms with 1" in why


def test_a_step_is_timed_for_real(tmp_path: Path) -> None:
    adaptation = Adaptation.load(small(save_toy(tmp_path / "model")))
    assert 0 < threads._step_s(adaptation.model, adaptation.tokenizer, 1) < 60


def test_time_left() -> None:
    work = Work()
    assert work.left_s() is None
    work.plan(WorkAmount(train=10))
    assert work.left_s() is None
    with work.doing("train", 4):
        pass
    work.done_before("train", 6)
    assert work.left_s() == 0
    with pytest.raises(ValueError), work.doing("train", 1):
        raise ValueError
    assert work.done["train"] == 10


def test_a_sample_that_is_empty_trains_on_the_passage(tmp_path: Path) -> None:
    adaptation = Adaptation.load(small(save_toy(tmp_path / "model")))
    context = load_contexts(save_squad(tmp_path / "passages.json"))[0]
    [score] = adaptation.learn_and_examine(
        [Trial(context, SelfEdit(context.id, "implications", "", ()), 0)], answers=False
    )
    assert score.accuracy is None and score.likelihood is not None
