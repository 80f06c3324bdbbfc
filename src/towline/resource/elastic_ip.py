"""Elastic IPs: public addresses that belong to the account and can be bound to a NAT gateway or a pod."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ElasticIpStatus(StrEnum):
    """The life of an address, in the words of the cloud's `Address.AddressStatus`."""

    CREATING = "CREATING"
    UNBIND = "UNBIND"
    BINDING = "BINDING"
    BIND = "BIND"
    BIND_ENI = "BIND_ENI"
    UNBINDING = "UNBINDING"
    OFFLINING = "OFFLINING"


class ElasticIp(msgspec.Struct, frozen=True, kw_only=True):
    """One public address. Only an `UNBIND` one can be bound or released."""

    id: str
    address: str
    """From the range that stands for the internet; see `network.address.PUBLIC`."""
    name: str = ""
    status: ElasticIpStatus = ElasticIpStatus.UNBIND
    bound_to: str = ""
    """The id of a NAT gateway or of a network interface (`eni-…`); empty when bound to nothing."""
    private_ip: str = ""
    """The address of the interface it is bound to; empty for a NAT gateway."""
    bandwidth: int = 0
    """Mbit/s that may leave; 0 for no limit of its own."""
    charge_type: str = "TRAFFIC_POSTPAID_BY_HOUR"
    goes_with_owner: bool = False
    """Whether it is released when what it is bound to goes (`CascadeRelease`)."""
    created_at: str
    client_token: str = ""
    """What the caller named the request that allotted it, so that a repetition is known as one."""
    tags: dict[str, str] = {}
