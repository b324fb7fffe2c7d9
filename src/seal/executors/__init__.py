"""Where work is done: in processes of this machine. Knows nothing about what the work is."""

from seal.executors.local import LocalExecutor

__all__ = ["LocalExecutor"]
