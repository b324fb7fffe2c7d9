"""Many requests, of many adapters, answered by one model in common passes: continuous batching.

Read `loop.py` first, then `step.py` (one pass), `attention.py` and `lanes.py` (where its keys and values
are), `admission.py` (who is taken in), `slots.py` (which adapters are in memory). Knows nothing about HTTP.
"""

from seal.engine.serving.loop import DecodingLoop
from seal.engine.serving.requests import (
    AdapterSource,
    Completion,
    Request,
    ServingFigures,
    ServingSettings,
    TokenEvent,
    TokenLog,
)
from seal.engine.serving.token_stream import Stream

__all__ = [
    "AdapterSource",
    "Completion",
    "DecodingLoop",
    "Request",
    "ServingFigures",
    "ServingSettings",
    "Stream",
    "TokenEvent",
    "TokenLog",
]
