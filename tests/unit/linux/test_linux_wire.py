"""Sockets fail in known ways, names are looked up with Go's patience, and certificates judged in
Go's order.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from tests.certificates import Wish, issue

from towline.linux.handshake import name_fault
from towline.linux.wire import Patience, SocketWire
from towline.pull.message import fault_text
from towline.pull.wire import Fault, Request, Transport, Trouble, Url, WireFailed

Reply = Callable[[dns.message.Message], dns.message.Message | None]


@pytest.fixture
def wire() -> Iterator[SocketWire]:
    """Impatient sockets in our own namespace."""
    made = SocketWire(patience=Patience(dial=0.3, handshake=0.3, idle=0.3))
    yield made
    made.close()


@asynccontextmanager
async def name_server(reply: Reply) -> AsyncIterator[str]:
    """A name server on the loopback, over UDP and TCP."""

    class Udp(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            answer = reply(dns.message.from_wire(data))
            if answer is not None:
                self.transport.sendto(answer.to_wire(), addr)

    async def tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        query = dns.message.from_wire(
            await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        )
        answer = dns.message.make_response(query)
        answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "10.9.9.9"))
        content = answer.to_wire()
        writer.write(len(content).to_bytes(2, "big") + content)
        writer.close()

    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(tcp, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    transport, _ = await loop.create_datagram_endpoint(Udp, local_addr=address)
    try:
        yield f"{address[0]}:{address[1]}"
    finally:
        transport.close()
        server.close()
        await server.wait_closed()


def answering(*addresses: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Reply:
    """A server that always says this."""

    def reply(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.set_rcode(rcode)
        if addresses:
            name = query.question[0].name
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", *addresses))
        return answer

    return reply


async def looked_up(reply: Reply, name: str = "h.example") -> tuple[str, ...] | Fault:
    """What a look-up gives, or why it fails."""
    async with name_server(reply) as server:
        wire = SocketWire(nameservers=(server,), patience=Patience(dial=0.3))
        try:
            return await wire.resolve(name)
        except WireFailed as failed:
            return failed.fault
        finally:
            wire.close()


async def test_the_given_name_server_is_asked() -> None:
    """All its addresses come back, in whatever order the server shuffled them into."""
    found = await looked_up(answering("10.1.1.1", "10.1.1.2"))

    assert isinstance(found, tuple)
    assert sorted(found) == ["10.1.1.1", "10.1.1.2"]


async def test_an_address_needs_no_name_server() -> None:
    """It is its own."""
    assert await looked_up(answering(), "10.0.0.7") == ("10.0.0.7",)


@pytest.mark.parametrize(
    ("reply", "ending"),
    [
        (answering(rcode=dns.rcode.NXDOMAIN), ": no such host"),
        (answering(), ": no such host"),
        (answering(rcode=dns.rcode.SERVFAIL), ": server misbehaving"),
        (answering(rcode=dns.rcode.REFUSED), ": server misbehaving"),
        (lambda _: None, ": i/o timeout"),
    ],
    ids=["nxdomain", "empty", "servfail", "refused", "silent"],
)
async def test_a_name_that_cannot_be_had_is_told_as_go_tells_it(reply: Reply, ending: str) -> None:
    """With the server that was asked."""
    fault = await looked_up(reply)

    assert isinstance(fault, Fault)
    assert fault_text(fault).startswith("dial tcp: lookup h.example on 127.0.0.1:")
    assert fault_text(fault).endswith(ending)


async def test_an_answer_too_long_for_a_datagram_comes_over_tcp() -> None:
    """The server says that it is cut."""

    def cut(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.TC
        return answer

    assert await looked_up(cut) == ("10.9.9.9",)


async def test_an_answer_to_another_question_is_noise() -> None:
    """A forged or late datagram is not believed."""

    def forged(query: dns.message.Message) -> dns.message.Message:
        answer = answering("6.6.6.6")(query)
        assert answer is not None
        answer.id = (query.id + 1) & 0xFFFF
        return answer

    fault = await looked_up(forged)
    assert isinstance(fault, Fault)
    assert fault.trouble is Trouble.LOOKUP_TIMED_OUT


async def test_the_second_server_is_asked_when_the_first_fails() -> None:
    """As in resolv.conf."""
    async with (
        name_server(answering(rcode=dns.rcode.SERVFAIL)) as bad,
        name_server(answering("10.1.1.1")) as good,
    ):
        wire = SocketWire(nameservers=(bad, good))
        assert await wire.resolve("h.example") == ("10.1.1.1",)
        wire.close()


@asynccontextmanager
async def speaker(words: bytes, after: int = 1) -> AsyncIterator[int]:
    """A server that waits for some bytes and then says something; its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(after)
            writer.write(words)
            await writer.drain()
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Trouble.HTTP_ANSWER),
        (b"HTTP/1.0 400 Bad Request\r\n\r\n", Trouble.HTTP_ANSWER),
        (b"SSH-2.0-OpenSSH\r\n", Trouble.NOT_TLS),
        (b"\x15\x03\x01\x00\x02\x02\x28", Trouble.TLS_ALERT),
        (b"", Trouble.HANDSHAKE_TIMED_OUT),
    ],
    ids=["http", "http-1.0", "ssh", "alert", "silence"],
)
@pytest.mark.parametrize("after", [0, 1], ids=["at-once", "when-asked"])
async def test_what_does_not_speak_tls_is_told_apart(
    wire: SocketWire, words: bytes, trouble: Trouble, after: int
) -> None:
    """By its first bytes, whether they come before or after ours."""
    async with speaker(words, after) as port:
        line = await wire.dial("127.0.0.1", port)
        await asyncio.sleep(0.02)
        with pytest.raises(WireFailed) as caught:
            await wire.secure(line, "127.0.0.1", Transport.TLS)
        line.close()

    assert caught.value.fault.trouble is trouble


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        (b"", Trouble.STALLED),
        (b"220 smtp ready\r\n", Trouble.MALFORMED),
    ],
    ids=["silence", "smtp"],
)
async def test_what_does_not_speak_http_is_told_apart(
    wire: SocketWire, words: bytes, trouble: Trouble
) -> None:
    """Silence ends after the idle time."""
    async with speaker(words) as port:
        line = await wire.dial("127.0.0.1", port)
        url = Url.parse(f"http://127.0.0.1:{port}/")
        assert url is not None
        with pytest.raises(WireFailed) as caught:
            await wire.send(line, Request("GET", url))
        line.close()

    assert caught.value.fault.trouble is trouble


