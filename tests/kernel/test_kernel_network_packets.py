"""Inside the machine packets may be large, but not where only little may pass."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest
from msgspec.structs import replace as changed
from tests.egress import WHOLE
from tests.networks import INSTANCE, agent, subnet, swept, vpc

from towline.installation.data_directory import DataDirectory
from towline.linux import network_namespace
from towline.linux.large_packets import LARGE, USUAL
from towline.linux.namespace_socket import SocketMaker
from towline.network.name import bridge, nat_link, port
from towline.resource import kind
from towline.resource.nat_gateway import NatGateway
from towline.store.collection import Collection
from towline.store.store import Store

pytestmark = pytest.mark.root
RTM_GETLINK, REQUEST, GSO_IPV4_MAX_SIZE = 18, 1, 63


def largest(namespace: str, link: str) -> int:
    """How large the TCP packets are that a link takes, by rtnetlink(7)."""

    def ask() -> bytes:
        body = struct.pack("=BxHiII", 0, 0, socket.if_nametoindex(link), 0, 0)
        head = struct.pack("=IHHII", 16 + len(body), RTM_GETLINK, REQUEST, 1, 0)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
            kernel.send(head + body)
            return kernel.recv(65_536)

    said = SocketMaker(network_namespace.path_of(namespace)).inside(ask)[32:]
    while said:
        length, meaning = struct.unpack_from("=HH", said)
        if meaning == GSO_IPV4_MAX_SIZE:
            return int(struct.unpack_from("=I", said, 4)[0])
        said = said[(length + 3) & ~3 :]
    raise AssertionError("this kernel does not tell: it is older than Linux 6.3")


async def test_links_take_large_packets_unless_they_are_limited(tmp_path: Path) -> None:
    """Also when a limit was lifted while the agent was away."""
    gateway = changed(WHOLE.gateways[0], bandwidth=100)
    wire = nat_link(gateway.id)
    with swept(tmp_path) as folder:
        async with agent(folder, INSTANCE, vpc(0), *WHOLE.records) as here:
            await here.pod("uid-1", subnet(0))
            await here.replace(WHOLE.gateways[0], gateway)
            await here.settled()
            names = here.names
            router, pod = names.router("vpc-0"), names.pod("uid-1")
            inside = ((router, bridge(subnet(0).id)), (router, port("uid-1")), (pod, "eth0"))
            ends = ((router, wire), (names.internet, wire))

            assert [largest(*place) for place in inside] == [LARGE] * 3
            assert [largest(*place) for place in ends] == [USUAL] * 2

        async with Store.open(DataDirectory(folder).records) as store:
            gateways = Collection(store, kind.NAT_GATEWAY, NatGateway)
            await gateways.update("vpc-0", gateway.id, lambda _: changed(gateway, bandwidth=0))
        async with agent(folder):
            assert [largest(*place) for place in ends] == [LARGE] * 2
