"""Another name server is asked for what nobody here knows; it may answer, be silent, or lie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from dns.message import Message

from towline.network.name_answer import Beyond
from towline.problem import Problem
from towline.sandbox.network.uplink import Uplink

BEYOND = Beyond(dns.name.from_text("www.example.org"), dns.rdatatype.A)
Say = Callable[[Message], list[bytes]]


def answer(question: Message, address: str = "192.0.2.1") -> Message:
    """What an honest server says."""
    said = dns.message.make_response(question)
    name = question.question[0].name
    said.answer.append(dns.rrset.from_text(name, 5, "IN", "A", address))
    return said


class _Server(asyncio.DatagramProtocol):
    def __init__(self, say: Say) -> None:
        self._say = say
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        for each in self._say(dns.message.from_wire(data)):
            self._transport.sendto(each, addr)


@asynccontextmanager
async def uplink(say: Say, patience: float = 10.0) -> AsyncIterator[Uplink]:
    """An uplink whose server says this over UDP, and the whole truth over TCP at the same port."""

    async def by_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        wire = answer(dns.message.from_wire(await reader.readexactly(length))).to_wire()
        writer.write(len(wire).to_bytes(2, "big") + wire)
        writer.close()

    loop = asyncio.get_running_loop()
    streams = await asyncio.start_server(by_stream, "127.0.0.1", 0)
    address = streams.sockets[0].getsockname()
    datagrams, _ = await loop.create_datagram_endpoint(lambda: _Server(say), local_addr=address)
    made = Uplink(address[0], address[1], patience)
    await made.open()
    try:
        yield made
    finally:
        made.close()
        datagrams.close()
        streams.close()


async def test_answers_find_their_questions() -> None:
    """However many are under way."""
    async with uplink(lambda question: [answer(question).to_wire()]) as asked:
        said = await asyncio.gather(*(asked.ask(BEYOND) for _ in range(50)))

        assert [str(one.answer[0][0]) for one in said if one] == ["192.0.2.1"] * len(said)


async def test_what_answers_another_question_is_dropped() -> None:
    """As is noise; the right answer may come after it."""

    def lie(question: Message) -> list[bytes]:
        other = dns.message.make_query("evil.example", "A", id=question.id)
        forged = answer(other, "192.0.2.66").to_wire()
        numbered = question.id.to_bytes(2, "big")
        return [b"", numbered, numbered + b"noise", forged, answer(question).to_wire()]

    async with uplink(lie) as asked:
        said = await asked.ask(BEYOND)
        assert said is not None

        assert [str(one[0]) for one in said.answer] == ["192.0.2.1"]


async def test_a_cut_answer_is_told_as_such_and_got_whole() -> None:
    """Over UDP it is passed on with its mark; who asks for all of it gets it by TCP."""

    def cut(question: Message) -> list[bytes]:
        said = dns.message.make_response(question)
        said.flags |= dns.flags.TC
        return [said.to_wire()]

    async with uplink(cut) as asked:
        short, whole = await asked.ask(BEYOND), await asked.ask_whole(BEYOND)
        assert short is not None
        assert whole is not None

        assert short.flags & dns.flags.TC
        assert [str(one[0]) for one in whole.answer] == ["192.0.2.1"]


async def test_a_lost_question_is_asked_again() -> None:
    """Once; then nobody waits any longer."""
    heard = list[int]()

    def forgetful(question: Message) -> list[bytes]:
        heard.append(question.id)
        return [answer(question).to_wire()] if len(heard) == 2 else []

    async with uplink(forgetful, patience=0.05) as asked:
        second, never = await asked.ask(BEYOND), await asked.ask(BEYOND)

        assert second is not None
        assert never is None
        assert len(heard) == 4


async def test_nothing_is_said_by_an_uplink_that_is_closed() -> None:
    """Who waits is told so at once."""
    async with uplink(lambda _: []) as asked:
        waiting = asked.ask(BEYOND)
        asked.close()

        assert await waiting is None


@pytest.mark.parametrize("text", ["resolver", "192.0.2", "192.0.2.1:x", "::1"])
def test_an_uplink_is_an_address(text: str) -> None:
    """A name would need a resolver; what is none is told to whoever wrote it."""
    with pytest.raises(Problem) as problem:
        Uplink.parse(text)

    assert problem.value.code == "uplink-malformed"
