"""What is exported is what answers: the adapter under peft itself, the merged model in transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import AutoPeftModelForCausalLM, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from families import MAIN, MERGED_ONLY, Checkpoint, save_family
from learners import CONFIG, Gates, begin, fake, hand_in_everywhere, learn_all
from seal.cli import main
from seal.errors import AdapterError
from seal.files import write_durably
from seal.learner import Learner
from seal.learner.settings import settings_text
from seal.training import AdapterBank, load_peft

A, B = fake("export a"), fake("export b")
NEWER = A.changed("So it was told in May.", **{min(A.values): "Brumaunil"})


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates) -> Learner:
    learner = begin(tmp_path_factory.mktemp("w") / "w", toy)
    learn_all(learner, [A, B])
    return learner


def logits(model: Any, tokenizer: Any, text: str) -> torch.Tensor:
    with torch.inference_mode():
        return model(**tokenizer(text, return_tensors="pt")).logits


def cell_logits(learner: Learner, adapter: Any, text: str) -> torch.Tensor:
    model, tokenizer = learner.parts.adaptation.model, learner.parts.adaptation.tokenizer
    with AdapterBank.of(model, [adapter]) as bank, bank.route([0], 1):
        return logits(model, tokenizer, text)


def test_one_document_is_its_cell(learner: Learner, toy: Path, tmp_path: Path) -> None:
    learner.export(tmp_path / "a", document=A.name)
    text = A.question(min(A.values))
    base = AutoModelForCausalLM.from_pretrained(toy).eval()
    before = logits(base, learner.parts.adaptation.tokenizer, text)
    theirs = logits(PeftModel.from_pretrained(base, tmp_path / "a"), learner.parts.adaptation.tokenizer, text)
    cell = learner.parts.mind(learner.workspace.alias()).cells[A.id].adapter
    torch.testing.assert_close(theirs, cell_logits(learner, cell, text), rtol=1e-5, atol=1e-5)
    assert (theirs - before).abs().max() > 1e-3, "the adapter changes nothing"


@pytest.mark.parametrize("model", ["tiny", "gpt2"])
def test_peft_loads_what_the_command_wrote(
    model: str, tmp_path: Path, gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another folder, and by the adapter's folder alone: it names the base so that PEFT finds it."""
    hand_in_everywhere(monkeypatch)
    if model == "gpt2":
        save_family(tmp_path / model, Checkpoint("GPT-2"))
    (tmp_path / "a.txt").write_text(A.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    learner = Learner.init(Path("w"), model=model if model == "tiny" else f"./{model}")
    write_durably(learner.workspace.path / "learner.toml", [settings_text(CONFIG).encode()])
    assert main(["learn", "a.txt", "--title", A.name, "--workspace", "w"]) == 0
    assert main(["export", "out", "--document", A.name, "--workspace", "w"]) == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    theirs = AutoPeftModelForCausalLM.from_pretrained(str(tmp_path / "out")).eval()
    exported_is_the_cell(Learner.open(tmp_path / "w"), theirs)


def exported_is_the_cell(learner: Learner, theirs: Any) -> None:
    text, tokenizer = A.question(min(A.values)), learner.parts.adaptation.tokenizer
    cell = learner.parts.mind(learner.workspace.alias()).cells[A.id].adapter
    own = cell_logits(learner, cell, text)
    torch.testing.assert_close(logits(theirs, tokenizer, text), own, rtol=1e-4, atol=1e-4)
    with theirs.disable_adapter():
        assert (logits(theirs, tokenizer, text) - own).abs().max() > 1e-3, "the adapter changes nothing"


@pytest.mark.slow
@pytest.mark.parametrize("family", list(MAIN))
def test_every_family_in_a_workspace(family: str, tmp_path: Path, gates: Gates) -> None:
    learner = begin(tmp_path / "w", save_family(tmp_path / "model", Checkpoint(family)))
    learn_all(learner, [A])
    learner.export(tmp_path / "out", document=A.id)
    exported_is_the_cell(learner, AutoPeftModelForCausalLM.from_pretrained(str(tmp_path / "out")).eval())


@pytest.mark.slow
def test_what_peft_cannot_load_is_not_handed_out(tmp_path: Path, gates: Gates) -> None:
    """But merged it is."""
    family = Checkpoint(next(iter(MERGED_ONLY)))
    learner = begin(tmp_path / "w", save_family(tmp_path / "model", family))
    learn_all(learner, [A])
    with pytest.raises(AdapterError, match="peft cannot load"):
        learner.export(tmp_path / "out", document=A.id)
    assert not (tmp_path / "out").exists()
    learner.export(tmp_path / "merged", document=A.id, merged=True)
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "merged")


