"""http.rate-limit: the registry limits how often it is asked."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import TOO_MANY
from towline.diagnosis.sign import status
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Sign in, wait as long as Retry-After says, or pull through a cache"),
        who=Who.POD_AUTHOR,
        retry_helps=True,
    )


RULE = Rule(
    code="http.rate-limit",
    title="The registry limits how often it is asked",
    remedy=remedy,
    proof=in_the_way("http.rate-limit"),
    decided_by="the status 429 and its Retry-After",
    signs=(
        status(429),
        TOO_MANY,
    ),
    about=(
        "Too many requests came from this address or account. Docker Hub counts pulls "
        "per six hours; its token service and content networks have limits of their "
        "own."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: unexpected status from HEAD request to "
                "https://hub.example/v2/team/app/manifests/1.0: 429 Too Many Requests"
            ),
        ),
        (
            "docker",
            (
                "Error response from daemon: toomanyrequests: You have reached your pull rate "
                "limit. You may increase the limit by authenticating and upgrading"
            ),
        ),
        (
            "podman",
            (
                "reading manifest 1.0 in hub.example/team/app: toomanyrequests: You have "
                "reached your pull rate limit. You may increase the limit by authenticating and"
                " upgrading"
            ),
        ),
    ),
)
