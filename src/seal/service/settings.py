"""The settings of a service: `service.toml` and flags, checked before anything is loaded."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seal.errors import ConfigError, InputFileError, reason_of

FILE = "service.toml"


class LimitSettings(BaseModel):
    """What one request may ask for, and how much is done at once. What is over is refused at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: int = Field(default=16 << 20, ge=1024, description="A request's body, at most.")
    output_tokens: int = Field(default=4096, ge=1, description="Tokens that one choice may have, at most.")
    choices: int = Field(
        default=128,
        ge=1,
        description="Completions of one request (prompts times `n`), or texts to be embedded, at most.",
    )
    requests: int = Field(
        default=256,
        ge=1,
        description="Requests in flight, at most; one more is answered 503 with Retry-After.",
    )
    threads: int = Field(default=64, ge=1, description="Requests that are worked on at once, at most.")
    request_s: float = Field(
        default=300.0,
        gt=0,
        description="Seconds that a request may take; a stream of a job's events takes as long as the job.",
    )
    drain_s: float = Field(
        default=30.0,
        ge=0,
        description="Seconds that a server which is told to end waits for answers in flight.",
    )


class DecodingSettings(BaseModel):
    """What the loop holds that decodes the requests of all callers of one base."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int = Field(default=64, ge=1, description="Completions that are decoded together, at most.")
    waiting: int = Field(
        default=512, ge=1, description="Completions that may wait; one more is refused (503)."
    )
    adapter_slots: int = Field(default=16, ge=1, description="Cells that are in memory at once, at most.")
    cache_tokens: int = Field(
        default=65536, ge=256, description="Tokens whose keys and values are kept, which bounds memory."
    )


class OidcSettings(BaseModel):
    """An issuer of OpenID Connect whose tokens let people in, beside keys (`seal-lm[oidc]`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(description="The issuer, exactly as `iss` in its tokens names it: an https address.")
    audience: str = Field(min_length=1, description="What `aud` has to name: this service.")
    roles: dict[str, list[Literal["ask", "teach", "approve", "audit", "admin"]]] = Field(
        description="The issuer's roles, each with what it may do here; others give nothing."
    )
    roles_claim: str = Field(
        default="roles",
        min_length=1,
        description="The claim that has the issuer's roles: a list, or words in one text. Dots lead through "
        "what is nested (`realm_access.roles`).",
    )
    tenant_claim: str = Field(
        default="",
        description="The claim that has the tenant's name; not needed where there is only one tenant.",
    )
    name_claim: str = Field(
        default="sub", min_length=1, description="The claim that the ledger has as actor."
    )
    trust: float | None = Field(
        default=None, ge=0, le=1, description="The most that what these people teach is trusted."
    )
    leeway_s: float = Field(
        default=60.0, ge=0, le=600, description="Seconds that the issuer's clock may differ."
    )


class AccessSettings(BaseModel):
    """How often somebody may come: rates as "600/minute;100000/day"; empty is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_rate: str = Field(default="1200/minute", description="Requests with one key.")
    tenant_rate: str = Field(default="6000/minute", description="Requests of one tenant, with all its keys.")
    write_rate: str = Field(
        default="300/minute", description="Requests with one key for anything else than asking."
    )
    failure_rate: str = Field(
        default="20/minute", description="Requests without a valid key from one address; then it is refused."
    )
    oidc: OidcSettings | None = Field(
        default=None, description="An issuer whose tokens are as good as keys: see below."
    )


class WebhookSettings(BaseModel):
    """Who may be told of what happens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    private_addresses: bool = Field(
        default=False,
        description="Send to loopback, private and link-local addresses, and by plain HTTP. Otherwise a "
        "webhook could reach what only this machine can.",
    )
    timeout_s: float = Field(default=10.0, gt=0, description="Seconds that a receiver has to answer.")
    every_s: float = Field(default=1.0, gt=0, description="Seconds between looks for what is to be told.")
    attempts: int = Field(default=10, ge=1, description="Refusals in a row after which an address rests.")


class ServiceSettings(BaseModel):
    """All settings of a service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port; 0 takes a free one.")
    behind_proxy: bool = Field(
        default=False,
        description="A proxy in front adds TLS and says who the client is (X-Forwarded-For). Without this or "
        "a certificate only this machine can be listened to.",
    )
    certificate: Path | None = Field(default=None, description="A PEM file with the server's certificates.")
    certificate_key: Path | None = Field(default=None, description="A PEM file with their private key.")
    limits: LimitSettings = LimitSettings()
    decoding: DecodingSettings = DecodingSettings()
    access: AccessSettings = AccessSettings()
    webhooks: WebhookSettings = WebhookSettings()


def read_settings(path: Path | None = None, **flags: Any) -> ServiceSettings:
    """The settings of a file, if there is one, with flags over them (None: not given).

    Raises InputFileError, ConfigError.
    """
    told: dict[str, Any] = {}
    if path is not None:
        try:
            told = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputFileError(f"{path} cannot be read: {reason_of(error)}") from error
        except ValueError as error:
            raise ConfigError(f"{path} is no TOML: {reason_of(error)}") from error
    told |= {name: value for name, value in flags.items() if value is not None}
    try:
        return ServiceSettings.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"{path or 'the settings'}: {key}: {first['msg']}", "docs/how-to/serve.md lists all settings."
        ) from error
