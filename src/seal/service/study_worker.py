"""A process that studies what is in a workspace's queue: python -m seal.service.study_worker FOLDER IDLE_S.

It ends when its standard input does, when it is told to (SIGTERM), or when nothing came for IDLE_S seconds.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from seal.learner import Learner
from seal.service.tracing import trace_as_told

_NICENESS = 10  # answers come first


def main(folder: str, idle_s: float) -> None:
    """Studies until told to stop."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which tells us
    threading.Thread(target=_until_input_ends, args=(stop,), daemon=True).start()
    os.nice(_NICENESS)
    trace_as_told("seal-study")
    Learner.open(folder, actor="study worker").work(stop, idle_s=idle_s)


def _until_input_ends(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
