"""Workers that begin at once: forked from a process that has everything imported.

A worker imports for a third of a second before it can fetch anything, and the first reader of a pod
would wait for that. So the owner of ropes keeps a process (`towline.sandbox.lazy.cradle`) that waits with
all of it done. It is a convenience: where there is none, or it does not answer, a worker is started
like any program, and nothing of a rope ever depends on it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from towline.sandbox.lazy.strand import reap

PLACE = 3
"""The number of the socket in the other process."""
READY = b"ready"
_ANSWER = 1.0  # seconds in which a fork must have happened


class Nursery:
    """The owner's end of one. Opened and closed on the event loop, asked in threads."""

    def __init__(self, ca_file: Path | None = None) -> None:
        """`ca_file` is the one that ways will mostly name: its authorities are read once for all."""
        self._ca_file = ca_file
        self._line: socket.socket | None = None
        self._pidfd = -1
        self._ready = False

    def __enter__(self) -> Self:
        """Start it; it is ready some time later."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            actions = [
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, theirs.fileno(), PLACE),
            ]
            known = [str(self._ca_file)] if self._ca_file else []
            command = (sys.executable, "-I", "-m", "towline.sandbox.lazy.cradle", *known)
            pid = os.posix_spawn(
                command[0], command, os.environ, file_actions=actions, setsid=True, setsigmask=()
            )
        self._pidfd, self._line = os.pidfd_open(pid), ours
        return self

    def __exit__(self, *_: object) -> None:
        """It ends; the workers that came from it go on."""
        self._hang_up()
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOWAIT)
        reap(self._pidfd)

    def worker(self, held: Sequence[int], log: Path) -> int | None:
        """Have a worker forked, with these descriptors in the order of `Held`; its process. None when
        that cannot be had now.
        """
        line = self._line
        if line is None:
            return None
        try:
            if not self._is_ready(line):
                return None
            words = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                socket.send_fds(line, [b"work"], [words, *held])
            finally:
                os.close(words)
            line.settimeout(_ANSWER)
            return int(line.recv(64))
        except (OSError, ValueError):  # it is dead, or out of memory
            self._hang_up()
            return None

    def _hang_up(self) -> None:
        """It ends when nobody can ask it any more."""
        line, self._line, self._ready = self._line, None, False
        if line is not None:
            line.close()

    def _is_ready(self, line: socket.socket) -> bool:
        if not self._ready:
            with contextlib.suppress(BlockingIOError):
                self._ready = line.recv(64, socket.MSG_DONTWAIT) == READY
        return self._ready
