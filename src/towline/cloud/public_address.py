"""Public addresses: who has which one of the range that stands for the internet.

Registry instances and elastic IPs take theirs by one kind of claim, so that no two ever meet. They
draw from two parts of the range only so that a reader of addresses can tell them apart.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Network

from towline.cloud.context import Resources
from towline.cloud.refusal import Refusal
from towline.network.address import PUBLIC
from towline.resource.claim import PUBLIC_ADDRESS, Claim
from towline.store.write import Create, Update

INSTANCES, ELASTIC_IPS = PUBLIC.subnets(prefixlen_diff=1)
_FIRST = 10  # the addresses below are for routers
_RESERVED = "198.18.0.53"  # where the resolver of the internet is


def free_address(resources: Resources, range_: IPv4Network, chosen: Collection[str] = ()) -> str:
    """An address of the range that nobody has and that is not `chosen` already.

    The lowest that nobody ever had; only when there is none, one whose owner is gone. Otherwise who
    gives an address back and takes a new one would be let in by lists that still name the old one.
    """
    had = None
    for number in range(_FIRST, range_.num_addresses - 1):
        address = str(range_[number])
        if address in (_RESERVED, *chosen):
            continue
        held = resources.claims.get(PUBLIC_ADDRESS, address)
        if held is None:
            return address
        if had is None and not _is_there(resources, held):
            had = address
    if had is None:
        raise Refusal("OperationDenied.QuotaOverLimit", "No public address is left.")
    return had


def claim(resources: Resources, address: str, owner_id: str) -> Create | Update:
    """The write that takes an address which is free now."""
    record = resources.claims.record(PUBLIC_ADDRESS, address)
    if record is None:
        return resources.claims.creation(PUBLIC_ADDRESS, address, Claim(owner_id))
    return resources.claims.replacement(record, Claim(owner_id))


def _is_there(resources: Resources, held: Claim) -> bool:
    """Whether the owner of a claim still exists."""
    owners = (resources.instances, resources.elastic_ips)
    return any(one.record("", held.owner_id) is not None for one in owners)
