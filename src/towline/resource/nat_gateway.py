"""NAT gateways: the way out of a VPC for whoever has no public address of his own."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class NatState(StrEnum):
    """The life of a gateway, in the words of the cloud's `NatGateway.State`."""

    PENDING = "PENDING"
    AVAILABLE = "AVAILABLE"
    UPDATING = "UPDATING"
    DELETING = "DELETING"


class NatGateway(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway. The cloud writes it; the agent builds it and turns it `AVAILABLE`."""

    id: str
    vpc_id: str
    name: str
    state: NatState = NatState.PENDING
    elastic_ip_ids: tuple[str, ...] = ()
    """Connections leave with one of their addresses; without any, nothing leaves."""
    former_addresses: tuple[str, ...] = ()
    """Public addresses that it had once and has no more; allowlists may still name them."""
    bandwidth: int = 100
    """Mbit/s that may leave."""
    connections: int = 1_000_000
    """How many connections it holds at most."""
    zone: str = ""
    created_at: str
    deletion_protection: bool = False
    tags: dict[str, str] = {}
