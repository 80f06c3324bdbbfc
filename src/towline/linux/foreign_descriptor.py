"""Descriptors of other processes, as copies of our own: pidfd_getfd(2), Linux 5.6 and later."""

from __future__ import annotations

import ctypes
import os

_PIDFD_GETFD = 438  # on every architecture
_libc = ctypes.CDLL(None, use_errno=True)


def descriptor_of(pidfd: int, number: int) -> int:
    """A copy of what a process has open under a number, closed on exec.

    Raises `OSError`: `EBADF` when it has nothing there, `ESRCH` when it has ended. Needs the right to
    trace the process.
    """
    copy = _libc.syscall(_PIDFD_GETFD, pidfd, number, 0)
    if copy < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(copy)
