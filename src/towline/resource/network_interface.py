"""Network interfaces: what a pod is plugged into its subnet with.

The agent writes one for each pod that is attached, so that the cloud can show who has which address,
and so that public addresses and security groups can be told whom they are for.
"""

from __future__ import annotations

import msgspec


class NetworkInterface(msgspec.Struct, frozen=True, kw_only=True):
    """The interface of one pod."""

    id: str
    """`eni-` and eight characters that follow from the pod's uid."""
    vpc_id: str
    subnet_id: str
    private_ip: str
    pod_uid: str
    pod_name: str = ""
    """`<namespace>/<name>`."""
    security_group_ids: tuple[str, ...] = ()
    """In the order in which they are asked; with none, everything passes."""
    nameservers: tuple[str, ...] = ()
    """Whom the pod asks for names, when it asks for others than its VPC's resolvers."""
    created_at: str
