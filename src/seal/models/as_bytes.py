"""A model as one array of bytes, and back: to be sent to another process, which needs no file for it.

The weights come back to the bit, tied ones tied. Only for processes that trust one another: what is read back
is a pickle. Knows nothing about how it is sent.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch


def model_as_bytes(model: Any) -> np.ndarray:
    """The model, whole."""
    buffer = io.BytesIO()
    torch.save(model, buffer)
    return np.frombuffer(buffer.getbuffer(), dtype=np.uint8)


def model_of_bytes(data: Any, device: str | torch.device = "cpu") -> Any:
    """The model on `device`, in evaluation mode as it was. `data` is bytes, read and not kept."""
    file: Any = io.BufferedReader(_Bytes(data), 1 << 20)
    return torch.load(file, map_location=device, weights_only=False)


class _Bytes(io.RawIOBase):
    """An array as a file that is read: without the copy that BytesIO would make of it."""

    def __init__(self, data: Any) -> None:
        self._view, self._at = memoryview(data), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        target = memoryview(buffer).cast("B")
        n = min(len(target), max(0, len(self._view) - self._at))
        target[:n] = self._view[self._at : self._at + n]
        self._at += n
        return n
