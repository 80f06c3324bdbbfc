"""The network of an installation: which namespaces there should be, from the cloud's resources.

    pod ── router of its VPC ── data centre          internet
            │ subnets' bridges, resolvers,
            │ access addresses of links

The router knows its VPC and the data centre; all else it drops without a word, as a cloud does with
packets that have no way out. Pods have the router as their only neighbour (an address of their own
with a prefix of 32), so that an address of the subnet that nobody has is silent, too. Packets into
the data centre leave with the router's own address, because VPCs may have the same ranges.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from towline.network.address import (
    DATA_CENTRE,
    PUBLIC,
    RESOLVERS,
    TRANSIT,
    gateway,
    hardware_address,
    transit_addresses,
)
from towline.network.name import (
    LOOPBACK,
    POD_LINK,
    ROUTERS,
    TO_DATA_CENTRE,
    Names,
    bridge,
    port,
    trunk,
)
from towline.network.topology import (
    End,
    LinkAddress,
    Namespace,
    Route,
    RouteKind,
    Topology,
    Wire,
)
from towline.resource.link import Link
from towline.resource.vpc import Subnet, Vpc

_SILENT_DEFAULT = Route("default", RouteKind.BLACKHOLE)
_PREFIX = TRANSIT.prefixlen
# The router says "unreachable" of nothing, its own subnets included: a cloud's network is silent.
_ROUTER_RULES = f"""
chain leaving {{
  type nat hook postrouting priority srcnat; policy accept;
  oifname "{TO_DATA_CENTRE}" masquerade
}}
chain answering {{
  type filter hook output priority filter; policy accept;
  icmp type destination-unreachable icmp code 0-1 drop
}}
"""


@dataclass(frozen=True, slots=True)
class CloudNetwork:
    """The resources that have a shape."""

    vpcs: Collection[Vpc]
    subnets: Collection[Subnet]
    links: Collection[Link]


def layout(names: Names, network: CloudNetwork) -> Topology:
    """Everything but the pods."""
    transit = transit_addresses([vpc.id for vpc in network.vpcs])
    namespaces = {names.internet: _internet(), names.data_centre: _data_centre()}
    namespaces |= {names.router(vpc.id): _router(vpc, network, transit) for vpc in network.vpcs}
    wires = frozenset(
        Wire(
            End(names.router(vpc.id), TO_DATA_CENTRE),
            End(names.data_centre, trunk(vpc.id), ROUTERS),
        )
        for vpc in network.vpcs
    )
    return Topology(namespaces, wires)


def pod_topology(names: Names, uid: str, subnet: Subnet, address: str) -> Topology:
    """One pod, plugged into its subnet."""
    first = gateway(subnet.cidr)
    namespace = Namespace(
        addresses=frozenset({LinkAddress(POD_LINK, f"{address}/32")}),
        routes=frozenset(
            {Route(first, link=POD_LINK), Route("default", via=first, link=POD_LINK)},
        ),
        tolerant=True,
    )
    wire = Wire(
        End(names.router(subnet.vpc_id), port(uid), bridge(subnet.id)),
        End(names.pod(uid), POD_LINK, hardware=hardware_address(address)),
    )
    return Topology({names.pod(uid): namespace}, frozenset({wire}))


def _router(vpc: Vpc, network: CloudNetwork, transit: Mapping[str, str]) -> Namespace:
    subnets = [subnet for subnet in network.subnets if subnet.vpc_id == vpc.id]
    access = [link.access_ip for link in network.links if link.vpc_id == vpc.id and link.access_ip]
    own = {
        LinkAddress(bridge(subnet.id), _with_prefix(gateway(subnet.cidr), subnet.cidr))
        for subnet in subnets
    }
    own |= {LinkAddress(LOOPBACK, f"{address}/32") for address in (*RESOLVERS, *access)}
    own.add(LinkAddress(TO_DATA_CENTRE, f"{transit[vpc.id]}/32"))
    there = str(TRANSIT[1])
    return Namespace(
        forwards=True,
        bridges=frozenset(bridge(subnet.id) for subnet in subnets),
        addresses=frozenset(own),
        routes=frozenset(
            {
                _SILENT_DEFAULT,
                Route(there, link=TO_DATA_CENTRE),
                Route(str(DATA_CENTRE), via=there, link=TO_DATA_CENTRE),
            }
        ),
        rules=_ROUTER_RULES,
    )


def _data_centre() -> Namespace:
    """Whoever listens at any address of its range inside is reachable there."""
    return Namespace(
        tolerant=True,
        bridges=frozenset({ROUTERS}),
        addresses=frozenset({LinkAddress(ROUTERS, f"{TRANSIT[1]}/{_PREFIX}")}),
        routes=frozenset({Route(str(DATA_CENTRE), RouteKind.LOCAL, link=LOOPBACK)}),
    )


def _internet() -> Namespace:
    """All public addresses. Nothing leads here as long as no VPC has a NAT gateway."""
    return Namespace(
        tolerant=True,
        routes=frozenset({Route(str(PUBLIC), RouteKind.LOCAL, link=LOOPBACK)}),
    )


def _with_prefix(address: str, cidr: str) -> str:
    return f"{address}/{cidr.partition('/')[2]}"
