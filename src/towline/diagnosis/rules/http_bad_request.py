"""http.bad-request: the registry does not understand the request (400)."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import HTTPS, TO_REGISTRY
from towline.diagnosis.sign import ODD_PORT, PLAIN_HTTP, status
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Look at what stands between: it changes the request"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="http.bad-request",
    title="The registry does not understand the request (400)",
    remedy=remedy,
    proof=in_the_way("http.bad-request"),
    decided_by="GET /v2/",
    signs=(
        TO_REGISTRY
        & status(400, 406, 411, 413, 414, 415, 431)
        & (HTTPS | ~(PLAIN_HTTP | ODD_PORT)),
    ),
    look_alikes=(TO_REGISTRY & status(400),),
    about=(
        "The request was not understood: a gateway with limits of its own, a header "
        "that is too large, or a plain request to a TLS port."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: unexpected status from HEAD request to "
                "https://hub.example/v2/team/app/manifests/1.0: 400 Bad Request"
            ),
        ),
    ),
)
