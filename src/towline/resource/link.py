"""A private network access linkage: the way from a VPC to a registry instance."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class LinkStatus(StrEnum):
    """The life of a link, in the words of the cloud's `AccessVpc.Status`."""

    CREATING = "Creating"
    RUNNING = "Running"
    DELETING = "Deleting"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One link. The cloud asks for it; the agent builds it, allots the access address and turns it
    `RUNNING`.
    """

    instance_id: str
    vpc_id: str
    subnet_id: str
    status: LinkStatus = LinkStatus.CREATING
    access_ip: str = ""
    """Empty until the address exists; name resolution can be switched on only then."""
    resolve_default_domain: bool = False
    """Whether `<name>.<suffix>` resolves to the access address inside the VPC."""
    resolve_vpc_domain: bool = False
    """Whether `<name>-vpc.<suffix>` does."""
    created_at: str
