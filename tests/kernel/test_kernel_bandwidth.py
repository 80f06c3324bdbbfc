"""Wires to the internet carry no more than was paid for, seen in real packets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from tests.egress import ELSEWHERE
from tests.networks import INSTANCE, Agent, agent, connect, subnet, swept, vpc
from tests.unit.network.models import elastic_ip, nat_gateway, route, route_table

from towline.cluster.node.provider import PodIdentity
from towline.kube.annotations import EIP_ATTRIBUTES
from towline.linux import network_namespace
from towline.resource import kind
from towline.resource.elastic_ip import ElasticIp
from towline.resource.route_table import GatewayType
from towline.store.collection import Collection

pytestmark = pytest.mark.root
HOME = subnet(0)


@pytest_asyncio.fixture
async def here(tmp_path: Path) -> AsyncIterator[Agent]:
    """An agent with one VPC and one subnet."""
    with swept(tmp_path) as folder:
        async with agent(folder, INSTANCE, vpc(0), HOME) as made:
            yield made


@contextlib.asynccontextmanager
async def source(namespace: str, size: int) -> AsyncIterator[list[int]]:
    """Somebody in the internet who sends so many bytes to all who come, and counts what they send."""
    counted = list[int]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(size))
        await writer.drain()
        writer.write_eof()
        counted.append(len(await reader.read()))
        writer.close()

    listening = network_namespace.listen(namespace, ELSEWHERE, 80)
    async with await asyncio.start_server(serve, sock=listening):
        yield counted


async def fetched(pod: Path, patience: float) -> int:
    """How many bytes arrive in a pod."""
    connection, got = await connect(pod, ELSEWHERE, 80), 0
    with connection:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while piece := await asyncio.get_running_loop().sock_recv(connection, 65_536):
                    got += len(piece)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
    return got


async def test_an_address_brings_in_no_more_than_its_bandwidth(here: Agent) -> None:
    """In one second, 8 Mbit/s are a megabyte."""
    wish = {EIP_ATTRIBUTES: '{"InternetMaxBandwidthOut":8}'}
    identity = PodIdentity("uid-1", "demo", "web", HOME.id, "web", wish)
    await here.network.pods.attach("uid-1", HOME.id, identity)
    pod = here.network.pods.namespace_path("uid-1")
    (eip,) = Collection(here.store, kind.ELASTIC_IP, ElasticIp).list()
    async with source(here.names.internet, 10**7):
        limited = await fetched(pod, 1)
        await here.replace(eip, msgspec.structs.replace(eip, bandwidth=0))
        await here.settled()
        unlimited = await fetched(pod, 20)

    assert 0 < limited < 1_500_000
    assert unlimited == 10**7


async def test_a_gateway_and_its_addresses_have_limits(here: Agent) -> None:
    """The narrower one holds for whoever leaves by the address; a change of one is laid at once."""
    eip = msgspec.structs.replace(elastic_ip(0, "nat-v0n0"), bandwidth=8)
    gateway = msgspec.structs.replace(nat_gateway(0, 0, 0), bandwidth=5000)
    way = route("0.0.0.0/0", GatewayType.NAT, gateway.id)
    await here.write(eip, gateway, route_table(0, 0, way))
    pod = await here.pod("uid-1", HOME)
    await here.settled()
    async with source(here.names.internet, 10**7):
        by_address = await fetched(pod, 1)
        await here.replace(eip, msgspec.structs.replace(eip, bandwidth=0))
        await here.settled()
        unlimited = await fetched(pod, 20)
        await here.replace(gateway, msgspec.structs.replace(gateway, bandwidth=8))
        await here.settled()
        by_gateway = await fetched(pod, 1)

    assert 0 < by_address < 1_500_000
    assert unlimited == 10**7
    assert 0 < by_gateway < 1_500_000
