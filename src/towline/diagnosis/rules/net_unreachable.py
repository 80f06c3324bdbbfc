"""net.unreachable: there is no route to the registry's network."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import UNREACHABLE
from towline.diagnosis.sign import AT_REGISTRY, IPV6
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Give the subnet a route to the address"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="net.unreachable",
    title="There is no route to the registry's network",
    remedy=remedy,
    proof=in_the_way("net.unreachable"),
    decided_by="the ICMP message, or the local routing table",
    signs=(AT_REGISTRY & UNREACHABLE & ~IPV6,),
    look_alikes=(AT_REGISTRY & UNREACHABLE,),
    about=(
        "The kernel has no route to the address, not even a default one, or a router "
        "says so for the whole network."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to do request: Head "https://hub.example/v2/team/app/manifests/1.0": '
                "dial tcp 10.0.0.5:443: connect: network is unreachable"
            ),
        ),
    ),
)
