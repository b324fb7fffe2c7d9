"""Addresses that are told of what happens, and how far each has been told: the ledger is the list of what is
to be told, so that nothing is lost when a sender is killed.

Knows nothing about how they are told.
"""

from __future__ import annotations

import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from seal.errors import UnknownNameError
from seal.registry.canonical import storable
from seal.registry.core import Core
from seal.registry.records import Webhook
from seal.registry.tables import LedgerRow, WebhookRow


class Webhooks(Core):
    """The operations on webhooks."""

    def add_webhook(self, url: str, secret: str, *, actor: str | None = None) -> Webhook:
        """Records an address; it is told of what happens from now on."""
        with self.transaction() as session:
            row = WebhookRow(
                id=f"wh_{uuid.uuid4().hex[:24]}",
                url=storable(url, "the address"),
                secret=storable(secret, "the secret"),
                created_at=self.clock.now(),
                told=session.scalar(select(func.max(LedgerRow.sequence))) or 0,
                failures=0,
            )
            session.add(row)
            self._record(session, "webhook.add", actor=actor, inputs={"webhook": row.id})
            return _webhook(row)

    def drop_webhook(self, key: str, *, actor: str | None = None) -> None:
        """Raises UnknownNameError if there is none."""
        with self.transaction() as session:
            session.delete(_row(session, key))
            self._record(session, "webhook.drop", actor=actor, inputs={"webhook": key})

    def webhook_told(self, key: str, sequence: int) -> None:
        """Notes that an address took all entries of the ledger up to `sequence`."""
        with self.transaction() as session:
            row = session.get(WebhookRow, key)
            if row is not None:
                row.told, row.failures = max(row.told, sequence), 0

    def webhook_failed(self, key: str) -> int:
        """Counts that an address did not take an entry; how often since it last took one."""
        with self.transaction() as session:
            row = _row(session, key)
            row.failures += 1
            return row.failures

    def webhooks(self) -> list[Webhook]:
        """All addresses, in the order in which they were added."""
        with self._reading() as session:
            rows = session.scalars(select(WebhookRow).order_by(WebhookRow.created_at, WebhookRow.id))
            return [_webhook(row) for row in rows]


def _row(session: Session, key: str) -> WebhookRow:
    row = session.get(WebhookRow, key)
    if row is None:
        raise UnknownNameError(f"there is no webhook {key!r}", "Give the id that it got.")
    return row


def _webhook(row: WebhookRow) -> Webhook:
    return Webhook(row.id, row.url, row.created_at, row.told, row.failures, row.secret)
