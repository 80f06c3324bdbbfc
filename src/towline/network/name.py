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


def is_ours_to_remove(link: str) -> bool:
    """Whether a link that nobody wants is one that the plan of the VPCs made.

    Pods' ports are not: each goes with its pod.
    """
    return link.startswith(("b-", "r-")) or link in {ROUTERS, TO_DATA_CENTRE}


def _short(prefix: str, text: str) -> str:
    """At most 14 characters; a long id is told by its hash."""
    return prefix + (text if len(text) <= 12 else sha256(text.encode()).hexdigest()[:12])
