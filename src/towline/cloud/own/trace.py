"""TracePacket: where a packet from a pod goes, and which rule or omission stops it.

It follows from the records alone, so it is answered at once, for pods that wait in vain and for
machines that are not there yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.refusal import Refusal
from towline.network.address import RESOLVERS
from towline.network.model import NetworkModel
from towline.network.trace import trace
from towline.network.trace_hop import Hop, Packet, Trace
from towline.network.trace_name import INTERNET, Answerer, Resolution, resolution
from towline.network.trace_security import Protocol
from towline.network.trace_stop import EXPLANATIONS, REFUSING, Stop
from towline.resource.network_interface import NetworkInterface
from towline.resource.uplink import NAME as UPLINK
from towline.resource.uplink import NOWHERE, Uplink
from towline.resource.vpc import Subnet

_HIGHEST_PORT = 65_535


class TracePacket(Parameters, frozen=True, kw_only=True):
    """From where, to whom."""

    source: str
    """A pod by its name (`<namespace>/<name>`), uid, interface or private address; or a subnet by
    its id, for a machine without groups or a public address of its own."""
    vpc_id: str = ""
    """Where the source is; needed only when several VPCs have one."""
    destination: str
    """An address, or a name that the source would ask for."""
    port: int = 443
    protocol: str = "TCP"
    resolver: str = ""
    """Whom the source asks for names; by itself a pod asks those that its annotation names, and all
    others ask their VPC's resolvers. Any other server knows public names only."""


class TracedName(Answer, frozen=True, kw_only=True):
    """What the destination's name means to the source, and who says so."""

    name: str
    addresses: tuple[str, ...]
    code: str
    answerer: str
    zone: str
    zone_ids: tuple[str, ...]
    aliases: tuple[str, ...]


class TracedHop(Answer, frozen=True, kw_only=True):
    """One thing that the packet comes by, and how it leaves it."""

    place: str
    id: str
    act: str
    by: str
    sources: tuple[str, ...]
    destination: str


class PacketTrace(Answer, frozen=True, kw_only=True):
    """The way of a packet. It has no hops when the name means no address."""

    source: str
    subnet_id: str
    destination: str
    """The address; empty when the name means none."""
    resolution: TracedName | None
    """Null when the destination was an address."""
    hops: tuple[TracedHop, ...]
    reach: str
    """`always`, `sometimes` or `never`."""
    stop: str
    """What stops it; empty when nothing does."""
    cause: str
    remedy: str
    symptom: str
    """How the source sees that it is stopped: `i/o timeout` or `connection refused`."""


async def trace_packet(context: Context, asked: TracePacket) -> PacketTrace:
    """Follow one packet."""
    protocol = _protocol(asked)
    model = network_model(context.resources)
    subnet, address = origin(model, asked.source, asked.vpc_id)
    named = None if _is_address(asked.destination) else _named(model, (subnet, address), asked)
    destinations = (asked.destination,) if named is None else named.addresses
    if not destinations:
        assert named is not None
        return _nameless((subnet, address), named, model.uplink)
    packet = Packet(
        subnet_id=subnet.id,
        source=address,
        destination=destinations[0],
        port=asked.port,
        protocol=protocol,
    )
    return _told(packet, named, trace(model, packet))


ACTIONS: Mapping[str, AnyAction] = {"TracePacket": Action(TracePacket, trace_packet)}


def _protocol(asked: TracePacket) -> Protocol:
    if not 0 <= asked.port <= _HIGHEST_PORT:
        raise Refusal("InvalidParameterValue", f"`Port` must be between 0 and {_HIGHEST_PORT}.")
    try:
        return Protocol(asked.protocol.upper())
    except ValueError:
        known = ", ".join(Protocol)
        raise Refusal("InvalidParameterValue", f"`Protocol` must be one of {known}.") from None


def network_model(resources: Resources) -> NetworkModel:
    """Everything that the records say of the network."""
    return NetworkModel(
        vpcs=resources.vpcs.list(),
        subnets=resources.subnets.list(),
        route_tables=resources.route_tables.list(),
        nat_gateways=resources.nat_gateways.list(),
        elastic_ips=resources.elastic_ips.list(),
        security_groups=resources.security_groups.list(),
        interfaces=resources.network_interfaces.list(),
        links=resources.links.list(),
        instances=resources.instances.list(),
        public_endpoints=resources.public_endpoints.list(),
        private_zones=resources.private_zones.list(),
        zone_records=resources.zone_records.list(),
        custom_domains=resources.custom_domains.list(),
        uplink=resources.uplinks.get("", UPLINK) or NOWHERE,
    )


