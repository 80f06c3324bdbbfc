"""Lines and descriptors over a UNIX stream socket, which asyncio's streams cannot receive.

A descriptor travels with the first byte of the line that it belongs to, and the kernel never lets
one overtake another. So lines and descriptors each keep their order, and a line that is known to
bring a descriptor takes the next one.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque

_READ = 64 * 1024
_MAX_LINE = 64 * 1024
_MAX_DESCRIPTORS = 16  # of one message


class LineConnection:
    """One connection over which lines come in and go out, and descriptors come in."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(0)
        self._connection = connection
        self._text = bytearray()
        self._descriptors = deque[int]()

    async def line(self) -> bytes | None:
        """The next line; None when the other side has closed, or sends what is no line."""
        while (end := self._text.find(b"\n")) < 0:
            if len(self._text) > _MAX_LINE or not await self._receive():
                return None
        line = bytes(self._text[:end])
        del self._text[: end + 1]
        return line

    def descriptor(self) -> int | None:
        """The next descriptor that has come; whoever takes it closes it."""
        return self._descriptors.popleft() if self._descriptors else None

    async def send(self, line: bytes) -> None:
        """Send a line."""
        await asyncio.get_running_loop().sock_sendall(self._connection, line + b"\n")

    def close(self) -> None:
        """Close the connection and the descriptors that nobody has taken."""
        while (descriptor := self.descriptor()) is not None:
            os.close(descriptor)
        self._connection.close()

    async def _receive(self) -> bool:
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._connection, _READ, _MAX_DESCRIPTORS)
            except BlockingIOError:
                await self._readable()
            except ConnectionError:
                return False
            else:
                self._text += data
                self._descriptors.extend(descriptors)
                return bool(data)

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        number = self._connection.fileno()
        loop.add_reader(number, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(number)
