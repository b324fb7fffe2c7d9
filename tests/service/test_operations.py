"""What a server promises to those who run it: readiness, figures, limits, an orderly end."""

from __future__ import annotations

from services import RunningService


def test_figures_are_the_callers_and_need_a_key(toy_service: RunningService) -> None:
    with toy_service.client() as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        assert client.get("/metrics", headers={"Authorization": ""}).status_code == 401
        text = client.get("/metrics").text
        assert 'seal_requests_total{route="/metrics",status="200"}' in client.get("/metrics").text
        assert "seal_requests_in_flight" in text
