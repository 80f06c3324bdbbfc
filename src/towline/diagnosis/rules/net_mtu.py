"""net.mtu: large packets are lost on the way."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import HANDSHAKE_SILENT, TO_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Set the MTU of the pod's network to what the path carries"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="net.mtu",
    title="Large packets are lost on the way",
    remedy=remedy,
    proof=in_the_way("net.mtu"),
    decided_by="a handshake with TCP_MAXSEG 400 passes",
    look_alikes=(TO_REGISTRY & HANDSHAKE_SILENT,),
    about=(
        "Small packets pass and big ones are lost, with no ICMP message that would say "
        "so: the path carries less than the interface says (a tunnel, a VPN). The "
        "handshake then stops at the server's certificate, which fills whole packets. "
        "With segments of 400 bytes the same handshake passes."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": net/http: TLS handshake '
                "timeout"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": net/http: TLS '
                "handshake timeout"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": '
                "net/http: TLS handshake timeout"
            ),
        ),
    ),
)
