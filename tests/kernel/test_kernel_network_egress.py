"""Out of a VPC, and into a registry by its public endpoint: real packets, and every way of getting it
wrong.

The recipe is a NAT gateway with an elastic IP, a route to it in the table of the pod's subnet, an open
endpoint, and the elastic IP on its allowlist. Whoever leaves one of them out hears nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import sys
import termios
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace as changed
from tests.egress import (
    EIP,
    OTHER_EIP,
    SILENCE,
    TO_GATEWAY,
    WHOLE,
    endpoint,
    is_silent,
    seen_from,
)
from tests.networks import (
    INSTANCE,
    PUBLIC_ADDRESS,
    Agent,
    StandInRegistry,
    agent,
    connect,
    heard,
    subnet,
    swept,
    until,
    visitor,
    vpc,
)
from tests.unit.network.models import elastic_ip, nat_gateway, route, route_table

from towline.linux import network_namespace
from towline.linux.command import ip_batch
from towline.resource import kind
from towline.resource.nat_gateway import NatGateway, NatState
from towline.resource.public_endpoint import EndpointStatus
from towline.resource.route_table import GatewayType
from towline.store.collection import Collection

pytestmark = pytest.mark.root
OMISSIONS = {
    "endpoint-closed": replace(
        WHOLE, endpoint=endpoint(f"{EIP.address}/32", status=EndpointStatus.CLOSED)
    ),
    "allowlist-empty": replace(WHOLE, endpoint=endpoint()),
    "wrong-cidr": replace(WHOLE, endpoint=endpoint("198.19.1.0/24", f"{OTHER_EIP.address}/32")),
    "no-gateway": replace(WHOLE, gateways=(), addresses=(EIP,)),
    "gateway-that-is-to-go": replace(
        WHOLE, gateways=(nat_gateway(0, 0, 0, state=NatState.DELETING),)
    ),
    "gateway-without-address": replace(WHOLE, gateways=(nat_gateway(0, 0),), addresses=(EIP,)),
    "address-bound-to-nothing": replace(WHOLE, addresses=(EIP,)),
    "no-route": replace(WHOLE, tables=(route_table(0, 0),)),
    "route-switched-off": replace(
        WHOLE, tables=(route_table(0, 0, changed(TO_GATEWAY, enabled=False)),)
    ),
    "route-elsewhere": replace(
        WHOLE, tables=(route_table(0, 0, changed(TO_GATEWAY, destination="198.19.0.0/16")),)
    ),
    "longer-route-to-nowhere": replace(
        WHOLE,
        tables=(route_table(0, 0, TO_GATEWAY, route("198.18.0.0/16", GatewayType.NAT, "nat-no")),),
    ),
    "table-not-associated": replace(WHOLE, home=changed(subnet(0), route_table_id="rtb-v0n1")),
}


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


def _arrived(connection: socket.socket) -> Callable[[], Awaitable[bool]]:
    """Whether all that was said has been acknowledged."""

    async def asked() -> bool:
        unanswered = fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4)
        return int.from_bytes(unanswered, sys.byteorder) == 0

    return asked


async def test_the_recipe_leads_to_the_registry(here: Agent) -> None:
    """Which sees the elastic IP, and whose states say that all is built."""
    await here.write(*WHOLE.records)
    pod = await here.pod("uid-1", subnet(0))
    opened = await here.until_is(WHOLE.endpoint, lambda held: held.status is EndpointStatus.OPENED)
    available = await here.until_is(
        WHOLE.gateways[0], lambda held: held.state is NatState.AVAILABLE
    )

    assert await seen_from(pod) == EIP.address
    assert opened.rules == WHOLE.endpoint.rules
    assert available == nat_gateway(0, 0, 0)


@pytest.mark.parametrize("omission", OMISSIONS)
async def test_without_any_part_of_the_recipe_there_is_silence(here: Agent, omission: str) -> None:
    """No refusal, no word that there is no way; with all of it there is an answer."""
    await here.write(*OMISSIONS[omission].records)
    pod = await here.pod("uid-1", subnet(0))
    await here.settled()

    assert await is_silent(pod)


async def test_an_elastic_ip_that_is_exchanged_is_not_on_the_allowlist(here: Agent) -> None:
    """The recipe stops to work until the new address is allowed."""
    await here.write(*WHOLE.records)
    pod = await here.pod("uid-1", subnet(0))
    await here.settled()
    before = await seen_from(pod)
    await here.replace(WHOLE.addresses[0], EIP)
    await here.replace(OTHER_EIP, elastic_ip(1, "nat-v0n0"))
    await here.replace(WHOLE.gateways[0], nat_gateway(0, 0, 1, state=NatState.UPDATING))
    await here.settled()
    silent = await is_silent(pod)
    await here.replace(WHOLE.endpoint, endpoint(f"{OTHER_EIP.address}/32"))
    await here.settled()

    assert (before, silent, await seen_from(pod)) == (EIP.address, True, OTHER_EIP.address)


async def test_a_dial_that_was_not_answered_is_when_it_is_repeated(here: Agent) -> None:
    """The kernel does not hold its first packet's fate against it: the gateway gets its address late."""
    lacking = OMISSIONS["gateway-without-address"]
    await here.write(*lacking.records)
    pod = await here.pod("uid-1", subnet(0))
    await here.settled()
    async with asyncio.TaskGroup() as tasks:
        dialling = tasks.create_task(connect(pod, PUBLIC_ADDRESS, 443, 10))
        await asyncio.sleep(SILENCE)
        await here.replace(EIP, elastic_ip(0, "nat-v0n0"))
        await here.replace(lacking.gateways[0], nat_gateway(0, 0, 0, state=NatState.UPDATING))

    assert await heard(dialling.result()) == EIP.address


