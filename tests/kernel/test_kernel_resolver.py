"""A VPC's name server over real sockets: both protocols, many askers, and noise."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest
import pytest_asyncio
from tests.egress import WHOLE
from tests.networks import (
    INSTANCE,
    PUBLIC_ADDRESS,
    Agent,
    agent,
    ask,
    connect,
    private_zone,
    subnet,
    swept,
    until,
    vpc,
    zone_record,
)

from towline.client.query_log import queries
from towline.installation.data_directory import DataDirectory
from towline.linux import network_namespace
from towline.linux.namespace_socket import SocketMaker
from towline.linux.wire import SocketWire
from towline.network.address import RESOLVERS
from towline.pull.wire import Trouble, WireFailed
from towline.resource import kind
from towline.resource.vpc import Subnet, Vpc
from towline.sandbox.network.query_log import path_of
from towline.sandbox.network.resolvers import PUBLIC_RESOLVER
from towline.store.collection import Collection

pytestmark = pytest.mark.root
QUESTION = dns.message.make_query(INSTANCE.domain, "A")


@pytest_asyncio.fixture
async def pod(tmp_path: Path) -> AsyncIterator[Path]:
    """A pod in a VPC with one instance."""
    with swept(tmp_path):
        async with agent(tmp_path, INSTANCE, vpc(0), subnet(0)) as here:
            yield await here.pod("uid-1", subnet(0))


async def lookup(pod: Path, name: str, type_: str = "A", server: str = RESOLVERS[0]) -> list[str]:
    """What a server says of a name, or how it says that there is nothing."""
    question = dns.message.make_query(name, type_)
    answer = dns.message.from_wire(await ask(pod, server, question.to_wire()))
    assert question.is_response(answer)
    said = [str(each) for rrset in answer.answer for each in rrset]
    return said or [dns.rcode.to_text(answer.rcode())]


@asynccontextmanager
async def dnsmasq(*options: str) -> AsyncIterator[str]:
    """Debian's dnsmasq on the host's loopback; where it listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = ("--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts")
    place = (f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file=")
    process = await asyncio.create_subprocess_exec(
        "/usr/sbin/dnsmasq", *quiet, *place, "--user=root", *options
    )
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


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


@pytest_asyncio.fixture
async def here(tmp_path: Path) -> AsyncIterator[Agent]:
    """Two VPCs with one subnet each, and one instance."""
    with swept(tmp_path):
        async with agent(tmp_path, INSTANCE, vpc(0), vpc(1), subnet(0), subnet(1)) as network:
            yield network


async def test_zones_are_private_to_the_vpcs_they_are_bound_to(here: Agent) -> None:
    """All types of records, stars, and aliases into what is public."""
    bound, other = await here.pod("uid-1", subnet(0)), await here.pod("uid-2", subnet(1))
    zone = private_zone("corp.example", vpc(0))
    await here.write(
        zone,
        zone_record(zone, "db", "10.0.0.9"),
        zone_record(zone, "db", "fd00::9", "AAAA"),
        zone_record(zone, "*", "10.0.0.10"),
        zone_record(zone, "hub", INSTANCE.domain, "CNAME"),
        zone_record(zone, "note", "to whom it may concern", "TXT"),
        zone_record(zone, "_sip._tcp", "0 5 5060 db.corp.example", "SRV"),
    )

    async def is_known() -> bool:
        return await lookup(bound, "db.corp.example") == ["10.0.0.9"]

    await until(is_known)

    assert await lookup(bound, "db.corp.example", "AAAA") == ["fd00::9"]
    assert await lookup(bound, "any.corp.example") == ["10.0.0.10"]
    assert await lookup(bound, "hub.corp.example") == [f"{INSTANCE.domain}.", PUBLIC_ADDRESS]
    assert await lookup(bound, "note.corp.example", "TXT") == ['"to whom it may concern"']
    assert await lookup(bound, "_sip._tcp.corp.example", "SRV") == ["0 5 5060 db.corp.example."]
    assert await lookup(bound, "db.corp.example", "MX") == ["NOERROR"]
    assert await lookup(other, "db.corp.example") == ["NXDOMAIN"]


async def test_a_zone_without_recursion_hijacks_all_registries(here: Agent) -> None:
    """In the VPC that it is bound to; switching the recursion on gives them back."""
    pod, other = await here.pod("uid-1", subnet(0)), await here.pod("uid-2", subnet(1))
    trap = private_zone("tencentcloudcr.com", vpc(0), recursion=False)
    await here.write(trap, zone_record(trap, "mine", "10.0.0.9"))

    async def is_hijacked() -> bool:
        return await lookup(pod, INSTANCE.domain) == ["NXDOMAIN"]

    await until(is_hijacked)
    mine, elsewhere = (
        await lookup(pod, "mine.tencentcloudcr.com"),
        await lookup(other, INSTANCE.domain),
    )
    await here.replace(trap, private_zone("tencentcloudcr.com", vpc(0)))

    async def is_back() -> bool:
        return await lookup(pod, INSTANCE.domain) == [PUBLIC_ADDRESS]

    await until(is_back)

    assert (mine, elsewhere) == (["10.0.0.9"], [PUBLIC_ADDRESS])


async def test_the_internets_resolver_knows_no_private_zone(here: Agent) -> None:
    """Whoever uses it in place of the VPC's own gets the public address."""
    pod = await here.pod("uid-1", subnet(0))
    zone = private_zone("tencentcloudcr.com", vpc(0))
    await here.write(zone, zone_record(zone, "demo", "10.0.0.9"))

    async def is_private() -> bool:
        return await lookup(pod, INSTANCE.domain) == ["10.0.0.9"]

    await until(is_private)
    outside = network_namespace.path_of(here.names.internet)
    public = await lookup(outside, INSTANCE.domain, server=PUBLIC_RESOLVER)
    with await connect(outside, PUBLIC_RESOLVER, 53) as connection:
        connection.sendall(framed(QUESTION))
        (by_stream,) = await answers(connection, 1)

    assert public == [PUBLIC_ADDRESS]
    assert [str(one) for one in by_stream.answer[0]] == [PUBLIC_ADDRESS]


async def test_a_way_out_leads_to_the_internets_resolver(tmp_path: Path) -> None:
    """Through a NAT gateway; a pod that asks there loses the names of its VPC."""
    zone = private_zone("tencentcloudcr.com", vpc(0))
    record = zone_record(zone, "demo", "10.0.0.9")
    with swept(tmp_path):
        async with agent(tmp_path, INSTANCE, vpc(0), zone, record, *WHOLE.records) as network:
            await network.settled()
            pod = await network.pod("uid-1", subnet(0))
            private = await lookup(pod, INSTANCE.domain)
            public = await lookup(pod, INSTANCE.domain, server=PUBLIC_RESOLVER)

    assert private == ["10.0.0.9"]
    assert public == [PUBLIC_ADDRESS]


async def test_a_vpc_takes_its_log_along(here: Agent, tmp_path: Path) -> None:
    """The others keep theirs."""
    await lookup(await here.pod("uid-2", subnet(1)), "nothing.example")
    vpcs = Collection(here.store, kind.VPC, Vpc)
    await Collection(here.store, kind.SUBNET, Subnet).delete(vpc(0).id, subnet(0).id)
    await vpcs.delete("", vpc(0).id)
    folder = DataDirectory(tmp_path).queries

    async def is_forgotten() -> bool:
        return not path_of(folder, vpc(0).id).exists()

    await until(is_forgotten)

    assert [one.name for one in queries(folder, vpc(1).id)] == ["nothing.example."]


async def test_a_long_answer_is_cut_over_udp_and_whole_over_tcp(here: Agent) -> None:
    """Cut at what the asker takes; the mark tells it to come again."""
    pod = await here.pod("uid-1", subnet(0))
    zone = private_zone("corp.example", vpc(0))
    await here.write(zone, *(zone_record(zone, "all", f"10.0.1.{each}") for each in range(100)))

    async def is_known() -> bool:
        return await lookup(pod, "all.corp.example", "AAAA") == ["NOERROR"]

    await until(is_known)
    question = dns.message.make_query("all.corp.example", "A")
    short = await ask(pod, RESOLVERS[0], question.to_wire())
    with await connect(pod, RESOLVERS[0], 53) as connection:
        connection.sendall(framed(question))
        (whole,) = await answers(connection, 1)

    assert len(short) <= 512
    assert dns.message.from_wire(short, raise_on_truncation=False).flags & dns.flags.TC
    assert len(whole.answer[0]) == 100


async def test_what_was_asked_can_be_read(here: Agent, tmp_path: Path) -> None:
    """By both protocols: who, what, and what was said; in each VPC for itself."""
    pod = await here.pod("uid-1", subnet(0))
    await lookup(pod, "nothing.example")
    with await connect(pod, RESOLVERS[0], 53) as connection:
        connection.sendall(framed(QUESTION))
        await answers(connection, 1)
    folder = DataDirectory(tmp_path).queries
    first, second = queries(folder, vpc(0).id)

    assert {first.client, second.client} == {here.network.pods.standing()["uid-1"]}
    assert (first.name, first.type, first.rcode) == ("nothing.example.", "A", "NXDOMAIN")
    assert (second.name, second.answer) == (f"{INSTANCE.domain}.", (PUBLIC_ADDRESS,))
    assert queries(folder, vpc(1).id) == []


async def test_a_name_that_nobody_here_knows_is_asked_of_the_uplink(tmp_path: Path) -> None:
    """A real server on the host; private and public zones stay our own."""
    with swept(tmp_path):
        async with (
            dnsmasq("--address=/example.org/192.0.2.1") as server,
            agent(tmp_path, INSTANCE, vpc(0), subnet(0), uplink=server) as network,
        ):
            pod = await network.pod("uid-1", subnet(0))
            found = [
                await lookup(pod, name)
                for name in ("www.example.org", INSTANCE.domain, "no.tencentcloudcr.com")
            ]
            with await connect(pod, RESOLVERS[0], 53) as connection:
                connection.sendall(framed(dns.message.make_query("www.example.org", "A")))
                (by_stream,) = await answers(connection, 1)

    assert found == [["192.0.2.1"], [PUBLIC_ADDRESS], ["NXDOMAIN"]]
    assert [str(one) for one in by_stream.answer[0]] == ["192.0.2.1"]


async def test_an_uplink_that_is_silent_is_a_server_failure(tmp_path: Path) -> None:
    """For the names that it was asked for, and for no others."""
    with swept(tmp_path), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = "{}:{}".format(*silent.getsockname())
        async with agent(tmp_path, INSTANCE, vpc(0), subnet(0), uplink=server) as network:
            pod = await network.pod("uid-1", subnet(0))
            known = await lookup(pod, INSTANCE.domain)
            failed = await lookup(pod, "www.example.org")

    assert known == [PUBLIC_ADDRESS]
    assert failed == ["SERVFAIL"]
