"""What a model's start remembers: the digest of its weights, and its tokenizer without `transformers`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints import CHAT_TEMPLATE, save_toy
from seal.models import identity, kept_tokenizers, load_model, remembered
from seal.models.identity import model_record, stored_digest
from seal.models.kept_tokenizers import read_tokenizer
from seal.models.load import load_with_transformers
from seal.models.tokenizer import PlainTokenizer
from toys import toy_model

MESSAGES = [{"role": "user", "content": "Who was  it?\n"}]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, in which files that were made a moment ago count as settled."""
    monkeypatch.setenv("SEAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(remembered, "_SETTLED_s", 0.0)
    return tmp_path / "cache"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each time that weights are hashed."""
    times: list[int] = []
    before = identity._digest

    def digest(weights: Any) -> str:
        times.append(1)
        return before(weights)

    monkeypatch.setattr(identity, "_digest", digest)
    return times


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gemma2"])
def test_the_digest_is_that_of_what_is_stored_whatever_it_is_loaded_as(kind: str, tmp_path: Path) -> None:
    save_toy(tmp_path / "toy", kind)
    models = [load_model(tmp_path / "toy", dtype=dtype)[0] for dtype in ("float32", "bfloat16", "float16")]
    records = [model_record("", model)["sha256"] for model in models]
    assert len(set(records)) == 3
    assert {stored_digest(model) for model in models} == {records[0]}
    assert stored_digest(models[0], rounded=torch.bfloat16) == records[1]
    assert stored_digest(models[1], rounded=torch.float16) == records[2]


def test_a_digest_is_computed_once_and_anew_when_a_file_changes(tmp_path: Path, hashed: list[int]) -> None:
    folder = save_toy(tmp_path / "toy")
    model, _ = load_model(folder, dtype="bfloat16")
    first = stored_digest(model)
    assert first == stored_digest(model) == stored_digest(load_model(folder)[0]) and len(hashed) == 1
    assert first == stored_digest(model, anew=True) and len(hashed) == 2
    path = folder / "model.safetensors"
    times, data = path.stat(), bytearray(path.read_bytes())
    data[-2] ^= 0x40  # of the same size, and with its time set back
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_mtime_ns == times.st_mtime_ns
    changed = stored_digest(load_model(folder, dtype="bfloat16")[0])
    assert changed != first and len(hashed) == 3


def test_what_changed_a_moment_ago_is_not_relied_on(
    tmp_path: Path, hashed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_toy(tmp_path / "toy")
    monkeypatch.setattr(remembered, "_SETTLED_s", 3600.0)
    model, tokenizer = load_model(folder)
    assert stored_digest(model) == stored_digest(model) and len(hashed) == 2
    assert not isinstance(tokenizer, PlainTokenizer)
    assert not (tmp_path / "cache").exists()


def test_a_file_that_changes_while_it_is_read_is_not_remembered(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("one")

    def find() -> str:
        file.write_text("three")
        return "of one, or of three"

    assert remembered.remembered("kind", [file], [], find) == "of one, or of three"
    assert not (tmp_path / "cache" / "kind").exists()


def test_what_was_found_of_files_that_are_gone_is_dropped(tmp_path: Path, cache: Path) -> None:
    files = [tmp_path / name for name in "ab"]
    for file in files:
        file.write_text(file.name)
        assert remembered.remembered("kind", [file], [], lambda: 7) == 7
    assert len(list((cache / "kind").iterdir())) == 2
    files[0].unlink()
    assert remembered.remembered("kind", [files[1]], ["other"], lambda: 8) == 8
    assert len(list((cache / "kind").iterdir())) == 2


def test_a_model_that_was_made_in_memory_is_what_it_is() -> None:
    model = toy_model()
    assert stored_digest(model) == model_record("", model)["sha256"]
    with torch.no_grad():
        next(model.parameters()).mul_(2)
    assert stored_digest(model) == model_record("", model)["sha256"]


def test_a_tokenizer_is_kept_and_does_what_that_of_transformers_does(tmp_path: Path) -> None:
    folder = save_toy(tmp_path / "toy", chat=True)
    (_, theirs), first = load_with_transformers(folder), read_tokenizer(folder)
    second = read_tokenizer(folder)
    for ours in (first, second):
        assert isinstance(ours, PlainTokenizer)
        assert list(kept_tokenizers._tried(ours)) == list(kept_tokenizers._tried(theirs))
        told = ours.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True)
        assert told == theirs.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True)
        assert ours.chat_template == CHAT_TEMPLATE == theirs.chat_template


def test_a_changed_template_or_token_is_noticed(tmp_path: Path) -> None:
    folder = save_toy(tmp_path / "toy", chat=True)
    read_tokenizer(folder)
    (folder / "chat_template.jinja").write_text("{{ eos_token }}{{ messages[0].content | upper }}")
    changed = read_tokenizer(folder)
    assert changed.apply_chat_template(MESSAGES, tokenize=False) == "<eos>WHO WAS  IT?\n"
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token": "<pad>"}))
    assert read_tokenizer(folder).eos_token_id == 1


@pytest.mark.parametrize(
    "template",
    [
        "{% set own = namespace(_of=1) %}{{ messages[0].content }}",
        "{{ messages[0].content.nowhere.at_all }}",
    ],
)
def test_a_template_that_does_something_else_without_transformers_is_left_to_it(
    template: str, tmp_path: Path
) -> None:
    """What `transformers` adds to the language of templates; one that fails does so in both."""
    folder = save_toy(tmp_path / "toy")
    (folder / "chat_template.jinja").write_text(template)
    kinds = [isinstance(read_tokenizer(folder), PlainTokenizer) for _ in range(2)]
    assert kinds == [False, False] if "namespace" in template else kinds == [True, True]


def test_a_known_folder_is_loaded_without_transformers(tmp_path: Path) -> None:
    """Once its tokenizer was seen; what the first process keeps is for files that have settled."""
    folder = save_toy(tmp_path / "toy", chat=True)
    load_model(folder)
    time.sleep(2.1)
    load = (
        "import sys; from seal.models import load_model; from seal.models.identity import stored_digest\n"
        f"model, tokenizer = load_model({str(folder)!r}, dtype='bfloat16'); print(stored_digest(model))\n"
        f"print(tokenizer.apply_chat_template({MESSAGES!r}, tokenize=False))\n"
        "print(sorted({'transformers', 'tokenizers', 'peft', 'torch._dynamo'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True)
    digest, *_, modules = done.stdout.splitlines()
    assert digest == model_record("", load_with_transformers(folder)[0])["sha256"]
    assert modules == "['tokenizers']"
