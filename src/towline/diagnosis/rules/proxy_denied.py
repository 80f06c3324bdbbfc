"""proxy.denied: the proxy does not let this registry pass."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import PROXY_ANSWER
from towline.diagnosis.sign import says
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Admit {registry(facts)} at the proxy, or put it into NO_PROXY"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="proxy.denied",
    title="The proxy does not let this registry pass",
    remedy=remedy,
    proof=in_the_way("proxy.denied"),
    decided_by="CONNECT by hand: 403",
    signs=(PROXY_ANSWER & says("forbidden", "access denied", "not allowed"),),
    about=(
        "The proxy does not let the registry through. Go prints a bare `Forbidden` "
        "after the registry's URL: the registry itself has not been reached."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": Forbidden'
            ),
        ),
        ("docker", 'Error response from daemon: Get "https://hub.example/v2/": Forbidden'),
        (
            "podman",
            'pinging container registry hub.example: Get "https://hub.example/v2/": Forbidden',
        ),
    ),
)
