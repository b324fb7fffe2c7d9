"""Spans: what belongs to what, that no word of anybody is in them, and that there are none by default."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

from learners import Gates, begin, fake, learn_all
from seal.errors import InputError
from seal.service import tracing
from seal.service.hosting import Hosting, Tenant
from seal.spans import trace_by
from services import running

A, LATER = fake("tracing"), fake("tracing later")
TRACE, CLIENTS = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def spans() -> Iterator[Any]:
    """Where spans go inside the test."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace_by(provider.get_tracer("test"))
    yield kept
    trace_by(None)


def test_what_belongs_to_what(tmp_path: Path, toy: Path, gates: Gates, spans: Any) -> None:
    learner = begin(tmp_path / "w", toy)
    learn_all(learner, [A])
    made = {one.name: one for one in spans.get_finished_spans()}
    assert set(made) == {"seal.job", "seal.compile", "seal.examine"}
    job = made["seal.job"]
    assert dict(job.attributes) == {"seal.job": 1, "seal.kind": "study", "seal.attempt": 1}
    assert {made[name].parent.span_id for name in ("seal.compile", "seal.examine")} == {job.context.span_id}
    spans.clear()
    with running(Hosting([Tenant("w", learner)])) as service, service.client() as client:
        asked = {"model": "base", "prompt": A.text, "max_tokens": 2}
        sent = client.post("/v1/completions", json=asked, headers={"traceparent": f"00-{TRACE}-{CLIENTS}-01"})
        assert sent.status_code == 200
        assert client.post("/v1/completions", json={"model": "no", "prompt": "a"}).status_code == 404
        assert client.get("/healthz").status_code == 200
    request, refused = (one for one in spans.get_finished_spans() if one.name.startswith("POST"))
    [decoded] = [one for one in spans.get_finished_spans() if one.name == "seal.decode"]
    assert request.name == "POST /v1/completions" and request.attributes["seal.tenant"] == "w"
    assert f"{request.context.trace_id:032x}" == TRACE and f"{request.parent.span_id:016x}" == CLIENTS
    assert refused.attributes["http.response.status_code"] == 404
    assert decoded.parent.span_id == request.context.span_id
    usage = sent.json()["usage"]
    assert decoded.attributes["gen_ai.usage.input_tokens"] == usage["prompt_tokens"]
    assert decoded.attributes["gen_ai.usage.output_tokens"] == usage["completion_tokens"]
    told = "".join(one.to_json() for one in spans.get_finished_spans())
    assert not any(word in told for word in A.words) and "GET" not in told


def test_what_fails_is_told_by_its_kind(tmp_path: Path, toy: Path, spans: Any) -> None:
    learner = begin(tmp_path / "w", toy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seal.learner.compiling.Compiler.compile", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            learner.learn(LATER.given())
    failed = {one.name: one.attributes.get("error.type") for one in spans.get_finished_spans()}
    assert failed == {"seal.job": "ZeroDivisionError", "seal.compile": "ZeroDivisionError"}
    assert not any(one.events for one in spans.get_finished_spans())


def test_there_are_none_unless_an_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And then nothing of OpenTelemetry is even loaded."""
    code = "import sys, seal.spans as s\nwith s.span('a') as one: one.note(b=1)\n"
    code += (
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules) or s.opened('a') is not None)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    begun: list[Any] = []
    monkeypatch.setattr(tracing, "trace_by", begun.append)
    monkeypatch.setattr(tracing, "_NEEDED", ("opentelemetry.not.installed",))
    tracing.trace_as_told("seal")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="not installed"):
        tracing.trace_as_told("seal")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    tracing.trace_as_told("seal")
    assert begun == []
