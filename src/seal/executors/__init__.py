"""Where work is done: in processes of this machine, or by workers on others. Knows nothing about the work."""

from seal.executors.executor import Executor, ExecutorCall, WorkerNeeds
from seal.executors.local import LocalExecutor
from seal.executors.sharing import WorkerPool, deal, divide, in_order

__all__ = [
    "Executor",
    "ExecutorCall",
    "LocalExecutor",
    "WorkerNeeds",
    "WorkerPool",
    "deal",
    "divide",
    "in_order",
]
