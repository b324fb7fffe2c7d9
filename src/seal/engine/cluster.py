"""Pieces of work on the workers of an executor, with a model that every machine gets once.

Knows how a chunk is divided, sent and put together again. Knows nothing about what is done, nor who runs the
workers (seal/executors).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch

from seal.executors import Executor, ExecutorCall, in_order
from seal.models.as_bytes import model_as_bytes

Act = Callable[[Any, Sequence[Any]], list[Any]]
"""What is done with items by the adaptation that a worker holds; it gives one result an item."""
Division = Sequence[Sequence[int]]
"""The items of a chunk, by their numbers, as they are divided."""


class Cluster:
    """What an adaptation has if its work is done by an executor's workers."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self._held: WeakKeyDictionary[torch.nn.Module, Any] = WeakKeyDictionary()

    def each(
        self, act: Act, chunks: Sequence[Sequence[Any]], model: torch.nn.Module, parts: Sequence[Division]
    ) -> Iterator[tuple[int, list[Any]]]:
        """What `act` makes of the items of each chunk, by `model`, with the chunk's number, as they end.

        `parts[i]` says how chunk i is divided. Parts are done with one thread each, as the processes of one
        machine do them (`seal.engine.workers`); an undivided chunk with all that a worker has.
        """
        calls: list[ExecutorCall] = []
        part_of: list[tuple[int, int]] = []
        for at, (items, own) in enumerate(zip(chunks, parts, strict=True)):
            for number, part in enumerate(own):
                arguments = (act, [items[i] for i in part], len(own) > 1)
                calls.append(ExecutorCall("apply", arguments))
                part_of.append((at, number))
        found: list[dict[int, list[Any]]] = [{} for _ in chunks]
        for call, results in self.executor.each(calls, held=self._put(model)):
            at, number = part_of[call]
            found[at][number] = results
            if len(found[at]) == len(parts[at]):
                own, found[at] = found[at], {}
                yield at, in_order(parts[at], [own[number] for number in range(len(parts[at]))])

    def _put(self, model: torch.nn.Module) -> Any:
        """What stands for a model, which is sent when it is first needed; forgotten with the model itself."""
        if model not in self._held:
            self._held[model] = self.executor.put(model_as_bytes(model))
        return self._held[model]

    def close(self) -> None:
        """Stops the workers."""
        self.executor.close()
