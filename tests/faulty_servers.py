"""Servers on the loopback that fail in one way each: name servers, TLS servers, and whatever else
listens on a port.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import dns.message
import dns.rcode
import dns.rrset
from tests.certificates import Issued

Reply = Callable[[dns.message.Message], dns.message.Message | None]
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(*addresses: str, code: dns.rcode.Rcode = dns.rcode.NOERROR) -> Reply:
    """A zone in which every name has these addresses."""

    def reply(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.set_rcode(code)
        kind = "AAAA" if "AAAA" in query.question[0].to_text() else "A"
        ours = [address for address in addresses if (":" in address) == (kind == "AAAA")]
        if ours:
            answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", kind, *ours))
        return answer

    return reply


@asynccontextmanager
async def name_server(reply: Reply) -> AsyncIterator[tuple[str, int]]:
    """A name server over UDP: where it listens."""

    class Udp(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            answer = reply(dns.message.from_wire(data))
            if answer is not None:
                self.transport.sendto(answer.to_wire(), addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Udp, local_addr=("127.0.0.1", 0))
    try:
        host, port = transport.get_extra_info("sockname")
        yield host, port
    finally:
        transport.close()


@asynccontextmanager
async def listener(
    conversation: Conversation, context: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Whatever listens on a free port: its `host:port`."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await conversation(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side has heard enough, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"127.0.0.1:{port}"
    finally:
        server.close()


def saying(content: bytes) -> Conversation:
    """Listens for one line, says this, and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(content)
        await writer.drain()

    return talk


def greeting(content: bytes) -> Conversation:
    """Says this before anybody has said anything, and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()
        await reader.read(4096)

    return talk


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Listens and says nothing, until the other side hangs up."""
    del writer
    while await reader.read(4096):
        pass


async def hanging_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads the first bytes and hangs up."""
    del writer
    await reader.read(4096)


def server_context(certificate: Issued) -> ssl.SSLContext:
    """TLS with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context
