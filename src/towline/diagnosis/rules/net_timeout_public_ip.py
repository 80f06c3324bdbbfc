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
    about=(
        "Packets to a public address go nowhere. Either the name should have led to a "
        "private address here (the link's name resolution is off), or the subnet has no"
        " way out (NAT gateway, elastic IP, route), or the registry's allowlist does "
        "not have its address. docker 26 and later do not print the address at all."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": dial tcp 203.0.113.5:443: i/o'
                " timeout"
            ),
        ),
        (
            "docker",
            'Error response from daemon: Get "https://hub.example/v2/": context deadline exceeded',
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": dial '
                "tcp 203.0.113.5:443: i/o timeout"
            ),
        ),
    ),
)
