"""Who samples self-edits from an endpoint: its replies and what they cost, in the run's folder.

Knows where in the folder they are. Knows nothing about how an endpoint is asked (seal/engine).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from seal.endpoint.reply_folder import ReplyFolder
from seal.engine.adapt import Adaptation
from seal.engine.endpoint_sampling import EndpointSampler, EndpointUsage
from seal.errors import ConfigError
from seal.research.config import RunConfig
from seal.research.records import EndpointCosts
from seal.research.run_folder import METRICS, RunFolder

_EVENT = "endpoint_usage"
REPLIES = "replies"


def check_endpoint(config: RunConfig, *, rounds: int) -> None:
    """Raises ConfigError if the endpoint that is configured could not write all that the run wants."""
    endpoint = config.self_edit.endpoint
    if endpoint is None:
        return
    if config.model.writer:
        raise ConfigError("model.writer and self_edit.endpoint both say who writes", "Leave one out.")
    if config.self_edit.constrained:
        raise ConfigError(
            "self_edit.constrained holds the writer to a grammar, and an endpoint cannot be held to it",
            "Leave one of the two out.",
        )
    if rounds > 1 and endpoint.adapters == "none":
        raise ConfigError(
            f"from the second round on {endpoint.base_url} writes by a policy, and it loads no adapters",
            'Set outer.rounds = 1, or self_edit.endpoint.adapters = "vllm" for a server that does.',
        )


@contextmanager
def sampling_elsewhere(adaptation: Adaptation, folder: RunFolder) -> Iterator[None]:
    """Inside, self-edits come from the endpoint that is configured, if one is."""
    settings = folder.config.self_edit
    if settings.endpoint is None:
        yield
        return

    def used(usage: EndpointUsage) -> None:
        folder.metric(event=_EVENT, **asdict(usage))

    adaptation.endpoint = EndpointSampler(settings, ReplyFolder(folder.path / REPLIES), used)
    yield
    adaptation.endpoint.close()


def endpoint_costs(folder: RunFolder) -> EndpointCosts | None:
    """None of a run without an endpoint."""
    endpoint = folder.config.self_edit.endpoint
    if endpoint is None:
        return None
    events = [metric for metric in folder.records(METRICS) if metric["event"] == _EVENT]
    return {
        "model": endpoint.model,
        "requests": sum(event["requests"] for event in events),
        "refused": sum(event["refused"] for event in events),
        "prompt_tokens": sum(event["prompt_tokens"] for event in events),
        "completion_tokens": sum(event["completion_tokens"] for event in events),
    }
