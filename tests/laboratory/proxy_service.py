"""Proxies: those that say no to everybody, with one status, and one that connects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.laboratory.http_service import Asked, Reply, Service, http_service
from tests.laboratory.passing_on import Ends, pass_on
from tests.laboratory.situation import ConnectingProxy, Host, Named, ProxyHost

PORT = 3128
Reach = Callable[[str, int], Awaitable[Ends]]
"""Connects to a name and port of the laboratory."""


def proxy_host(proxy: ProxyHost) -> Host:
    """Where a proxy is, and what it does."""
    return Host(
        _service(proxy.status),
        certificate=None,
        way=proxy.way,
        named=Named.HERE if proxy.named else Named.NOT,
        port=PORT,
    )


def _service(status: int) -> Service | ConnectingProxy | None:
    if status == 200:
        return ConnectingProxy()
    return _refusing(status) if status else None


def connecting(reach: Reach) -> Service:
    """A proxy that does as it is told."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        host, _, port = head.split(" ")[1].rpartition(":")
        there = await reach(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await pass_on((reader, writer), there)

    return serve


def _refusing(status: int) -> Service:
    basic = (("Proxy-Authenticate", 'Basic realm="proxy"'),) if status == 407 else ()

    def answer(_: Asked) -> Reply:
        return Reply(status, b"no", (("Content-Type", "text/plain"), *basic))

    return http_service(answer)
