"""Where a model behind an endpoint is, and how it is asked: the settings that all users of endpoints share.

Holds the name of the variable with the API key, never the key. Sends nothing.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class EndpointConfig(BaseModel):
    """A chat model behind an OpenAI-compatible endpoint: vLLM, Ollama, llama.cpp's server, a hosted one.

    There is no default endpoint: texts leave the machine only to where the user says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(
        description="The endpoint's address up to and with /v1; /chat/completions is appended."
    )
    model: str = Field(min_length=1, description="The model's name, as the endpoint knows it.")
    api_key_env: str | None = Field(
        default=None, description="Environment variable that holds the API key; none is sent without it."
    )
    temperature: float | None = Field(default=None, ge=0, description="None: not sent.")
    max_tokens: int | None = Field(default=None, ge=1, description="Tokens of a reply. None: not sent.")
    extra_body: dict[str, Any] = Field(
        default_factory=dict, description="Further keys of the request, such as reasoning settings."
    )
    concurrency: int = Field(default=16, ge=1, description="Requests in flight at once.")
    timeout_s: float = Field(default=60.0, gt=0, description="Longest wait for one reply.")
    max_attempts: int = Field(
        default=6,
        ge=1,
        description="Requests for one reply; 408, 409, 425, 429, 5xx and no reply are retried.",
    )
    backoff_s: float = Field(
        default=1.0, ge=0, description="Longest wait before the first retry; doubles with each further one."
    )
    max_backoff_s: float = Field(default=60.0, ge=0, description="Longest wait of our own before a retry.")
    max_retry_after_s: float = Field(
        default=300.0,
        ge=0,
        description="Longest Retry-After that is waited for; beyond it there is no reply.",
    )
    max_failures_in_a_row: int = Field(
        default=32,
        ge=1,
        description="After so many requests without a reply, one after another, the rest are not sent.",
    )

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        import httpx  # here, since settings are read by commands that send nothing

        try:
            url = httpx.URL(value)
        except httpx.InvalidURL as error:
            raise ValueError(f"not an address: {error}") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError("must start with http:// or https:// and name a host")
        if url.userinfo:
            raise ValueError("must not hold a user name or password; use api_key_env")
        if url.query or url.fragment:  # to which no path can be appended, and where keys are put
            raise ValueError("must end with its path, without ? or #; use api_key_env for a key")
        return value.rstrip("/")

    @field_validator("extra_body")
    @classmethod
    def _sendable(cls, value: dict[str, Any]) -> dict[str, Any]:
        if ours := sorted({"messages", "model", "stream"} & value.keys()):
            raise ValueError(f"must not hold {', '.join(ours)}: these are set for each request")
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"cannot be sent as JSON: {error}") from error
        return value

    def sent(self) -> dict[str, Any]:
        """What every request holds beside its messages: all that decides, with these, what is replied."""
        settings = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        given = {key: value for key, value in settings.items() if value is not None}
        return {"model": self.model, **given, **self.extra_body}
