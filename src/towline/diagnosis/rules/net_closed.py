"""net.closed: the connection is closed before an answer."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import CLOSED, RESET, TO_REGISTRY
from towline.diagnosis.sign import ODD_PORT, UNANSWERED
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Look for a balancer without targets, or a server that speaks something else"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="net.closed",
    title="The connection is closed before an answer",
    remedy=remedy,
    proof=in_the_way("net.closed"),
    decided_by="a connection, and whether a plain request is answered",
    about=(
        "The connection is accepted and closed again without a word: a load balancer "
        "whose target is gone, a port that speaks something else, or a server that "
        "hangs up on overload."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": EOF'
            ),
        ),
        ("docker", 'Error response from daemon: Get "https://hub.example/v2/": EOF'),
        ("podman", 'pinging container registry hub.example: Get "https://hub.example/v2/": EOF'),
    ),
    signs=(TO_REGISTRY & CLOSED & UNANSWERED & ~ODD_PORT,),
    look_alikes=(TO_REGISTRY & (CLOSED | RESET) & UNANSWERED,),
)
