"""Tokens of an issuer beside keys: real signatures, keys that change, and all that a token may lack."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("joserfc", reason="the extra `oidc` is not installed")

from issuers import Issuer, issuing
from learners import Gates, begin, fake, learn_all
from seal.errors import ConfigError
from seal.service.access import Role
from seal.service.access.keyring import Keyring
from seal.service.access.oidc import TokenIssuer
from seal.service.hosting import Hosting, Tenant
from seal.service.problems import Problem
from seal.service.settings import AccessSettings, OidcSettings, ServiceSettings
from services import RunningService, running

MINE, THEIRS = fake("oidc mine"), fake("oidc theirs")


def settings(of: Issuer, **more: Any) -> OidcSettings:
    told: dict[str, Any] = {
        "issuer": of.url,
        "audience": "seal",
        "roles": {"staff": ["ask"], "editors": ["ask", "teach"], "owners": ["admin"]},
        "roles_claim": "realm_access.roles",
        "tenant_claim": "https://example.org/tenant",
        "trust": 0.5,
    }
    return OidcSettings.model_validate(told | more)


def said(*roles: str, tenant: str = "mine") -> dict[str, Any]:
    return {"realm_access": {"roles": ["of others", *roles]}, "https://example.org/tenant": tenant}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        made.new_key("first")
        yield made


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates, issuer: Issuer
) -> Iterator[RunningService]:
    first, second = (begin(tmp_path_factory.mktemp("oidc") / name, toy) for name in ("mine", "theirs"))
    learn_all(first, [MINE])
    second.parts.adaptation = first.parts.adaptation
    access = AccessSettings(failure_rate="", oidc=settings(issuer))
    hosting = Hosting([Tenant("mine", first), Tenant("theirs", second)])
    with running(hosting, ServiceSettings(access=access)) as made:
        yield made


def written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def get(service: RunningService, path: str, token: str, **more: Any) -> Any:
    with service.client() as client:
        method = "POST" if more else "GET"
        return client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more)


def test_a_token_is_as_good_as_a_key(service: RunningService, issuer: Issuer) -> None:
    """It has the roles that its claims lead to, in the tenant that they name, and the settings' trust."""
    staff, editor, owner = (issuer.token("first", **said(r)) for r in ("staff", "editors", "owners"))
    assert get(service, "/v1/models", staff).status_code == 200
    assert get(service, "/v1/seal/documents", staff).status_code == 403
    assert get(service, "/v1/seal/keys", editor).status_code == 403
    assert get(service, "/v1/seal/keys", owner).status_code == 200
    told = get(service, "/v1/seal/documents", editor, json={"text": THEIRS.text, "title": THEIRS.name})
    [stored] = told.json()["data"]
    assert stored["state"] == "queued"
    learner = service.hosting.tenants["mine"].learner
    assert learner.document(stored["id"]).trust == 0.5
    assert learner.ledger()[-1].actor == "u1"
    other = issuer.token("first", **said("owners", tenant="theirs"))
    assert get(service, f"/v1/seal/documents/{stored['id']}", other).status_code == 404
    assert get(service, "/v1/models", service.key).status_code == 200


def test_answers_are_of_the_person_who_asked(service: RunningService, issuer: Issuer) -> None:
    first, again, other = (issuer.token("first", **said("staff"), sub=sub) for sub in ("a", "a", "b"))
    asked = {"messages": [{"role": "user", "content": MINE.question(min(MINE.values))}]}
    answer = get(service, "/v1/chat/completions", first, json=asked).json()["seal"]["answer_id"]
    assert get(service, "/v1/seal/why", again, json={"answer": answer}).status_code == 200
    assert get(service, "/v1/seal/why", other, json={"answer": answer}).status_code == 404
    known = {key.name: key for key in service.hosting.tenants["mine"].learner.workspace.access_keys()}
    assert known["a"].roles == ("ask",) and known["a"].used_on is not None
    assert get(service, "/v1/models", f"seal_mine_{'0' * 12}_{'0' * 32}").status_code == 401
    with service.client() as admin:
        assert admin.delete(f"/v1/seal/keys/{known['a'].id}").status_code == 200
    assert get(service, "/v1/models", again).status_code == 401
    assert get(service, "/v1/models", other).status_code == 200


