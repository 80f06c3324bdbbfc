"""proxy.cannot-reach: the proxy cannot reach the registry."""

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
        text=(
            f"Put {registry(facts)} into NO_PROXY if it is a private one, or "
            "mend the proxy's own way to it"
        ),
        who=Who.PLATFORM,
        retry_helps=True,
    )


RULE = Rule(
    code="proxy.cannot-reach",
    title="The proxy cannot reach the registry",
    remedy=remedy,
    proof=in_the_way("proxy.cannot-reach"),
    decided_by="CONNECT by hand: 502 or 503",
    signs=(
        PROXY_ANSWER & ~says("proxy authentication required", "forbidden"),
        says("socks connect"),
    ),
    about=(
        "The proxy is there and cannot get to the registry: it cannot resolve a private"
        " name, or has no route to a private address. Go prints the bare words of the "
        "status (`Bad Gateway`) after the registry's URL."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": Service Unavailable'
            ),
        ),
        (
            "docker",
            'Error response from daemon: Get "https://hub.example/v2/": Service Unavailable',
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": Service'
                " Unavailable"
            ),
        ),
    ),
)
