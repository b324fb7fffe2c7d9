"""A PEFT adapter's folder as a model: merged into its base, wherever the base's name leads."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree

import pytest
import torch

from checkpoints import save_toy
from seal.errors import AdapterError, InputError, InputFileError
from seal.models.load import load_model, model_folder
from seal.models.model_names import find_model
from toys import toy_model, toy_tokenizer

peft = pytest.importorskip("peft")
IDS = torch.tensor([toy_tokenizer()("the town of Brenk lies on the river")["input_ids"]])


@pytest.fixture
def adapted(tmp_path: Path) -> torch.Tensor:
    """tmp_path/base and tmp_path/adapter (DoRA, which this package does not train), and their logits."""
    save_toy(tmp_path / "base")
    config = peft.LoraConfig(
        r=2, lora_alpha=4, target_modules="all-linear", use_dora=True, init_lora_weights=False
    )
    model = peft.get_peft_model(toy_model(), config).eval()
    model.peft_config["default"].base_model_name_or_path = str(tmp_path / "base")
    model.save_pretrained(tmp_path / "adapter")
    with torch.no_grad():
        return model(IDS).logits


def logits(name: object) -> torch.Tensor:
    with torch.no_grad():
        return load_model(str(name))[0](IDS).logits


def names_base(folder: Path, name: object) -> None:
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": name}))


def test_an_adapter_is_merged_into_its_base(
    tmp_path: Path, adapted: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_model(tmp_path / "adapter").kind == "adapter"
    torch.testing.assert_close(logits(tmp_path / "adapter"), adapted, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(logits(tmp_path / "base"), adapted, atol=1e-2)
    names_base(tmp_path / "adapter", "../base")
    monkeypatch.chdir("/")
    torch.testing.assert_close(logits(tmp_path / "adapter"), adapted, atol=1e-4, rtol=1e-4)
    assert Path(model_folder(tmp_path / "adapter")).samefile(tmp_path / "base")
    assert load_model(tmp_path / "adapter", dtype="bfloat16")[0].dtype == torch.bfloat16


def test_an_adapter_on_a_base_that_it_does_not_fit(tmp_path: Path, adapted: torch.Tensor) -> None:
    names_base(tmp_path / "adapter", "tiny")
    with pytest.raises(AdapterError, match="base"):
        load_model(tmp_path / "adapter")
    copytree(tmp_path / "adapter", tmp_path / "half")
    names_base(tmp_path / "half", str(tmp_path / "base"))
    from safetensors.torch import load_file, save_file

    weights = load_file(tmp_path / "half" / "adapter_model.safetensors")
    weights.pop(next(iter(weights)))
    save_file(weights, tmp_path / "half" / "adapter_model.safetensors")
    with pytest.raises(AdapterError, match="1 weights are missing"):
        load_model(tmp_path / "half")


def test_an_adapter_without_a_base(
    tmp_path: Path, adapted: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    names_base(tmp_path / "adapter", str(tmp_path / "gone"))
    with pytest.raises(InputFileError, match="gone"):
        load_model(tmp_path / "adapter")
    names_base(tmp_path / "adapter", None)
    with pytest.raises(InputFileError, match="names no base"):
        load_model(tmp_path / "adapter")
    names_base(tmp_path / "adapter", str(tmp_path / "base"))
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(InputError, match="pip install peft"):
        load_model(tmp_path / "adapter")
