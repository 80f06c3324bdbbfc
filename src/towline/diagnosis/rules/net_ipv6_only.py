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
    about=("All addresses of the name are IPv6, and the pod or its node has no IPv6 route."),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": dial tcp '
                "[2001:db8:77::32]:443: connect: network is unreachable"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": dial tcp '
                "[2001:db8:77::32]:443: connect: network is unreachable"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": dial '
                "tcp [2001:db8:77::32]:443: connect: network is unreachable"
            ),
        ),
    ),
)
