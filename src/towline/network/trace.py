"""Where a packet goes, and what stops it, as the records of the network have it.

    interface ─ security groups ─┬─ inside the VPC: another interface, a link, the resolvers
                                 ├─ the data centre
                                 ╰─ route table ─┬─ NAT gateway ──╮
                                                 ├─ elastic IP ───┴─ internet ─┬─ public endpoint
                                                 ╰─ a machine of the VPC       ╰─ elastic IP

The walk asks the same questions in the same order as the kernel that `layout` describes, so the
two agree on who is reached: a suite sends real packets to prove it. It knows what was asked for, not
how far the agent has come with it.

A NAT gateway with several elastic IPs gives each connection the next one. So a packet has all the
addresses with which it may arrive, and may be stopped for some of them only.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from towline.network.address import DATA_CENTRE, PUBLIC, transit_addresses
from towline.network.model import NetworkModel, admits, best_route, is_open
from towline.network.ruleset import DOOR_PORT
from towline.network.trace_hop import Act, Hop, Packet, Place, Trace
from towline.network.trace_inside import Inside, inside
from towline.network.trace_security import DNS_PORT, Beginning, Direction, Protocol, decide
from towline.network.trace_stop import Stop
from towline.network.trace_way_out import missing_way
from towline.resource.elastic_ip import ElasticIp
from towline.resource.nat_gateway import NatGateway
from towline.resource.network_interface import NetworkInterface
from towline.resource.public_endpoint import PublicEndpoint
from towline.resource.route_table import GatewayType, Route
from towline.resource.vpc import Subnet, Vpc

_Spot = tuple[Place, str]


def trace(model: NetworkModel, packet: Packet) -> Trace:
    """The way of a packet; raises `LookupError` when its subnet or the VPC of it does not exist."""
    subnet = model.subnet(packet.subnet_id)
    vpc = None if subnet is None else model.vpc(subnet.vpc_id)
    if subnet is None or vpc is None:
        raise LookupError(packet.subnet_id)
    walk = _Walk(model, packet, subnet, vpc)
    walk.begin()
    return Trace(tuple(walk.hops), walk.stop)


class _Walk:
    """One packet on its way: each step notes a hop, and takes the next step."""

    def __init__(self, model: NetworkModel, packet: Packet, subnet: Subnet, vpc: Vpc) -> None:
        self.hops = list[Hop]()
        self.stop: Stop | None = None
        self._model = model
        self._packet = packet
        self._subnet = subnet
        self._vpc = vpc
        self._sender = model.interface_at(vpc.id, packet.source)
        self._sources: tuple[str, ...] = (packet.source,)
        self._destination = packet.destination

    def begin(self) -> None:
        """Go all the way."""
        sender = self._sender
        if sender is None:
            self._note((Place.SUBNET, self._subnet.id), Act.SENT)
            self._route_inside()
            return
        self._note((Place.INTERFACE, sender.id), Act.SENT)
        if sender.private_ip == self._destination:
            self._note((Place.INTERFACE, sender.id), Act.DELIVERED)
        elif self._guard(sender, Direction.EGRESS):
            self._route_inside()

    def _route_inside(self) -> None:
        router = (Place.ROUTER, self._vpc.id)
        match inside(self._model, self._vpc, self._destination):
            case Inside.ROUTER:
                self._answer(router)
            case Inside.RESOLVER:
                self._answer(router, (Protocol.TCP, DNS_PORT), (Protocol.UDP, DNS_PORT))
            case Inside.LINK:
                link = self._model.link_at(self._vpc.id, self._destination)
                assert link is not None
                self._answer((Place.LINK, link.instance_id), (Protocol.TCP, DOOR_PORT))
            case Inside.SUBNET:
                self._hand_over(self._destination, Stop.NOBODY_THERE)
            case Inside.NOWHERE:
                self._drop(router, Stop.NOBODY_THERE)
            case Inside.DATA_CENTRE:
                self._sources = (
                    transit_addresses([one.id for one in self._model.vpcs])[self._vpc.id],
                )
                self._note(router, Act.TRANSLATED)
                self._note((Place.DATA_CENTRE, str(DATA_CENTRE)), Act.DELIVERED)
            case Inside.OUTSIDE:
                self._leave()

    def _leave(self) -> None:
        """By the route table of the subnet; where that has no route, by the pod's own address."""
        table = self._model.table_of(self._subnet)
        route = None if table is None else best_route(table.routes, self._destination)
        place, id_ = Place.SUBNET, self._subnet.id
        if table is not None:
            place, id_ = Place.ROUTE_TABLE, table.id
        spot = place, id_
        if route is not None:
            self._note(spot, Act.ROUTED, _words(route))
        match route:
            case None:
                stop = missing_way(self._model, self._subnet, self._destination)
                self._leave_by_own_address(spot, stop)
            case Route(gateway_type=GatewayType.EIP):
                self._leave_by_own_address(spot, Stop.NO_ADDRESS_OF_ITS_OWN)
            case Route(gateway_type=GatewayType.NAT):
                self._leave_by_gateway(route.gateway_id)
            case Route(gateway_type=GatewayType.NORMAL_CVM):
                if route.gateway_id == self._packet.source:
                    self._drop(spot, Stop.ROUTE_LEADS_BACK)
                else:
                    self._hand_over(route.gateway_id, Stop.NEXT_HOP_MISSING)

    def _leave_by_own_address(self, spot: _Spot, otherwise: Stop) -> None:
        own = None if self._sender is None else self._model.elastic_ip_of(self._sender)
        if own is None:
            self._drop(spot, otherwise)
            return
        self._sources = (own.address,)
        self._note((Place.ELASTIC_IP, own.id), Act.TRANSLATED)
        self._cross_internet()

    def _leave_by_gateway(self, nat_id: str) -> None:
        spot = (Place.NAT_GATEWAY, nat_id)
        gateway = self._model.nat_gateway(nat_id)
        if gateway is None or gateway.vpc_id != self._vpc.id:
            self._drop(spot, Stop.NO_NAT_GATEWAY)
            return
        addresses = self._model.addresses_of(gateway)
        if not addresses:
            self._drop(spot, Stop.NAT_WITHOUT_ADDRESS)
            return
        self._sources = tuple(one.address for one in addresses)
        self._note(spot, Act.TRANSLATED, ", ".join(one.id for one in addresses))
        self._cross_internet(gateway)

    def _cross_internet(self, gateway: NatGateway | None = None) -> None:
        """To whoever has the public address; `gateway` is the one by which the packet left."""
        address = self._destination
        instance = self._model.instance_at(address)
        elastic_ip = self._model.elastic_ip_at(address)
        if instance is not None:
            self._knock(self._model.endpoint_of(instance.id), gateway)
        elif elastic_ip is not None:
            self._come_in(elastic_ip)
        elif IPv4Address(address) in PUBLIC:
            self._note((Place.INTERNET, str(PUBLIC)), Act.DELIVERED)
        elif self._model.uplink.leads_out:
            self._note((Place.UPLINK, ""), Act.DELIVERED)
        else:
            self._drop((Place.INTERNET, str(PUBLIC)), Stop.ONLY_BY_UPLINK)

    def _knock(self, endpoint: PublicEndpoint, gateway: NatGateway | None) -> None:
        """At a registry's public address."""
        door = (Place.PUBLIC_ENDPOINT, endpoint.instance_id)
        if (self._packet.protocol, self._packet.port) != (Protocol.TCP, DOOR_PORT):
            self._drop(door, Stop.PORT_NOT_PUBLIC)
        elif not is_open(endpoint):
            self._drop(door, Stop.ENDPOINT_CLOSED)
        elif not endpoint.rules:
            self._drop(door, Stop.ALLOWLIST_EMPTY)
        elif self._pass_allowlist(endpoint, gateway):
            self._note(door, Act.DELIVERED)

    def _pass_allowlist(self, endpoint: PublicEndpoint, gateway: NatGateway | None) -> bool:
        door = (Place.PUBLIC_ENDPOINT, endpoint.instance_id)
        once = () if gateway is None else gateway.former_addresses
        stale = ", ".join(address for address in once if admits(endpoint, address))
        for source in self._sources:
            if not admits(endpoint, source):
                stop = Stop.ADDRESS_CHANGED if stale else Stop.NOT_ON_ALLOWLIST
                self._drop(door, stop, stale, source=source)
        self._sources = tuple(one for one in self._sources if admits(endpoint, one))
        return bool(self._sources)

    def _come_in(self, elastic_ip: ElasticIp) -> None:
        """By an elastic IP, to the pod that has it."""
        owner = self._model.interface(elastic_ip.bound_to)
        if owner is not None and self._model.elastic_ip_of(owner) == elastic_ip:
            self._destination = owner.private_ip
            self._note((Place.ELASTIC_IP, elastic_ip.id), Act.TRANSLATED)
            self._reach(owner)
        elif self._model.nat_gateway(elastic_ip.bound_to) is not None:
            self._drop((Place.NAT_GATEWAY, elastic_ip.bound_to), Stop.NAT_IS_NO_WAY_IN)
        else:
            self._drop((Place.ELASTIC_IP, elastic_ip.id), Stop.NOBODY_THERE)

    def _hand_over(self, address: str, otherwise: Stop) -> None:
        """To a pod of the VPC, which need not be the destination."""
        found = self._model.interface_at(self._vpc.id, address)
        if found is None:
            self._drop((Place.ROUTER, self._vpc.id), otherwise)
        else:
            self._reach(found)

    def _reach(self, interface: NetworkInterface) -> None:
        if self._guard(interface, Direction.INGRESS):
            self._note((Place.INTERFACE, interface.id), Act.DELIVERED)

    def _answer(self, spot: _Spot, *served: tuple[Protocol, int]) -> None:
        """By one of the router's own addresses, where little listens."""
        protocol = self._packet.protocol
        if protocol is Protocol.ICMP or (protocol, self._packet.port) in served:
            self._note(spot, Act.DELIVERED)
        else:
            self._drop(spot, Stop.PORT_NOT_SERVED)

    def _guard(self, interface: NetworkInterface, direction: Direction) -> bool:
        """Whether the interface's security groups let it pass; without any, everything does."""
        if not interface.security_group_ids:
            return True
        passing = [one for one in self._sources if self._is_let_by(interface, direction, one)]
        self._sources = tuple(passing)
        return bool(passing)

    def _is_let_by(self, interface: NetworkInterface, direction: Direction, source: str) -> bool:
        outward = direction is Direction.EGRESS
        peer = self._destination if outward else source
        beginning = Beginning(direction, self._packet.protocol, self._packet.port, peer)
        if beginning.is_question:
            return True
        decided = decide(self._model, interface, beginning)
        spot = (Place.SECURITY_GROUP, decided.group_id)
        if decided.accepts:
            self._note(spot, Act.ACCEPTED, decided.words, source=source)
        else:
            stop = Stop.EGRESS_REFUSED if outward else Stop.INGRESS_REFUSED
            self._drop(spot, stop, decided.words, source=source)
        return decided.accepts

    def _drop(self, spot: _Spot, stop: Stop, by: str = "", *, source: str = "") -> None:
        self.stop = stop
        self._note(spot, Act.DROPPED, by, source=source)

    def _note(self, spot: _Spot, act: Act, by: str = "", *, source: str = "") -> None:
        """A hop of the packet with all the addresses that it may have, or with one of them."""
        place, id_ = spot
        sources = (source,) if source else self._sources
        hop = Hop(
            place=place, id=id_, act=act, by=by, sources=sources, destination=self._destination
        )
        self.hops.append(hop)


def _words(route: Route) -> str:
    return f"{route.destination} by {route.gateway_type} {route.gateway_id}"
