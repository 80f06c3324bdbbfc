"""http.gateway-timeout: the gateway before the registry waits too long for it (504)."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import TO_REGISTRY
from towline.diagnosis.sign import status
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Look at the registry behind the gateway"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="http.gateway-timeout",
    title="The gateway before the registry waits too long for it (504)",
    remedy=remedy,
    proof=in_the_way("http.gateway-timeout"),
    decided_by="GET /v2/",
    signs=(TO_REGISTRY & status(504),),
    about=("A gateway before the registry waits for it too long."),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: unexpected status from HEAD request to "
                "https://hub.example/v2/team/app/manifests/1.0: 504 Gateway Timeout"
            ),
        ),
        (
            "docker",
            "Error response from daemon: received unexpected HTTP status: 504 Gateway Timeout",
        ),
        (
            "podman",
            (
                "reading manifest 1.0 in hub.example/team/app: received unexpected HTTP status:"
                " 504 Gateway Timeout"
            ),
        ),
    ),
)
