"""New elastic IPs: for whoever asks for addresses, and for NAT gateways that bring none of their own.

An account has a quota of addresses, and may be allotted twice as many on one day.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from towline.cloud.context import Context
from towline.cloud.identifier import resource_id
from towline.cloud.public_address import ELASTIC_IPS as RANGE
from towline.cloud.public_address import claim, free_address
from towline.cloud.quota import counted, given_today
from towline.cloud.refusal import Refusal
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.quota import ELASTIC_IPS
from towline.store.write import Write

QUOTA = 20  # elastic IPs of a region
_DAILY = 2 * QUOTA
_HIGHEST = {
    "TRAFFIC_POSTPAID_BY_HOUR": 100,
    "BANDWIDTH_POSTPAID_BY_HOUR": 100,
    "BANDWIDTH_PREPAID_BY_MONTH": 200,
}
"""Mbit/s that an address may have at most, by how it is paid for."""


@dataclass(frozen=True, slots=True)
class _Codes:
    """How the quotas are refused, which is not the same for gateways."""

    at_most: str
    on_one_day: str


_OF_ACCOUNT = _Codes("AddressQuotaLimitExceeded", "AddressQuotaLimitExceeded.DailyAllocate")
_OF_GATEWAY = _Codes(
    "LimitExceeded.AddressQuotaLimitExceeded",
    "LimitExceeded.DailyAllocateAddressQuotaLimitExceeded",
)


@dataclass(frozen=True, slots=True)
class Allotment:
    """How many addresses are wanted, and what they are to be like."""

    count: int
    name: str = ""
    charge_type: str = "TRAFFIC_POSTPAID_BY_HOUR"
    bandwidth: int = 0
    bound_to: str = ""
    client_token: str = ""
    tags: dict[str, str] = field(default_factory=dict)


def allot(context: Context, wanted: Allotment) -> tuple[list[ElasticIp], list[Write]]:
    """Free addresses, and the writes that make them the account's; refused over the quota."""
    resources = context.resources
    codes = _OF_GATEWAY if wanted.bound_to else _OF_ACCOUNT
    if not 1 <= wanted.count <= QUOTA:
        raise Refusal("InvalidParameterValue.Range", f"AddressCount must be from 1 to {QUOTA}.")
    if len(resources.elastic_ips.list()) + wanted.count > QUOTA:
        raise Refusal(codes.at_most, f"There are at most {QUOTA} elastic IPs in a region.")
    if given_today(context, ELASTIC_IPS) + wanted.count > _DAILY:
        raise Refusal(
            codes.on_one_day,
            f"At most {_DAILY} elastic IPs are allotted on one day.",
        )
    chosen = list[str]()
    for _ in range(wanted.count):
        chosen.append(free_address(resources, RANGE, chosen))
    allotted = [_elastic_ip(context, wanted, address) for address in chosen]
    writes: list[Write] = [counted(context, ELASTIC_IPS, wanted.count)]
    writes += [claim(resources, one.address, one.id) for one in allotted]
    writes += [resources.elastic_ips.creation("", one.id, one) for one in allotted]
    return allotted, writes


def checked_bandwidth(
    charge_type: str,
    bandwidth: int,
    unfit: str = "InvalidParameterValue.BandwidthOutOfRange",
) -> int:
    """The Mbit/s asked for; refused with `unfit` when there cannot be so many or so few."""
    highest = _HIGHEST[charge_type]
    if not 1 <= bandwidth <= highest:
        raise Refusal(
            unfit,
            f"InternetMaxBandwidthOut must be from 1 to {highest} Mbit/s with {charge_type}.",
        )
    return bandwidth


def checked_charge_type(text: str) -> str:
    """How the address is paid for; refused when it is in no way that there is here."""
    if text not in _HIGHEST:
        raise Refusal(
            "InvalidParameterValue", f"InternetChargeType must be one of {', '.join(_HIGHEST)}."
        )
    return text


def _elastic_ip(context: Context, wanted: Allotment, address: str) -> ElasticIp:
    return ElasticIp(
        id=resource_id("eip"),
        address=address,
        name=wanted.name,
        status=ElasticIpStatus.BIND if wanted.bound_to else ElasticIpStatus.UNBIND,
        bound_to=wanted.bound_to,
        bandwidth=wanted.bandwidth,
        charge_type=wanted.charge_type,
        created_at=context.now(),
        client_token=wanted.client_token,
        tags=wanted.tags,
    )
