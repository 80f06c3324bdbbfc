"""net.timeout.public-ip: the registry's public address does not answer."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import (
    AWAITING_HEADERS,
    DEADLINE,
    SILENT,
    TO_REGISTRY,
    WAITING_FOR_CONNECTION,
)
from towline.diagnosis.sign import AT_REGISTRY, HANGS, LAYERS_BEGUN, PRIVATE, THIS_MACHINE
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            f"Turn on private domain resolution for {registry(facts)} in the "
            "VPC, or give the subnet a way out (NAT gateway, EIP, route) and "
            "admit its address at the registry"
        ),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="net.timeout.public-ip",
    title="The registry's public address does not answer",
    remedy=remedy,
    proof=in_the_way("net.timeout.public-ip"),
    decided_by="a connection to the address, and whether the name should lead to a private one",
    signs=(
        AT_REGISTRY & SILENT & ~PRIVATE & ~THIS_MACHINE,
        DEADLINE & ~AWAITING_HEADERS,
    ),
    look_alikes=(
        DEADLINE,
        WAITING_FOR_CONNECTION & TO_REGISTRY,
        HANGS & ~LAYERS_BEGUN,
    ),
)
