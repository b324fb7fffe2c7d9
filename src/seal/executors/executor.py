"""What the engine asks of workers on other machines, whoever runs them.

A worker is a process that holds one object, made from a payload, and does calls on it one after another.
Which worker does which call is not said, nor in which order they end; whoever wants the same results
everywhere has to make the same calls. Knows nothing about what the calls do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


@dataclass(frozen=True)
class WorkerNeeds:
    """What one worker takes of its machine. `cpus` is also the number of threads that it computes with."""

    cpus: int = 1
    gpus: float = 0.0


class ExecutorCall(NamedTuple):
    """One call of a method of the object that a worker holds."""

    method: str
    arguments: tuple[Any, ...] = ()


class Executor(Protocol):
    """Workers that come and go while the calls are made."""

    needs: WorkerNeeds

    def put(self, value: Any) -> Any:
        """Keeps a large value where every machine fetches it once; returns what stands for it in `each`."""
        ...

    def each(self, calls: Sequence[ExecutorCall], *, held: Any = None) -> Iterator[tuple[int, Any]]:
        """What each call returns, with its position, as they end.

        A worker that does one of them has been given `held`, a value that was `put`, by the method `hold` of
        its object, once. What a call raises is raised here. A call whose worker died is made again by
        another; raises ClusterError if that happens again and again, or if there is no worker for too long.
        """
        ...

    def close(self) -> None:
        """Stops all workers, whatever they are doing."""
        ...
