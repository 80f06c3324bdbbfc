"""How a VPC's router chooses the way of a packet, in the kernel's words.

    100    main          inside the VPC, and to the data centre
    500    answers       to who came in by a pod's elastic IP leave by it again
    1000   route tables  the one of the subnet that the packet comes from
    2000   elastic IPs   the pod's own, if it has one
    32767  default       silence

One kernel table for each route table, so that changing a route touches nobody else's. A route to a
gateway that is not there is silence, and not the next best route. A route of type EIP sends the
packet on to the pod's own address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from towline.network.address import DATA_CENTRE, THERE
from towline.network.egress import Egress
from towline.network.model import NetworkModel
from towline.network.name import bridge, nat_link
from towline.network.topology import Lookup, Route, RouteKind
from towline.resource import route_table
from towline.resource.route_table import GatewayType, RouteTable
from towline.resource.vpc import Subnet, Vpc

CAME_IN = 1
"""The mark of answers to connections that came in by a pod's elastic IP."""
_INSIDE, _ANSWERS, _TABLES, _OWN = 100, 500, 1000, 2000
_FIRST_TABLE, _MOST_TABLES = 10_000, 1_000_000_000


@dataclass(frozen=True, slots=True)
class Routing:
    """The routes and lookups of one router, beside what its wires need."""

    routes: frozenset[Route]
    lookups: frozenset[Lookup]


def routing(model: NetworkModel, vpc: Vpc, ways: Sequence[Egress]) -> Routing:
    """Of one VPC, whose ways to the internet are known."""
    subnets = model.subnets_of(vpc.id)
    tables = [table for table in model.route_tables if table.vpc_id == vpc.id]
    numbers = table_numbers([*(table.id for table in tables), *(way.link for way in ways)])
    asked = _Asked(model, vpc, frozenset(way.link for way in ways))
    routes = {Route("default", RouteKind.BLACKHOLE, table="default"), *_nowhere(vpc, subnets)}
    for table in tables:
        routes |= asked.routes(table, numbers[table.id])
    lookups = {Lookup(_INSIDE, "main")}
    for subnet in subnets:
        own = model.table_of(subnet)
        if own is not None and own.id in numbers:
            lookups.add(Lookup(_TABLES, numbers[own.id], link=bridge(subnet.id)))
    for way in (way for way in ways if way.private_ip):
        number = numbers[way.link]
        routes.add(Route("default", via=THERE, link=way.link, table=number))
        lookups.add(Lookup(_ANSWERS, number, source=way.private_ip, mark=CAME_IN))
        lookups.add(Lookup(_OWN, number, source=way.private_ip))
    return Routing(frozenset(routes), frozenset(lookups))


def table_numbers(names: Collection[str]) -> dict[str, str]:
    """A kernel table for each; it follows from the name, so that it needs no record."""
    used = set[int]()
    chosen = dict[str, str]()
    for name in sorted(names):
        number = crc32(name.encode()) % _MOST_TABLES
        while number in used:
            number += 1
        used.add(number)
        chosen[name] = str(_FIRST_TABLE + number)
    return chosen


def _nowhere(vpc: Vpc, subnets: Collection[Subnet]) -> Iterator[Route]:
    """Of the VPC's range, what no subnet has is not outside either."""
    if vpc.cidr not in {str(DATA_CENTRE), *(subnet.cidr for subnet in subnets)}:
        yield Route(vpc.cidr, RouteKind.BLACKHOLE)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the routes of a VPC's tables ask of the kernel."""

    model: NetworkModel
    vpc: Vpc
    standing: frozenset[str]
    """The wires to the internet that there are."""

    def routes(self, table: RouteTable, number: str) -> set[Route]:
        """The enabled routes of a table; of two for one destination the first counts."""
        enabled = [route for route in table.routes if route.enabled]
        firsts = {route.destination: route for route in reversed(enabled)}
        return {self._route(route, number) for route in firsts.values()}

    def _route(self, route: route_table.Route, number: str) -> Route:
        destination = _as_printed(route.destination)
        match route.gateway_type:
            case GatewayType.NAT:
                link, via = nat_link(route.gateway_id), THERE
                if link in self.standing:
                    return Route(destination, via=via, link=link, table=number)
            case GatewayType.EIP:
                return Route(destination, RouteKind.THROW, table=number)
            case GatewayType.NORMAL_CVM:
                home = self.model.subnet_at(self.vpc.id, route.gateway_id)
                if home is not None:
                    link, via = bridge(home.id), route.gateway_id
                    return Route(destination, via=via, link=link, table=number)
        return Route(destination, RouteKind.BLACKHOLE, table=number)


def _as_printed(cidr: str) -> str:
    """As `ip route` prints it."""
    return "default" if cidr == "0.0.0.0/0" else cidr.removesuffix("/32")
