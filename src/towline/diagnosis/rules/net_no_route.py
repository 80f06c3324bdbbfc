"""net.no-route: a router says that the address cannot be reached."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import NO_ROUTE
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Add the route, or open the rule of the router that rejects"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="net.no-route",
    title="A router says that the address cannot be reached",
    remedy=remedy,
    proof=in_the_way("net.no-route"),
    decided_by="the ICMP message and the router that sent it",
    signs=(AT_REGISTRY & NO_ROUTE,),
    about=(
        "A router or the own kernel says that the host cannot be reached. With the ICMP"
        " message's sender one knows who: `host-unreachable` from the last router means"
        " that the machine is down, `admin-prohibited` that a firewall rejects."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": dial tcp 10.0.0.5:443: '
                "connect: no route to host"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": dial tcp '
                "10.0.0.5:443: connect: no route to host"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": dial '
                "tcp 10.0.0.5:443: connect: no route to host"
            ),
        ),
    ),
)
