"""Workers that Ray runs on the machines of its cluster, each an actor of its own.

Which machines there are is Ray's affair: they join and leave while the run goes on. A worker is an actor with
the CPUs and GPUs that it needs, and Ray is not asked to restart it or to repeat its calls, since `Dispatcher`
has those done by whoever is idle. Values that are `put` are in Ray's object store, which brings them to each
machine once. The actors belong to this process: Ray ends them with it. Knows nothing about what is done.

Written for Ray 2.40 and later (docs.ray.io, "Ray Core": actors, objects, fault tolerance). Ray is imported
when it is first asked for.
"""

from __future__ import annotations

import importlib
import logging
import os
import pickle
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from seal.errors import ClusterError, ConfigError, reason_of
from seal.executors.dispatch import Dispatcher, Ended
from seal.executors.executor import Executor, ExecutorCall, WorkerNeeds
from seal.executors.software import software, unlike

_REACH_S = 5.0


class _Held(NamedTuple):
    """A value in the object store. `key` tells whether a worker has it already, without fetching it."""

    key: str
    reference: Any


class RayExecutor(Executor):
    """Workers on a Ray cluster, each with the object that `maker` ("module:attribute") makes of `payload`."""

    def __init__(
        self,
        maker: str,
        payload: Any,
        needs: WorkerNeeds,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`connect` comes first."""
        self.needs = needs
        self._host = _RayHost(maker, payload, needs)
        self._dispatcher = Dispatcher(self._host, notice)

    def put(self, value: Any) -> _Held:
        reference = self._host.ray.put(value)
        return _Held(reference.hex(), reference)

    def each(self, calls: Sequence[ExecutorCall], *, held: Any = None) -> Iterator[tuple[int, Any]]:
        return self._dispatcher.each(calls, held)

    def close(self) -> None:
        self._dispatcher.close()


def connect(address: str | None, notice: Callable[[str], None] = lambda text: None) -> None:
    """Takes part in the cluster at `address` ("host:port", "auto"); without one, in that of RAY_ADDRESS, or
    in a Ray of its own on this machine.

    Raises ConfigError if Ray is not installed, ClusterError if there is no such cluster, or one of other
    versions.
    """
    ray = _ray()
    if ray.is_initialized():
        return
    address = address or os.environ.get("RAY_ADDRESS")
    if address and address.startswith("ray://"):
        raise ConfigError(
            f"{address} is an address of Ray's client, and this process must be on a machine of the cluster",
            "Call the command there (`ray job submit -- seal train ...`), with --address auto.",
        )
    _see_that_it_answers(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a Ray that is started here reports to nobody
    named: dict[str, Any] = {"address": address} if address else {"include_dashboard": False}
    try:
        ray.init(**named, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # whatever Ray says: no address, other versions, no raylet on this machine
        raise ClusterError(
            f"cannot take part in the Ray cluster {address or 'of this machine'}: {reason_of(error)}",
            "Call the command on a machine of the cluster, with the same Python and Ray (`ray status` must "
            "work there); --address is host:port of its head, or auto.",
        ) from error
    alive = [node for node in ray.nodes() if node["Alive"]]
    notice(f"Ray {ray.__version__}, {len(alive)} machine{'s' if len(alive) != 1 else ''}: {_has(alive)}")


def disconnect() -> None:
    """Leaves the cluster."""
    _ray().shutdown()


def has_gpus() -> bool:
    """Whether a machine of the cluster has a GPU now."""
    return any(node["Alive"] and node["Resources"].get("GPU") for node in _ray().nodes())


def workers_that_fit(resources: Mapping[str, float], needs: WorkerNeeds) -> int:
    """How many workers a machine with these resources takes."""
    wanted = {"CPU": needs.cpus, "GPU": needs.gpus}
    return min(int(resources.get(name, 0.0) / n + 1e-9) for name, n in wanted.items() if n)


class _RayHost:
    """Starts actors and speaks with them."""

    def __init__(self, maker: str, payload: Any, needs: WorkerNeeds) -> None:
        self.ray = _ray()
        self._needs = needs
        # As bytes: a machine with another seal has to say so before it reads what it could not read.
        self._made_of = self.ray.put((maker, pickle.dumps(payload, pickle.HIGHEST_PROTOCOL)))
        self._class: Any = self.ray.remote(_worker_class()).options(
            num_cpus=needs.cpus, num_gpus=needs.gpus, max_restarts=0, max_task_retries=0
        )
        self._here = software()

    def room(self) -> int:
        nodes = self.ray.nodes()
        return sum(workers_that_fit(node["Resources"], self._needs) for node in nodes if node["Alive"])

    def start(self) -> tuple[Any, Any]:
        worker = self._class.remote()
        return worker, worker.begin.remote(f"{software.__module__}:software", self._made_of, self._needs.cpus)

    def accept(self, said: Any) -> None:
        where, there, problem = said
        if problem:
            raise ClusterError(
                f"the machine {where} cannot work on this: {problem}",
                "Install the same seal and libraries there as here: pip install 'seal-lm[ray]'.",
            )
        if difference := unlike(self._here, there):
            raise ClusterError(
                f"the machine {where} has other software: {difference}",
                "Results follow from it. Install the same there as here.",
            )

    def call(self, worker: Any, call: ExecutorCall, held: _Held | None) -> Any:
        key, reference = held or ("", None)
        # Inside a list it stays a reference, and is fetched by who does not have the value yet.
        return worker.call.remote(key, [reference], call.method, call.arguments)

    def wait(self, tickets: Sequence[Any], timeout_s: float) -> list[tuple[Any, Ended]]:
        if not tickets:
            time.sleep(timeout_s)
            return []
        done, rest = self.ray.wait(list(tickets), num_returns=1, timeout=timeout_s)
        if rest and done:
            done += self.ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        return [(ticket, self._ended(ticket)) for ticket in done]

    def _ended(self, ticket: Any) -> Ended:
        """Named fault-tolerance point: what Ray says that is not the call's own doing is a lost worker."""
        exceptions = self.ray.exceptions
        try:
            raised, value = self.ray.get(ticket)
        except exceptions.RayTaskError as error:  # not raised by the call, whose own come as values
            if isinstance(error.cause, exceptions.RayError):
                return Ended(lost=_told(error.cause))
            why = f"a worker cannot do its work: {reason_of(error.cause or error)}"
            return Ended(raised=ClusterError(why, "Ray's logs on that machine say more."))
        except exceptions.RayError as error:
            return Ended(lost=_told(error))
        return Ended(raised=value) if raised else Ended(value)

    def stop(self, worker: Any) -> None:
        if self.ray.is_initialized():
            self.ray.kill(worker)


def _worker_class() -> type:
    """The actor's class. It travels by value, being defined in here, and names nothing of this package: so a
    machine on which seal is missing or is another one can say so."""

    class RayWorker:
        def begin(self, facts: str, made_of: Any, threads: int) -> Any:
            import platform
            import sys

            self.made_of, self.threads = made_of, threads
            self.held, self.made = "", None
            try:
                return False, (platform.node(), self.named(facts)(), "")
            except ImportError as error:
                return False, (platform.node(), {}, f"{error} (in {sys.executable})")
            except Exception as error:
                return True, error

        def call(self, key: str, reference: Any, method: str, arguments: Any) -> Any:
            import importlib
            import pickle

            ray: Any = importlib.import_module("ray")
            try:
                if self.made is None:
                    maker, payload = self.made_of
                    self.made = self.named(maker)(pickle.loads(payload), self.threads)
                if key and key != self.held:
                    self.held = ""
                    self.made.hold(ray.get(reference[0]))
                    self.held = key
                return False, getattr(self.made, method)(*arguments)
            except ray.exceptions.RayError:
                raise  # the value could not be fetched, which is not the call's own doing
            except Exception as error:
                return True, error

        @staticmethod
        def named(name: str) -> Any:
            import importlib

            module, _, attribute = name.partition(":")
            return getattr(importlib.import_module(module), attribute)

    return RayWorker


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ConfigError(
            f"--executor ray needs Ray, which cannot be imported here: {error}", "pip install 'seal-lm[ray]'"
        ) from error


def _see_that_it_answers(address: str | None) -> None:
    """Raises ClusterError, rather than wait as long as Ray does, if nothing listens at a host and port."""
    host, colon, port = (address or "").rpartition(":")
    if not colon:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ClusterError(
            f"no Ray cluster answers at {address}: {reason_of(error)}",
            "--address is host:port of its head, as `ray start --head` says; or auto on a machine of it.",
        ) from error


def _told(error: BaseException) -> str:
    """Why a worker is lost, in a few words; Ray's own are for its logs."""
    said = str(error)
    if "OutOfMemory" in type(error).__name__ or "running low on memory" in said:
        return "its machine ran out of memory"
    if "node has died" in said or "NodeDied" in type(error).__name__:
        return "its machine is gone"
    if "ActorUnavailable" in type(error).__name__:
        return "it cannot be reached"
    return "its process died" if "ActorDied" in type(error).__name__ else type(error).__name__


def _has(nodes: Sequence[Mapping[str, Any]]) -> str:
    """The CPUs and GPUs of machines, in words."""
    totals = {name: sum(node["Resources"].get(name, 0.0) for node in nodes) for name in ("CPU", "GPU")}
    return ", ".join(f"{n:g} {name}{'s' if n != 1 else ''}" for name, n in totals.items() if n) or "no CPUs"
