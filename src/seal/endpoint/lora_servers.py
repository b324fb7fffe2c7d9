"""Servers that load LoRA adapters while they run: vLLM and LoRAX, as their documentation has their API.

vLLM: `/v1/load_lora_adapter` and `/v1/unload_lora_adapter`, which are there only where the server was
started with `--enable-lora` and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True; log-probabilities by `echo`
(docs.vllm.ai, "LoRA Adapters", "Dynamically serving LoRA Adapters"). LoRAX: an adapter is named in each
request by its folder (`adapter_source` "local"), loaded with the first one, and dropped by the server itself
when it needs the room; log-probabilities by `decoder_input_details` (loraexchange.ai, "Adapters").

Knows nothing about what the adapters are. Follows no redirect: the key goes to the address that was named.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import httpx

from seal.endpoint.client import excerpt
from seal.errors import ConfigError, EndpointError, InputError, StateError

_TIMEOUT_S = 120.0
_QUICK_S = 5.0
_UPDATING = (
    "Start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, where only you can reach it."
)


class LoraServer(Protocol):
    """One server. A name is that of one adapter for good, `path` its folder as the server sees it."""

    kind: ClassVar[str]

    def load(self, name: str, path: str) -> None:
        """Loads an adapter; one of that name is there already, and then it is this one.

        Raises EndpointError if the server does not answer, StateError if it does not take the adapter.
        """
        ...

    def unload(self, name: str) -> None:
        """Has the server let go of an adapter; one that it does not know is gone. Raises EndpointError."""
        ...

    def log_probabilities(self, name: str, path: str, text: str, ids: Sequence[int]) -> list[float]:
        """How likely the adapter there finds each token of a text after those before it, but the first.

        Raises EndpointError, StateError if the server does not know the adapter or reads the text otherwise.
        """
        ...


class _Client:
    """What both kinds have in common: an address, a key, and how failures are told."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(headers=headers, timeout=_TIMEOUT_S)

    def post(self, url: str, body: Mapping[str, Any], timeout_s: float = _TIMEOUT_S) -> httpx.Response:
        """Raises EndpointError if there is no answer, or one that says that the server itself failed."""
        try:
            answer = self._http.post(url, json=dict(body), timeout=timeout_s)
        except httpx.HTTPError as error:
            why = f"{self.url} does not answer"
            raise EndpointError(f"{why}: {excerpt(str(error) or type(error).__name__)}") from error
        if answer.status_code in (401, 403):
            raise EndpointError(f"{self.url} refuses the key ({answer.status_code})", "Name it: --key-env.")
        if answer.status_code == 429 or answer.status_code >= 502:
            raise EndpointError(f"{self.url} answered {answer.status_code}: {_said(answer)}", "Try it later.")
        return answer

    def json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise EndpointError(f"{self.url} answered no JSON: {excerpt(answer.text)}") from error


class VllmServer(LoraServer):
    """vLLM. `url` goes up to and with /v1."""

    kind: ClassVar[str] = "vllm"

    def __init__(self, url: str, key: str | None = None) -> None:
        self._client = _Client(url, key)

    def load(self, name: str, path: str) -> None:
        url = self._client.url
        answer = self._client.post(f"{url}/load_lora_adapter", {"lora_name": name, "lora_path": path})
        said = _said(answer)
        if answer.is_success or (answer.status_code == 400 and "already been loaded" in said):
            return
        if _is_no_route(answer):
            raise StateError(f"{url} loads no adapters while it runs", _UPDATING)
        if answer.status_code == 404:
            hint = "Name a folder that it sees too (--folder), or say what it is called there (--seen-as)."
            raise StateError(f"{url} does not find {path}: {said}", hint)
        raise StateError(f"{url} does not take the adapter ({answer.status_code}): {said}", _hint_of(said))

    def unload(self, name: str) -> None:
        url = self._client.url
        answer = self._client.post(f"{url}/unload_lora_adapter", {"lora_name": name}, timeout_s=_QUICK_S)
        if answer.is_success or (answer.status_code == 404 and not _is_no_route(answer)):
            return
        why = "unloads nothing while it runs" if _is_no_route(answer) else f"does not: {_said(answer)}"
        raise EndpointError(f"{url} was to let go of {name}, and {why}", "Start the server anew.")

    def log_probabilities(self, name: str, path: str, text: str, ids: Sequence[int]) -> list[float]:
        body = {
            "model": name,
            "prompt": list(ids),
            "echo": True,
            "logprobs": 1,
            "max_tokens": 1,
            "temperature": 0,
        }
        answer = self._client.post(f"{self._client.url}/completions", body)
        if not answer.is_success:
            raise StateError(
                f"{self._client.url} does not answer by {name} ({answer.status_code}): {_said(answer)}"
            )
        try:
            logs = self._client.json(answer)["choices"][0]["logprobs"]["token_logprobs"]
            found = [float(log) for log in logs[1 : len(ids)]]
        except (LookupError, TypeError, ValueError) as error:
            raise EndpointError(f"{self._client.url} gave no log-probabilities of the prompt") from error
        return _as_many(self._client.url, found, ids)


