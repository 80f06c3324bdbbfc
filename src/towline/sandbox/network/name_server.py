"""A VPC's name server: UDP and TCP at both of its addresses, inside the router's namespace."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import cast

from towline.linux import network_namespace
from towline.network.address import RESOLVERS
from towline.network.name_answer import Answers

PORT = 53
_PATIENCE = 10.0  # seconds for the next question on a connection (RFC 7766, 6.2.3: a few seconds)
_CONNECTIONS = 256  # at a time; more are hung up on


class NameServer:
    """Serves the answers of one zone, which can be exchanged while it serves."""

    def __init__(self, namespace: str, answers: Answers) -> None:
        self.answers = answers
        self._namespace = namespace
        self._datagrams: list[asyncio.DatagramTransport] = []
        self._streams: list[asyncio.Server] = []
        self._connections: set[asyncio.StreamWriter] = set()

    async def open(self, addresses: Sequence[str] = RESOLVERS) -> None:
        """Begin to serve; raises `OSError` when it cannot, and then does not serve at all."""
        try:
            for address in addresses:
                await self._open(address)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Serve no more, and hang up."""
        for datagrams in self._datagrams:
            datagrams.close()
        for listening in self._streams:
            listening.close()
        for connection in self._connections:
            connection.close()
        self._datagrams.clear()
        self._streams.clear()

    async def _open(self, address: str) -> None:
        loop = asyncio.get_running_loop()
        bound = await asyncio.to_thread(
            network_namespace.bind_datagram, self._namespace, address, PORT
        )
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=bound)
        self._datagrams.append(transport)
        listening = await asyncio.to_thread(
            network_namespace.listen, self._namespace, address, PORT
        )
        self._streams.append(await asyncio.start_server(self._serve, sock=listening))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: any number of questions, one after another (RFC 7766)."""
        if len(self._connections) >= _CONNECTIONS:
            writer.close()
            return
        self._connections.add(writer)
        try:
            with contextlib.suppress(OSError, EOFError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(_PATIENCE):
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = self.answers.to_stream(await reader.readexactly(length))
            if answer is None:
                return False  # what is no question is no client either
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()
            return True


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.answers.to_datagram(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)
