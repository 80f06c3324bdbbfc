"""The way out of a VPC and into a registry by its public endpoint, as records that a test writes."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path

from tests.networks import (
    INSTANCE,
    PUBLIC_ADDRESS,
    connect,
    heard,
    subnet,
)
from tests.unit.network.models import elastic_ip, nat_gateway, route, route_table

from towline.resource.elastic_ip import ElasticIp
from towline.resource.nat_gateway import NatGateway, NatState
from towline.resource.public_endpoint import AccessRule, EndpointStatus, PublicEndpoint
from towline.resource.route_table import GatewayType, RouteTable
from towline.resource.vpc import Subnet

SILENCE = 0.7  # seconds after which a dial counts as unanswered; answers take microseconds
ELSEWHERE = "198.18.77.1"
TO_GATEWAY = route("0.0.0.0/0", GatewayType.NAT, "nat-v0n0")
EIP, OTHER_EIP = elastic_ip(0), elastic_ip(1)


def endpoint(*allowed: str, status: EndpointStatus = EndpointStatus.OPENING) -> PublicEndpoint:
    """The instance's public endpoint."""
    rules = tuple(AccessRule(cidr=cidr) for cidr in allowed)
    return PublicEndpoint(instance_id=INSTANCE.id, status=status, rules=rules)


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that is needed for a pod of the first subnet to reach the registry by its public address."""

    endpoint: PublicEndpoint
    home: Subnet
    gateways: tuple[NatGateway, ...] = (nat_gateway(0, 0, 0, state=NatState.PENDING),)
    addresses: tuple[ElasticIp, ...] = (elastic_ip(0, "nat-v0n0"), OTHER_EIP)
    tables: tuple[RouteTable, ...] = (route_table(0, 0, TO_GATEWAY), route_table(0, 1))

    @property
    def records(self) -> tuple[PublicEndpoint | NatGateway | ElasticIp | RouteTable | Subnet, ...]:
        """As the cloud would write them."""
        return (self.home, self.endpoint, *self.gateways, *self.addresses, *self.tables)


WHOLE = Recipe(endpoint(f"{EIP.address}/32"), home=subnet(0))


async def seen_from(pod: Path, patience: float = 5.0) -> str:
    """As whom the registry sees a pod that comes to its public address."""
    return await heard(await connect(pod, PUBLIC_ADDRESS, 443, patience))


async def is_silent(pod: Path, address: str = PUBLIC_ADDRESS, port: int = 443) -> bool:
    """Whether a dial is not answered at all. A refusal raises."""
    try:
        (await connect(pod, address, port, SILENCE)).close()
    except TimeoutError:
        return True
    return False


async def guest(listening: socket.socket, patience: float = 5.0) -> socket.socket:
    """The next connection."""
    async with asyncio.timeout(patience):
        accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
    return accepted
