"""Text to token ids, and back. Knows nothing about training or about adapters.

A prompt and what follows it are tokenised apart and joined, so that training, scoring and sampling all
see the same tokens whatever the tokenizer would have merged across the border. What follows has the tokens
that it has in the middle of a text, which are those that a model writes there.

A text is a text: where it spells a special token, it is cut so that it does not become that token. Only what
a chat template writes of its own accord does (`ChatPrompt`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from seal.errors import InputError
from seal.models.token_traits import Tokenizer, ids_after, raw_ids, traits_of


class ChatPrompt(str):
    """A prompt that a chat template has made, to which text may have been added.

    The special tokens in its first `made` characters are the template's own and become tokens, but for those
    that `cuts` divide: they stood in a message. What was added is text.
    """

    cuts: tuple[int, ...]
    made: int

    def __new__(cls, text: str, cuts: Sequence[int] = (), made: int | None = None) -> ChatPrompt:
        self = super().__new__(cls, text)
        self.cuts, self.made = tuple(cuts), len(text) if made is None else made
        return self

    def __add__(self, other: str) -> ChatPrompt:
        return ChatPrompt(str(self) + other, self.cuts, self.made)

    def __reduce__(self) -> tuple[type[ChatPrompt], tuple[str, tuple[int, ...], int]]:
        return ChatPrompt, (str(self), self.cuts, self.made)


def encode_prompt(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of a text that starts a sequence; begins with the special tokens that the tokenizer itself puts
    before a text (BOS), once, and never ends with those that it puts after one (EOS)."""
    start, ids = list(traits_of(tokenizer).start), _sequence_ids(tokenizer, text)
    if isinstance(text, ChatPrompt):
        # The template may have written them itself, or BOS alone, some of them twice.
        begin = start or [id for id in ids[:1] if id == tokenizer.bos_token_id]
        while begin and ids[: len(begin)] == begin:
            start, ids = begin, ids[len(begin) :]
    return start + ids


def encode_completion(tokenizer: Tokenizer, text: str, *, append_eos: bool, after: str = "") -> list[int]:
    """The ids of a text that follows a prompt; ends with EOS if asked for and if there is one.

    `after` is the prompt. It matters only where a chat template ends it with a special token.
    """
    mark = _last_mark(tokenizer, after) if isinstance(after, ChatPrompt) and len(after) == after.made else ""
    ids = _text_ids(tokenizer, text, mark=mark)
    return [*ids, tokenizer.eos_token_id] if append_eos and tokenizer.eos_token_id is not None else ids


def cut_to(tokenizer: Tokenizer, text: str, n_tokens: int) -> str:
    """A text that a model wrote, cut where it takes more tokens when read again than when it was written.

    Pieces of characters do: each becomes a replacement character of several tokens.
    """
    ids = encode_completion(tokenizer, text, append_eos=False)
    if len(ids) <= n_tokens:
        return text
    return decode_completion(tokenizer, ids[:n_tokens]).rstrip("\ufffd")


def encode_pair(
    tokenizer: Tokenizer, prompt: str, completion: str, *, append_eos: bool
) -> tuple[list[int], list[int]]:
    """The ids of a prompt and of what follows it. After an empty prompt the completion starts the sequence,
    and the prompt's ids are the special tokens before it."""
    if prompt:
        return encode_prompt(tokenizer, prompt), encode_completion(
            tokenizer, completion, append_eos=append_eos, after=prompt
        )
    n_start = len(traits_of(tokenizer).start)
    ids = encode_prompt(tokenizer, completion)
    end = [tokenizer.eos_token_id] if append_eos and tokenizer.eos_token_id is not None else []
    return ids[:n_start], ids[n_start:] + end