async def test_everybody_may_come_if_the_allowlist_says_so(here: Agent) -> None:
    """`0.0.0.0/0`, but only to the door: all other ports stay silent."""
    await here.write(*replace(WHOLE, endpoint=endpoint("0.0.0.0/0")).records)
    pod = await here.pod("uid-1", subnet(0))
    await here.settled()

    assert await seen_from(pod) == EIP.address
    assert await is_silent(pod, port=80)


async def test_subnets_go_by_their_own_route_tables(here: Agent) -> None:
    """Only the one whose table has the route gets out."""
    other = changed(subnet(0, 1), route_table_id="rtb-v0n1")
    await here.write(*WHOLE.records, other)
    pods = [await here.pod(f"uid-{each.id}", each) for each in (subnet(0), other)]
    await here.settled()
    before = [await is_silent(pod) for pod in pods]
    await here.replace(other, subnet(0, 1))
    await here.replace(subnet(0), changed(subnet(0), route_table_id="rtb-v0n1"))
    await here.settled()

    assert before == [False, True]
    assert [await is_silent(pod) for pod in pods] == [True, False]


async def test_vpcs_with_the_same_range_do_not_meet_on_their_ways_out(here: Agent) -> None:
    """Two pods with the same address, each seen as its own gateway's."""
    allowed = endpoint(f"{EIP.address}/32", f"{OTHER_EIP.address}/32")
    there = route_table(1, 0, route("0.0.0.0/0", GatewayType.NAT, "nat-v1n0"))
    await here.write(
        *replace(
            WHOLE,
            endpoint=allowed,
            addresses=(elastic_ip(0, "nat-v0n0"), elastic_ip(1, "nat-v1n0")),
        ).records,
        *(vpc(1), subnet(1), nat_gateway(1, 0, 1), there),
    )
    pods = [await here.pod(f"uid-{number}", subnet(number)) for number in (0, 1)]
    await here.settled()
    seen = [await seen_from(pod) for pod in pods * 2]

    assert seen == [EIP.address, OTHER_EIP.address] * 2
    assert len(set(here.network.pods.standing().values())) == 1


async def test_connections_take_turns_at_the_addresses_of_a_gateway(here: Agent) -> None:
    """Each keeps the one that it began with."""
    both = (elastic_ip(0, "nat-v0n0"), elastic_ip(1, "nat-v0n0"))
    await here.write(
        *replace(
            WHOLE,
            endpoint=endpoint("198.19.0.0/16"),
            gateways=(nat_gateway(0, 0, 0, 1),),
            addresses=both,
        ).records
    )
    pod = await here.pod("uid-1", subnet(0))
    await here.settled()
    seen = [await seen_from(pod) for _ in range(6)]

    assert sorted(seen) == [EIP.address] * 3 + [OTHER_EIP.address] * 3


