"""What a pod's annotations ask of its network interface.

They are read once, when the pod is attached. Values that make no sense are refused rather than
passed over: a pod that runs without its security group is worse than one that does not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Address
from typing import Annotated, Literal

import msgspec

from towline.kube.annotations import (
    EIP_ATTRIBUTES,
    EIP_CLAIM_DELETE_POLICY,
    EIP_ID_LIST,
    EIP_INJECTION,
    RESOLV_CONF,
    SECURITY_GROUP_ID,
)
from towline.problem import Problem

_MOST = 100  # Mbit/s of an address that is paid for by the hour


class NewAddress(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What `eip-attributes` says: parameters of `AllocateAddresses`. Those that make no difference
    here are passed over.
    """

    internet_max_bandwidth_out: Annotated[int, msgspec.Meta(ge=1, le=_MOST)] | None = None
    internet_charge_type: Literal["TRAFFIC_POSTPAID_BY_HOUR", "BANDWIDTH_POSTPAID_BY_HOUR"] = (
        "TRAFFIC_POSTPAID_BY_HOUR"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A pod's wishes."""

    security_group_ids: tuple[str, ...] = ()
    elastic_ip_ids: tuple[str, ...] = ()
    """It wants the first of these that is free."""
    new_address: NewAddress | None = None
    keeps_address: bool = False
    """Whether a new address outlives the pod, for the next one of its name."""
    shows_address: bool = False
    """Whether the pod sees its public address on its own link."""


def attachment(annotations: Mapping[str, str]) -> Attachment:
    """Read the annotations; raises `Problem`."""
    ids = _list(annotations.get(EIP_ID_LIST, ""))
    new = _new_address(annotations)
    if ids and new is not None:
        raise Problem(
            "eip-annotations-clash",
            cause=f"{EIP_ID_LIST} and {EIP_ATTRIBUTES} do not go together",
            remedy="name elastic IPs that exist, or have one made, but not both",
        )
    return Attachment(
        security_group_ids=_list(annotations.get(SECURITY_GROUP_ID, "")),
        elastic_ip_ids=ids,
        new_address=new,
        keeps_address=annotations.get(EIP_CLAIM_DELETE_POLICY) == "Never",
        shows_address=annotations.get(EIP_INJECTION) == "true",
    )


def own_nameservers(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """Whom a pod asks for names instead of the resolvers of its VPC; nobody unless it says so.

    Whoever is not asked the resolvers of the VPC does not hear of private zones.
    """
    lines = (line.split() for line in annotations.get(RESOLV_CONF, "").splitlines())
    named = (words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")
    return tuple(server for server in named if _is_address(server))


def interface_id(pod_uid: str) -> str:
    """`eni-` and eight characters that follow from the pod's uid."""
    return f"eni-{_told(pod_uid)}"


def new_address_id(owner: str) -> str:
    """`eip-` and eight characters that follow from whom the address is made for."""
    return f"eip-{_told(owner)}"


def _new_address(annotations: Mapping[str, str]) -> NewAddress | None:
    text = annotations.get(EIP_ATTRIBUTES)
    if text is None:
        return None
    try:
        return msgspec.json.decode(text.strip() or "{}", type=NewAddress, strict=False)
    except msgspec.DecodeError as error:
        raise Problem(
            "eip-attributes-malformed",
            cause=f"{EIP_ATTRIBUTES}={text!r}: {error}",
            remedy="""write JSON like '{"InternetMaxBandwidthOut": 50}', or leave it empty""",
        ) from error


def _list(text: str) -> tuple[str, ...]:
    words = (word.strip() for word in text.split(","))
    return tuple(dict.fromkeys(word for word in words if word))


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def _told(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]
