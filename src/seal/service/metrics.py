"""Figures for Prometheus, a set for each tenant: none sees another's.

Knows nothing about requests but what their record says.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from seal.service.records import RequestRecord

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class TenantMetrics:
    """One tenant's figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.requests = Counter("seal_requests", "Requests answered", ["route", "status"], registry=own)
        self.seconds = Histogram(
            "seal_request_seconds", "Seconds they took", ["route"], buckets=_SECONDS, registry=own
        )
        self.tokens = Counter("seal_tokens", "Tokens read and written", ["kind"], registry=own)
        self.answers = Counter("seal_answers", "Answers by the way they came about", ["way"], registry=own)

    def note(self, record: RequestRecord, route: str, status: int, seconds: float) -> None:
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)
        for kind, n in (("prompt", record.prompt_tokens), ("completion", record.completion_tokens)):
            if n:
                self.tokens.labels(kind).inc(n)
        for way in record.ways:
            self.answers.labels(way).inc()


class Metrics:
    """The figures of a server. What no key was given for counts for no tenant."""

    def __init__(self) -> None:
        self.process = CollectorRegistry()
        ProcessCollector(registry=self.process)
        self.in_flight = Gauge("seal_requests_in_flight", "Requests in flight", registry=self.process)
        self.refused = Counter(
            "seal_requests_refused", "Requests refused for overload", registry=self.process
        )
        self._tenants: dict[str, TenantMetrics] = {}

    def of(self, tenant: str) -> TenantMetrics:
        return self._tenants.setdefault(tenant, TenantMetrics())

    def text(self, tenant: str) -> bytes:
        """A tenant's figures and those of the process, as Prometheus reads them."""
        return generate_latest(self.of(tenant).registry) + generate_latest(self.process)
