"""How namespaces and links are called on a machine.

Every network namespace of an installation begins with `tl-<installation>-`, so that several
installations do not meet and removing one means removing what bears its name. Links live only
inside those namespaces; the kernel allows them 15 characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

POD_LINK = "eth0"
TO_DATA_CENTRE = "dc"
ROUTERS = "routers"
LOOPBACK = "lo"
_POD = "pod-"
_NAT, _EIP = "n-", "e-"
INTERNET_LINKS = (f"{_NAT}*", f"{_EIP}*")
"""All wires to the internet, as nftables writes it."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one installation; `installation` is its short id."""

    installation: str

    @property
    def prefix(self) -> str:
        """What the name of every namespace begins with."""
        return f"tl-{self.installation}-"

    @property
    def internet(self) -> str:
        """The namespace of the public addresses."""
        return f"{self.prefix}internet"

    @property
    def data_centre(self) -> str:
        """The namespace of the company's own data centre."""
        return f"{self.prefix}idc"

    def router(self, vpc_id: str) -> str:
        """The namespace in which a VPC's router is."""
        return f"{self.prefix}{vpc_id}"

    def pod(self, uid: str) -> str:
        """The namespace of a pod."""
        return f"{self.prefix}{_POD}{uid}"

    def uid(self, namespace: str) -> str | None:
        """The pod whose namespace it is; None when it is not a pod's."""
        begin = self.pod("")
        return namespace.removeprefix(begin) if namespace.startswith(begin) else None


def bridge(subnet_id: str) -> str:
    """A subnet's bridge in its router."""
    return _short("b-", subnet_id.removeprefix("subnet-"))


def port(pod_uid: str) -> str:
    """A pod's end in its router."""
    return _short("p-", sha256(pod_uid.encode()).hexdigest()[:12])


def trunk(vpc_id: str) -> str:
    """A VPC's end in the data centre."""
    return _short("r-", vpc_id.removeprefix("vpc-"))


def nat_link(nat_id: str) -> str:
    """Both ends of a NAT gateway's wire to the internet."""
    return _short(_NAT, nat_id.removeprefix("nat-"))


def eip_link(eip_id: str, interface_id: str) -> str:
    """Both ends of the wire of an elastic IP that is bound to an interface.

    Each binding has a wire of its own, so that an address moves from one VPC to another by two
    wires that do not get in each other's way.
    """
    return _EIP + sha256(f"{eip_id} {interface_id}".encode()).hexdigest()[:12]


def leads_to_internet(link: str) -> bool:
    """Whether it is an end of a wire to the internet; the other end has the same name."""
    return link.startswith((_NAT, _EIP))


def is_ours_to_remove(link: str) -> bool:
    """Whether a link that nobody wants is one that the plan of the VPCs made.

    Pods' ports are not: each goes with its pod.
    """
    ours = link.startswith(("b-", "r-")) or link in {ROUTERS, TO_DATA_CENTRE}
    return ours or leads_to_internet(link)


def _short(prefix: str, text: str) -> str:
    """At most 14 characters; a long id is told by its hash."""
    return prefix + (text if len(text) <= 12 else sha256(text.encode()).hexdigest()[:12])
