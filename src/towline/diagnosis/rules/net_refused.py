"""net.refused: nothing listens where the registry should be."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import LOCAL_IMAGE, REFUSED
from towline.diagnosis.sign import AT_REGISTRY, PUBLIC, THIS_MACHINE
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Correct the port, or start the registry"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="net.refused",
    title="Nothing listens where the registry should be",
    remedy=remedy,
    proof=in_the_way("net.refused"),
    decided_by="a connection to the address: RST",
    signs=(AT_REGISTRY & REFUSED & ~PUBLIC & (~THIS_MACHINE | LOCAL_IMAGE),),
    look_alikes=(AT_REGISTRY & REFUSED,),
    about=(
        "The address answers that nothing listens at the port (RST, or ICMP "
        "port-unreachable). The machine is there, the registry is not: wrong port, "
        "stopped service, or a firewall that rejects instead of dropping."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": dial tcp 10.0.0.5:443: '
                "connect: connection refused"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": dial tcp '
                "10.0.0.5:443: connect: connection refused"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": dial '
                "tcp 10.0.0.5:443: connect: connection refused"
            ),
        ),
    ),
)
