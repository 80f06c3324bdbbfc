"""The HTTP server behind one door: granian, embedded, on a socket that is already listening.

granian binds its own sockets, by address. A door inside a VPC cannot be bound from here, it comes
as a descriptor; so the one step of granian's embedded server that makes the socket is replaced by
taking over ours (`SocketHolder` is what its workers get over a fork, made of a descriptor). Requests
run on the event loop of the role, only the bytes are moved by granian's threads. HTTP/1.1 alone is
spoken: HTTP/2 halves the speed of uploads.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.log import LogLevels
from granian.server.embed import Server

from towline.registry.application import Application

BACKLOG = 1024  # connections that wait to be accepted
CONNECTIONS = 4096  # that are open at once; more of them wait
_IS_NO_UNIX_SOCKET = False
_GRACE = 2.0  # seconds for requests that are being answered when the door closes
_PARTING = 1.0  # seconds for those that were then broken off


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """With which certificate a door speaks HTTPS."""

    certificate: Path
    key: Path
    """PKCS#8."""


class DoorServer:
    """Serves one listening socket, which it owns, with one application."""

    def __init__(
        self, application: Application, listening: socket.socket, tls: TlsFiles | None
    ) -> None:
        listening.listen(BACKLOG)
        listening.settimeout(0)
        # Linux hands it on to what is accepted. Without, a blob waits behind the head of its answer
        # until the client acknowledges that: 40 ms, because clients put that off.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._application = application
        self._server = _Granian(application, listening, tls)
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Serve until `close`."""
        try:
            await self._server.serve()
        finally:
            self._ended.set()

    async def close(self) -> None:
        """Take no more connections, and return when the running requests are answered or, after a
        while, broken off.
        """
        self._server.stop()  # type: ignore[no-untyped-call]  # granian's is not annotated
        if not await self._ends_within(_GRACE):
            self._application.break_off()
            await self._ends_within(_PARTING)

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True


class _Granian(Server):
    def __init__(
        self, application: Application, listening: socket.socket, tls: TlsFiles | None
    ) -> None:
        super().__init__(
            application,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            backpressure=CONNECTIONS,
            log_level=LogLevels.error,
            log_dictconfig={"loggers": {"_granian": {"propagate": True}}},
            ssl_cert=tls.certificate if tls else None,
            ssl_key=tls.key if tls else None,
            ssl_protocol_min=SSLProtocols.tls12,
        )
        self._listening = listening

    def _init_shared_socket(self) -> None:
        holder: Any = SocketHolder  # granian's stub leaves its constructor out
        self._shd = holder(self._listening.detach(), _IS_NO_UNIX_SOCKET, BACKLOG)
