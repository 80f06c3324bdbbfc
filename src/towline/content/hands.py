"""How many layers are taken in at once, and whether that leaves cores with nothing to do.

One thread for each layer is the cheapest: what it has just inflated is still near when it hashes it,
and nobody waits for anybody. When fewer layers come than there are cores, threads may share one.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

TURN = 0.0005
"""Seconds that one thread may compute in Python while others wait to start something that needs none:
a layer whose files are being listed would else hold up the others ten times as long.
"""


class Hands:
    """Counts who is at work on the cores of this machine."""

    def __init__(self, cores: int | None = None) -> None:
        self._cores = cores or len(os.sched_getaffinity(0))
        self._lock = threading.Lock()
        self._busy = 0
        self._usual = sys.getswitchinterval()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Have a layer in hand."""
        with self._lock:
            if not self._busy:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(TURN)
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                if not self._busy:
                    sys.setswitchinterval(self._usual)

    def are_free(self) -> bool:
        """Whether there are more cores than layers."""
        return self._busy < self._cores

    def are_busy(self) -> bool:
        """Whether any layer is in hand."""
        return self._busy > 0
