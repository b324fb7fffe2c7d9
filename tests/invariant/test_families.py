"""Every family of models with every kind of tokenizer through the whole: write, train, examine, export, and
again in PEFT, where the same text gets the same numbers.

Pairs of features (families.py) instead of all combinations: a template or a missing token meets each family.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from families import (
    MERGED_ONLY,
    MORE,
    VALUES,
    Checkpoint,
    every_pair,
    pairs_of,
    pairwise,
    save_family,
)
from seal.engine.adapt import Adaptation, Trial
from seal.errors import AdapterError
from seal.models import load_model, save_model
from seal.models.adapter_folder import check_peft_loads
from seal.models.generate import generate
from seal.models.load import loadable_name
from seal.models.tokens import encode_completion, encode_prompt
from seal.research.config import parse_config
from seal.training import Adapter, AdapterBank, keeps_transposed, load_peft, merge, save_peft, train
from seal.types import Context, Question
from toys import distance, relative

TOLERANCE = 1e-4
CONTEXTS = [
    Context(
        f"c{i}",
        f"Petra Lund {i}",
        f"Petra Lund number {i} was born in Ostrava. " + "The mill is old. " * 2 * i,
        (Question("Where was Petra Lund born?", ("Ostrava",)), Question("What is old?", ("the mill",))),
    )
    for i in range(2)
]


def adaptation_of(folder: Path) -> Adaptation:
    config = {
        "model": {"name": str(folder)},
        "self_edit": {"max_new_tokens": 12},
        "inner": {"rank": 2, "max_steps": 2, "learning_rate": 1e-2, "batch_size": 0},
        "grading": {"max_new_tokens": 3},
    }
    return Adaptation.load(parse_config(config, where="test"))


def through_the_whole(folder: Path) -> tuple[Adaptation, list[Adapter]]:
    """Writes, trains and examines; returns the adapters, each of which is what it is when trained alone."""
    adaptation = adaptation_of(folder)
    edits = adaptation.write(CONTEXTS, 2, seed=1)
    assert [adaptation.write([c], 2, seed=1)[0] for c in CONTEXTS] == edits, "written together and alone"
    alike = [
        CONTEXTS[1].text + tail for tail in ("Who owns the mill by the river?", "Where?", " Old or new?")
    ]
    together = generate(adaptation.model, adaptation.tokenizer, alike, max_new_tokens=16)
    singly = [generate(adaptation.model, adaptation.tokenizer, [one], max_new_tokens=16)[0] for one in alike]
    assert together == singly, "with a beginning in common and alone"
    trials = [Trial(c, own[i], i) for c, own in zip(CONTEXTS, edits, strict=True) for i in range(2)]
    plans = [adaptation.plan(trial)[0] for trial in trials]
    adapters = train(adaptation.model, adaptation.tokenizer, plans)
    assert not any(adapter.failed for adapter in adapters)
    [alone] = train(adaptation.model, adaptation.tokenizer, plans[1:2])
    assert distance(adapters[1], alone) < TOLERANCE, "trained together and alone"
    return adaptation, adapters


def asked(
    adaptation: Adaptation, adapters: list[Adapter]
) -> Iterator[tuple[int, list[int], list[int], float]]:
    """For each adapter and question: prompt and answer as tokens, and the answer's likelihood in the exam."""
    exams = [(CONTEXTS[i // 2], None) for i in range(len(adapters))]
    with AdapterBank.of(adaptation.model, adapters) as bank:
        scores = adaptation.examine(exams, bank=bank)
    for slot, ((context, _), score) in enumerate(zip(exams, scores, strict=True)):
        assert score.coverage == 1 and score.likelihood is not None
        for question in context.questions:
            prompt = encode_prompt(adaptation.tokenizer, adaptation.exam_prompt(None, question))
            answer = adaptation.answer_lead + question.answers[0]
            yield (
                slot,
                prompt,
                encode_completion(adaptation.tokenizer, answer, append_eos=False),
                score.likelihood,
            )


def exported(adapter: Adapter, adaptation: Adaptation, folder: Path) -> Any:
    """The adapter in PEFT, on the base that its folder names, loaded by `transformers`."""
    base = adaptation.model
    save_peft(adapter, folder, loadable_name(adaptation.config.model.name), transposed=keeps_transposed(base))
    check_peft_loads(folder, base)
    named = json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    bare = AutoModelForCausalLM.from_pretrained(named, dtype=torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # PEFT warns of what it had to mend or to leave out
        return PeftModel.from_pretrained(bare, str(folder)).eval()


@torch.no_grad()
def likelihood(model: Any, prompt: list[int], answer: list[int]) -> float:
    logits = model(input_ids=torch.tensor([prompt + answer])).logits[0].log_softmax(-1)
    return math.exp(sum(logits[len(prompt) - 1 + i, id].item() for i, id in enumerate(answer)))


@torch.no_grad()
def greedy(model: Any, ids: list[int], n: int) -> list[int]:
    new: list[int] = []
    for _ in range(n):
        new.append(int(model(input_ids=torch.tensor([ids + new])).logits[0, -1].argmax()))
    return new


def check(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = save_family(tmp_path / "model", checkpoint)
    adaptation, adapters = through_the_whole(folder)
    model, tokenizer = adaptation.model, adaptation.tokenizer
    assert adaptation.style == ("chat" if checkpoint.chat else "base")
    if checkpoint.family != "Qwen2":  # for which `transformers` has a class of its own
        text = CONTEXTS[0].text
        assert tokenizer(text)["input_ids"] == checkpoint.make_tokenizer()(text)["input_ids"]
    theirs = exported(adapters[1], adaptation, tmp_path / "adapter")
    told = [one for one in asked(adaptation, adapters) if one[0] == 1]
    mean = sum(likelihood(theirs, prompt, answer) for _, prompt, answer, _ in told) / len(told)
    assert mean == pytest.approx(told[0][3], rel=1e-3), "the exam's likelihood"

    ids = torch.tensor([told[0][1]])
    prompt = adaptation.exam_prompt(None, CONTEXTS[0].questions[0])
    with AdapterBank.of(model, adapters) as bank:
        with bank.route([1], 1), torch.no_grad():
            own = model(ids).logits
        texts = generate(model, tokenizer, [prompt] * 2, adapters=bank, slots=[0, 1], max_new_tokens=1)
    with torch.no_grad():
        assert relative(theirs(input_ids=ids).logits, own) < TOLERANCE, "logits in PEFT"
        assert relative(model(ids).logits, own) > 10 * TOLERANCE, "the adapter changes nothing"
    assert texts[1].n_tokens == 1
    assert distance(load_peft(tmp_path / "adapter", model), adapters[1]) == 0

    whole, _ = load_model(folder)
    merge(whole, adapters[1])
    save_model(whole, tokenizer, tmp_path / "merged")
    for again in (load_model(tmp_path / "merged")[0], load_model(tmp_path / "adapter")[0]):
        with torch.no_grad():
            assert relative(again(ids).logits, own) < TOLERANCE, "merged into the base"


def test_every_pair_of_features_is_met() -> None:
    met = {pair for one in pairwise() for pair in pairs_of({name: getattr(one, name) for name in VALUES})}
    assert met == every_pair()


@pytest.mark.parametrize("checkpoint", pairwise(), ids=str)
def test_a_family(checkpoint: Checkpoint, tmp_path: Path) -> None:
    check(checkpoint, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("family", list(MORE))
def test_another_family(family: str, tmp_path: Path) -> None:
    check(Checkpoint(family), tmp_path)


@pytest.mark.parametrize("family", list(MERGED_ONLY))
def test_a_family_whose_adapters_peft_does_not_load(family: str, tmp_path: Path) -> None:
    """It is trained and merged as any other; its adapter is not handed out."""
    folder = save_family(tmp_path / "model", Checkpoint(family))
    adaptation, adapters = through_the_whole(folder)
    with pytest.raises(AdapterError, match="peft cannot load"):
        exported(adapters[0], adaptation, tmp_path / "adapter")
    _, prompt, answer, _ = next(asked(adaptation, adapters[:1]))
    whole, _ = load_model(folder)
    merge(whole, adapters[0])
    ids = torch.tensor([prompt + answer])
    with AdapterBank.of(adaptation.model, adapters[:1]) as bank, bank.route([0], 1), torch.no_grad():
        assert relative(whole(ids).logits, adaptation.model(ids).logits) < TOLERANCE
