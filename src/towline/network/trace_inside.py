"""What a VPC's router does with a packet before it asks any route table.

Its own addresses come first, then the longest of what it knows: its subnets, its VPC's range (of
which nothing else is anywhere), and the data centre.
"""

from __future__ import annotations

from enum import Enum, auto
from ipaddress import IPv4Network

from towline.network.address import DATA_CENTRE, RESOLVERS, gateway
from towline.network.model import NetworkModel, contains
from towline.resource.vpc import Vpc


class Inside(Enum):
    """Where in the VPC an address is."""

    ROUTER = auto()
    """One of the router's addresses in its subnets."""
    RESOLVER = auto()
    LINK = auto()
    SUBNET = auto()
    """A subnet, in which perhaps somebody has it."""
    NOWHERE = auto()
    DATA_CENTRE = auto()
    OUTSIDE = auto()
    """The route table is asked."""


def inside(model: NetworkModel, vpc: Vpc, address: str) -> Inside:
    """Where an address is, as seen in a VPC."""
    if address in RESOLVERS:
        return Inside.RESOLVER
    if model.link_at(vpc.id, address) is not None:
        return Inside.LINK
    subnets = model.subnets_of(vpc.id)
    if any(gateway(subnet.cidr) == address for subnet in subnets):
        return Inside.ROUTER
    # Of equal ranges the later counts: a subnet as large as its VPC leaves nothing that is nowhere.
    known = {vpc.cidr: Inside.NOWHERE, str(DATA_CENTRE): Inside.DATA_CENTRE}
    known |= {subnet.cidr: Inside.SUBNET for subnet in subnets}
    fitting = [cidr for cidr in known if contains(cidr, address)]
    longest = max(fitting, key=lambda cidr: IPv4Network(cidr).prefixlen, default=None)
    return Inside.OUTSIDE if longest is None else known[longest]
