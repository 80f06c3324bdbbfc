"""net.blackhole: a local route throws away what goes to the registry."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import SWALLOWED
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Remove the blackhole route"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="net.blackhole",
    title="A local route throws away what goes to the registry",
    remedy=remedy,
    proof=in_the_way("net.blackhole"),
    decided_by="the local routing table (invalid argument)",
    signs=(AT_REGISTRY & SWALLOWED,),
    about=(
        "A local route of the kind `blackhole` swallows the packets; the call fails "
        "with EINVAL, which reads as if the program had erred."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": dial tcp 10.0.0.5:443: '
                "connect: invalid argument"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": dial tcp '
                "10.0.0.5:443: connect: invalid argument"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": dial '
                "tcp 10.0.0.5:443: connect: invalid argument"
            ),
        ),
    ),
)
