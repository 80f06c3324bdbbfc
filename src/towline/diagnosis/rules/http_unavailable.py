"""http.unavailable: the registry is not available (503)."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import TO_REGISTRY, TOO_MANY
from towline.diagnosis.sign import status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Try again later, and look at {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="http.unavailable",
    title="The registry is not available (503)",
    remedy=remedy,
    proof=in_the_way("http.unavailable"),
    decided_by="GET /v2/",
    signs=(TO_REGISTRY & status(503) & ~TOO_MANY,),
    about=("The registry, or a balancer in its name, says that it cannot answer now."),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: unexpected status from HEAD request to "
                "https://hub.example/v2/team/app/manifests/1.0: 503 Service Unavailable"
            ),
        ),
        (
            "docker",
            "Error response from daemon: received unexpected HTTP status: 503 Service Unavailable",
        ),
    ),
)
