"""A VPC's name server over real sockets: both protocols, many askers, and noise."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import dns.message
import dns.rcode
import pytest
import pytest_asyncio
from tests.networks import (
    INSTANCE,
    PUBLIC_ADDRESS,
    agent,
    ask,
    connect,
    subnet,
    swept,
    vpc,
)

from towline.linux.namespace_socket import SocketMaker
from towline.linux.wire import SocketWire
from towline.network.address import RESOLVERS
from towline.pull.wire import Trouble, WireFailed

pytestmark = pytest.mark.root
QUESTION = dns.message.make_query(INSTANCE.domain, "A")


@pytest_asyncio.fixture
async def pod(tmp_path: Path) -> AsyncIterator[Path]:
    """A pod in a VPC with one instance."""
    with swept(tmp_path):
        async with agent(tmp_path, INSTANCE, vpc(0), subnet(0)) as here:
            yield await here.pod("uid-1", subnet(0))


def framed(question: dns.message.Message) -> bytes:
    """As it goes over TCP."""
    wire = question.to_wire()
    return len(wire).to_bytes(2, "big") + wire


async def answers(connection: socket.socket, count: int) -> list[dns.message.Message]:
    """The next messages on a TCP connection."""
    loop, held, found = asyncio.get_running_loop(), b"", list[dns.message.Message]()
    async with asyncio.timeout(5):
        while len(found) < count:
            piece = await loop.sock_recv(connection, 65_536)
            assert piece, "the server hung up"
            held += piece
            while len(held) >= 2 and len(held) >= 2 + int.from_bytes(held[:2], "big"):
                end = 2 + int.from_bytes(held[:2], "big")
                found.append(dns.message.from_wire(held[2:end]))
                held = held[end:]
    return found


@pytest.mark.parametrize("server", RESOLVERS)
async def test_both_protocols_are_served_at_both_addresses(pod: Path, server: str) -> None:
    """The same answer by either."""
    by_datagram = dns.message.from_wire(await ask(pod, server, QUESTION.to_wire()))
    with await connect(pod, server, 53) as connection:
        connection.sendall(framed(QUESTION))
        (by_stream,) = await answers(connection, 1)

    assert by_datagram == by_stream
    assert [str(record) for record in by_stream.answer[0]] == [PUBLIC_ADDRESS]


async def test_many_questions_go_over_one_connection(pod: Path) -> None:
    """Also when the next is sent before the answer to the one before (RFC 7766, 6.2.1.1)."""
    questions = [dns.message.make_query(f"{each}.example", "A") for each in range(50)]
    with await connect(pod, RESOLVERS[0], 53) as connection:
        connection.sendall(b"".join(map(framed, questions)))
        given = await answers(connection, len(questions))

    assert {each.id for each in given} == {each.id for each in questions}
    assert {each.rcode() for each in given} == {dns.rcode.NXDOMAIN}


async def test_one_who_says_nothing_keeps_nobody_waiting(pod: Path) -> None:
    """Connections are served side by side, and more of them than are good are hung up on."""
    idle = [await connect(pod, RESOLVERS[0], 53) for _ in range(100)]
    with await connect(pod, RESOLVERS[0], 53) as connection:
        connection.sendall(framed(QUESTION))
        (given,) = await answers(connection, 1)
    for each in idle:
        each.close()

    assert given.answer


async def test_noise_does_not_stop_it(pod: Path) -> None:
    """On either protocol, from anybody in the VPC."""
    noise = [os.urandom(number) for number in range(0, 600, 7)]
    with SocketMaker(pod).datagram(RESOLVERS[0]) as sender:
        for each in noise:
            sender.sendto(each, (RESOLVERS[0], 53))
    for each in noise[:10]:
        with await connect(pod, RESOLVERS[0], 53) as connection:
            connection.sendall(each)
    given = dns.message.from_wire(await ask(pod, RESOLVERS[0], QUESTION.to_wire()))

    assert given.answer


async def test_a_pull_looks_names_up_with_it(pod: Path) -> None:
    """By the same client that pulls in pods."""
    wire = SocketWire(pod, RESOLVERS)
    found = await wire.resolve(INSTANCE.domain)
    with pytest.raises(WireFailed) as failed:
        await wire.resolve("registry.example")
    wire.close()

    assert found == (PUBLIC_ADDRESS,)
    assert failed.value.fault.trouble is Trouble.NO_SUCH_HOST
    assert failed.value.fault.server == f"{RESOLVERS[0]}:53"


async def test_it_ends_with_the_agent_and_begins_with_the_next(tmp_path: Path) -> None:
    """Whoever asks in between hears nothing, or that nobody is there."""
    with swept(tmp_path):
        async with agent(tmp_path, INSTANCE, vpc(0), subnet(0)) as first:
            pod = await first.pod("uid-1", subnet(0))
        with pytest.raises(ConnectionRefusedError):
            await ask(pod, RESOLVERS[0], QUESTION.to_wire())
        async with agent(tmp_path):
            given = dns.message.from_wire(await ask(pod, RESOLVERS[0], QUESTION.to_wire()))

    assert given.answer
