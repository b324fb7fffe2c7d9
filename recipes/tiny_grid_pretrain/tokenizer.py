"""Write the embedded grid model's tokenizer: a token a cell, and one a piece of a directive."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from seal.self_edits.arc_grammar import DirectiveGrammar

END, PAD, UNKNOWN = "<|end|>", "<|pad|>", "<|unknown|>"
MAX_LENGTH = 1024


def pieces() -> list[str]:
    """All tokens: those of several characters, longest first, then every printable character."""
    grammar = DirectiveGrammar()
    literals, state = {"\n\n", "Directive: "}, grammar.start
    while continuations := grammar.continuations(state):
        literals |= set(continuations)
        state = grammar.advance(state, continuations[0])
    long = sorted((text for text in literals if len(text) > 1), key=lambda text: (-len(text), text))
    return [*long, *string.digits, *sorted(set(string.printable) - set(string.digits))]


def write_tokenizer(folder: Path) -> None:
    """Write it as a Hugging Face tokenizer."""
    text_pieces = pieces()
    vocabulary = {piece: index for index, piece in enumerate([END, PAD, UNKNOWN, *text_pieces])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    long = "|".join(re.escape(piece) for piece in text_pieces if len(piece) > 1)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(rf"{long}|[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        unk_token=UNKNOWN,
        model_max_length=MAX_LENGTH,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)


if __name__ == "__main__":
    print(json.dumps(pieces(), indent=2))
