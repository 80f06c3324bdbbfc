"""A network whose pod reaches a registry by its public address, to take things away from."""

from __future__ import annotations

from dataclasses import replace

from msgspec.structs import replace as changed
from tests.unit.network.models import (
    INSTANCE,
    elastic_ip,
    interface,
    nat_gateway,
    route,
    route_table,
    subnet,
    vpc,
)

from towline.network.model import NetworkModel
from towline.network.trace import trace
from towline.network.trace_hop import Packet, Trace
from towline.network.trace_security import Protocol
from towline.network.trace_stop import Stop
from towline.resource.nat_gateway import NatState
from towline.resource.public_endpoint import AccessRule, EndpointStatus, PublicEndpoint
from towline.resource.route_table import GatewayType

POD, NEIGHBOUR = interface(subnet(0, 0), 0), interface(subnet(0, 0), 1)
EIP, OTHER_EIP = elastic_ip(0), elastic_ip(1)
TO_GATEWAY = route("0.0.0.0/0", GatewayType.NAT, "nat-v0n0")


def endpoint(*allowed: str, status: EndpointStatus = EndpointStatus.OPENED) -> PublicEndpoint:
    """The instance's public endpoint."""
    rules = tuple(AccessRule(cidr=cidr) for cidr in allowed)
    return PublicEndpoint(instance_id=INSTANCE.id, status=status, rules=rules)


WHOLE = NetworkModel(
    vpcs=(vpc(0),),
    subnets=(subnet(0, 0), subnet(0, 1)),
    route_tables=(route_table(0, 0, TO_GATEWAY), route_table(0, 1)),
    nat_gateways=(nat_gateway(0, 0, 0),),
    elastic_ips=(elastic_ip(0, "nat-v0n0"), OTHER_EIP),
    interfaces=(POD, NEIGHBOUR),
    instances=(INSTANCE,),
    public_endpoints=(endpoint(f"{EIP.address}/32"),),
)
"""The recipe by which a pod reaches a registry at its public address."""


_ELSEWHERE = route("198.19.0.0/16", GatewayType.NAT, "nat-v0n0")
EXCHANGED = replace(
    WHOLE,
    nat_gateways=(changed(nat_gateway(0, 0, 1), former_addresses=(EIP.address,)),),
    elastic_ips=(EIP, elastic_ip(1, "nat-v0n0")),
)
OMISSIONS = {
    "endpoint-closed": (
        replace(WHOLE, public_endpoints=(endpoint(status=EndpointStatus.CLOSED),)),
        Stop.ENDPOINT_CLOSED,
    ),
    "endpoint-never-opened": (replace(WHOLE, public_endpoints=()), Stop.ENDPOINT_CLOSED),
    "allowlist-empty": (replace(WHOLE, public_endpoints=(endpoint(),)), Stop.ALLOWLIST_EMPTY),
    "wrong-cidr": (
        replace(WHOLE, public_endpoints=(endpoint("203.0.113.0/24", "198.19.0.11/32"),)),
        Stop.NOT_ON_ALLOWLIST,
    ),
    "no-gateway-and-so-no-route": (
        replace(WHOLE, nat_gateways=(), route_tables=(route_table(0, 0),)),
        Stop.NO_NAT_GATEWAY,
    ),
    "route-to-a-gateway-that-is-gone": (replace(WHOLE, nat_gateways=()), Stop.NO_NAT_GATEWAY),
    "gateway-is-to-go": (
        replace(WHOLE, nat_gateways=(nat_gateway(0, 0, 0, state=NatState.DELETING),)),
        Stop.NO_NAT_GATEWAY,
    ),
    "gateway-of-another-vpc": (
        replace(
            WHOLE,
            route_tables=(route_table(0, 0, route("0.0.0.0/0", GatewayType.NAT, "nat-v1n0")),),
            nat_gateways=(nat_gateway(1, 0, 0),),
            elastic_ips=(elastic_ip(0, "nat-v1n0"),),
        ),
        Stop.NO_NAT_GATEWAY,
    ),
    "gateway-without-address": (
        replace(WHOLE, nat_gateways=(nat_gateway(0, 0),), elastic_ips=(EIP,)),
        Stop.NAT_WITHOUT_ADDRESS,
    ),
    "address-is-not-bound": (replace(WHOLE, elastic_ips=(EIP,)), Stop.NAT_WITHOUT_ADDRESS),
    "no-route": (replace(WHOLE, route_tables=(route_table(0, 0),)), Stop.NO_ROUTE),
    "route-for-others": (
        replace(WHOLE, route_tables=(route_table(0, 0, _ELSEWHERE),)),
        Stop.NO_ROUTE,
    ),
    "no-table-at-all": (replace(WHOLE, route_tables=()), Stop.NO_ROUTE),
    "route-switched-off": (
        replace(WHOLE, route_tables=(route_table(0, 0, changed(TO_GATEWAY, enabled=False)),)),
        Stop.ROUTE_DISABLED,
    ),
    "table-not-associated": (
        replace(WHOLE, route_tables=(route_table(0, 0), route_table(0, 1, TO_GATEWAY))),
        Stop.TABLE_NOT_ASSOCIATED,
    ),
    "address-exchanged-later": (EXCHANGED, Stop.ADDRESS_CHANGED),
}
"""What can be left out of the recipe, and how a trace calls it."""


def sent(
    model: NetworkModel,
    destination: str = INSTANCE.public_address,
    port: int = 443,
    protocol: Protocol = Protocol.TCP,
) -> Trace:
    """What becomes of the pod's packet."""
    packet = Packet(
        subnet_id=POD.subnet_id,
        source=POD.private_ip,
        destination=destination,
        port=port,
        protocol=protocol,
    )
    return trace(model, packet)
