"""Whom `seal chat` talks with: the learner of a workspace, in this process, or a model behind an address.

Both give an answer in pieces, and say afterwards where it is from. Knows nothing about what is shown.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urlsplit

from seal.cli.ask import note_of
from seal.cli.workspace import open_learner
from seal.errors import ConfigError, EndpointError, StateError, reason_of

if TYPE_CHECKING:
    import httpx

    from seal.engine.serving import DecodingLoop
    from seal.learner.answering import Answer
    from seal.learner.explaining import Why
    from seal.learner.ways import By

_KEY = "SEAL_API_KEY"
_ANSWER_S = 300.0
_MAX_TOKENS = 512  # of what a base says, as a service has it
_Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class AnswerSource:
    """Where an answer is from: in words, and whether it is to be taken with care; the documents; the sentence
    or passage."""

    note: str = ""
    guessed: bool = False
    documents: tuple[str, ...] = ()
    passage: str = ""


class Talk(Protocol):
    """A partner in a conversation."""

    def answer(self, messages: _Messages) -> Iterator[str]:
        """The answer to the last message, in pieces. Raises SealError. Whoever stops reading ends it."""
        ...

    def source(self) -> AnswerSource:
        """Where the last answer is from."""
        ...

    def why(self) -> Why:
        """The evidence for the last answer. Raises SealError."""
        ...

    def say(self, kind: Literal["thumbs", "right_answer"], value: str) -> str:
        """Says something of the last answer; what becomes of it, in words. Raises SealError."""
        ...

    def close(self) -> None:
        """Ends what was begun for it."""
        ...


class TalkHere(Talk):
    """The learner of a workspace. A base that chats reads the whole conversation where no document is about a
    question, and is heard as it speaks."""

    def __init__(self, workspace: Path, model: str, by: By) -> None:
        self.learner, self.model = open_learner(workspace), model
        self.by: By = by
        self._answer: Answer | None = None
        self._version: str | None = None
        self._messages: _Messages = ()
        self._id: str | None = None

    @cached_property
    def _loop(self) -> DecodingLoop | None:
        """By what a base that chats is heard while it speaks; None for one that does not."""
        adaptation = self.learner.parts.adaptation
        if not getattr(adaptation.tokenizer, "chat_template", None):
            return None
        from seal.engine.serving import DecodingLoop
        from seal.learner.served import speak_by
        from seal.learner.speaking import LoopSpeaker

        loop = DecodingLoop(adaptation.model, adaptation.tokenizer)
        speak_by(self.learner, lambda own: LoopSpeaker(own, loop) if own.model is loop.model else None)
        return loop

    def answer(self, messages: _Messages) -> Iterator[str]:
        from seal.learner.served import ask_in_conversation

        self._answer = self._id = None
        loop = self._loop
        *earlier, asked = [m["content"] for m in messages if m["role"] == "user"]
        version = self.learner.live() if self.model == "live" else self.learner.version(self.model)
        answer = ask_in_conversation(self.learner, asked, earlier, version, self.by)
        self._messages, self._version = messages, version.id if version else None
        if loop is None or answer.way != "base":
            self._answer = answer
            yield answer.text
            return
        yield from self._by_base(loop, asked, messages)

    def _by_base(self, loop: DecodingLoop, asked: str, messages: _Messages) -> Iterator[str]:
        from seal.engine.serving import Request
        from seal.learner.answering import Answer
        from seal.learner.served import base_prompt
        from seal.models.tokens import encode_prompt

        prompt = base_prompt(self.learner, messages)
        ids = tuple(encode_prompt(loop.tokenizer, prompt.text))
        context = getattr(loop.model.config, "max_position_embeddings", None) or _MAX_TOKENS + len(ids)
        most = max(1, min(_MAX_TOKENS, context - len(ids)))
        stream = loop.submit(Request(ids, most, stop=prompt.stop, logprobs=0))
        said, log = list[str](), 0.0
        try:
            for event in stream:
                log += event.logprob or 0.0
                said.append(event.text if said else event.text.lstrip())
                if said[-1]:
                    yield said[-1]
                else:
                    said.pop()
        finally:
            stream.cancel()
        self._answer = Answer(asked, "".join(said).strip(), math.exp(log))

    @property
    def _last(self) -> Answer:
        if self._answer is None:
            raise StateError("nothing was answered yet", "Ask something first.")
        return self._answer

    def source(self) -> AnswerSource:
        answer = self._last
        titles = {document.id: document.title for document in self.learner.documents()}
        note, guessed = note_of(answer, titles)
        named = [answer.document] if answer.document else list(answer.candidates)
        documents = tuple(f"{titles.get(key) or '(no title)'}  {key[:12]}" for key in named)
        return AnswerSource(note, guessed, documents, answer.passage)

    def why(self) -> Why:
        return self.learner.why(self._last.question, version=self._version)

    def say(self, kind: Literal["thumbs", "right_answer"], value: str) -> str:
        if self._id is None:
            self._id = self.learner.remember(self._last, version=self._version, conversation=self._messages)
        taken = self.learner.give_feedback(kind, value, answer=self._id)
        return _became(taken.feedback.state, taken.feedback.reason, taken.job is not None, "seal learn")

    def close(self) -> None:
        if "_loop" in vars(self) and self._loop is not None:
            self._loop.close(timeout_s=5.0)


@dataclass
class _Heard:
    """What is known of an answer of a server: its text, and the field in which a service says more."""

    question: str = ""
    text: str = ""
    told: dict[str, Any] = field(default_factory=dict)


class TalkThere(Talk):
    """A model behind an address that speaks OpenAI's API. One that is no service of ours says nothing of
    where its answers are from."""

    def __init__(self, url: str, key_env: str | None, model: str, by: By) -> None:
        import httpx

        key = os.environ.get(key_env or _KEY, "").strip()
        if key_env and not key:
            raise ConfigError(f"the environment variable {key_env} holds no key", "Set it, or name another.")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.url, self.model, self.by = url.rstrip("/"), model, by
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=_ANSWER_S)
        self._heard = _Heard()

    def answer(self, messages: _Messages) -> Iterator[str]:
        import httpx

        self._heard = heard = _Heard()
        asked = {"model": self.model, "messages": list(messages), "stream": True, "seal": {"by": self.by}}
        try:
            with self._http.stream("POST", "/chat/completions", json=asked) as answer:
                if answer.status_code != 200:
                    answer.read()
                    raise self._refused(answer)
                heard.question = messages[-1]["content"]
                for line in answer.iter_lines():
                    if piece := self._piece(line):
                        heard.text += piece
                        yield piece
        except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise self._silent(error) from error

    def _piece(self, line: str) -> str:
        """What an event of the stream has new."""
        _, marked, data = line.partition("data: ")
        if not marked or data.strip() == "[DONE]":
            return ""
        told = json.loads(data)
        if "error" in told:
            raise EndpointError(f"{self.url} stopped: {told['error']['message']}")
        self._heard.told |= told.get("seal") or {}
        return "".join(one["delta"].get("content") or "" for one in told["choices"] if one["index"] == 0)

    def source(self) -> AnswerSource:
        told = self._heard.told
        if not told:
            return AnswerSource(f"{self.model}, at {self.url}")
        from seal.learner.answering import Answer

        documents = {one["id"]: one["title"] for one in told.get("documents", ())}
        way = told.get("way", "base")
        found = next(iter(documents), None) if way in ("weights", "reading") else None
        answer = Answer("", "", told.get("probability", 0.0), found, (), told.get("stated"), way)
        note, guessed = note_of(answer, documents)
        names = tuple(f"{title or '(no title)'}  {key[:12]}" for key, title in documents.items())
        return AnswerSource(note, guessed, names, told.get("source") or "")

    def why(self) -> Why:
        from seal.learner.explaining import Superseded, Why

        told = self._post("/seal/why", {"answer": self._id})
        known = {one.name: told[one.name] for one in fields(Why) if one.name in told}
        known["lines"] = tuple(known.get("lines", ()))
        known["superseded"] = tuple(Superseded(**one) for one in known.get("superseded", ()))
        return Why(**known)

    def say(self, kind: Literal["thumbs", "right_answer"], value: str) -> str:
        told = self._post("/seal/feedback", {"kind": kind, "value": value, "answer": self._id})
        return _became(told["state"], told.get("reason", ""), told.get("job") is not None, "")

    def close(self) -> None:
        self._http.close()

    @property
    def _id(self) -> str:
        if not self._heard.question:
            raise StateError("nothing was answered yet", "Ask something first.")
        if "answer_id" not in self._heard.told:
            raise StateError(f"{self.url} does not keep its answers", "It is no service of seal.")
        return str(self._heard.told["answer_id"])

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        import httpx

        try:
            answer = self._http.post(path, json=dict(body))
            if answer.status_code != 200:
                raise self._refused(answer)
            told = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._silent(error) from error
        return told

    def _refused(self, answer: httpx.Response) -> EndpointError:
        try:
            said = str(answer.json()["error"]["message"])
        except (ValueError, LookupError, TypeError):
            said = answer.text[:200]
        bare = answer.status_code == 404 and urlsplit(self.url).path == ""
        hint = "Give the address with its path, which mostly is /v1." if bare else ""
        return EndpointError(f"{self.url} answered {answer.status_code}: {said}", hint)

    def _silent(self, error: Exception) -> EndpointError:
        if isinstance(error, EndpointError):
            return error
        return EndpointError(f"{self.url} gave no answer: {reason_of(error)}")


def _became(state: str, reason: str, studied: bool, by: str) -> str:
    """What became of feedback, in words."""
    why = f": {reason}" if reason else ""
    if state == "taken":
        later = f"; {by} takes it up" if studied and by else ""
        return f"it is a document of its own now{', and is studied' if studied else ''}{why}{later}"
    return {"held": "it waits for a person", "refused": "it was refused"}.get(state, "it is noted") + why
