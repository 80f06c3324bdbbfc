"""http.server-error: the registry fails (500)."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import PROXY_ANSWER, TO_REGISTRY
from towline.diagnosis.sign import mentions, status
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Look at the registry's log"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="http.server-error",
    title="The registry fails (500)",
    remedy=remedy,
    proof=in_the_way("http.server-error"),
    decided_by="GET /v2/ and the manifest",
    signs=(
        TO_REGISTRY & status(500, 501, 505, 507, 508, 520, 521, 522, 523, 524),
        TO_REGISTRY
        & mentions("unknown: unknown error", "internal server error", "stream error:")
        & ~PROXY_ANSWER,
    ),
    about=("The registry failed inside. Its log has the reason."),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: unexpected status from HEAD request to "
                "https://hub.example/v2/team/app/manifests/1.0: 500 Internal Server Error"
            ),
        ),
        (
            "docker",
            (
                "Error response from daemon: received unexpected HTTP status: 500 Internal "
                "Server Error"
            ),
        ),
        (
            "podman",
            (
                "reading manifest 1.0 in hub.example/team/app: received unexpected HTTP status:"
                " 500 Internal Server Error"
            ),
        ),
    ),
)
