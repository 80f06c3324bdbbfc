"""What the process of a role owes the one who started it: to say when it is ready, to end when told
to, and not to outlive it.

Readiness is a newline on the descriptor named in `TOWLINE_READY_FD` (s6's convention: nothing to
install, nothing to name, and the reader sees the process die). A role that is started by hand has no such
descriptor and ends with its terminal.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any

READY_FD = "TOWLINE_READY_FD"
SUPERVISOR = "TOWLINE_SUPERVISOR"

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def announce_ready() -> None:
    """Tell the supervisor, if there is one, that this role serves. Later calls do nothing."""
    descriptor = os.environ.pop(READY_FD, "")
    if descriptor:
        os.write(int(descriptor), b"\n")
        os.close(int(descriptor))


def die_with_supervisor() -> None:
    """Have the kernel end this process when its supervisor ends, be it by `kill -9`.

    The state of a role survives any kill, so SIGKILL takes nothing that was acknowledged.
    """
    supervisor = os.environ.pop(SUPERVISOR, "")
    if not supervisor:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != int(supervisor):  # it ended before the kernel was asked
        os.kill(os.getpid(), signal.SIGKILL)


def run_until_told(role: Coroutine[Any, Any, None]) -> None:
    """Run a role until it ends or SIGTERM or SIGINT cancels it."""

    async def guarded() -> None:
        this = asyncio.current_task()
        assert this is not None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, this.cancel)
        await role

    _watch_children()
    try:
        asyncio.run(guarded())
    except asyncio.CancelledError:
        return


def _watch_children() -> None:
    """Hear of the ends of children by descriptors, as Python does by itself since 3.12. Before, it
    has a thread for each, which is 2 ms late on a machine at work.
    """
    if sys.version_info >= (3, 12):
        return
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return  # Linux before 5.3, or one that forbids it
    asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
