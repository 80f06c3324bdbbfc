"""http.redirect-loop: the registry redirects in a circle."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import CIRCLE, REDIRECTED, TO_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Mend the redirect of {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="http.redirect-loop",
    title="The registry redirects in a circle",
    remedy=remedy,
    proof=in_the_way("http.redirect-loop"),
    decided_by="follow the redirects",
    about=(
        "Each answer is a redirect to another. It comes of an external URL that the "
        "registry does not recognize as its own, or of http and https that redirect to "
        "each other."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0?n=%5BREDACTED%5D": stopped '
                "after 10 redirects"
            ),
        ),
        (
            "docker",
            (
                "Error response from daemon: Head "
                '"https://hub.example/v2/team/app/manifests/1.0?n=10": stopped after 10 '
                "redirects"
            ),
        ),
        (
            "podman",
            'Get "https://hub.example/v2/team/app/manifests/1.0?n=10": stopped after 10 redirects',
        ),
    ),
    signs=(
        TO_REGISTRY & CIRCLE,
        TO_REGISTRY & REDIRECTED,
    ),
)
