"""Train the embedded model's tokenizer: byte-level BPE, digits in groups of at most two."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from seal.domains.microworld.corpus import documents

END, PAD = "<|end|>", "<|pad|>"
WORDS = r"'s| ?\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def train_tokenizer(
    folder: Path,
    shares: dict[str, float],
    *,
    vocabulary: int = 1536,
    n_documents: int = 40_000,
    seed: int = 1,
) -> None:
    """Write a Hugging Face tokenizer, trained on the first `n_documents` of the corpus, to `folder`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (
        "".join(text for text, _ in segments) for _, segments in islice(documents(seed, shares), n_documents)
    )
    tokenizer.train_from_iterator(texts, trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)
