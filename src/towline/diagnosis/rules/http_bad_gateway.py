"""http.bad-gateway: the gateway before the registry gets no answer from it (502)."""

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
    code="http.bad-gateway",
    title="The gateway before the registry gets no answer from it (502)",
    remedy=remedy,
    proof=in_the_way("http.bad-gateway"),
    decided_by="GET /v2/",
    signs=(TO_REGISTRY & status(502),),
    about=("A gateway or ingress before the registry gets no proper answer from it."),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: unexpected status from HEAD request to "
                "https://hub.example/v2/team/app/manifests/1.0: 502 Bad Gateway"
            ),
        ),
        ("docker", "Error response from daemon: received unexpected HTTP status: 502 Bad Gateway"),
        (
            "podman",
            (
                "pinging container registry hub.example: received unexpected HTTP status: 502 "
                "Bad Gateway"
            ),
        ),
    ),
)