def decode_completion(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """The text that these ids add to a prompt, with the space that it begins with and without the special
    tokens that a model wrote. U+FFFD stands for NUL, which no database takes."""
    traits = traits_of(tokenizer)
    said = [id for id in ids if id not in traits.unwritten]
    how = {"skip_special_tokens": True} | ({"clean_up_tokenization_spaces": False} if traits.exact else {})
    if traits.reading_anchor:
        head = raw_ids(tokenizer, traits.reading_anchor)
        whole, before = (tokenizer.decode(each, **how) for each in (head + said, head))
        if whole.startswith(before):
            return whole[len(before) :].replace("\0", "\ufffd")
    return tokenizer.decode(said, **how).replace("\0", "\ufffd")


def token_texts(tokenizer: Tokenizer, n: int) -> list[str]:
    """What each of the ids 0 .. n - 1 adds to a text; empty for special tokens and ids without a token.

    Decoded after another token: by itself one may lose the space that it begins with.
    """
    [first] = tokenizer("{", add_special_tokens=False, verbose=False)["input_ids"][:1]
    anchor = tokenizer.decode([first], clean_up_tokenization_spaces=False)
    special = {id for id in tokenizer.all_special_ids}
    rows = tokenizer.batch_decode([[first, id] for id in range(n)], clean_up_tokenization_spaces=False)
    return ["" if id in special else row.removeprefix(anchor) for id, row in enumerate(rows)]


def pad_id(tokenizer: Tokenizer, rows: int) -> int:
    """The id to fill rows with, one of a model's `rows` tokens. No result depends on it: padding is never
    attended to and bears no loss."""
    for id in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if id is not None and 0 <= id < rows:
            return id
    return 0


def check_ids(tokenizer: Tokenizer, sequences: Sequence[Sequence[int]], rows: int) -> None:
    """Raises InputError for an id that the model has no embedding for."""
    highest = max((max(ids) for ids in sequences if ids), default=0)
    if highest >= rows:
        raise InputError(
            f"the tokenizer makes the token {highest} ({tokenizer.decode([highest])!r}), and the model has "
            f"{rows}",
            "The tokenizer is another model's, or tokens were added to it alone: take the pair as published.",
        )


def cut_places(tokenizer: Tokenizer, text: str) -> list[int]:
    """Where to cut a text so that nothing in it becomes a special token."""
    places = _cuts(tokenizer, text, raw_ids(tokenizer, text))
    within = [
        start + at for start, part in _parts(text, places) if places for at in cut_places(tokenizer, part)
    ]
    return sorted({*places, *within})


def _cuts(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> list[int]:
    """Where to cut a text whose `ids` have special tokens: within each spelling of one; in the middle where
    other signs become one too (full-width ones do)."""
    traits = traits_of(tokenizer)
    found = traits.controls.keys() & set(ids)
    if traits.unknown in found and traits.controls[traits.unknown] not in text:
        found -= {traits.unknown}  # it stands for characters that the tokenizer does not know
    if not found:
        return []
    spelled = "|".join(re.escape(traits.controls[id]) for id in found if traits.controls[id])
    places = [match.start() + 1 for match in re.finditer(f"(?={spelled or '(?!)'})", text)]
    return [at for at in places if at < len(text)] or ([len(text) // 2] if len(text) > 1 else [])


def _parts(text: str, places: Sequence[int]) -> Iterator[tuple[int, str]]:
    """The parts of a text that is cut, each with its place."""
    for start, stop in zip((0, *places), (*places, len(text)), strict=True):
        yield start, text[start:stop]


def _sequence_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of a text that comes first, without the special tokens before it."""
    if not isinstance(text, ChatPrompt):
        return _text_ids(tokenizer, text, first=True)
    whole = str(text)
    (_, first), *others = _parts(whole[: text.made], text.cuts)
    ids = raw_ids(tokenizer, first)
    for _, part in others:
        ids += _ids_after(tokenizer, part)
    return ids + _text_ids(tokenizer, whole[text.made :], mark=_last_mark(tokenizer, text))


def _text_ids(tokenizer: Tokenizer, text: str, *, first: bool = False, mark: str = "") -> list[int]:
    """The ids of a text, which comes first or in the middle of another; `mark` is the special token before
    it, if one is."""
    ids = raw_ids(tokenizer, text) if first else _ids_after(tokenizer, text, mark)
    if traits_of(tokenizer).controls.keys().isdisjoint(ids):
        return ids
    if not (places := _cuts(tokenizer, text, ids)):
        return ids
    parts = list(_parts(text, places))
    return [
        id
        for at, part in parts
        for id in _text_ids(tokenizer, part, first=first and not at, mark="" if at else mark)
    ]


def _ids_after(tokenizer: Tokenizer, text: str, mark: str = "") -> list[int]:
    """The ids of a text that goes on after another, special tokens and all."""
    anchors = traits_of(tokenizer).anchors if text else ()
    for anchor in (mark, *anchors) if mark and anchors else anchors:
        if (ids := ids_after(tokenizer, anchor, text)) is not None:
            return ids
    return raw_ids(tokenizer, text)


def _last_mark(tokenizer: Tokenizer, prompt: str) -> str:
    """The special token with which a chat template ends a prompt: a text that follows one may begin otherwise
    than one that follows a word."""
    if not (isinstance(prompt, ChatPrompt) and (traits := traits_of(tokenizer)).anchors):
        return ""
    own = str(prompt)[max((0, *prompt.cuts)) : prompt.made]
    return next((text for text in traits.controls.values() if text and own.endswith(text)), "")
