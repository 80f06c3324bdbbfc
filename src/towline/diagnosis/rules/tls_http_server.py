"""tls.http-server: the registry speaks plain HTTP."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import CLOSED, HANDSHAKE_SILENT, HTTP_ANSWER, TO_REGISTRY
from towline.diagnosis.sign import AT_REGISTRY, ODD_PORT, PLAIN_HTTP, UNANSWERED
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Annotate the pod with "
            "eks.tke.cloud.tencent.com/registry-http-endpoint: "
            f"{registry(facts)}"
        ),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="tls.http-server",
    title="The registry speaks plain HTTP",
    remedy=remedy,
    proof=in_the_way("tls.http-server"),
    decided_by="a plain GET /v2/ is answered",
    signs=(
        AT_REGISTRY & HTTP_ANSWER,
        TO_REGISTRY & HANDSHAKE_SILENT & ODD_PORT,
        TO_REGISTRY & CLOSED & UNANSWERED & ODD_PORT & ~PLAIN_HTTP,
    ),
    look_alikes=(
        TO_REGISTRY & HANDSHAKE_SILENT,
        TO_REGISTRY & CLOSED & UNANSWERED & ~PLAIN_HTTP,
    ),
    about=(
        "The server answers the TLS greeting with a line of HTTP, or waits for one. "
        "Self-hosted registries at port 5000 often speak plain HTTP."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example:5000/v2/team/app/manifests/1.0": EOF'
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example:5000/v2/": net/http: TLS '
                "handshake timeout"
            ),
        ),
        (
            "podman",
            (
                "pinging container registry hub.example:5000: Get "
                '"https://hub.example:5000/v2/": net/http: TLS handshake timeout'
            ),
        ),
    ),
)
