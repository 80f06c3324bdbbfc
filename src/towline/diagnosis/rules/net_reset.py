"""net.reset: the connection is reset."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import RESET, TO_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Look for a middlebox or a balancer without targets before {registry(facts)}"),
        who=Who.NETWORK_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="net.reset",
    title="The connection is reset",
    remedy=remedy,
    proof=in_the_way("net.reset"),
    decided_by="when the reset comes, and whether another server name passes",
    signs=(TO_REGISTRY & RESET,),
    about=(
        "Somebody ends the connection with RST. Before the ClientHello it is a balancer"
        " without a healthy target or a proxy; after it, often a middlebox that looks "
        "at the server name: with another name the handshake passes."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to do request: Head "https://hub.example/v2/team/app/manifests/1.0": '
                "read tcp 10.0.1.9:54336->10.0.0.5:443: read: connection reset by peer"
            ),
        ),
    ),
)
