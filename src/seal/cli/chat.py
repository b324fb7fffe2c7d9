"""`seal chat`: a conversation with the live version, here or behind the address of a service.

Knows what is shown of an answer. A question that cannot be answered does not end the conversation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from seal.cli.ask import ByFlag, note_of
from seal.cli.console import print_error, stderr, stdout
from seal.cli.workspace import WorkspaceFlag, open_learner
from seal.errors import ConfigError, EndpointError, SealError, reason_of

Talk = Callable[[Sequence[dict[str, str]]], tuple[str, str, bool]]
"""From the messages so far to the answer, where it is from, and whether it is to be taken with care."""
_ANSWER_S = 300.0


def chat(
    *,
    by: ByFlag = "auto",
    model: Annotated[
        str, Parameter(help="Who answers: live, another alias or a version; behind an address also base.")
    ] = "live",
    workspace: WorkspaceFlag = Path("."),
    url: Annotated[
        str | None,
        Parameter(help="A service's address, as http://127.0.0.1:8000/v1, instead of a workspace."),
    ] = None,
    key_env: Annotated[
        str, Parameter(help="The environment variable that holds the key for --url.")
    ] = "SEAL_API_KEY",
) -> None:
    """Talk with a learner: a question a line, until the end of the input (Ctrl-D).

    A question may refer to what was said before ("And who built it?"). Below each answer stands where it is
    from.
    """
    talk = _remote(url, key_env, model, by) if url else _local(workspace, model, by)
    out, aside, messages = stdout(), stderr(), list[dict[str, str]]()
    while (asked := _line("> " if out.is_terminal else "")) is not None:
        if not asked.strip():
            continue
        messages.append({"role": "user", "content": asked.strip()})
        try:
            text, note, guessed = talk(messages)
        except SealError as error:
            messages.pop()
            print_error("error", error.message, error.hint)
            continue
        messages.append({"role": "assistant", "content": text})
        out.print(Text(text if out.is_terminal else " ".join(text.split())))
        told = Text(f"  ({note})", style="yellow" if guessed else "dim")
        (out if out.is_terminal else aside).print(told)


def _line(prompt: str) -> str | None:
    try:
        return input(prompt)
    except EOFError:
        return None


def _local(workspace: Path, model: str, by: Any) -> Talk:
    learner = open_learner(workspace)
    from seal.learner.served import ask_in_conversation

    def talk(messages: Sequence[dict[str, str]]) -> tuple[str, str, bool]:
        *earlier, asked = [m["content"] for m in messages if m["role"] == "user"]
        version = learner.live() if model == "live" else learner.version(model)
        answer = ask_in_conversation(learner, asked, earlier, version, by)
        return answer.text, *note_of(answer, {d.id: d.title for d in learner.documents()})

    return talk


def _remote(url: str, key_env: str, model: str, by: str) -> Talk:
    import httpx

    key = os.environ.get(key_env, "").strip()
    if not key:
        raise ConfigError(f"the environment variable {key_env} holds no key", "Set it, or name another.")
    client = httpx.Client(
        base_url=url.rstrip("/"), headers={"Authorization": f"Bearer {key}"}, timeout=_ANSWER_S
    )

    def talk(messages: Sequence[dict[str, str]]) -> tuple[str, str, bool]:
        asked = {"model": model, "messages": list(messages), "seal": {"by": by}}
        try:
            answer = client.post("/chat/completions", json=asked)
            told = answer.json()
            if answer.status_code != 200:
                raise EndpointError(f"{url} answered {answer.status_code}: {told['error']['message']}")
            text = told["choices"][0]["message"]["content"]
            return text, *_note(told.get("seal") or {})
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise EndpointError(f"{url} gave no answer: {reason_of(error)}") from error

    return talk


def _note(source: dict[str, Any]) -> tuple[str, bool]:
    """The same as for a learner here, of what a service says of its answer."""
    from seal.learner.answering import Answer

    documents = {one["id"]: one["title"] for one in source.get("documents", ())}
    way = source.get("way", "base")
    found = next(iter(documents), None) if way in ("weights", "reading") else None
    answer = Answer("", "", source.get("probability", 0.0), found, (), source.get("stated"), way)
    return note_of(answer, documents)
