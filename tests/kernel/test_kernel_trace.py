"""Traces and the kernel agree: networks are built of records, and real packets are sent through them.

Whoever a trace says is reached is reached, and sees the address that the trace says. Whoever it says
is not reached hears nothing; the sender is told so only where the trace says that nothing listens.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed
from tests.networks import connect, heard, installation
from tests.unit.network.models import INSTANCE, elastic_ip, interface, nat_gateway, networks, subnet
from tests.unit.network.traces import NEIGHBOUR, OMISSIONS, POD, WHOLE, endpoint

from towline.linux import network_namespace
from towline.linux.command import nft_load
from towline.linux.network_apply import apply
from towline.linux.network_seen import look
from towline.network.address import RESOLVERS
from towline.network.layout import layout, pod_topology
from towline.network.model import NetworkModel
from towline.network.name import Names
from towline.network.plan import plan
from towline.network.security import security_rules
from towline.network.trace import trace
from towline.network.trace_hop import Packet, Reach, Trace
from towline.network.trace_stop import REFUSING
from towline.resource.network_interface import NetworkInterface
from towline.resource.security_group import SecurityGroup, SecurityRule, Verdict

pytestmark = pytest.mark.root
PATIENCE = 5.0  # seconds for what should come
SILENCE = 0.7  # seconds after which a dial counts as unanswered; a SYN is repeated only after one
PORTS = (53, 443, 8080)
ELSEWHERE, IN_DATA_CENTRE = "198.18.77.1", "10.16.3.4"
DESTINATIONS = (
    *(INSTANCE.public_address, ELSEWHERE, IN_DATA_CENTRE, RESOLVERS[1], "10.0.1.1", "10.0.0.7"),
    *("10.0.0.20", "10.0.1.20", "10.0.2.20", "10.0.2.99", "10.0.77.7", "203.0.113.9"),
    *("198.19.0.10", "198.19.0.11", "198.19.0.12", "198.19.0.13"),
)
TAKING_ALL = """
table ip test-taking-all {
  chain arriving {
    type nat hook prerouting priority dstnat; policy accept;
    redirect
  }
}
"""
"""A machine takes in whatever it is handed: routes may lead to it."""
EXAMPLES = 15
TAKING_TURNS = 6  # packets of an example that are tried with every address of their gateway


@dataclass(frozen=True, slots=True)
class Built:
    """A network in the kernel, in which everybody who is there listens and says who comes."""

    names: Names
    model: NetworkModel

    async def outcome(self, packet: Packet) -> str:
        """As whom the sender was seen; `silence` or `refusal` where it was not.

        What should come, be it a refusal, is given its time: the first packets find the wires
        hardly switched on.
        """
        expected = trace(self.model, packet)
        is_answered = expected.reach is Reach.ALWAYS or expected.stop in REFUSING
        patience = PATIENCE if is_answered else SILENCE
        home = self.model.subnet(packet.subnet_id)
        assert home is not None
        sender = self.model.interface_at(home.vpc_id, packet.source)
        assert sender is not None
        pod = network_namespace.path_of(self.names.pod(sender.pod_uid))
        try:
            made = await connect(pod, packet.destination, packet.port, patience)
            return await heard(made, PATIENCE)
        except TimeoutError:
            return "silence"
        except ConnectionRefusedError:
            return "refusal"

    async def disagreements(self, packets: Sequence[Packet]) -> list[str]:
        """Packets that went another way than their traces say."""
        traces = {packet: trace(self.model, packet) for packet in packets}
        arriving = [packet for packet in packets if traces[packet].reach is not Reach.NEVER]
        found = await self._all_at_once([one for one in arriving if turns(traces[one]) == 1])
        several = [packet for packet in arriving if turns(traces[packet]) > 1]
        for packet in several[:TAKING_TURNS]:
            found[packet] = [await self.outcome(packet) for _ in range(turns(traces[packet]))]
        found |= await self._all_at_once(
            [packet for packet in packets if traces[packet].reach is Reach.NEVER]
        )
        return [
            f"{packet}: {outcomes}, but {traces[packet]}"
            for packet, outcomes in found.items()
            if not agrees(traces[packet], outcomes)
        ]

    async def _all_at_once(self, packets: Sequence[Packet]) -> dict[Packet, list[str]]:
        outcomes = await asyncio.gather(*map(self.outcome, packets))
        return {packet: [one] for packet, one in zip(packets, outcomes, strict=True)}


def turns(found: Trace) -> int:
    """How many addresses take turns at being the packet's."""
    return max(len(hop.sources) for hop in found.hops)


def agrees(found: Trace, outcomes: Sequence[str]) -> bool:
    """Whether what happened each time is what the trace says."""
    seen = {one for one in outcomes if one not in {"silence", "refusal"}}
    if found.reach is Reach.NEVER:
        return set(outcomes) == {"refusal" if found.stop in REFUSING else "silence"}
    return seen == set(found.hops[-1].sources) and len(seen) == sum(
        map(seen.__contains__, outcomes)
    )


@asynccontextmanager
async def built(names: Names, model: NetworkModel) -> AsyncIterator[Built]:
    """Build what the records say, with listeners in all places, for the length of the block."""
    await apply(plan(layout(names, model), await look(network_namespace.names(names.prefix))))
    for one in model.interfaces:
        await attach(names, model, one)
    async with AsyncExitStack() as open_doors:
        for made in doors(names, model):
            server = await asyncio.start_server(tell_who_comes, sock=made)
            await open_doors.enter_async_context(server)
        yield Built(names, model)


