"""net.local-firewall: a rule of the sender's own drops what it sends."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import (
    DEADLINE,
    FORBIDDEN_HERE,
    SILENT,
    TO_REGISTRY,
    WAITING_FOR_CONNECTION,
)
from towline.diagnosis.sign import AT_REGISTRY, HANGS, LAYERS_BEGUN
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Remove the outbound rule of the pod or its node that drops it"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="net.local-firewall",
    title="A rule of the sender's own drops what it sends",
    remedy=remedy,
    proof=in_the_way("net.local-firewall"),
    decided_by="a datagram to the same address: EPERM at once",
    signs=(AT_REGISTRY & FORBIDDEN_HERE,),
    look_alikes=(
        AT_REGISTRY & SILENT,
        DEADLINE,
        WAITING_FOR_CONNECTION & TO_REGISTRY,
        HANGS & ~LAYERS_BEGUN,
    ),
    about=(
        "What drops the packets is on the same machine: a rule of nftables or iptables,"
        " or a security group's egress. It shows by a UDP packet to the same address, "
        "which fails at once with EPERM; TCP only waits."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to do request: Head "https://hub.example/v2/team/app/manifests/1.0": '
                "dial tcp 10.0.0.5:443: i/o timeout"
            ),
        ),
    ),
)
