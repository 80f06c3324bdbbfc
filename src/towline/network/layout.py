"""The network of an installation: which namespaces there should be, from the cloud's resources.

    pod ── router of its VPC ── data centre
            │ │ subnets' bridges, resolvers,
            │ │ access addresses of links
            │ │
            │ ╰── one wire for each NAT gateway ── internet
            ╰──── one for each pod's elastic IP ─────╯ public doors of instances

The router knows its VPC and the data centre; beyond them it goes by the route table of the subnet
(see `routing`), and what has no way it drops without a word, as a cloud does. Pods have the router as
their only neighbour (an address of their own with a prefix of 32), so that an address of the subnet
that nobody has is silent, too. Packets into the data centre leave with the router's own address, and
the internet sends each elastic IP back down its wire, so that VPCs with the same ranges never meet.
"""

from __future__ import annotations

from collections.abc import Sequence

from towline.network.address import (
    DATA_CENTRE,
    HERE,
    PUBLIC,
    RESOLVERS,
    THERE,
    TRANSIT,
    gateway,
    hardware_address,
    transit_addresses,
)
from towline.network.egress import Egress, egresses
from towline.network.model import NetworkModel
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
from towline.network.routing import routing
from towline.network.ruleset import internet_rules, router_rules
from towline.network.topology import (
    End,
    LinkAddress,
    Namespace,
    Route,
    RouteKind,
    Topology,
    Wire,
)
from towline.resource.vpc import Subnet, Vpc

_PREFIX = TRANSIT.prefixlen


def layout(names: Names, model: NetworkModel) -> Topology:
    """Everything but the pods."""
    transit = transit_addresses([vpc.id for vpc in model.vpcs])
    ways = egresses(model)
    namespaces = {names.internet: _internet(model, ways), names.data_centre: _data_centre()}
    wires = set[Wire]()
    for vpc in model.vpcs:
        router = names.router(vpc.id)
        own = [way for way in ways if way.vpc_id == vpc.id]
        namespaces[router] = _router(model, vpc, transit[vpc.id], own)
        trunk_end = End(names.data_centre, trunk(vpc.id), ROUTERS)
        wires.add(Wire(End(router, TO_DATA_CENTRE), trunk_end))
        wires |= {Wire(End(router, way.link), End(names.internet, way.link)) for way in own}
    return Topology(namespaces, frozenset(wires))


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


def _router(model: NetworkModel, vpc: Vpc, transit: str, ways: Sequence[Egress]) -> Namespace:
    subnets = model.subnets_of(vpc.id)
    access = [link.access_ip for link in model.links if link.vpc_id == vpc.id and link.access_ip]
    own = {
        LinkAddress(bridge(subnet.id), _with_prefix(gateway(subnet.cidr), subnet.cidr))
        for subnet in subnets
    }
    here = (*RESOLVERS, *access, *([HERE] if ways else []))
    own |= {LinkAddress(LOOPBACK, f"{address}/32") for address in here}
    own.add(LinkAddress(TO_DATA_CENTRE, f"{transit}/32"))
    there = str(TRANSIT[1])
    ways_inside = {
        Route(there, link=TO_DATA_CENTRE),
        Route(str(DATA_CENTRE), via=there, link=TO_DATA_CENTRE),
    }
    chosen = routing(model, vpc, ways)
    return Namespace(
        forwards=True,
        bridges=frozenset(bridge(subnet.id) for subnet in subnets),
        addresses=frozenset(own),
        routes=chosen.routes | ways_inside,
        lookups=chosen.lookups,
        rules=router_rules(ways),
    )


def _data_centre() -> Namespace:
    """Whoever listens at any address of its range inside is reachable there."""
    return Namespace(
        tolerant=True,
        bridges=frozenset({ROUTERS}),
        addresses=frozenset({LinkAddress(ROUTERS, f"{TRANSIT[1]}/{_PREFIX}")}),
        routes=frozenset({Route(str(DATA_CENTRE), RouteKind.LOCAL, link=LOOPBACK)}),
    )


def _internet(model: NetworkModel, ways: Sequence[Egress]) -> Namespace:
    """All public addresses: those that lead down a wire, and whoever listens at the others."""
    down = {
        # Among the local ones, because these are asked first.
        Route(address, via=HERE, link=way.link, table="local")
        for way in ways
        for address in way.addresses
    }
    silence = Route("default", RouteKind.BLACKHOLE, table="default")
    return Namespace(
        forwards=True,
        tolerant=True,
        addresses=frozenset({LinkAddress(LOOPBACK, f"{THERE}/32")}),
        routes=frozenset({Route(str(PUBLIC), RouteKind.LOCAL, link=LOOPBACK), silence, *down}),
        rules=internet_rules(model, ways),
    )


def _with_prefix(address: str, cidr: str) -> str:
    return f"{address}/{cidr.partition('/')[2]}"
