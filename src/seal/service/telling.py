"""Tells webhooks what happens in a workspace, in the form of Standard Webhooks (standardwebhooks.com).

The ledger is the list of what is to be told: each address has a place in it, which moves on when an entry was
taken. So each is told of everything at least once and in order, whoever is killed meanwhile. What is told
names documents by id, and has no word of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import httpx
from anyio import sleep, to_thread

from seal.errors import InputError, SealError, UnknownNameError
from seal.registry import LedgerEntry, Webhook
from seal.service.addresses import pinned
from seal.service.beside import each_beside
from seal.service.hosting import Hosting, Tenant
from seal.service.settings import WebhookSettings

TOLD = {
    "job.finish": "job.succeeded",
    "job.fail": "job.failed",
    "job.cancel": "job.cancelled",
    "alias.move": "version.live",
    "version.hold": "version.held",
    "version.reject": "version.rejected",
    "document.erase": "document.forgotten",
    "correction.hold": "correction.held",
    "rollout.begin": "rollout.began",
    "rollout.promote": "rollout.promoted",
    "rollout.revert": "rollout.reverted",
    "rollout.end": "rollout.ended",
    "brake.pull": "brake.pulled",
    "brake.release": "brake.released",
}
"""Actions of the ledger that are told, by the names that they are told by."""
_AT_ONCE = 100
_MOST_PAUSE_S = 300.0
_LOG = logging.getLogger(__name__)


def new_signing_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature` of a message, by its id, at a time, in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def message_of(tenant: str, entry: LedgerEntry) -> dict[str, Any] | None:
    """What is told of an entry; None if nothing is."""
    kind = TOLD.get(entry.action)
    if kind is None:
        return None
    data = {
        "tenant": tenant,
        "sequence": entry.sequence,
        "actor": entry.actor,
        **entry.inputs,
        **entry.outputs,
    }
    return {"type": kind, "timestamp": entry.time, "data": data}


class WebhookSender:
    """Sends one tenant's messages."""

    def __init__(self, tenant: Tenant, settings: WebhookSettings) -> None:
        self.tenant, self.settings = tenant, settings
        self._rests_until: dict[str, float] = {}

    def send(self) -> None:
        """Tells each address what it was not told yet; one that refuses is tried again later."""
        workspace = self.tenant.learner.workspace
        for hook in workspace.webhooks():
            rested = time.monotonic() >= self._rests_until.get(hook.id, 0.0)
            if rested and hook.failures < self.settings.attempts and hook.told < workspace.head():
                self._send(hook)

    def _send(self, hook: Webhook) -> None:
        workspace = self.tenant.learner.workspace
        for entry in workspace.ledger(after=hook.told, most=_AT_ONCE):
            message = message_of(self.tenant.name, entry)
            try:
                if message is not None:
                    self._post(hook, entry, json.dumps(message, sort_keys=True).encode())
                workspace.webhook_told(hook.id, entry.sequence)
            except (httpx.HTTPError, InputError) as error:
                try:
                    failures = workspace.webhook_failed(hook.id)
                except UnknownNameError:  # it was removed meanwhile
                    return
                self._rests_until[hook.id] = time.monotonic() + min(_MOST_PAUSE_S, 2.0**failures)
                _LOG.warning("the webhook %s did not take entry %d: %s", hook.id, entry.sequence, error)
                return

    def _post(self, hook: Webhook, entry: LedgerEntry, body: bytes) -> None:
        """Raises HTTPError if it is not taken, InputError if its address may not be sent to (any more)."""
        to = pinned(hook.url, private=self.settings.private_addresses)
        message, now = f"msg_{hook.id.removeprefix('wh_')}_{entry.sequence}", int(time.time())
        headers = {
            "Host": to.host_header,
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(hook.secret, message, now, body),
        }
        with httpx.Client(timeout=self.settings.timeout_s, follow_redirects=False, trust_env=False) as client:
            request = client.build_request(
                "POST", to.url, content=body, headers=headers, extensions={"sni_hostname": to.host}
            )
            answer = client.send(request, stream=True)  # its body is not read: it may have no end
            try:
                if not answer.is_success:
                    raise httpx.HTTPError(f"status {answer.status_code}")
            finally:
                answer.close()


def telling(hosting: Hosting, settings: WebhookSettings) -> Callable[[], AbstractAsyncContextManager[None]]:
    """What is to run beside the requests, so that webhooks are told."""
    senders = [WebhookSender(tenant, settings) for tenant in hosting.tenants.values()]
    return partial(each_beside, partial(_sending, every_s=settings.every_s), senders)


async def _sending(sender: WebhookSender, every_s: float) -> None:
    while True:
        try:
            await to_thread.run_sync(sender.send, abandon_on_cancel=True)
        except SealError as error:
            _LOG.error("webhooks of %s cannot be told: %s", sender.tenant.name, error)
        await sleep(every_s)