async def test_who_is_taken_off_the_allowlist_is_cut_off(folder: Path) -> None:
    """Also in the middle of a connection; with the entry back, it goes on."""
    allowed, others = f"{EIP.address}/32", "10.0.0.0/8"
    recipe = replace(WHOLE, endpoint=endpoint(allowed, others))
    async with agent(folder, INSTANCE, vpc(0), *recipe.records) as here:
        # No registry takes the door: the kernel itself acknowledges what is said there.
        pod = await here.pod("uid-1", subnet(0))
        with await connect(pod, PUBLIC_ADDRESS, 443) as connection:
            await here.replace(WHOLE.endpoint, endpoint(others))
            await here.settled()
            connection.sendall(b"anybody there?")
            with pytest.raises(TimeoutError):
                await until(_arrived(connection), SILENCE)
            await here.replace(WHOLE.endpoint, endpoint(allowed))
            await until(_arrived(connection))


async def test_an_endpoint_that_is_closed_is_silent_and_says_so(here: Agent) -> None:
    """Its allowlist goes with it; opened again, nobody may come."""
    await here.write(*WHOLE.records)
    pod = await here.pod("uid-1", subnet(0))
    await here.until_is(WHOLE.endpoint, lambda held: held.status is EndpointStatus.OPENED)
    before = await seen_from(pod)
    await here.replace(WHOLE.endpoint, changed(WHOLE.endpoint, status=EndpointStatus.CLOSING))
    closed = await here.until_is(WHOLE.endpoint, lambda held: held.status is EndpointStatus.CLOSED)

    assert before == EIP.address
    assert closed.rules == ()
    assert await is_silent(pod)


async def test_an_endpoint_that_is_asked_for_again_is_told_of_again(here: Agent) -> None:
    """Though its door was open all the time."""
    await here.write(*WHOLE.records)
    await here.until_is(WHOLE.endpoint, lambda held: held.status is EndpointStatus.OPENED)
    await here.replace(WHOLE.endpoint, WHOLE.endpoint)
    again = await here.until_is(WHOLE.endpoint, lambda held: held.status is EndpointStatus.OPENED)

    assert again.rules == WHOLE.endpoint.rules


async def test_a_gateway_that_is_deleted_leaves_nothing(here: Agent) -> None:
    """Its record goes when its wire has gone."""
    await here.write(*WHOLE.records)
    pod = await here.pod("uid-1", subnet(0))
    await here.settled()
    before = network_namespace.links(here.names.internet)
    await here.replace(WHOLE.addresses[0], EIP)
    await here.replace(WHOLE.gateways[0], nat_gateway(0, 0, state=NatState.DELETING))
    await here.settled()

    assert before == {"lo", "n-v0n0"}
    assert network_namespace.links(here.names.internet) == {"lo"}
    assert Collection(here.store, kind.NAT_GATEWAY, NatGateway).list() == ()
    assert await is_silent(pod)


async def test_a_gateways_address_is_not_a_way_in(here: Agent) -> None:
    """Nor is the address of nobody."""
    await here.write(*WHOLE.records)
    await here.settled()
    internet = network_namespace.path_of(here.names.internet)

    assert await is_silent(internet, EIP.address)


async def test_a_route_may_lead_to_a_machine_of_the_vpc(here: Agent) -> None:
    """Which takes whatever comes; routes to machines that cannot be are silent."""
    await here.write(subnet(0), subnet(0, 1))
    pods = [await here.pod(f"uid-{number}", subnet(0, number)) for number in (0, 1)]
    machine = here.network.pods.standing()["uid-1"]
    await ip_batch(pods[1].name, ["address add 203.0.113.7/32 dev lo"])
    table = route_table(
        0,
        0,
        route("203.0.113.0/24", GatewayType.NORMAL_CVM, machine),
        changed(route("203.0.113.8/32", GatewayType.NORMAL_CVM, "10.0.9.9"), id=2),
    )
    await here.write(table)
    await here.settled()
    with network_namespace.listen(pods[1].name, "203.0.113.7", 8080) as listening:
        (await connect(pods[0], "203.0.113.7", 8080)).close()
        came = await visitor(listening)

    assert came == here.network.pods.standing()["uid-0"]
    assert await is_silent(pods[0], "203.0.113.8", 8080)


async def test_nobody_is_outside_what_the_vpc_has_inside(here: Agent) -> None:
    """An address of the VPC's range that no subnet has does not go to the gateway."""
    await here.write(*WHOLE.records)
    pod = await here.pod("uid-1", subnet(0))
    await here.settled()
    await ip_batch(here.names.internet, ["address add 10.0.77.1/32 dev lo"])

    assert await is_silent(pod, "10.0.77.1", 80)
