"""Who is let in: every route by every role, keys from their making to their end, rates, tenants apart."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from learners import Gates, begin, fake, learn_all
from seal.errors import ConfigError, InputError
from seal.service.access import Role, routes_of, rule_of
from seal.service.access.key_secrets import KeySecret, new_secret, parsed
from seal.service.access.keyring import Keyring, rates
from seal.service.access.making import make_key
from seal.service.access.roles import roles_of
from seal.service.hosting import Hosting, Tenant
from seal.service.server import listen
from seal.service.settings import AccessSettings, ServiceSettings
from services import RunningService, running

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "routes.md"
MINE, THEIRS = fake("access mine"), fake("access theirs")
SIGNING_IN = {("GET", "/sign-in"): 200, ("POST", "/sign-in"): 401, ("POST", "/sign-out"): 303}
OPEN = {"/healthz", "/readyz", *(f"/dashboard.{kind}" for kind in ("css", "js", "svg"))}


@dataclass
class Two:
    """A service with two tenants; `keys` has a key of the first for each role, `other` is an admin's of the
    second."""

    service: RunningService
    keys: dict[Role, str]
    other: str
    client: httpx.Client

    def ask(self, method: str, path: str, key: str | None, **more: Any) -> httpx.Response:
        headers = [] if key is None else [(b"Authorization", f"Bearer {key}".encode("latin-1"))]
        return self.client.request(method, self.service.url + path, headers=headers, **more)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates) -> Iterator[Two]:
    first, second = (begin(tmp_path_factory.mktemp("two") / name, toy) for name in ("mine", "theirs"))
    learn_all(first, [MINE])
    second.parts.adaptation = first.parts.adaptation
    learn_all(second, [THEIRS])
    hosting = Hosting([Tenant("mine", first), Tenant("theirs", second)])
    free = AccessSettings(key_rate="", tenant_rate="", write_rate="", failure_rate="")
    with running(hosting, ServiceSettings(access=free)) as service, httpx.Client(timeout=60) as client:
        made = {r: str(make_key(first.workspace, "mine", name=str(r), roles=[r])[1]) for r in Role}
        other = make_key(second.workspace, "theirs", name="x", roles=["admin"])[1]
        yield Two(service, made, str(other), client)


def routes(app: Any) -> list[tuple[str, str, Role | None]]:
    """Every route of an application with its method and its rule. Fails for one without a rule."""
    return [(method, r.path, rule_of(r)) for r in routes_of(app.routes) for method in sorted(r.methods or ())]


def test_every_route_by_every_role(two: Two) -> None:
    """Without a key 401, without the role 403, with it neither; and the page about it says the same."""
    told = routes(two.service.app)
    documented = [(m.upper(), path) for path, one in two.service.app.openapi()["paths"].items() for m in one]
    assert len(documented) > 45 and set(documented) <= {(m, p.replace(":path", "")) for m, p, _ in told}
    written = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.M)
    assert sorted(written) == sorted((m, p, "everybody" if r is None else str(r)) for m, p, r in told)
    wrong = []
    for method, path, rule in told:
        # what is not there, so that nothing happens
        url = re.sub(r"\{\w+(:path)?\}", "ftjob-999999" if "job_id" in path else "ffff0000", path)
        if path.endswith("/brake") and method != "GET":
            continue  # which would happen
        if rule is None:
            assert path in OPEN or (method, path) in SIGNING_IN
            assert two.ask(method, url, None).status_code == SIGNING_IN.get((method, path), 200)
            continue
        if (status := two.ask(method, url, None).status_code) != 401:
            wrong.append((method, path, None, status))
        for role, key in two.keys.items():
            allowed = rule in roles_of([role])
            status = two.ask(method, url, key).status_code
            if status >= 500 or (status == 403) == allowed or status == 401:
                wrong.append((method, path, role, status))
    assert wrong == []


def test_a_route_without_a_rule_is_found() -> None:
    from fastapi import FastAPI

    app = FastAPI(openapi_url=None)
    app.get("/open")(lambda: None)
    with pytest.raises(LookupError, match="/open has no rule"):
        routes(app)
    other = FastAPI(openapi_url=None)
    other.mount("/files", app)
    with pytest.raises(LookupError, match="can have no rule"):
        routes(other)


def test_who_administers_may_do_everything() -> None:
    assert roles_of(["admin"]) == frozenset(Role)
    assert roles_of(["ask", "of a newer seal"]) == {Role.ASK} and roles_of([]) == frozenset()


def test_another_tenant_is_not_there(two: Two) -> None:
    """Its documents, versions, answers, jobs and keys are 404 by their very ids; lists have none of them."""
    hosted = two.service.hosting.tenant("theirs")
    version = hosted.learner.live()
    assert version is not None
    admin = two.keys[Role.ADMIN]
    asked = {"model": "live", "messages": [{"role": "user", "content": THEIRS.question(min(THEIRS.values))}]}
    told = two.ask("POST", "/v1/chat/completions", two.other, json=asked).json()
    theirs = told["seal"]["answer_id"]
    for method, path, body in [
        ("GET", f"/v1/seal/documents/{THEIRS.id}", None),
        ("DELETE", f"/v1/seal/documents/{THEIRS.id}", None),
        ("PATCH", f"/v1/seal/documents/{THEIRS.id}", {"title": "Mine"}),
        ("GET", f"/v1/files/{THEIRS.id}", None),
        ("POST", "/v1/fine_tuning/jobs", {"training_file": THEIRS.id}),
        ("GET", f"/v1/seal/versions/{version.id}", None),
        ("GET", f"/v1/seal/versions/{version.id}/export", None),
        ("POST", "/v1/seal/rollback", {"version": version.id}),
        ("GET", f"/v1/models/{version.id}", None),
        ("POST", "/v1/chat/completions", {**asked, "model": version.id}),
        ("POST", "/v1/seal/why", {"answer": theirs}),
        ("POST", "/v1/seal/feedback", {"kind": "thumbs", "value": "up", "answer": theirs}),
        ("DELETE", f"/v1/seal/keys/{parsed(two.other).id}", None),  # type: ignore[union-attr]
    ]:
        answer = two.ask(method, path, admin, json=body)
        assert answer.status_code == 404, (path, answer.text)
        assert not any(word in answer.text for word in THEIRS.words)
    for path in ("documents", "versions", "ledger", "keys", "feedback", "wanted"):
        own = two.ask("GET", f"/v1/seal/{path}", admin)
        assert own.status_code == 200 and not any(
            word in own.text for word in (THEIRS.id, version.id, *THEIRS.words)
        )
    jobs = two.ask("GET", "/v1/fine_tuning/jobs", admin).json()["data"]
    assert all(MINE.id in job["seal"]["studied"] for job in jobs)
    assert two.ask("POST", "/v1/seal/why", two.other, json={"answer": theirs}).json()["document"] == THEIRS.id


def test_an_answer_is_its_askers(two: Two) -> None:
    """Another key of the tenant is told neither why it was given nor may it vote on it, unless it may
    audit."""
    asked = {"model": "live", "messages": [{"role": "user", "content": MINE.question(min(MINE.values))}]}
    told = two.ask("POST", "/v1/chat/completions", two.keys[Role.ASK], json=asked).json()
    why = {"answer": told["id"]}
    assert (
        two.ask("POST", "/v1/seal/why", two.keys[Role.ASK], json=why).json()["id"]
        == told["seal"]["answer_id"]
    )
    other = str(
        make_key(two.service.hosting.tenant("mine").learner.workspace, "mine", name="o", roles=["ask"])[1]
    )
    assert two.ask("POST", "/v1/seal/why", other, json=why).status_code == 404
    assert two.ask("POST", "/v1/seal/why", two.keys[Role.ADMIN], json=why).status_code == 200


def test_a_key_over_http(two: Two) -> None:
    """Made, shown once, used, revoked at once; no secret and no hash is told again."""
    admin = two.keys[Role.ADMIN]
    made = two.ask("POST", "/v1/seal/keys", admin, json={"name": "bob", "roles": ["ask"], "days": 1}).json()
    secret = made.pop("key")
    assert two.ask("GET", "/v1/models", secret).status_code == 200
    listed = two.ask("GET", "/v1/seal/keys", admin)
    mine = next(one for one in listed.json()["data"] if one["id"] == made["id"])
    assert mine["used_on"] is not None and mine["holds"]
    ledger = two.ask("GET", "/v1/seal/ledger?limit=1000", admin).text
    for text in (listed.text, ledger):
        assert secret.rpartition("_")[2] not in text and "argon2" not in text
    assert two.ask("POST", "/v1/seal/keys", admin, json={"name": "bob", "roles": ["ask"]}).status_code == 409
    assert two.ask("POST", "/v1/seal/keys", admin, json={"name": "eve", "roles": ["king"]}).status_code == 400
    assert two.ask("DELETE", f"/v1/seal/keys/{made['id']}", admin).json()["holds"] is False
    assert two.ask("GET", "/v1/models", secret).status_code == 401
    own = parsed(admin)
    assert own is not None and two.ask("DELETE", f"/v1/seal/keys/{own.id}", admin).status_code == 409


def test_what_is_no_key(two: Two) -> None:
    """All that is wrong is told in the same words."""
    right = parsed(two.keys[Role.ASK])
    assert right is not None
    other = parsed(two.other)
    assert other is not None
    wrong = [
        "x", "seal_mine", str(right)[:-1], str(right) + "a", str(replace(right, secret="a" * 32)),
        str(replace(right, id="0" * 12)), str(replace(right, tenant="nobody")),
        str(replace(right, tenant="theirs")), str(replace(other, tenant="mine")), "é" * 20,
    ]  # fmt: skip
    answers = [two.ask("GET", "/v1/models", key.encode().decode("latin-1")) for key in wrong]
    assert {answer.status_code for answer in answers} == {401} and len(
        {answer.text for answer in answers}
    ) == 1
    cookie = {"Cookie": f"seal_key={right}"}
    url = two.service.url
    assert httpx.get(f"{url}/v1/models", headers=cookie).status_code == 200
    for site, status in ((None, 401), ("cross-site", 401), ("same-origin", 200)):  # who had it sent
        headers = cookie | ({"Sec-Fetch-Site": site} if site else {})
        answer = httpx.post(f"{url}/v1/seal/why", headers=headers, json={"question": "x"}, timeout=60)
        assert answer.status_code == status


def test_an_expired_key_and_one_revoked_by_another_process(two: Two) -> None:
    workspace = two.service.hosting.tenant("mine").learner.workspace
    past = new_secret("mine")
    workspace.add_key(past.id, past.hash, name="past", roles=["ask"], expires_at="2026-01-01T00:00:00+00:00")
    gone = make_key(workspace, "mine", name="gone", roles=["ask"])[1]
    assert two.ask("GET", "/v1/models", str(gone)).status_code == 200
    workspace.revoke_key("gone")
    time.sleep(1.2)
    assert two.ask("GET", "/v1/models", str(past)).status_code == 401
    assert two.ask("GET", "/v1/models", str(gone)).status_code == 401


def test_a_key_that_comes_often_at_once_is_looked_up_once(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, fits, compared = two.service.hosting.tenant("mine").learner.workspace, KeySecret.fits, []

    def slowly(self: KeySecret, hash: str) -> bool:
        compared.append(self.id)
        time.sleep(0.3)  # all have come
        return fits(self, hash)

    monkeypatch.setattr(KeySecret, "fits", slowly)
    right = str(make_key(workspace, "mine", name="busy", roles=["ask"])[1])
    wrong = f"{right[:-1]}{'a' if right[-1] != 'a' else 'b'}"
    with ThreadPoolExecutor(16) as threads:
        came = [(key, threads.submit(two.ask, "GET", "/v1/models", key)) for key in [right, wrong] * 8]
        assert all(one.result().status_code == (200 if key == right else 401) for key, one in came)
    assert len(compared) == 2


def test_keys_are_not_found_in_the_workspace(two: Two) -> None:
    secrets = [key.rpartition("_")[2].encode() for key in two.keys.values()]
    path = two.service.hosting.tenant("mine").path
    for file in path.rglob("*"):
        if file.is_file():
            assert not any(secret in file.read_bytes() for secret in secrets)
    assert "KeySecret('mine'" in repr(parsed(two.keys[Role.ASK]))
    assert two.keys[Role.ASK].rpartition("_")[2] not in repr(parsed(two.keys[Role.ASK]))


def test_the_first_start_makes_one_admin_key(tmp_path: Path, toy: Path) -> None:
    learner = begin(tmp_path / "w", toy)
    hosting = Hosting([Tenant("w", learner)])
    made = Keyring.of(hosting)[1]
    assert list(made) == ["w"] and Keyring.of(hosting)[1] == {}
    learner.workspace.revoke_key(made["w"].id)
    assert list(Keyring.of(hosting)[1]) == ["w"]  # nobody could administer it otherwise
    assert make_key(learner.workspace, "w", name="n", roles=["ask", "ask"])[0].roles == ("ask",)
    with pytest.raises(InputError, match="no role 'aks'"):
        make_key(learner.workspace, "w", name="m", roles=["aks"])
    for days in (0, -1, float("nan"), 1e9):
        with pytest.raises(InputError, match="holds for"):
            make_key(learner.workspace, "w", name="m", roles=["ask"], days=days)


def test_a_secret_is_its_own(tmp_path: Path) -> None:
    one, other = new_secret("t"), new_secret("t")
    hash = one.hash
    assert one.fits(hash) and not other.fits(hash) and not one.fits("no hash")
    assert parsed(str(one)) == one and hash.startswith("$argon2id$") and one.secret not in hash


def test_rates(tmp_path: Path, toy: Path) -> None:
    """Of a key, and of an address without one; the others go on. 429 says when to come again."""
    learner = begin(tmp_path / "w", toy)
    settings = AccessSettings(key_rate="5/minute", write_rate="2/minute", failure_rate="3/minute")
    hosting, read = Hosting([Tenant("w", learner)]), ServiceSettings(access=settings)
    with running(hosting, read) as service, service.client() as client:
        made = [str(make_key(learner.workspace, "w", name=n, roles=["admin"])[1]) for n in "ab"]

        def statuses(key: str, path: str, n: int) -> list[int]:
            headers = {"Authorization": f"Bearer {key}"}
            return [client.get(path, headers=headers).status_code for _ in range(n)]

        assert statuses(made[0], "/v1/seal/keys", 3) == [200, 200, 429]
        assert statuses(made[0], "/v1/models", 3) == [200, 200, 429]
        assert statuses(made[1], "/v1/models", 1) == [200]
        assert statuses("seal_w_wrong", "/v1/models", 4) == [401, 401, 401, 429]
        answer = client.get("/v1/models", headers={"Authorization": f"Bearer {made[1]}"})
        assert answer.status_code == 429 and 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.json()["error"]["type"] == "rate_limit_error"
    assert rates(" ") == [] and len(rates("1/second; 5/day")) == 2
    with pytest.raises(ConfigError, match="is no rate"):
        rates("often")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_only_by_a_proxy_or_tls(host: str) -> None:
    with pytest.raises(InputError, match="plain text"):
        listen(ServiceSettings(host=host, port=0))
    if host == "0.0.0.0":
        listen(ServiceSettings(host=host, port=0, behind_proxy=True)).close()
    with pytest.raises(InputError, match="one alone"):
        listen(ServiceSettings(port=0, certificate=Path("x")))