def test_what_is_no_token_of_the_issuers_for_this_service(service: RunningService, issuer: Issuer) -> None:
    from joserfc.jwk import RSAKey

    now, right = int(time.time()), said("owners")
    public = issuer.keys["first"].as_pem(private=False)
    head, body, signature = issuer.token("first", **right).split(".")
    unsigned, shared = (written(json.dumps({"alg": a, "kid": "first"}).encode()) for a in ("none", "HS256"))
    by_public = written(hmac.digest(public, f"{shared}.{body}".encode(), "sha256"))
    wrong = {
        "another key": issuer.token("first", key=RSAKey.generate_key(2048), **right),
        "its public key as a secret": f"{shared}.{body}.{by_public}",
        "no signature": f"{unsigned}.{body}.",
        "another's claims": f"{head}.{issuer.token('first', **said('staff')).split('.')[1]}.{signature}",
        "expired": issuer.token("first", exp=now - 120, **right),
        "not yet": issuer.token("first", nbf=now + 600, **right),
        "for ever": issuer.token("first", exp=None, **right),
        "for another service": issuer.token("first", aud=["other"], **right),
        "for nobody": issuer.token("first", aud=None, **right),
        "of another issuer": issuer.token("first", iss="https://evil.example", **right),
        "of no person": issuer.token("first", sub=None, **right),
        "no role": issuer.token("first", **said()),
        "no tenant": issuer.token("first", **said("owners", tenant="nobody")),
        "a tenant that is no name": issuer.token(
            "first", **{**right, "https://example.org/tenant": ["mine"]}
        ),
        "no claims": f"{head}.bm8.{signature}",
        "no token": "a.b.c",
    }
    statuses = {what: get(service, "/v1/models", token).status_code for what, token in wrong.items()}
    assert statuses == dict.fromkeys(wrong, 401)
    assert get(service, "/v1/models", issuer.token("first", aud=["x", "seal"], **right)).status_code == 200
    assert get(service, "/v1/models", issuer.token("first", exp=now - 30, **right)).status_code == 200


def test_keys_change(issuer: Issuer, service: RunningService) -> None:
    """A new one is found when a token names it; one that is taken away counts until the keys are fetched
    again; nobody makes us ask the issuer more often than twice a minute."""
    clock = [0.0]
    made = TokenIssuer(settings(issuer), service.hosting, lambda: clock[0])
    assert made.caller(issuer.token("first", **said("owners"))).roles == frozenset(Role)
    for kid, kind, size, alg in (("curve", "EC", "P-256", "ES256"), ("edwards", "OKP", "Ed25519", "Ed25519")):
        issuer.new_key(kid, kind, size)
        token = issuer.token(kid, alg, **said("staff"))
        with pytest.raises(Problem):  # so soon
            made.caller(token)
        clock[0] += 31
        assert made.caller(token).roles == {Role.ASK}
    of_curve = issuer.token("curve", "ES256", **said("staff"))
    before = issuer.asked["/keys"]
    clock[0] += 31
    for n in range(20):
        with pytest.raises(Problem):
            made.caller(issuer.token(f"unknown {n}", key=issuer.keys["first"], **said("staff")))
    assert issuer.asked["/keys"] == before + 1
    del issuer.keys["curve"]
    clock[0] += 3700
    with pytest.raises(Problem):
        made.caller(of_curve)
    assert made.caller(issuer.token("first", **said("staff")))


def test_an_issuer_that_does_not_answer(issuer: Issuer, service: RunningService) -> None:
    clock = [0.0]
    made = TokenIssuer(settings(issuer), service.hosting, lambda: clock[0])
    token = issuer.token("first", exp=int(time.time()) + 10**6, **said("staff"))
    issuer.down = True
    try:
        with pytest.raises(Problem) as told:
            made.caller(token)
        assert told.value.status == 503 and "Retry-After" in told.value.headers
        issuer.down, clock[0] = False, 31
        assert made.caller(token)
        issuer.down, clock[0] = True, 3700  # what was fetched still counts
        assert made.caller(token)
        clock[0] += 86400
        with pytest.raises(Problem):
            made.caller(token)
        issuer.down, issuer.calls_itself, clock[0] = False, "https://other.example", clock[0] + 31
        with pytest.raises(Problem):
            made.caller(token)
    finally:
        issuer.down, issuer.calls_itself = False, issuer.url


def test_settings_that_would_let_anybody_in_are_refused(
    service: RunningService, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="no https address"):
        TokenIssuer(settings(issuer, issuer="http://login.example.org"), service.hosting)
    with pytest.raises(ConfigError, match="tenant_claim"):
        TokenIssuer(settings(issuer, tenant_claim=""), service.hosting)
    alone = Hosting([service.hosting.tenants["mine"]])
    made = TokenIssuer(settings(issuer, tenant_claim="", roles_claim="scope"), alone)
    assert made.caller(issuer.token("first", scope="openid staff")).roles == {Role.ASK}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="joserfc"):
        Keyring(service.hosting, AccessSettings(oidc=settings(issuer)))