def test_all_documents_are_one_adapter(learner: Learner, toy: Path, tmp_path: Path) -> None:
    done = learner.export(tmp_path / "all")
    text = B.question(min(B.values))
    base = AutoModelForCausalLM.from_pretrained(toy).eval()
    theirs = logits(
        PeftModel.from_pretrained(base, tmp_path / "all"), learner.parts.adaptation.tokenizer, text
    )
    own = cell_logits(learner, load_peft(tmp_path / "all", learner.parts.adaptation.model), text)
    torch.testing.assert_close(theirs, own, rtol=1e-5, atol=1e-5)
    assert done.questions == 6
    learner.export(tmp_path / "again")
    for name in ("adapter_model.safetensors", "README.md"):
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_merged_model_needs_nothing_of_ours(learner: Learner, tmp_path: Path) -> None:
    learner.export(tmp_path / "merged", document=A.id, merged=True)
    text = A.question(min(A.values))
    model: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "merged").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "merged")
    cell = learner.parts.mind(learner.workspace.alias()).cells[A.id].adapter
    torch.testing.assert_close(
        logits(model, tokenizer, text), cell_logits(learner, cell, text), rtol=1e-3, atol=1e-3
    )
    (answer,) = learner.ask([text])
    prompt = learner.parts.adaptation.exam_prompt(None, text_of(text))
    ids = tokenizer(prompt, return_tensors="pt")
    said = model.generate(**ids, max_new_tokens=2, do_sample=False)[0, ids["input_ids"].shape[1] :]
    assert learner.parts.adaptation.domain.clean_answer(tokenizer.decode(said)) == answer.text


def text_of(question: str) -> Any:
    from seal.types import Question

    return Question(question, ())


def test_the_card_holds_the_record(learner: Learner, tmp_path: Path) -> None:
    done = learner.export(tmp_path / "card", document=A.name)
    card = (tmp_path / "card" / "README.md").read_text(encoding="utf-8")
    live = learner.workspace.version("live")
    recipe = json.loads(card.partition("```json")[2].partition("```")[0])
    assert live.id in card and live.base in card and A.name in card and A.id[:12] in card
    assert B.name not in card
    assert recipe == {"cells": [{"documents": [A.id[:12]], "recipe": learner.parts.library.recipe}]}
    assert f"{done.right} of {done.questions} questions" in card
    learner.export(tmp_path / "both")
    card = (tmp_path / "both" / "README.md").read_text(encoding="utf-8")
    recipe = json.loads(card.partition("```json")[2].partition("```")[0])
    assert set(recipe["cells"][0]["documents"]) == {A.id[:12], B.id[:12]}
    assert recipe["one_adapter"] == CONFIG.consolidated.model_dump(mode="json")
    config = json.loads((tmp_path / "card" / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == learner.workspace.settings()["model"]


def test_what_was_replaced_is_not_exported(toy: Path, tmp_path: Path, gates: Gates) -> None:
    """Neither by the older document's cell nor by one adapter on all of them."""
    learner = begin(tmp_path / "w", toy)
    learn_all(learner, [A])
    learner.export(tmp_path / "before", document=A.id)
    learn_all(learner, [NEWER])
    learner.export(tmp_path / "after", document=A.id)
    before, after = (
        (tmp_path / name / "adapter_model.safetensors").read_bytes() for name in ("before", "after")
    )
    assert before != after
    known = learner.parts.library.of_version(learner.workspace.alias())
    assert not any(
        A.values[min(A.values)] in line.text for one in known.values() for line in one.active_lines
    )


def test_the_folder_appears_whole_or_not_at_all(
    learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seal.learner import exporting

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, "save_peft", stopped)
    with pytest.raises(KeyboardInterrupt):
        learner.export(tmp_path / "out", document=A.id)
    assert not list(tmp_path.iterdir())
