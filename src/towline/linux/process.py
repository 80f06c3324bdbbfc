"""Processes told apart for ever: a number alone is given to others when its process has ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

_START_TIME = 19  # its place after the name in /proc/<pid>/stat (proc(5) counts it as the 22nd)


def boot_id() -> str:
    """Which run of the machine this is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Process(msgspec.Struct, frozen=True):
    """A process of this machine, alive or not."""

    pid: int
    started: int
    """In clock ticks after the machine's start."""
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has this number now; None if there is none or it is only a zombie."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        fields = text.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid, int(fields[_START_TIME]), boot_id())

    def lives(self) -> bool:
        """Whether it has not ended."""
        return Process.of(self.pid) == self

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens when it has ended."""
        self._with_descriptor(lambda fd: signal.pidfd_send_signal(fd, number))

    async def ended(self) -> None:
        """Wait until it has ended, whosever child it is."""
        loop = asyncio.get_running_loop()
        end = asyncio.Event()
        fd = self._descriptor()
        if fd is None:
            return
        loop.add_reader(fd, end.set)
        try:
            await end.wait()
        finally:
            loop.remove_reader(fd)
            os.close(fd)

    def _with_descriptor(self, work: Callable[[int], None]) -> None:
        fd = self._descriptor()
        if fd is None:
            return
        try:
            with contextlib.suppress(ProcessLookupError):
                work(fd)
        finally:
            os.close(fd)

    def _descriptor(self) -> int | None:
        """A pidfd: checked after it was opened, it can be of no other process."""
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.lives():
            return fd
        os.close(fd)
        return None
