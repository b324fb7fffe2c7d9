"""Messages as the text that a chat model reads, by its own template.

A template is a program that came with a model: it may refuse messages, write today's date, or fail. Here the
date is always the same, so that what was asked once can be asked again; and the text of a message stays text,
also where it spells a special token. Knows nothing about what is asked.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from seal.errors import ConfigError, InputError
from seal.models.chat_template import applied
from seal.models.token_traits import Tokenizer, raw_ids, traits_of
from seal.models.tokens import ChatPrompt, cut_places

_CUTS: Final = "".join(map(chr, range(0xFDD0, 0xFDF0)))
"""Codes that are no characters: they mark cuts on the way through a template."""
_SAID: Final = "qzqz"


def chat_prompt(
    tokenizer: Tokenizer, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = True
) -> ChatPrompt:
    """The messages as one text, which asks for an answer if a generation prompt is added.

    Raises ConfigError if the model has no chat template, InputError if its template refuses the messages or
    fails.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise ConfigError("the model has no chat template", 'Set the prompt style to "short" or "base".')
    places = [cut_places(tokenizer, message["content"]) for message in messages]
    mark = next((c for c in _CUTS if not any(c in m["content"] for m in messages)), _CUTS[0])
    given = [
        {**message, "content": _marked(message["content"], at, mark)}
        for message, at in zip(messages, places, strict=True)
    ]
    try:
        text = applied(tokenizer, given, add_generation_prompt=add_generation_prompt)
    except Exception as error:  # fault-tolerance point: a template raises what it likes
        roles = ", ".join(message["role"] for message in messages)
        raise InputError(
            f"the model's chat template does not take these messages ({roles}): {str(error) or type(error)}",
            "Correct the template (chat_template.jinja in the model's folder), or ask the model without it: "
            'set prompt_style = "base".',
        ) from error
    if not any(places):
        return ChatPrompt(text)
    pieces = text.split(mark)
    cuts = [sum(map(len, pieces[: n + 1])) for n in range(len(pieces) - 1)]
    return ChatPrompt("".join(pieces), cuts)


def _marked(text: str, places: Sequence[int], mark: str) -> str:
    """The text with a mark at each place; one that it has itself is taken out, if it is to have others."""
    if not places:
        return text
    return mark.join(
        text[start:stop].replace(mark, "") for start, stop in zip((0, *places), (*places, None), strict=True)
    )


def answer_lead(tokenizer: Tokenizer) -> str:
    """The space or line end, if any, that the template puts between the prompt and an answer."""
    return _around_answer(tokenizer, tokenizer.chat_template)[0]


def turn_ends(tokenizer: Tokenizer) -> frozenset[int]:
    """The special token with which the template ends an answer; none if there is no template, or no such."""
    template = getattr(tokenizer, "chat_template", None)
    return _around_answer(tokenizer, template)[1] if template else frozenset()


@functools.lru_cache(maxsize=8)
def _around(tokenizer: Tokenizer, _template: str) -> tuple[str, frozenset[int]]:
    question = {"role": "user", "content": "Who?"}
    try:
        prompt = str(chat_prompt(tokenizer, [question]))
        answer = {"role": "assistant", "content": _SAID}
        whole = str(chat_prompt(tokenizer, [question, answer], add_generation_prompt=False))
    except InputError:  # a template for other conversations
        return "", frozenset()
    before, said, behind = whole.rpartition(_SAID)
    lead = before[len(prompt) :] if before.startswith(prompt) else ""
    ids = raw_ids(tokenizer, behind.lstrip(" ")) if said else []
    ends = frozenset(ids[:1]) & traits_of(tokenizer).controls.keys()
    return ("" if lead.strip() else lead), ends


def _around_answer(tokenizer: Tokenizer, template: Any) -> tuple[str, frozenset[int]]:
    return _around(tokenizer, template if isinstance(template, str) else repr(template))