async def test_a_request_can_be_cancelled_while_it_waits(wire: SocketWire) -> None:
    """A pod may be deleted at any moment; the thread is woken."""
    async with speaker(b"") as port:
        line = await wire.dial("127.0.0.1", port)
        url = Url.parse(f"http://127.0.0.1:{port}/")
        assert url is not None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await wire.send(line, Request("GET", url))
        line.close()


async def test_an_address_that_swallows_packets_times_out(wire: SocketWire) -> None:
    """A full backlog swallows them as a firewall does."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        with pytest.raises(WireFailed) as caught:
            await wire.dial("127.0.0.1", port)
        for filler in fillers:
            filler.close()

    assert caught.value.fault == Fault(Trouble.TIMED_OUT, f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("wish", "host", "trouble"),
    [
        (Wish(("h.io",)), "h.io", None),
        (Wish(("H.io",)), "h.IO", None),
        (Wish(("*.h.io",)), "a.h.io", None),
        (Wish(("*.h.io",)), "h.io", Trouble.WRONG_NAME),
        (Wish(("*.h.io",)), "a.b.h.io", Trouble.WRONG_NAME),
        (Wish(("10.0.0.1",)), "10.0.0.1", None),
        (Wish(("10.0.0.1",)), "10.0.0.2", Trouble.WRONG_NAME),
        (Wish(("h.io",)), "10.0.0.2", Trouble.NO_ADDRESS_NAMES),
        (Wish((), "h.io"), "h.io", Trouble.LEGACY_NAME),
        (Wish((), "other"), "h.io", Trouble.NO_NAMES),
        (Wish((), "other"), "10.0.0.1", Trouble.NO_ADDRESS_NAMES),
    ],
)
def test_a_certificate_is_for_a_name_or_not(
    tmp_path: Path, wish: Wish, host: str, trouble: Trouble | None
) -> None:
    """Go's `VerifyHostname`, case for case."""
    fault = name_fault(issue(tmp_path, wish).x509, host)

    assert (fault.trouble if fault else None) is trouble
