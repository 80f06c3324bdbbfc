"""Route tables: where packets from the subnets that are associated with one go.

Every VPC has a main table; a subnet that names no table is associated with it. The way inside the
VPC is in every table, always first, and is not written down as a route.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class GatewayType(StrEnum):
    """What a route leads to, in the words of the cloud's `Route.GatewayType`."""

    NAT = "NAT"
    EIP = "EIP"
    """The elastic IP of the packet's own sender."""
    NORMAL_CVM = "NORMAL_CVM"
    """A machine of the VPC, told by its private address."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route; of several that fit a packet, the one with the longest prefix is taken."""

    id: int
    """Unique in its table; `RouteId` of the API."""
    destination: str
    """A CIDR with its host bits zero."""
    gateway_type: GatewayType
    gateway_id: str
    """The NAT gateway's id, `0` for an elastic IP, or a private address."""
    description: str = ""
    enabled: bool = True
    created_at: str


class RouteTable(msgspec.Struct, frozen=True, kw_only=True):
    """One table of a VPC."""

    id: str
    vpc_id: str
    name: str
    main: bool = False
    routes: tuple[Route, ...] = ()
    created_at: str
    tags: dict[str, str] = {}