async def attach(names: Names, model: NetworkModel, one: NetworkInterface) -> None:
    """Plug a pod in, with its security groups."""
    home = model.subnet(one.subnet_id)
    assert home is not None
    await apply(plan(pod_topology(names, one.pod_uid, home, one.private_ip), {}))
    rules = TAKING_ALL
    if one.security_group_ids:
        groups = filter(None, map(model.security_group, one.security_group_ids))
        rules += f"table inet pod-security {{\n{security_rules(list(groups))}\n}}\n"
    await nft_load(names.pod(one.pod_uid), rules)


def doors(names: Names, model: NetworkModel) -> Iterator[socket.socket]:
    """A listener wherever somebody is."""
    for port in PORTS:
        yield network_namespace.listen(names.data_centre, IN_DATA_CENTRE, port)
        for address in (ELSEWHERE, INSTANCE.public_address):
            yield network_namespace.listen(names.internet, address, port)
        for one in model.interfaces:
            yield network_namespace.listen(names.pod(one.pod_uid), "0.0.0.0", port)
    for vpc in model.vpcs:
        yield network_namespace.listen(names.router(vpc.id), RESOLVERS[1], 53)
    for link in model.links:
        yield network_namespace.listen(names.router(link.vpc_id), link.access_ip, 443)


async def tell_who_comes(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say the address of the other side, and hang up."""
    writer.write(str(writer.get_extra_info("peername")[0]).encode())
    writer.close()


RULES = st.builds(
    SecurityRule,
    protocol=st.sampled_from(["TCP", "TCP", "UDP", "ICMP"]),
    ports=st.just("ALL"),
    cidr=st.sampled_from(["0.0.0.0/0", "198.18.0.0/15", "198.18.0.10/32", "10.0.0.0/24"]),
    action=st.sampled_from(Verdict),
) | st.builds(
    SecurityRule,
    protocol=st.just("TCP"),
    ports=st.sampled_from(["443", "53,443", "400-9000"]),
    cidr=st.sampled_from(["0.0.0.0/0", "10.0.0.0/16", "198.19.0.10/32"]),
    action=st.sampled_from(Verdict),
)


@st.composite
def guarded_networks(draw: st.DrawFn) -> NetworkModel:
    """Networks of which some pods are in security groups; one of these is not there."""
    model = draw(networks())
    lists = st.lists(RULES, max_size=3).map(tuple)
    groups = tuple(
        SecurityGroup(
            id=f"sg-{number}", name="", ingress=draw(lists), egress=draw(lists), created_at=""
        )
        for number in range(2)
    )
    ids = st.lists(st.sampled_from(["sg-0", "sg-1", "sg-no"]), unique=True, max_size=2)
    guarded = st.just(()) | ids.map(tuple)
    interfaces = tuple(changed(one, security_group_ids=draw(guarded)) for one in model.interfaces)
    return replace(model, interfaces=interfaces, security_groups=groups)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(guarded_networks(), st.randoms(use_true_random=False))
def test_traces_and_the_kernel_agree_on_who_is_reached(
    model: NetworkModel, chance: random.Random
) -> None:
    """In any network: within a VPC, between them, out of it and in again."""
    every = [
        Packet(subnet_id=one.subnet_id, source=one.private_ip, destination=to, port=port)
        for one in model.interfaces
        for to in DESTINATIONS
        for port in PORTS
    ]
    packets = chance.sample(every, min(len(every), 150))

    async def differing() -> list[str]:
        with installation() as names:
            async with built(names, model) as network:
                return await network.disagreements(packets)

    assert asyncio.run(differing()) == []


FAR = interface(subnet(0, 1), 0)
CROWDED = replace(
    WHOLE,
    subnets=(subnet(0, 0), subnet(0, 1, "rtb-v0n1")),
    nat_gateways=(nat_gateway(0, 0, 0, 1),),
    elastic_ips=(
        *(elastic_ip(number, "nat-v0n0") for number in (0, 1)),
        elastic_ip(2, NEIGHBOUR.id, NEIGHBOUR.private_ip),
        elastic_ip(3, FAR.id, FAR.private_ip),
    ),
    interfaces=(POD, NEIGHBOUR, FAR),
    public_endpoints=(endpoint("198.19.0.10/32", "198.19.0.13/32"),),
)
"""A gateway with two addresses, of which one is admitted, and pods with addresses of their own."""


async def test_traces_and_the_kernel_agree_where_public_addresses_meet() -> None:
    """Turn by turn at a gateway, and from each elastic IP to each, also to one's own."""
    packets = [
        Packet(subnet_id=one.subnet_id, source=one.private_ip, destination=to, port=443)
        for one in CROWDED.interfaces
        for to in DESTINATIONS
    ]
    with installation() as names:
        async with built(names, CROWDED) as network:
            differing = await network.disagreements(packets)

    assert differing == []
    assert Reach.SOMETIMES in {trace(CROWDED, packet).reach for packet in packets}


@pytest.mark.parametrize("omission", OMISSIONS)
async def test_what_is_left_out_of_the_recipe_is_a_timeout_and_is_named(omission: str) -> None:
    """By its own name; with it, there is an answer."""
    model, stop = OMISSIONS[omission]
    packet = Packet(
        subnet_id=POD.subnet_id, source=POD.private_ip, destination=INSTANCE.public_address
    )
    with installation() as names:
        async with built(names, model) as network:
            outcome = await network.outcome(packet)

    assert (outcome, trace(model, packet).stop) == ("silence", stop)


async def test_the_whole_recipe_leads_to_the_registry_as_traced() -> None:
    """Which sees the elastic IP of the gateway."""
    packet = Packet(
        subnet_id=POD.subnet_id, source=POD.private_ip, destination=INSTANCE.public_address
    )
    with installation() as names:
        async with built(names, WHOLE) as network:
            outcome = await network.outcome(packet)

    assert (outcome,) == trace(WHOLE, packet).hops[-1].sources
