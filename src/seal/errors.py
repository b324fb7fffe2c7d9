"""One picklable error tree. Each error is also a standard type, and says what to do."""

from __future__ import annotations


class SealError(Exception):
    """Base of all errors meant for the user: what is wrong, where, and what to set. The CLI exits with 2."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class InputError(SealError, ValueError):
    """An input file or value is wrong."""


class InputFileError(InputError, OSError):
    """An input file is missing or cannot be read."""

    def __str__(self) -> str:
        return SealError.__str__(self)


class ConfigError(SealError, ValueError):
    """A configuration key or value is wrong."""


class UnknownNameError(SealError, LookupError):
    """A name (model, format, grader ...) is not known; the message suggests the nearest."""


class OutputError(SealError, OSError):
    """Output cannot be written: the folder holds another run, or the disk is full or read-only."""

    def __str__(self) -> str:
        return SealError.__str__(self)


class AdapterError(SealError, ValueError):
    """An adapter file does not fit: keys, shapes, base or numbers."""


class TrainingError(SealError, ArithmeticError):
    """Training diverged (NaN or infinite loss)."""


class DamageError(SealError, ValueError):
    """What a workspace stores is not what was stored: a wrong hash, a missing object, a broken database."""


class StateError(SealError, RuntimeError):
    """A workspace does not allow the operation as it is now; the message says what stands in the way."""


class StaleLeaseError(StateError):
    """A job's lease has passed to another worker: nothing that was done under it may be committed."""


class BusyError(SealError, TimeoutError):
    """Another process holds the workspace for longer than is waited."""

    def __str__(self) -> str:
        return SealError.__str__(self)


class OverloadedError(SealError, RuntimeError):
    """More is asked at once than may wait. `retry_after_s`: when there will be room, about."""

    def __init__(self, message: str, hint: str = "", retry_after_s: float = 1.0) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class DeadlineError(SealError, TimeoutError):
    """A request was not answered in the time that it was given."""

    def __str__(self) -> str:
        return SealError.__str__(self)


class EndpointError(SealError, ConnectionError):
    """A model behind an endpoint did not answer. The message has no word of what was sent to it; the hint may
    repeat what it said."""

    def __str__(self) -> str:
        return SealError.__str__(self)


class ClusterError(SealError, RuntimeError):
    """Workers on other machines cannot be had, are not as they must be, or die again and again."""


class Interrupted(SealError, RuntimeError):
    """The run was stopped by the user; its state is saved."""


def reason_of(error: BaseException) -> str:
    """What a library said went wrong, in one line, for a message of ours."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
