"""A name server: UDP and TCP at its addresses, inside a namespace.

What it answers is decided elsewhere (`network.name_answer`); here are the sockets. Datagrams are read
until there are none, without the machinery of transports, because most cost less than it would.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from typing import Protocol

from dns.message import Message

from towline.linux import network_namespace
from towline.network.address import RESOLVERS
from towline.network.name_answer import PAYLOAD, STREAM_LIMIT, Answers, Beyond
from towline.sandbox.network.uplink import Said

PORT = 53
_PATIENCE = 10.0  # seconds for the next question on a connection (RFC 7766, 6.2.3: a few seconds)
_CONNECTIONS = 256  # at a time; more are hung up on
_LONGEST = 4096  # bytes of a datagram that is read
_BATCH = 64  # datagrams at a time, so that others of the process get their turn
_Client = tuple[str, int]


class Journal(Protocol):
    """Keeps what was answered."""

    def note(self, client: str, answer: bytes) -> None:
        """Keep one answer that was sent to an address."""


class Beyonds(Protocol):
    """Who is asked for what nobody here knows."""

    def ask(self, beyond: Beyond) -> Said:
        """Ask; what is too long for a datagram comes back marked as cut."""

    async def ask_whole(self, beyond: Beyond) -> Message | None:
        """Ask for all of it."""


class NameServer:
    """Serves the answers of one view, which can be exchanged while it serves."""

    def __init__(
        self, namespace: str, answers: Answers, journal: Journal, uplink: Beyonds | None = None
    ) -> None:
        self.answers = answers
        self._namespace = namespace
        self._journal = journal
        self._uplink = uplink
        self._datagrams: list[socket.socket] = []
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
        for bound in self._datagrams:
            asyncio.get_running_loop().remove_reader(bound)
            bound.close()
        for listening in self._streams:
            listening.close()
        for connection in self._connections:
            connection.close()
        self._datagrams.clear()
        self._streams.clear()

    async def _open(self, address: str) -> None:
        bound = await asyncio.to_thread(
            network_namespace.bind_datagram, self._namespace, address, PORT
        )
        self._datagrams.append(bound)
        asyncio.get_running_loop().add_reader(bound, self._receive, bound)
        listening = await asyncio.to_thread(
            network_namespace.listen, self._namespace, address, PORT
        )
        self._streams.append(await asyncio.start_server(self._serve, sock=listening))

    def _receive(self, bound: socket.socket) -> None:
        """Answer the datagrams that wait."""
        for _ in range(_BATCH):
            try:
                question, client = bound.recvfrom(_LONGEST)
            except OSError:  # mostly that there are no more; an asker who is gone is no trouble
                return
            reply = self.answers.to_datagram(question)
            if isinstance(reply, Beyond):
                self._ask_beyond(reply, bound, client, question)
            elif reply is not None:
                self._send(bound, client, reply)

    def _ask_beyond(
        self, beyond: Beyond, bound: socket.socket, client: _Client, question: bytes
    ) -> None:
        answers = self.answers  # those that found it beyond them complete it, too

        def pass_on(said: Said) -> None:
            self._send(bound, client, answers.complete(question, said.result(), PAYLOAD))

        if self._uplink is not None:
            self._uplink.ask(beyond).add_done_callback(pass_on)

    def _send(self, bound: socket.socket, client: _Client, answer: bytes) -> None:
        try:
            bound.sendto(answer, client)
        except OSError:
            return  # a datagram may get lost anywhere, also here; and the socket may be closed by now
        self._journal.note(client[0], answer)

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
            question = await reader.readexactly(length)
            answers = self.answers
            reply = answers.to_stream(question)
            if reply is None:
                return False  # what is no question is no client either
            if isinstance(reply, Beyond):
                said = None if self._uplink is None else await self._uplink.ask_whole(reply)
                reply = answers.complete(question, said, STREAM_LIMIT)
            writer.write(len(reply).to_bytes(2, "big") + reply)
            await writer.drain()
            self._journal.note(writer.get_extra_info("peername")[0], reply)
            return True
