"""How a pull comes to its registry, by the records of the network: names, the way, the way out."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from towline.diagnosis.plane import WayOut
from towline.network.address import RESOLVERS
from towline.network.model import NetworkModel, best_route
from towline.network.trace import trace
from towline.network.trace_hop import Packet, Trace
from towline.network.trace_name import INTERNET, Resolution, resolution
from towline.resource.network_interface import NetworkInterface
from towline.resource.route_table import Route
from towline.resource.vpc import Subnet


@dataclass(frozen=True, slots=True)
class Start:
    """Where a pull begins."""

    subnet_id: str
    """Empty for somewhere outside of all VPCs."""
    source: str
    """The pod's private address; empty for any machine of the subnet."""
    resolver: str
    """Whom the pod asks for names, where that is not its VPC's resolver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What the records say of it; whatever cannot be said is None or empty."""

    resolution: Resolution | None = None
    address: str = ""
    trace: Trace | None = None
    way_out: WayOut | None = None
    vpc_id: str = ""


def way_of(model: NetworkModel, start: Start, host: str, port: int) -> Way:
    """The way from a place to a host."""
    subnet = model.subnet(start.subnet_id)
    if subnet is None:
        return Way()
    named = None if _is_address(host) else _named(model, subnet, start, host)
    address = host if _is_address(host) else next(iter(named.addresses if named else ()), "")
    packet = Packet(subnet_id=subnet.id, source=start.source, destination=address, port=port)
    return Way(
        resolution=named,
        address=address,
        trace=trace(model, packet) if address else None,
        way_out=_way_out(model, subnet, start.source, address),
        vpc_id=subnet.vpc_id,
    )


def _named(model: NetworkModel, subnet: Subnet, start: Start, host: str) -> Resolution | None:
    own = start.resolver in {"", *RESOLVERS}
    try:
        return resolution(model, subnet.vpc_id if own else INTERNET, host)
    except ValueError:
        return None


def _way_out(model: NetworkModel, subnet: Subnet, source: str, address: str) -> WayOut:
    table = model.table_of(subnet)
    route = best_route(table.routes, address) if table and address else None
    gateways = tuple(one for one in model.nat_gateways if one.vpc_id == subnet.vpc_id)
    pod = model.interface_at(subnet.vpc_id, source)
    own = _own_ip(model, pod)
    used = [one for one in gateways if route is not None and route.gateway_id == one.id]
    shared = tuple(eip.address for one in used for eip in model.addresses_of(one))
    return WayOut(
        route_table_id=table.id if table else "",
        route=_words(route) if route else "",
        nat_gateway_ids=tuple(one.id for one in gateways),
        public_ips=shared or ((own,) if own else ()),
        own_ip=own,
        security_groups=pod.security_group_ids if pod else (),
    )


def _own_ip(model: NetworkModel, pod: NetworkInterface | None) -> str:
    own = model.elastic_ip_of(pod) if pod else None
    return own.address if own else ""


def _words(route: Route) -> str:
    return f"{route.destination} → {route.gateway_id or route.gateway_type.value}"


def _is_address(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True