class LoraxServer(LoraServer):
    """LoRAX. `url` goes up to and with /v1; `/generate` is beside it."""

    kind: ClassVar[str] = "lorax"

    def __init__(self, url: str, key: str | None = None) -> None:
        self._client = _Client(url, key)
        self._root = url.removesuffix("/v1").rstrip("/")

    def load(self, name: str, path: str) -> None:
        """Nothing is loaded before the first request."""

    def unload(self, name: str) -> None:
        """Nothing can be said to the server: without its files an adapter is not loaded again, and it goes
        when the server needs the room."""

    def log_probabilities(self, name: str, path: str, text: str, ids: Sequence[int]) -> list[float]:
        told = {"adapter_id": path, "adapter_source": "local", "max_new_tokens": 1}
        parameters = {**told, "details": True, "decoder_input_details": True}
        answer = self._client.post(f"{self._root}/generate", {"inputs": text, "parameters": parameters})
        if not answer.is_success:
            raise StateError(
                f"{self._root} does not answer by {path} ({answer.status_code}): {_said(answer)}",
                "Name a folder that it sees too (--folder), or say what it is called there (--seen-as).",
            )
        try:
            prefill = self._client.json(answer)["details"]["prefill"]
            read = [int(token["id"]) for token in prefill]
            logs = [token["logprob"] for token in prefill]
        except (LookupError, TypeError, ValueError) as error:
            raise EndpointError(f"{self._root} gave no log-probabilities of the prompt") from error
        if read != list(ids):
            raise StateError(
                f"{self._root} reads a text as other tokens than here", "Is its base the workspace's model?"
            )
        return _as_many(self._root, [float(log) for log in logs[1:] if log is not None], ids)


KINDS: Mapping[str, type[VllmServer] | type[LoraxServer]] = {
    VllmServer.kind: VllmServer,
    LoraxServer.kind: LoraxServer,
}


def lora_server(url: str, kind: str = "auto", key_env: str | None = None) -> VllmServer | LoraxServer:
    """The server at an address; `kind` "auto" asks it what it is (LoRAX has `/info`).

    Raises InputError for a kind that is not known, ConfigError for a key that is not there, EndpointError.
    """
    url = url.rstrip("/")
    url = url if url.endswith("/v1") else f"{url}/v1"
    key = os.environ.get(key_env, "").strip() if key_env else None
    if key_env and not key:
        raise ConfigError(f"the environment variable {key_env} holds no key", "Set it, or name another.")
    if kind == "auto":
        kind = _kind_at(url, key)
    if kind not in KINDS:
        raise InputError(f"there is no kind of server {kind!r}", f"Known are: auto, {', '.join(KINDS)}.")
    return KINDS[kind](url, key)


def _kind_at(url: str, key: str | None) -> str:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx.get(f"{url.removesuffix('/v1')}/info", headers=headers, timeout=_QUICK_S)
        lorax = answer.is_success and "model_id" in answer.json()
    except httpx.HTTPError as error:
        raise EndpointError(
            f"{url} does not answer: {excerpt(str(error) or type(error).__name__)}"
        ) from error
    except ValueError:
        lorax = False
    return LoraxServer.kind if lorax else VllmServer.kind


def _is_no_route(answer: httpx.Response) -> bool:
    """Whether the server has no such path: the framework says so in words of its own."""
    try:
        return answer.status_code in (404, 405) and "detail" in answer.json()
    except (ValueError, TypeError):
        return answer.status_code in (404, 405)


def _said(answer: httpx.Response) -> str:
    """A server's own words on what went wrong."""
    try:
        told = answer.json()
        error = told.get("error", told)
        return excerpt(str(error.get("message", error) if isinstance(error, dict) else error))
    except (ValueError, AttributeError):
        return excerpt(answer.text)


def _hint_of(said: str) -> str:
    return "Start vLLM with a larger --max-lora-rank." if "rank" in said else ""


def _as_many(url: str, logs: list[float], ids: Sequence[int]) -> list[float]:
    if len(logs) != len(ids) - 1:
        raise EndpointError(f"{url} gave {len(logs)} log-probabilities for a text of {len(ids)} tokens")
    return logs
