"""Public network access to a registry instance: an endpoint that can be opened, and its allowlist."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class EndpointStatus(StrEnum):
    """The life of an endpoint, in the words of `DescribeExternalEndpointStatus`."""

    CLOSED = "Closed"
    OPENING = "Opening"
    OPENED = "Opened"
    CLOSING = "Closing"


class AccessRule(msgspec.Struct, frozen=True, kw_only=True):
    """Who may come: one entry of the allowlist. Its index is its place in the list."""

    cidr: str
    """A CIDR with its host bits zero; one address is a /32."""
    description: str = ""
    written: str = ""
    """As the user wrote it, where that is another text than the CIDR."""


class PublicEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint of one instance; an instance without this record has a closed one.

    The cloud asks for it; the agent opens the door and turns it `OPENED` or `CLOSED`.
    """

    instance_id: str
    status: EndpointStatus = EndpointStatus.CLOSED
    rules: tuple[AccessRule, ...] = ()
    """Nobody may come as long as it is empty."""
    version: int = 0
    """Counts the changes of the rules."""
    reason: str = ""
