"""Where work is done: in processes of this machine. Knows nothing about what the work is."""

from seal.executors.local import LocalExecutor
from seal.executors.sharing import WorkerPool, deal, divide, in_order

__all__ = ["LocalExecutor", "WorkerPool", "deal", "divide", "in_order"]
