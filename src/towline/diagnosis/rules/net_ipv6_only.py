"""net.ipv6-only: the registry has IPv6 addresses only, and there is no way to them."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import UNREACHABLE
from towline.diagnosis.sign import AT_REGISTRY, IPV6
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Give {registry(facts)} an IPv4 address, or the pod IPv6"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="net.ipv6-only",
    title="The registry has IPv6 addresses only, and there is no way to them",
    remedy=remedy,
    proof=in_the_way("net.ipv6-only"),
    decided_by="the A and AAAA records of the name",
    signs=(AT_REGISTRY & UNREACHABLE & IPV6,),
)
