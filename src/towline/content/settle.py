"""Bringing finished files to the disk, when nothing else is going on.

Nobody waits for it: what has not reached the disk is verified again after the machine has been
restarted. Done while other layers come, or while a container starts, it would take the cores and the
disk away from them; so it begins when there has been quiet for a while, or when it has waited long.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DURABLE = 0o444
_LOOK = 0.25


@dataclass(frozen=True, slots=True)
class Manners:
    """How long the disk is left to others, in seconds."""

    quiet: float = 2.0
    """That nothing must have been going on for."""
    longest: float = 30.0
    """After which it is time, whatever goes on; as long as the kernel leaves things unwritten."""


class Settler:
    """Brings files and their names to the disk, each once, and then says so by its mode."""

    def __init__(self, busy: Callable[[], bool], manners: Manners | None = None) -> None:
        self._busy = busy
        self._manners = manners or Manners()
        self._changed = threading.Condition()
        self._waiting = deque[Path]()
        self._closing = False
        self._thread: threading.Thread | None = None

    def add(self, path: Path) -> None:
        """Bring this file to the disk some time."""
        with self._changed:
            self._waiting.append(path)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Bring what waits to the disk now."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while path := self._next():
            with contextlib.suppress(OSError):  # its mode does not say what is not so
                settle(path)

    def _next(self) -> Path | None:
        """The next file, when it is time; None when there will be no more."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            began = quiet_since = time.monotonic()
            while not self._closing:
                now, busy = time.monotonic(), self._busy()
                if busy:
                    quiet_since = now
                quiet = not busy and now - quiet_since >= self._manners.quiet
                if quiet or now - began >= self._manners.longest:
                    break
                self._changed.wait(_LOOK)
            return self._waiting.popleft() if self._waiting else None


def settle(path: Path) -> None:
    """Bring a file and its name to the disk, then say so by its mode."""
    try:
        for synced in (path, path.parent):
            fd = os.open(synced, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        path.chmod(DURABLE)
    except FileNotFoundError:
        pass  # removed meanwhile
