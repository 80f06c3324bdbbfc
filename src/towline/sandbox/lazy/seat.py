"""Which process has which task of a rope, as the kernel knows it.

A task is one byte of a file of the rope's folder; who has it locked (fcntl(2), a POSIX lock) has the
task. The kernel lets go of the lock when the last thread of the process has ended, so a free seat also
says that nothing of its last occupant can still be reading or writing; and it names the occupant to
anybody who asks, so no number is written down that could grow old.

Such a lock is lost when its process closes any descriptor of the file: none may have two.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
from enum import IntEnum

_LOCK = struct.Struct("@hhqqi0q")  # struct flock of 64-bit Linux: type, whence, start, length, pid


class Seat(IntEnum):
    """The tasks of a rope's processes, by their byte."""

    HOLDER = 0
    WORKER = 1


class Seats:
    """The seats of a rope."""

    def __init__(self, descriptor: int) -> None:
        """Of an open file."""
        self.descriptor = descriptor

    def take(self, seat: Seat) -> bool:
        """Sit down, for the rest of this process; whether the seat was free."""
        wanted = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, seat.value, 1, 0)
        try:
            fcntl.fcntl(self.descriptor, fcntl.F_SETLK, wanted)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def occupant(self, seat: Seat) -> int | None:
        """The process that sits there, unless it is this one."""
        asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, seat.value, 1, 0)
        kind, _, _, _, pid = _LOCK.unpack(fcntl.fcntl(self.descriptor, fcntl.F_GETLK, asked))
        return None if kind == fcntl.F_UNLCK else int(pid)

    def watch(self, seat: Seat) -> int | None:
        """A pidfd of the occupant, readable when it has ended; None when the seat is free."""
        while (pid := self.occupant(seat)) is not None:
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            if self.occupant(seat) == pid:  # so the number was not another's when it was opened
                return fd
            os.close(fd)
        return None

    def kill(self, seat: Seat) -> int | None:
        """End the occupant; a pidfd of it, as of `watch`."""
        fd = self.watch(seat)
        if fd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
        return fd
