"""A network whose pod reaches a registry by its public address, to take things away from."""

from __future__ import annotations

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
