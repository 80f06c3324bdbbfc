"""A registry instance: one private registry with a domain of its own, and what lives inside it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class InstanceStatus(StrEnum):
    """The life of an instance, in the words of the cloud's `Registry.Status`."""

    PENDING = "Pending"
    RUNNING = "Running"
    DELETING = "Deleting"


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """One registry instance. The cloud writes it; the registry turns it `RUNNING` when its door is
    open.
    """

    id: str
    name: str
    edition: str
    domain: str
    """The default domain, `<name>.<suffix>`."""
    public_address: str
    """The address that the domain resolves to where no private resolution is on."""
    status: InstanceStatus = InstanceStatus.PENDING
    loopback_port: int = 0
    """The port of the door on 127.0.0.1 of the registry's host; 0 until it is open."""
    created_at: str
    """RFC 3339, UTC."""
    deletion_protection: bool = False
    tags: dict[str, str] = {}

    @property
    def vpc_domain(self) -> str:
        """The second name, `<name>-vpc.<suffix>`, which only private resolution knows."""
        host, _, suffix = self.domain.partition(".")
        return f"{host}-vpc.{suffix}"


class Namespace(msgspec.Struct, frozen=True, kw_only=True):
    """The first component of every repository of an instance. A push does not create it."""

    instance_id: str
    name: str
    public: bool = False
    created_at: str
    tags: dict[str, str] = {}
