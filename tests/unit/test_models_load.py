"""Loading models: built-in names, folders, hub names, and what can be wrong with each."""

from __future__ import annotations

import pytest
import torch

from seal.errors import ConfigError, InputError, InputFileError, UnknownNameError
from seal.models.generate import generate
from seal.models.load import load_model
from seal.models.model_names import builtin_path
from toys import toy_model, toy_tokenizer


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gemma2"])
def test_a_saved_model_loads(kind: str, tmp_path) -> None:
    model = toy_model(kind)
    model.save_pretrained(tmp_path)
    toy_tokenizer().save_pretrained(tmp_path)
    loaded, tokenizer = load_model(tmp_path, dtype="bfloat16")
    assert loaded.dtype == torch.bfloat16 and not loaded.training
    assert tokenizer.pad_token_id is not None
    ids = torch.tensor([tokenizer("the mill")["input_ids"]])
    loaded, _ = load_model(str(tmp_path))
    torch.testing.assert_close(loaded(ids).logits, model(ids).logits)


def test_names_and_folders_that_are_wrong(tmp_path) -> None:
    assert builtin_path("tiny").name == "tiny"
    with pytest.raises(UnknownNameError, match="did you mean 'tiny'"):
        load_model("tinny")
    with pytest.raises(InputFileError, match="no folder"):
        load_model(tmp_path / "absent")
    with pytest.raises(InputFileError, match=r"config\.json"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text("{ not json")
    with pytest.raises(InputError):
        load_model(tmp_path)
    with pytest.raises(InputFileError, match="a file"):
        load_model(tmp_path / "config.json")
    with pytest.raises(InputFileError, match="hub"):
        load_model("nobody/nothing")


def test_dtype_and_device_that_are_wrong() -> None:
    with pytest.raises(ConfigError, match="bfloat16"):
        load_model("tiny", dtype="bfloat61")
    with pytest.raises(ConfigError, match="cuba"):
        load_model("tiny", device="cuba")


def test_prompts_that_cannot_be_completed() -> None:
    model, tokenizer = toy_model(), toy_tokenizer()
    with pytest.raises(InputError, match="prompt 1 has 0 tokens"):
        generate(model, tokenizer, ["the", ""])
    with pytest.raises(InputError, match="context of 128"):
        generate(model, tokenizer, ["the mill " * 80])
    with pytest.raises(InputError, match="top_p"):
        generate(model, tokenizer, ["the"], top_p=0.0)
    assert generate(model, tokenizer, []) == []
