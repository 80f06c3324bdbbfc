"""The network of an installation, from the pods' side: real packets between real namespaces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from pathlib import Path

import dns.message
import dns.rcode
import msgspec
import pytest
import pytest_asyncio
from tests.networks import (
    INSTANCE,
    PUBLIC_ADDRESS,
    Agent,
    StandInRegistry,
    agent,
    ask,
    connect,
    heard,
    link,
    private_zone,
    subnet,
    swept,
    until,
    visitor,
    vpc,
    zone_record,
)

from towline.linux import network_namespace
from towline.linux.command import ip_batch
from towline.network.address import RESOLVERS, TRANSIT
from towline.problem import Problem
from towline.resource import kind
from towline.resource.instance import Instance, InstanceStatus
from towline.resource.link import LinkStatus
from towline.store.collection import Collection

pytestmark = pytest.mark.root
SILENCE = (
    0.7  # seconds after which a dial counts as unanswered; a refusal comes within microseconds
)
FIRST = (INSTANCE, vpc(0), subnet(0))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for agents."""
    with swept(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def here(folder: Path) -> AsyncIterator[Agent]:
    """An agent with one VPC, one subnet and one instance."""
    async with agent(folder, *FIRST) as made:
        yield made


async def name_in(pod: Path, name: str, server: str = RESOLVERS[0]) -> str:
    """What a name means in a pod."""
    question = dns.message.make_query(name, "A")
    answer = dns.message.from_wire(await ask(pod, server, question.to_wire()))
    found = [str(record) for rrset in answer.answer for record in rrset]
    return ",".join(found) or dns.rcode.to_text(answer.rcode())


async def test_a_pod_reaches_the_data_centre(here: Agent) -> None:
    """By the router's own address, because VPCs may have the same ranges."""
    pod = await here.pod("uid-1", subnet(0))
    listening = network_namespace.listen(here.names.data_centre, "10.16.100.174", 5000)
    with listening, await connect(pod, "10.16.100.174", 5000):
        address = await visitor(listening)

    assert ip_address(address) in TRANSIT


@pytest.mark.parametrize(
    ("address", "port"),
    [
        pytest.param(PUBLIC_ADDRESS, 443, id="an-instance's-public-address"),
        pytest.param("198.18.99.99", 80, id="anywhere-in-the-internet"),
        pytest.param("10.0.0.200", 443, id="an-address-of-the-subnet-that-nobody-has"),
        pytest.param("10.0.77.1", 443, id="a-subnet-that-is-not"),
        pytest.param("100.64.7.7", 443, id="another-router"),
    ],
)
async def test_packets_without_a_way_get_no_answer(here: Agent, address: str, port: int) -> None:
    """Not even that there is no way: a dial times out."""
    pod = await here.pod("uid-1", subnet(0))
    with pytest.raises(TimeoutError):
        await connect(pod, address, port, SILENCE)


async def test_pods_of_a_vpc_reach_each_other_and_those_of_another_do_not(here: Agent) -> None:
    """Though both VPCs have the same ranges, and the same addresses in them."""
    await here.write(subnet(0, 1), vpc(1), subnet(1), subnet(1, 1))
    pods = [await here.pod(f"uid-{number}", subnet(0, number)) for number in (0, 1)]
    strangers = [await here.pod(f"other-{number}", subnet(1, number)) for number in (0, 1)]
    address = here.network.pods.standing()["uid-1"]
    same = here.network.pods.standing()["other-1"]
    with network_namespace.listen(pods[1].name, address, 8080) as listening:
        with await connect(pods[0], address, 8080):
            seen = await visitor(listening)
        with pytest.raises(ConnectionRefusedError):
            await connect(strangers[0], address, 8080)

    assert seen == here.network.pods.standing()["uid-0"]
    assert address == same


async def test_a_link_is_a_way_to_the_registry_that_shows_who_comes(
    here: Agent, folder: Path
) -> None:
    """The door is in the subnet, and the registry sees the pod's own address."""
    pod = await here.pod("uid-1", subnet(0))
    async with StandInRegistry(folder).serving():
        await here.write(link(0))
        address = await here.access_ip()
        seen = await heard(await connect(pod, address, 443))

    assert seen == here.network.pods.standing()["uid-1"]
    assert {address, seen} == here.addresses


async def test_a_link_is_not_told_of_before_the_registry_answers_at_its_door(
    here: Agent, folder: Path
) -> None:
    """So that nobody switches names to an address where nobody is."""
    await here.write(link(0))

    async def listens() -> bool:
        """Whether the agent holds a door open at the address it has taken."""
        try:
            (taken,) = here.addresses
            (await connect(router, taken, 443)).close()
        except (ValueError, OSError):
            return False
        return True

    router = network_namespace.path_of(here.names.router("vpc-0"))
    await until(listens)
    (waiting,) = here.links.list()
    async with StandInRegistry(folder).serving():
        address = await here.access_ip()

    assert (waiting.status, waiting.access_ip) == (LinkStatus.CREATING, "")
    assert {address} == here.addresses


async def test_two_vpcs_are_linked_to_one_instance(here: Agent, folder: Path) -> None:
    """Each by an address of its own subnet, which may be the same."""
    registry = StandInRegistry(folder)
    await here.write(vpc(1), subnet(1))
    pods = [await here.pod(f"uid-{number}", subnet(number)) for number in (0, 1)]
    async with registry.serving():
        await here.write(link(0), link(1))
        addresses = [await here.access_ip(number) for number in (0, 1)]
        seen = [
            await heard(await connect(pod, address, 443))
            for pod, address in zip(pods, addresses, strict=True)
        ]
        doors = dict(registry.doors)

    assert seen == list(here.network.pods.standing().values())
    assert doors == {"tcr-1/vpc-0": "tcr-1", "tcr-1/vpc-1": "tcr-1"}


async def test_who_dials_while_the_registry_starts_anew_waits(here: Agent, folder: Path) -> None:
    """The agent keeps the doors open."""
    pod = await here.pod("uid-1", subnet(0))
    registry = StandInRegistry(folder)
    async with registry.serving():
        await here.write(link(0))
        address = await here.access_ip()
        await heard(await connect(pod, address, 443))
    waiting = await connect(pod, address, 443)
    async with registry.serving():
        seen = await heard(waiting)

    assert seen == here.network.pods.standing()["uid-1"]


async def test_names_follow_the_records(here: Agent, folder: Path) -> None:
    """The public address until resolution is switched on, at both resolvers."""
    pod = await here.pod("uid-1", subnet(0))
    domain, vpc_domain = INSTANCE.domain, INSTANCE.vpc_domain
    async with StandInRegistry(folder).serving():
        before = await name_in(pod, domain)
        await here.write(link(0))
        address = await here.access_ip()
        linked = [await name_in(pod, name) for name in (domain, vpc_domain)]
        zone = private_zone(domain.partition(".")[2], vpc(0))
        records = [zone_record(zone, name, address) for name in ("demo", "demo-vpc")]
        await here.write(zone, *records)

        async def switched() -> bool:
            return await name_in(pod, domain) != PUBLIC_ADDRESS

        await until(switched)
        after = [
            await name_in(pod, name, server)
            for name in (domain.upper(), vpc_domain)
            for server in RESOLVERS
        ]

    assert before == PUBLIC_ADDRESS
    assert linked == [PUBLIC_ADDRESS, "NXDOMAIN"]
    assert after == [address] * 4


async def test_a_link_that_is_deleted_leaves_nothing(here: Agent, folder: Path) -> None:
    """Its door is closed, its address is free and silent, its record is gone."""
    pod = await here.pod("uid-1", subnet(0))
    registry = StandInRegistry(folder)
    async with registry.serving():
        await here.write(link(0))
        address = await here.access_ip()
        await here.links.update(
            "vpc-0",
            INSTANCE.id,
            lambda held: msgspec.structs.replace(held, status=LinkStatus.DELETING),
        )
        await here.link_until(lambda links: not links)
        with pytest.raises(TimeoutError):
            await connect(pod, address, 443, SILENCE)

        async def told() -> bool:
            return not registry.doors

        await until(told)

    assert here.addresses == {here.network.pods.standing()["uid-1"]}


async def test_the_links_of_an_instance_that_is_gone_go_too(here: Agent, folder: Path) -> None:
    """Also when nobody had told them."""
    instances = Collection(here.store, kind.INSTANCE, Instance)
    async with StandInRegistry(folder).serving():
        await here.write(link(0))
        await here.access_ip()
        await instances.delete("", INSTANCE.id)
        await here.link_until(lambda links: not links)

    assert here.addresses == frozenset()


async def test_pods_and_links_outlive_the_agent(folder: Path) -> None:
    """Connections between pods go on, addresses stay, and the door opens again."""
    async with StandInRegistry(folder).serving():
        async with agent(folder, *FIRST, link(0)) as first:
            address = await first.access_ip()
            pods = [await first.pod(f"uid-{number}", subnet(0)) for number in (0, 1)]
            standing = dict(first.network.pods.standing())
            listening = network_namespace.listen(pods[0].name, standing["uid-0"], 8080)
            connection = await connect(pods[1], standing["uid-0"], 8080)
            accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
        async with agent(folder) as second:
            again = await second.access_ip()
            accepted.sendall(b"still here")
            accepted.close()
            told = await heard(connection)
            listening.close()
            seen = await heard(await connect(pods[1], again, 443))
            after = dict(second.network.pods.standing())

    assert (again, after, told) == (address, standing, "still here")
    assert seen == standing["uid-1"]


async def test_half_a_pod_is_removed_by_the_next_agent(folder: Path) -> None:
    """Its namespace is not whole, or nobody has a claim for it."""
    async with agent(folder, *FIRST) as first:
        for uid in ("whole", "half", "lost"):
            await first.pod(uid, subnet(0))
        whole = first.network.pods.standing()["whole"]
        await ip_batch(first.names.pod("half"), ["route delete default"])
        network_namespace.delete(first.names.pod("lost"))
        network_namespace.create(first.names.pod("unknown"))
    async with agent(folder) as second:
        standing = dict(second.network.pods.standing())
        again = await second.network.pods.attach("half", subnet(0).id)
        left = network_namespace.names(second.names.pod(""))

    assert standing == {"whole": whole}
    assert again != whole
    assert left == {second.names.pod("whole"), second.names.pod("half")}


async def test_attaching_twice_is_the_same_as_once(here: Agent) -> None:
    """And after detaching, twice as well, nothing is left."""
    address = await here.network.pods.attach("uid-1", subnet(0).id)
    again = await here.network.pods.attach("uid-1", subnet(0).id)
    for _ in range(2):
        await here.network.pods.detach("uid-1")

    assert address == again
    assert here.network.pods.standing() == {}
    assert here.addresses == frozenset()
    assert network_namespace.names(here.names.pod("")) == frozenset()
    assert not any(
        each.startswith("p-") for each in network_namespace.links(here.names.router("vpc-0"))
    )


async def test_many_pods_come_and_go_at_once(here: Agent) -> None:
    """Each has an address of its own, and all of them reach the router."""
    uids = [f"uid-{number}" for number in range(40)]
    async with asyncio.TaskGroup() as tasks:
        attached = [tasks.create_task(here.network.pods.attach(uid, subnet(0).id)) for uid in uids]
    addresses = {task.result() for task in attached}
    for uid in uids[::8]:
        pod = here.network.pods.namespace_path(uid)
        assert await name_in(pod, INSTANCE.domain) == PUBLIC_ADDRESS
    async with asyncio.TaskGroup() as tasks:
        for uid in uids:
            tasks.create_task(here.network.pods.detach(uid))

    assert len(addresses) == len(uids)
    assert here.addresses == frozenset()


async def test_a_pod_that_takes_over_an_address_is_reached_at_once(here: Agent) -> None:
    """The neighbours' memory of the one before it does not matter."""
    other = await here.pod("other", subnet(0))
    addresses = set[str]()
    for number in range(3):
        uid = f"uid-{number}"
        pod = await here.pod(uid, subnet(0))
        address = here.network.pods.standing()[uid]
        with network_namespace.listen(pod.name, address, 8080):
            (await connect(other, address, 8080, 0.9)).close()
        addresses.add(address)
        await here.network.pods.detach(uid)

    assert len(addresses) == 1


async def test_a_full_subnet_refuses_the_next_pod_and_says_why(here: Agent) -> None:
    """Five addresses of eight are for pods and links."""
    small = subnet(0, 1, "10.0.1.0/29")
    await here.write(small)
    for number in range(5):
        await here.pod(f"uid-{number}", small)
    with pytest.raises(Problem) as refused:
        await here.pod("uid-5", small)
    await here.network.pods.detach("uid-2")
    await here.pod("uid-5", small)

    assert refused.value.code == "subnet-full"
    assert "uid-5" in here.network.pods.standing()


async def test_what_somebody_else_removed_is_made_anew(here: Agent, folder: Path) -> None:
    """A router with its door and its resolver; the next change of anything brings them back."""
    async with StandInRegistry(folder).serving():
        await here.write(link(0))
        address = await here.access_ip()
        network_namespace.delete(here.names.router("vpc-0"))
        await here.write(subnet(0, 1))
        pod = await here.pod("uid-1", subnet(0, 1))
        seen = await heard(await connect(pod, address, 443))
        meant = await name_in(pod, INSTANCE.domain)

    assert seen == here.network.pods.standing()["uid-1"]
    assert meant == PUBLIC_ADDRESS


async def test_a_bridge_that_was_made_anew_has_its_pods_again(here: Agent) -> None:
    """They are plugged in where they were."""
    pod = await here.pod("uid-1", subnet(0))
    await ip_batch(here.names.router("vpc-0"), ["link delete b-v0n0"])
    await here.write(subnet(0, 1))
    await here.pod("uid-2", subnet(0, 1))

    assert await name_in(pod, INSTANCE.domain) == PUBLIC_ADDRESS


async def test_an_instance_that_is_not_ready_yet_keeps_its_link_waiting_for_nothing(
    here: Agent, folder: Path
) -> None:
    """A link does not ask for the instance's state: its door is the registry's business."""
    instances = Collection(here.store, kind.INSTANCE, Instance)
    await instances.update(
        "",
        INSTANCE.id,
        lambda held: msgspec.structs.replace(held, status=InstanceStatus.PENDING),
    )
    async with StandInRegistry(folder).serving():
        await here.write(link(0))

        assert await here.access_ip()
