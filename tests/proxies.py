"""A proxy for tests, over real sockets: it connects, fetches by plain HTTP, and wants a login if it is
told to.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.faulty_servers import listener

_NO_LOGIN = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Basic realm="p"\r\nContent-Length: 0\r\n\r\n'
)
_NOWHERE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class RealProxy:
    """Leads from names to `host:port` on the loopback, and keeps the heads of what it was asked."""

    places: Mapping[str, str]
    login: tuple[str, str] | None = None
    heads: list[str] = field(default_factory=list)
    address: str = ""

    @property
    def asked(self) -> list[str]:
        """The request lines, without the version."""
        return [head.partition(" HTTP/")[0] for head in self.heads]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, which leads to one place."""
        raw = await reader.readuntil(b"\r\n\r\n")
        head = raw.decode()
        self.heads.append(head)
        if not self._knows(head):
            writer.write(_NO_LOGIN)
            return
        method, target, _ = head.split(" ", 2)
        url = urlsplit(target if "://" in target else f"//{target}")
        place = self.places.get(url.hostname or "")
        if place is None:
            writer.write(_NOWHERE)
            return
        host, _, port = place.partition(":")
        there = await asyncio.open_connection(host, int(port))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            there[1].write(_forwarded(head))
        await _carry_on((reader, writer), there)

    def _knows(self, head: str) -> bool:
        if self.login is None:
            return True
        pair = base64.b64encode(":".join(self.login).encode()).decode()
        return f"\r\nproxy-authorization: basic {pair}\r\n".lower() in head.lower()


def _forwarded(head: str) -> bytes:
    """As the origin is asked: without the host, and for one request only."""
    first, _, rest = head.partition("\r\n")
    method, target, version = first.split(" ")
    url = urlsplit(target)
    path = url.path + (f"?{url.query}" if url.query else "")
    lines = [line for line in rest.split("\r\n") if not line.lower().startswith("proxy-")]
    return "\r\n".join([f"{method} {path} {version}", "Connection: close", *lines]).encode()


_Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _carry_on(here: _Ends, there: _Ends) -> None:
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
        writer.close()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(pump(here[0], there[1]))
            group.create_task(pump(there[0], here[1]))
    except* OSError:
        pass  # one side has had enough
    finally:
        there[1].close()


@contextlib.asynccontextmanager
async def proxying_at(proxy: RealProxy, sock: socket.socket) -> AsyncIterator[RealProxy]:
    """Run it at a socket that listens already."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await proxy.talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side has heard enough, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(talk, sock=sock)
    host, port = sock.getsockname()
    proxy.address = f"{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()


@contextlib.asynccontextmanager
async def proxying(
    proxy: RealProxy, context: ssl.SSLContext | None = None
) -> AsyncIterator[RealProxy]:
    """Run it on a free port; `address` then says where."""
    async with listener(proxy.talk, context) as address:
        proxy.address = address
        yield proxy
