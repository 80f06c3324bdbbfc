"""Customized domains: further names under which a registry instance is served."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class DomainStatus(StrEnum):
    """The life of a domain, in the words of the cloud's `CustomizedDomainInfo.Status`."""

    CREATING = "CREATING"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DELETING = "DELETING"


class CustomDomain(msgspec.Struct, frozen=True, kw_only=True):
    """One name. The cloud asks for it; the registry serves it and turns it `SUCCESS`, and removes the
    record of one that is `DELETING`. To make the name resolve is its owner's business.
    """

    instance_id: str
    name: str
    """In lower case, without the last dot."""
    certificate_id: str
    status: DomainStatus = DomainStatus.CREATING
    created_at: str
