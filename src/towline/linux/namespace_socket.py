"""Sockets made inside another network namespace.

`setns(2)` moves one thread. A thread of its own makes each socket and ends, so that no thread is
ever left in a foreign namespace, whatever fails. (`os.setns` came with Python 3.12; pyroute2's
netns functions move the calling thread.)
"""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

_T = TypeVar("_T")
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class SocketMaker:
    """Makes non-blocking sockets in a namespace, or in our own when there is none."""

    def __init__(self, netns: Path | None) -> None:
        self._netns = netns

    def stream(self, address: str) -> socket.socket:
        """A TCP socket for this address."""
        made = self.inside(lambda: socket.socket(_family(address), socket.SOCK_STREAM))
        made.settimeout(0)  # asyncio wants it non-blocking
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def datagram(self, address: str) -> socket.socket:
        """A UDP socket for this address."""
        made = self.inside(lambda: socket.socket(_family(address), socket.SOCK_DGRAM))
        made.settimeout(0)  # asyncio wants it non-blocking
        return made

    def inside(self, work: Callable[[], _T]) -> _T:
        """Do something short in the namespace; what it raises comes out."""
        if self._netns is None:
            return work()
        errand = _Errand(self._netns, work)
        errand.start()
        errand.join()
        return errand.result()


class _Errand(threading.Thread, Generic[_T]):
    def __init__(self, netns: Path, work: Callable[[], _T]) -> None:
        super().__init__(name="towline-netns", daemon=True)
        self._netns = netns
        self._work = work
        self._results = list[_T]()
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            _enter(self._netns)
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001  # carried to the caller's thread
            self._error = error

    def result(self) -> _T:
        if self._error is not None:
            raise self._error
        return self._results[0]


def _enter(netns: Path) -> None:
    fd = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(fd, CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(netns))
    finally:
        os.close(fd)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
