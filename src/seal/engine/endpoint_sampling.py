"""Self-edits that a model behind an OpenAI-compatible endpoint samples: vLLM, Ollama, a hosted one.

Knows how a prompt is sent and a reply is taken, what was replied before, and how a policy's adapter comes to
the server. Knows nothing about what is written, nor how a request is repeated (seal/endpoint/client.py).

A request has the seed of its sample, so that servers that keep to seeds give the same again. Whatever a
server does, a reply is kept as soon as it is there, under all that it was asked with, and asked for once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch

from seal.config import SamplingEndpointConfig, SelfEditConfig
from seal.endpoint.client import ChatClient, ChatReply, ChatRequest, run_to_end
from seal.endpoint.lora_servers import LoraServer, lora_server
from seal.endpoint.reply_folder import ReplyFolder
from seal.errors import ConfigError, EndpointError
from seal.models.generate import Generation

_SEED_BITS = 31  # servers take a signed integer of 32


class KeptReply(NamedTuple):
    """A reply as it is kept; `refused` without a text."""

    text: str
    truncated: bool
    prompt_tokens: int
    completion_tokens: int
    refused: bool


@dataclass(frozen=True)
class EndpointUsage:
    """What some self-edits cost: requests that were replied to, those known before, and tokens as the
    endpoint counts them (0 where it does not)."""

    requests: int
    known: int
    refused: int
    prompt_tokens: int
    completion_tokens: int


class EndpointSampler:
    """Samples by the model of one endpoint; `used` is told what each call cost."""

    def __init__(
        self,
        settings: SelfEditConfig,
        replies: ReplyFolder,
        used: Callable[[EndpointUsage], None] = lambda usage: None,
    ) -> None:
        """Raises ConfigError if the variable that should hold the API key does not hold one."""
        assert settings.endpoint is not None
        self.config: SamplingEndpointConfig = settings.endpoint
        self._settings, self._replies, self._used = settings, replies, used
        ChatClient(self.config)  # says at once that a key is missing
        self._adapters: WeakKeyDictionary[torch.nn.Module, Path] = WeakKeyDictionary()
        self._pushed = ""

    def sample(
        self,
        requests: Sequence[ChatRequest],
        seeds: Sequence[int],
        policy: torch.nn.Module | None = None,
        *,
        longest_tokens: int,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[Generation]:
        """What is written to each request, with its seed; by a policy, or else by the endpoint's own model.

        What it refuses (a filter of contents) is written as nothing. Raises EndpointError if a request has no
        reply, or all are refused; what was replied until then is kept.
        """
        config = self._asked_with(self._served_name(policy), longest_tokens)
        extras = [{"seed": seed % 2**_SEED_BITS} for seed in seeds]
        keys = [_key(config.sent(), *one) for one in zip(requests, extras, strict=True)]
        known = {key: reply for key in keys if (reply := self._kept_before(key)) is not None}
        missing, n_before = [at for at, key in enumerate(keys) if key not in known], len(known)
        new: list[KeptReply] = []
        failed: list[ChatReply] = []

        def keep(at: int, reply: ChatReply) -> None:
            if reply.reason and not reply.refused:
                failed.append(reply)
                return
            key, kept = keys[missing[at]], _kept(reply)
            self._replies.write(key, kept._asdict())
            known[key] = kept
            new.append(kept)
            on_progress(n_before + len(new), len(keys))

        asked = [requests[at] for at in missing]
        client = ChatClient(config)
        run_to_end(client.ask_all(asked, keep, extras=[extras[at] for at in missing]))
        self._used(_usage(new, n_before))
        if failed:
            raise self._error(failed[0].cause, failed[0].reason, len(failed), len(keys))
        replies = [known[key] for key in keys]
        if replies and all(reply.refused for reply in replies):
            raise self._error(
                "all are refused", "a filter, or a request that it does not take", *2 * [len(keys)]
            )
        return [Generation(reply.text, reply.completion_tokens, reply.truncated) for reply in replies]

    def _kept_before(self, key: str) -> KeptReply | None:
        stored = self._replies.read(key)
        try:
            return None if stored is None else KeptReply(**stored)
        except TypeError:  # of another version: as good as none
            return None

    def _asked_with(self, name: str, longest_tokens: int) -> SamplingEndpointConfig:
        settings, body = self._settings, self.config.extra_body
        own = {"model": name, "temperature": settings.temperature, "max_tokens": longest_tokens}
        return self.config.model_copy(update={**own, "extra_body": {"top_p": settings.top_p, **body}})

    # The policy at the server

    def policy_at(self, policy: torch.nn.Module, folder: Path) -> None:
        """Says in which folder the adapter of a policy is, in PEFT's format; loaded when it is to write."""
        self._adapters[policy] = folder

    def _served_name(self, policy: torch.nn.Module | None) -> str:
        """By which name the server knows a model. Raises ConfigError if it does not know it."""
        if policy is None:
            return self.config.model
        folder = self._adapters.get(policy)
        if folder is None or self.config.adapters == "none":
            raise ConfigError(
                f"{self.config.base_url} is to write by a policy that it does not have",
                'Let it load adapters (self_edit.endpoint.adapters = "vllm"), or run one round.',
            )
        weights = (folder / "adapter_model.safetensors").read_bytes()
        name = f"seal-{hashlib.sha256(weights).hexdigest()[:16]}"
        if name != self._pushed:
            server = self._server()
            if self._pushed:
                server.unload(self._pushed)
            server.load(name, self._seen(folder))
            self._pushed = name
        return name

    def _server(self) -> LoraServer:
        return lora_server(self.config.base_url, self.config.adapters, self.config.api_key_env)

    def _seen(self, folder: Path) -> str:
        """What a folder of the run is called where the server sees it."""
        if not self.config.seen_as:
            return str(folder.resolve())
        here, there = self.config.seen_as
        return str(Path(there) / folder.resolve().relative_to(Path(here).resolve()))

    def close(self) -> None:
        """Has the server let go of the policy that it wrote by. Raises EndpointError."""
        if self._pushed:
            self._server().unload(self._pushed)
            self._pushed = ""

    def _error(self, cause: str, reason: str, n: int, of: int) -> EndpointError:
        return EndpointError(
            f"{self.config.model!r} at {self.config.base_url} did not reply to {n} of {of} requests; "
            f"the first: {cause}",
            f"In full: {reason}. What it did reply is kept: see that it runs and is what "
            "self_edit.endpoint says (base_url, model), and call the same command again.",
        )


def _key(sent: Mapping[str, Any], request: ChatRequest, extra: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([sent, request, extra], sort_keys=True).encode("ascii")).hexdigest()


def _kept(reply: ChatReply) -> KeptReply:
    """A reply as it is kept: half surrogate pairs, which no file can hold, are replaced."""
    text = reply.text.encode("utf-8", "replace").decode("utf-8")
    counts = reply.prompt_tokens, reply.completion_tokens
    return KeptReply(text, reply.finish_reason == "length", *counts, refused=bool(reply.reason))


def _usage(new: Sequence[KeptReply], n_before: int) -> EndpointUsage:
    return EndpointUsage(
        requests=len(new),
        known=n_before,
        refused=sum(reply.refused for reply in new),
        prompt_tokens=sum(reply.prompt_tokens for reply in new),
        completion_tokens=sum(reply.completion_tokens for reply in new),
    )
