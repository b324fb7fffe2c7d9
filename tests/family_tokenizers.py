"""Toy tokenizers of all common kinds, with and without the special tokens that a model may have."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from checkpoints import squad
from toys import TEXT

VOCABULARY = 512
TOKENIZERS = {
    "byte-level": "BPE of bytes, as GPT-2, Llama 3, Qwen and Phi have it",
    "sentencepiece": "BPE with ▁ for spaces and bytes for the rest, none before a text, as Gemma has it",
    "sentencepiece, legacy": "the same with ▁ put before every text, as Llama 2 and Mistral have it",
    "unigram": "Unigram with ▁ before every text, as XGLM and T5 have it",
    "wordpiece": "WordPiece in lower case with ## within words, as BERT and its like have it",
}
BOS, EOS, PAD, UNK = "<s>", "</s>", "<pad>", "<unk>"
_TEMPLATE = (
    "{{% for m in messages %}}{begin}<{{{{ m.role }}}}>{{{{ m.content }}}}</{{{{ m.role }}}}>{{% endfor %}}"
    "{{% if add_generation_prompt %}}<assistant>{{% endif %}}"
)


def make_tokenizer(kind: str, *, chat: bool, bos: str, eos: bool, pad: bool) -> Any:
    """A tokenizer of one of `TOKENIZERS`, for `transformers`. `bos`: see `families.Checkpoint`."""
    special = [UNK, *([BOS] if bos != "none" else []), *([EOS] if eos else []), *([PAD] if pad else [])]
    made = _trained(kind, special)
    if bos != "none":
        made.post_processor = processors.TemplateProcessing(  # type: ignore[assignment]
            single=f"{BOS} $A", special_tokens=[(BOS, special.index(BOS))]
        )
    named = {f"{name}_token": token for name, token in zip(_NAMES, (UNK, BOS, EOS, PAD)) if token in special}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, **named)
    if chat:
        begin = "{% if loop.first %}" + BOS + "{% endif %}" if bos == "written" else ""
        tokenizer.chat_template = _TEMPLATE.format(begin=begin)
    return tokenizer


_NAMES = ("unk", "bos", "eos", "pad")


def _trained(kind: str, special: list[str]) -> Tokenizer:
    """The same in every process: only the trainer of BPE is, so that the others' vocabularies are counted."""
    texts = [
        *TEXT,
        str(squad()),
        'Let\'s write it: 0123456789 (a, b; c!) "q" [x] <user></user><assistant>',
    ] * 2
    size = VOCABULARY - len(special)
    if kind == "byte-level":
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
        made.decoder = decoders.ByteLevel()  # type: ignore[assignment]
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        made.train_from_iterator(
            texts,
            trainers.BpeTrainer(
                vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False
            ),
        )
        return made
    if kind == "wordpiece":
        words = sorted({word for text in texts for word in text.lower().split() if word.isalpha()})
        letters = sorted({letter for text in texts for letter in text.lower() if not letter.isspace()})
        tokens = [*special, *letters, *(f"##{letter}" for letter in letters), *words]
        vocabulary = {token: id for id, token in enumerate(dict.fromkeys(tokens))}
        made = Tokenizer(models.WordPiece(vocabulary, unk_token=UNK))
        made.normalizer = normalizers.BertNormalizer(lowercase=True)  # type: ignore[assignment]
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()  # type: ignore[assignment]
        made.decoder = decoders.WordPiece()  # type: ignore[assignment]
        made.add_special_tokens(special)
        return made
    if kind == "unigram":
        marked = Counter(
            piece for text in texts for word in text.split() for piece in (f"▁{word}", *word, "▁")
        )
        fixed = [(token, 0.0) for token in special]
        pieces = [(piece, math.log(n / marked.total())) for piece, n in sorted(marked.items())]
        made = Tokenizer(models.Unigram([*fixed, *pieces], unk_id=special.index(UNK)))
        made.pre_tokenizer = pre_tokenizers.Metaspace()  # type: ignore[assignment]
        made.decoder = decoders.Metaspace()  # type: ignore[assignment]
        made.add_special_tokens(special)
        return made
    return _sentencepiece(texts, special, prepend=kind.endswith("legacy"))


def _sentencepiece(texts: list[str], special: list[str], *, prepend: bool) -> Tokenizer:
    """BPE on characters, with the 256 bytes for those that it does not know."""
    spaces: list[Any] = [normalizers.Prepend("▁")] if prepend else []
    normalizer = normalizers.Sequence([*spaces, normalizers.Replace(" ", "▁")])
    learning = Tokenizer(models.BPE())
    learning.normalizer = normalizer  # type: ignore[assignment]
    learning.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=VOCABULARY - 256 - len(special), show_progress=False)
    )
    learned = json.loads(learning.to_str())["model"]
    tokens = [*special, *(f"<0x{byte:02X}>" for byte in range(256))]
    tokens += sorted(learned["vocab"], key=learned["vocab"].get)
    vocabulary = {token: id for id, token in enumerate(dict.fromkeys(tokens))}
    merges = [tuple(pair) for pair in learned["merges"]]
    made = Tokenizer(models.BPE(vocabulary, merges, unk_token=UNK, byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizer  # type: ignore[assignment]
    back: list[Any] = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    made.decoder = decoders.Sequence([*back, *([decoders.Strip(" ", 1, 0)] if prepend else [])])  # type: ignore[assignment]
    made.add_special_tokens(special)
    return made
