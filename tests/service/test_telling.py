"""Webhooks: signed, told of everything once and in order, and sent to no address that a stranger should not
reach."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from learners import begin
from seal.errors import InputError
from seal.service.addresses import pinned
from seal.service.hosting import Tenant
from seal.service.settings import WebhookSettings
from seal.service.telling import WebhookSender, new_signing_secret, signature

OPEN = WebhookSettings(private_addresses=True)


class Receiver(HTTPServer):
    """Takes what is posted, or answers another status."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self.server
        assert isinstance(receiver, Receiver)
        body = self.rfile.read(int(self.headers["content-length"]))
        receiver.taken.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(receiver.status)
        self.send_header("location", "http://localhost:1/")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    started = Receiver()
    yield started
    started.shutdown()
    started.server_close()


@pytest.fixture
def tenant(tmp_path: Path, toy: Path) -> Tenant:
    return Tenant("w", begin(tmp_path / "w", toy))


def test_what_happens_is_told_once_in_order_and_signed(tenant: Tenant, receiver: Receiver) -> None:
    workspace, secret = tenant.learner.workspace, new_signing_secret()
    workspace.enqueue("study", {"documents": []})  # before there was a webhook
    hook = workspace.add_webhook(receiver.url, secret)
    sender = WebhookSender(tenant, OPEN)
    job = workspace.enqueue("study", {"documents": []})
    workspace.cancel(job.id, reason="no", actor="ann")
    workspace.pull_brake(actor="ann")
    receiver.status = 302  # a redirect is not followed
    sender.send()
    sender.send()  # it rests
    assert len(receiver.taken) == 1 and workspace.webhooks()[0].failures == 1
    receiver.status, receiver.taken = 204, []
    again = WebhookSender(tenant, OPEN)  # as after a kill
    again.send()
    again.send()
    told = [json.loads(body) for _, body in receiver.taken]
    assert [one["type"] for one in told] == ["job.cancelled", "brake.pulled"]
    assert told[0]["data"]["job"] == job.id and told[0]["data"]["tenant"] == "w"
    headers, body = receiver.taken[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{right}" and headers["host"].startswith("localhost:")
    assert len({h["webhook-id"] for h, _ in receiver.taken}) == 2
    assert workspace.webhooks()[0].told == workspace.head() and workspace.webhooks()[0].failures == 0
    workspace.drop_webhook(hook.id)
    workspace.release_brake()
    again.send()
    assert len(receiver.taken) == 2


def test_the_signature_of_the_standard() -> None:
    """The example of the Standard Webhooks specification's libraries."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    told = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://10.1.2.3/",
        "https://192.168.0.1:8443/", "https://172.16.0.1/", "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/",
        "https://2130706433/", "https://0x7f.1/", "https://[fe80::1]/", "https://[fd00::1]/", "https://100.64.0.1/",
        "https://224.0.0.1/", "file:///etc/passwd", "gopher://1.1.1.1/", "https://", "https:///x", "x",
        "https://user:pass@1.1.1.1/", "https://1.1.1.1:99999/", "https://[1.1.1.1/", "https://a..b/",
    ],
)  # fmt: skip
def test_addresses_that_are_not_sent_to(url: str) -> None:
    with pytest.raises(InputError):
        pinned(url)


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is connected to is the number that was looked at: the second look-up would lead elsewhere."""
    numbers = iter(["1.1.1.1", "127.0.0.1"])

    def found(host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (next(numbers), port))]

    monkeypatch.setattr("socket.getaddrinfo", found)
    to = pinned("https://rebinding.example:8443/a?b=c#d")
    assert (to.url, to.host, to.host_header) == (
        "https://1.1.1.1:8443/a?b=c", "rebinding.example", "rebinding.example:8443"
    )  # fmt: skip
    with pytest.raises(InputError, match="not public"):
        pinned("https://rebinding.example/")
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [
        (2, 1, 6, "", ("1.1.1.1", 443)), (2, 1, 6, "", ("10.0.0.1", 443))
    ])  # fmt: skip
    with pytest.raises(InputError, match="not public"):
        pinned("https://two.example/")


def test_an_address_that_stays_away_is_given_up(
    tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tenant.learner.workspace
    workspace.add_webhook(receiver.url, new_signing_secret())
    workspace.pull_brake()
    receiver.status = 500
    for _ in range(5):
        WebhookSender(tenant, OPEN.model_copy(update={"attempts": 3})).send()
    assert len(receiver.taken) == 3
    private = WebhookSender(tenant, WebhookSettings())  # the setting was taken back
    private.send()
    assert len(receiver.taken) == 3 and workspace.webhooks()[0].failures == 4
