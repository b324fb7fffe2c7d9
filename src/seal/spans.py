"""Spans of OpenTelemetry: what was done within what, and how long it took; nothing at all until `trace_by` is
called.

Knows nothing about what is traced, or where spans are sent. Attributes have sizes, kinds and digests, and no
word of a question, an answer or a document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

SpanAttribute: TypeAlias = str | bool | int | float
_tracer: Any = None


def trace_by(tracer: Any) -> None:
    """From now on spans are made by a tracer of OpenTelemetry; None: no more are."""
    global _tracer
    _tracer = tracer


class OpenSpan:
    """A span that goes on, or, where nothing is traced, none."""

    def __init__(self, made: Any = None) -> None:
        self._made = made

    def note(self, **attributes: SpanAttribute) -> None:
        """Adds attributes. `__` in a name stands for a dot."""
        if self._made is not None:
            self._made.set_attributes(_named(attributes))

    def rename(self, name: str) -> None:
        if self._made is not None:
            self._made.update_name(name)

    def fail(self, kind: str) -> None:
        """What went wrong, by its kind: a message may have words of a document in it."""
        if self._made is not None:
            from opentelemetry.trace import Status, StatusCode

            self._made.set_attribute("error.type", kind)
            self._made.set_status(Status(StatusCode.ERROR, kind))

    def end(self) -> None:
        if self._made is not None:
            self._made.end()


@contextmanager
def span(
    name: str, *, served: Mapping[str, str] | None = None, **attributes: SpanAttribute
) -> Iterator[OpenSpan]:
    """Inside, the span goes on, and those that begin belong to it. `served`: the headers of a request that is
    answered, which may say to what of the client's it belongs."""
    if _tracer is None:
        yield OpenSpan()
        return
    from opentelemetry import propagate
    from opentelemetry.trace import SpanKind

    begun = _tracer.start_as_current_span(
        name,
        context=None if served is None else propagate.extract(served),
        kind=SpanKind.INTERNAL if served is None else SpanKind.SERVER,
        attributes=_named(attributes),
        record_exception=False,
        set_status_on_exception=False,
    )
    with begun as made:
        one = OpenSpan(made)
        try:
            yield one
        except Exception as error:
            one.fail(type(error).__name__)
            raise


def opened(name: str, **attributes: SpanAttribute) -> OpenSpan | None:
    """A span that another thread will end, which belongs to what goes on here; None where nothing is
    traced."""
    return None if _tracer is None else OpenSpan(_tracer.start_span(name, attributes=_named(attributes)))


def _named(attributes: Mapping[str, SpanAttribute]) -> dict[str, SpanAttribute]:
    return {name.replace("__", "."): value for name, value in attributes.items()}
