"""The messages of a chat as plain texts by role."""

from __future__ import annotations

from collections.abc import Sequence

from seal.service.openai.forms import Message, TextPart
from seal.service.problems import invalid

_ROLES = {"developer": "system", "function": "tool"}


def plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Role and text of each. Raises Problem for what is no text."""
    told = []
    for message in messages:
        content = message.content or ""
        if not isinstance(content, str):
            for part in content:
                if not isinstance(part, TextPart):
                    raise invalid(f"a part of the type {part.type!r} cannot be read: text only", "messages")
            content = "\n".join(part.text for part in content if isinstance(part, TextPart))
        told.append({"role": _ROLES.get(message.role, message.role), "content": content})
    return told


def asked_in(messages: Sequence[dict[str, str]]) -> tuple[str, list[str]]:
    """The question, which is what the user said last, and what was said by the user before it.

    Raises Problem if the last message is not the user's or is empty.
    """
    said = [message["content"] for message in messages if message["role"] == "user"]
    if messages[-1]["role"] != "user" or not said[-1].strip():
        raise invalid("the last message is to be the user's, and not empty", "messages")
    return said[-1].strip(), [text for text in said[:-1] if text.strip()]
