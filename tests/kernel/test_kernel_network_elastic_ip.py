"""Elastic IPs that pods have for themselves: out by them, in by them, and what comes before them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace as changed
from tests.egress import (
    EIP,
    ELSEWHERE,
    OTHER_EIP,
    SILENCE,
    TO_GATEWAY,
    WHOLE,
    endpoint,
    guest,
    is_silent,
    seen_from,
)
from tests.networks import (
    INSTANCE,
    Agent,
    StandInRegistry,
    agent,
    connect,
    subnet,
    swept,
    visitor,
    vpc,
)
from tests.unit.network.models import elastic_ip, interface, nat_gateway, route, route_table

from towline.linux import network_namespace
from towline.resource import kind
from towline.resource.elastic_ip import ElasticIpStatus
from towline.resource.network_interface import NetworkInterface
from towline.resource.route_table import GatewayType
from towline.resource.vpc import Subnet
from towline.store.collection import Collection

pytestmark = pytest.mark.root


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for agents."""
    with swept(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def here(folder: Path) -> AsyncIterator[Agent]:
    """An agent with one VPC and one instance, and a registry that says who comes."""
    async with agent(folder, INSTANCE, vpc(0)) as made, StandInRegistry(folder).serving():
        yield made


async def attached(here: Agent, uid: str, of: Subnet) -> tuple[Path, NetworkInterface]:
    """A pod and its interface's record, which elastic IPs are bound to."""
    pod = await here.pod(uid, of)
    address = here.network.pods.standing()[uid]
    record = changed(interface(of, 0), id=f"eni-{uid}", private_ip=address)
    interfaces = Collection(here.store, kind.NETWORK_INTERFACE, NetworkInterface)
    written = [each for each in interfaces.list() if each.private_ip == address]
    if written:
        return pod, written[0]
    await here.write(record)
    return pod, record


async def with_own_address(here: Agent) -> tuple[Path, NetworkInterface]:
    """A pod that has one of its own."""
    await here.write(subnet(0))
    pod, own = await attached(here, "uid-1", subnet(0))
    await here.write(elastic_ip(0, own.id, own.private_ip))
    await here.settled()
    return pod, own


async def test_a_pod_with_an_elastic_ip_of_its_own_needs_no_gateway(here: Agent) -> None:
    """It goes out with it and is reached by it; its neighbour is not."""
    allowed = endpoint(f"{EIP.address}/32")
    await here.write(
        *replace(WHOLE, endpoint=allowed, gateways=(), addresses=(), tables=()).records
    )
    pod, own = await attached(here, "uid-1", subnet(0))
    neighbour = await here.pod("uid-2", subnet(0))
    binding = changed(elastic_ip(0, own.id, own.private_ip), status=ElasticIpStatus.BINDING)
    await here.write(binding)
    await here.until_is(binding, lambda held: held.status is ElasticIpStatus.BIND)
    await here.settled()
    internet = network_namespace.path_of(here.names.internet)
    with network_namespace.listen(pod.name, own.private_ip, 8080) as listening:
        async with asyncio.TaskGroup() as tasks:
            dial = tasks.create_task(connect(internet, EIP.address, 8080))
            came = await visitor(listening)
        dial.result().close()

    assert await seen_from(pod) == EIP.address
    assert came.startswith("1")
    assert await is_silent(neighbour)


async def test_an_elastic_ip_that_is_unbound_takes_its_connections_with_it(here: Agent) -> None:
    """They get no answer any more, and the address is free."""
    pod, own = await with_own_address(here)
    loop = asyncio.get_running_loop()
    with network_namespace.listen(here.names.internet, ELSEWHERE, 80) as listening:
        connection = await connect(pod, ELSEWHERE, 80)
        accepted = await guest(listening)
        bound = elastic_ip(0, own.id, own.private_ip)
        await here.replace(bound, changed(bound, status=ElasticIpStatus.UNBINDING))
        free = await here.until_is(bound, lambda held: held.status is ElasticIpStatus.UNBIND)
        accepted.sendall(b"lost")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SILENCE):
                await loop.sock_recv(connection, 100)
        silent = await is_silent(pod, ELSEWHERE, 80)
    connection.close()
    accepted.close()

    assert free == EIP
    assert silent


async def test_a_route_to_a_gateway_comes_before_a_pods_own_address(here: Agent) -> None:
    """And a route to the elastic IP before that, where it is the longer one."""
    pod, _ = await with_own_address(here)
    nat = (nat_gateway(0, 0, 1), elastic_ip(1, "nat-v0n0"))
    own = route(f"{ELSEWHERE}/32", GatewayType.EIP, "0")
    await here.write(*nat, route_table(0, 0, TO_GATEWAY))
    await here.settled()
    with network_namespace.listen(here.names.internet, ELSEWHERE, 80) as listening:
        (await connect(pod, ELSEWHERE, 80)).close()
        by_gateway = await visitor(listening)
        await here.replace(route_table(0, 0), route_table(0, 0, TO_GATEWAY, own))
        await here.settled()
        (await connect(pod, ELSEWHERE, 80)).close()
        by_itself = await visitor(listening)

    assert (by_gateway, by_itself) == (OTHER_EIP.address, EIP.address)


async def test_who_came_in_by_an_elastic_ip_is_answered_by_it(here: Agent) -> None:
    """Also when the subnet's route leads to a gateway."""
    pod, own = await with_own_address(here)
    await here.write(nat_gateway(0, 0, 1), elastic_ip(1, "nat-v0n0"), route_table(0, 0, TO_GATEWAY))
    await here.settled()
    internet = network_namespace.path_of(here.names.internet)
    with network_namespace.listen(pod.name, own.private_ip, 8080):
        (await connect(internet, EIP.address, 8080)).close()


async def test_pods_reach_each_other_by_their_elastic_ips(here: Agent) -> None:
    """Out of one VPC and into the other, with the same ranges."""
    await here.write(vpc(1), subnet(1))
    pod, _ = await with_own_address(here)
    other = await here.pod("uid-other", subnet(1))
    there = changed(interface(subnet(1), 0), private_ip=here.network.pods.standing()["uid-other"])
    await here.write(there, elastic_ip(1, there.id, there.private_ip))
    await here.settled()
    with network_namespace.listen(other.name, there.private_ip, 8080) as listening:
        (await connect(pod, OTHER_EIP.address, 8080)).close()
        came = await visitor(listening)

    assert came == EIP.address
