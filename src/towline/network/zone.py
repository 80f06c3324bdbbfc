"""What names mean inside a VPC.

A link with resolution switched on (which is possible only once it has an access address) makes the
registry's name mean that address; without it the name means the registry's public address, inside
the VPC too. All other names do not exist: there is no way out to other name servers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from towline.resource.instance import Instance
from towline.resource.link import Link, LinkStatus


class Finding(Enum):
    """What is known of a name."""

    ADDRESS = auto()
    NO_DATA = auto()
    """The name exists (perhaps only as a part of longer ones), but has nothing of this type."""
    NO_SUCH_NAME = auto()


@dataclass(frozen=True, slots=True)
class Zone:
    """Names to addresses; names are in lower case, without the last dot."""

    addresses: Mapping[str, str]

    def find(self, name: str) -> tuple[Finding, str | None]:
        """What is known of a name, and its IPv4 address if it has one. Case does not matter."""
        wanted = name.rstrip(".").lower()
        address = self.addresses.get(wanted)
        if address is not None:
            return Finding.ADDRESS, address
        inner = not wanted or any(known.endswith(f".{wanted}") for known in self.addresses)
        return (Finding.NO_DATA if inner else Finding.NO_SUCH_NAME), None

    def apex(self, name: str) -> str:
        """The zone that a name belongs to, with its last dot: the parent of known names, or the
        root.
        """
        labels = name.rstrip(".").lower().split(".")
        suffixes = (".".join(labels[first:]) for first in range(len(labels)))
        parents = {known.partition(".")[2] for known in self.addresses}
        return f"{next((suffix for suffix in suffixes if suffix in parents), '')}."


def zone_of(vpc_id: str, instances: Iterable[Instance], links: Iterable[Link]) -> Zone:
    """The zone that one VPC sees."""
    standing = {
        link.instance_id: link
        for link in links
        if link.vpc_id == vpc_id and link.access_ip and link.status is not LinkStatus.DELETING
    }
    addresses = dict[str, str]()
    for instance in instances:
        link = standing.get(instance.id)
        addresses[instance.domain] = instance.public_address
        if link is not None and link.resolve_default_domain:
            addresses[instance.domain] = link.access_ip
        if link is not None and link.resolve_vpc_domain:
            addresses[instance.vpc_domain] = link.access_ip
    return Zone(addresses)
