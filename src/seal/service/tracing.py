"""Where spans are sent, as the variables of OpenTelemetry's own say: nowhere, unless one names an address.

Knows no span. Both a server and its study workers set it up, each for its own process.
"""

from __future__ import annotations

import importlib.util
import os

import seal
from seal.errors import InputError
from seal.spans import trace_by

_ADDRESSES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def trace_as_told(service: str) -> None:
    """Sends spans of this process, as the service of this name, where the environment says; by default they
    are not even made. OTEL_SDK_DISABLED=true, OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME,
    OTEL_EXPORTER_OTLP_HEADERS and the others mean what they always do.

    Raises InputError if an address is named and the packages for it are not installed.
    """
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if off or not any(os.environ.get(name) for name in _ADDRESSES):
        return
    if not all(_is_there(name) for name in _NEEDED):
        raise InputError(
            "spans are to be sent, and the packages for that are not installed", "pip install 'seal-lm[otel]'"
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # pyright: ignore
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = os.environ.get("OTEL_SERVICE_NAME") or service
    described = Resource.create({"service.name": named, "service.version": seal.__version__})
    provider = TracerProvider(resource=described)  # what waits is sent when the process ends
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace_by(provider.get_tracer("seal", seal.__version__))


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a package above it
        return False
