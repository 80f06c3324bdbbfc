"""Which address of a subnet is whose: the first is the gateway's, the ends are nobody's."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from ipaddress import IPv4Network
from zlib import crc32

TRANSIT = IPv4Network("100.64.0.0/16")
"""Between VPC routers and the data centre: shared address space (RFC 6598), which no VPC may use."""
DATA_CENTRE = IPv4Network("10.16.0.0/16")
HERE, THERE = "100.65.0.2", "100.65.0.1"
"""The two ends of every wire to the internet; each wire is a segment of its own."""
HOST_WIRES = IPv4Network("100.66.0.0/16")
HOST = str(HOST_WIRES[1])
"""The host's end of the wires that lead to it, for those who ask for them."""
PUBLIC = IPv4Network("198.18.0.0/15")
"""What stands for the internet: addresses set aside for tests (RFC 2544)."""
RESOLVERS = ("183.60.83.19", "183.60.82.98")
_MOST = 2**16 - 3  # transit addresses beside the data centre's own


def gateway(cidr: str) -> str:
    """The router's address in a subnet: its first."""
    return str(IPv4Network(cidr)[1])


def capacity(cidr: str) -> int:
    """How many pods and links a subnet has addresses for."""
    return IPv4Network(cidr).num_addresses - 3


def allot(cidr: str, taken: Collection[str]) -> str | None:
    """The lowest address that a pod or a link may take; None when the subnet is full."""
    network = IPv4Network(cidr)
    used = set(taken)
    first = gateway(cidr)
    for address in network.hosts():
        text = str(address)
        if text != first and text not in used:
            return text
    return None


def hardware_address(text: str) -> str:
    """A locally administered hardware address that always is the same for the same text.

    A bridge with an address of its own keeps it when links come and go; a pod that takes over the
    address of another is known to its neighbours already.
    """
    return ":".join(f"{byte:02x}" for byte in (0x02, *sha256(text.encode()).digest()[:5]))


def transit_addresses(vpc_ids: Collection[str]) -> dict[str, str]:
    """An address for each VPC's way to the data centre.

    It follows from the VPC's id, so that it needs no record; of two VPCs whose ids fall together
    the later one (by id) steps aside.
    """
    used = set[int]()
    chosen = dict[str, str]()
    for vpc_id in sorted(vpc_ids):
        number = crc32(vpc_id.encode()) % _MOST
        while number in used:
            number = (number + 1) % _MOST
        used.add(number)
        chosen[vpc_id] = str(TRANSIT[number + 2])
    return chosen
