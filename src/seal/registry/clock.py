"""What time it is, for people and for leases. Knows nothing about who asks.

The time of day may jump, so nothing is ordered by it. Leases are measured by a clock that only goes forward
and that all processes of one running system share; `boot` names that system run, so that two readings are
compared only where they mean the same.
"""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

_PROCESS = f"process-{uuid.uuid4().hex}"


class Clock:
    """The system's clocks. Tests put another in its place."""

    def now(self) -> str:
        """The time of day in UTC, as ISO 8601."""
        return datetime.now(UTC).isoformat(timespec="microseconds")

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    def boot(self) -> str:
        """Which readings of `monotonic` can be compared with this one's: those of the same system run."""
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:  # no Linux: only this process's own readings are known to be comparable
            return _PROCESS
