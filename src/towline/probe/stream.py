"""Bytes over a connection: plain, or under TLS.

TLS is OpenSSL over memory, so that what the other side really said is at hand when it was not TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import Protocol

RECEIVE = 65536
REMEMBERED = 16384


class Stream(Protocol):
    """A connection. Its errors are `OSError`, of which OpenSSL's are a kind."""

    async def send(self, content: bytes) -> None:
        """Send all of it."""
        ...

    async def receive(self) -> bytes:
        """Some bytes; none at the end."""
        ...

    def close(self) -> None:
        """Hang up. Doing it twice is the same as once."""
        ...


class RawStream:
    """A TCP connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def send(self, content: bytes) -> None:
        """Send all of it."""
        await asyncio.get_running_loop().sock_sendall(self._sock, content)

    async def receive(self) -> bytes:
        """Some bytes; none at the end."""
        return await asyncio.get_running_loop().sock_recv(self._sock, RECEIVE)

    def close(self) -> None:
        """Hang up."""
        self._sock.close()


class TlsStream:
    """TLS over another stream; `shake` comes first."""

    def __init__(self, below: Stream, context: ssl.SSLContext, name: str | None) -> None:
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self.heard = b""
        """The first bytes that came, TLS or not."""

    async def shake(self) -> None:
        """Shake hands. Raises `ssl.SSLError`, or what the stream below raises."""
        while True:
            try:
                self.object.do_handshake()
            except ssl.SSLWantReadError:
                await self._feed()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    await self._flush()  # the alert that says why
                raise
            else:
                await self._flush()
                return

    async def send(self, content: bytes) -> None:
        """Send all of it."""
        self.object.write(content)
        await self._flush()

    async def receive(self) -> bytes:
        """Some bytes; none at the end, whether it was announced or not."""
        while True:
            try:
                return self.object.read(RECEIVE)
            except ssl.SSLWantReadError:
                await self._feed()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def close(self) -> None:
        """Hang up."""
        self._below.close()

    async def _feed(self) -> None:
        await self._flush()
        content = await self._below.receive()
        if content:
            self._incoming.write(content)
            self.heard = (self.heard + content)[:REMEMBERED]
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if content := self._outgoing.read():
            await self._below.send(content)