def origin(model: NetworkModel, source: str, vpc_id: str) -> tuple[Subnet, str]:
    """Where a packet begins: a subnet, and the private address of a pod; refused when that is nowhere
    or in several places.
    """
    found = [*_pods(model, source), *_subnets(model, source)]
    if not found and _is_address(source):
        homes = (model.subnet_at(vpc.id, source) for vpc in model.vpcs)
        found = [(home, source) for home in homes if home is not None]
    found = [(subnet, ip) for subnet, ip in found if vpc_id in {"", subnet.vpc_id}]
    if not found:
        raise Refusal("ResourceNotFound", f"There is no pod and no subnet `{source}`.")
    if len(found) > 1:
        places = ", ".join(f"{ip or subnet.id} in {subnet.vpc_id}" for subnet, ip in found)
        raise Refusal("InvalidParameterValue", f"`{source}` is not one but several: {places}.")
    return found[0]


def _pods(model: NetworkModel, source: str) -> list[tuple[Subnet, str]]:
    named = [(model.subnet(one.subnet_id), one) for one in model.interfaces if _is(one, source)]
    return [(subnet, one.private_ip) for subnet, one in named if subnet is not None]


def _subnets(model: NetworkModel, source: str) -> list[tuple[Subnet, str]]:
    return [(subnet, "") for subnet in model.subnets if subnet.id == source]


def _is(interface: NetworkInterface, source: str) -> bool:
    names = {interface.id, interface.private_ip, interface.pod_uid, interface.pod_name}
    return source in names or interface.pod_name.partition("/")[2] == source


def _named(model: NetworkModel, start: tuple[Subnet, str], asked: TracePacket) -> Resolution:
    subnet, address = start
    pod = model.interface_at(subnet.vpc_id, address)
    servers = (asked.resolver,) if asked.resolver else pod.nameservers if pod else ()
    own = not servers or servers[0] in RESOLVERS
    try:
        return resolution(model, subnet.vpc_id if own else INTERNET, asked.destination)
    except ValueError as error:
        raise Refusal("InvalidParameterValue", f"`Destination`: {error}.") from None


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def _nameless(start: tuple[Subnet, str], named: Resolution, uplink: Uplink) -> PacketTrace:
    subnet, source = start
    cause = f"the name means no address here ({named.code})"
    remedy = "correct the name, or see which names the zone that answers has"
    if named.answerer is Answerer.UPLINK:
        remedy = "correct the name, or give its zone to the VPC: `towline private-zone create`"
        cause = "no zone here has the name, and there is no uplink's resolver to ask"
        if uplink.resolver:
            cause = f"only the uplink's resolver, {uplink.resolver}, may know what the name means"
            remedy = "look the name up there, from the host"
    return PacketTrace(
        source=source,
        subnet_id=subnet.id,
        destination="",
        resolution=_told_name(named),
        hops=(),
        reach="never",
        stop="name-without-address",
        cause=cause,
        remedy=remedy,
        symptom="no such host",
    )


def _told(packet: Packet, named: Resolution | None, found: Trace) -> PacketTrace:
    explanation = None if found.stop is None else EXPLANATIONS[found.stop]
    return PacketTrace(
        source=packet.source,
        subnet_id=packet.subnet_id,
        destination=packet.destination,
        resolution=None if named is None else _told_name(named),
        hops=tuple(map(_told_hop, found.hops)),
        reach=found.reach.value,
        stop="" if found.stop is None else found.stop.value,
        cause="" if explanation is None else explanation.cause,
        remedy="" if explanation is None else explanation.remedy,
        symptom="" if found.stop is None else _symptom(found.stop),
    )


def _symptom(stop: Stop) -> str:
    return "connection refused" if stop in REFUSING else "i/o timeout"


def _told_name(named: Resolution) -> TracedName:
    return TracedName(
        name=named.name,
        addresses=named.addresses,
        code=named.code,
        answerer=named.answerer.value,
        zone=named.zone,
        zone_ids=named.zone_ids,
        aliases=named.aliases,
    )


def _told_hop(hop: Hop) -> TracedHop:
    return TracedHop(
        place=hop.place.value,
        id=hop.id,
        act=hop.act.value,
        by=hop.by,
        sources=hop.sources,
        destination=hop.destination,
    )
