"""What is asked of a trace, and what it tells: a packet, and its hops."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from towline.network.trace_security import Protocol
from towline.network.trace_stop import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """The first packet of a connection that begins in a subnet."""

    subnet_id: str
    source: str = ""
    """The private address of the pod; empty for any machine without groups or an elastic IP."""
    destination: str
    port: int = 443
    protocol: Protocol = Protocol.TCP


class Place(StrEnum):
    """What sort of thing a packet comes by."""

    INTERFACE = "interface"
    SUBNET = "subnet"
    SECURITY_GROUP = "security-group"
    ROUTER = "router"
    LINK = "link"
    DATA_CENTRE = "data-centre"
    ROUTE_TABLE = "route-table"
    NAT_GATEWAY = "nat-gateway"
    ELASTIC_IP = "elastic-ip"
    INTERNET = "internet"
    PUBLIC_ENDPOINT = "public-endpoint"
    UPLINK = "uplink"


class Act(StrEnum):
    """What it does to the packet."""

    SENT = "sent"
    ACCEPTED = "accepted"
    ROUTED = "routed"
    TRANSLATED = "translated"
    DELIVERED = "delivered"
    """It is there; whether anything listens is not for the network to say."""
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One thing that a packet comes by, and how the packet leaves it."""

    place: Place
    id: str
    """The object's; of a link the instance's."""
    act: Act
    by: str = ""
    """The rule, the route or the entry that says so."""
    sources: tuple[str, ...]
    """The addresses from which the packet comes now: one, or one of several."""
    destination: str


class Reach(StrEnum):
    """Whether connections come about."""

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    """Depending on which of a NAT gateway's addresses they get."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of a packet. What `stop` names is at the last hop that dropped it."""

    hops: tuple[Hop, ...]
    stop: Stop | None
    """What stops it; None when it arrives whatever its address."""

    @property
    def reach(self) -> Reach:
        """Whether it arrives."""
        if self.stop is None:
            return Reach.ALWAYS
        return Reach.SOMETIMES if self.hops[-1].act is Act.DELIVERED else Reach.NEVER
