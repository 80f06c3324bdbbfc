"""proxy.auth: the proxy wants a credential."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import PROXY_ANSWER
from towline.diagnosis.sign import says, status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            f"Write user and password into the proxy's URL, or put {registry(facts)} into NO_PROXY"
        ),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="proxy.auth",
    title="The proxy wants a credential",
    remedy=remedy,
    proof=in_the_way("proxy.auth"),
    decided_by="CONNECT by hand: 407",
    signs=(
        PROXY_ANSWER & says("proxy authentication required"),
        status(407),
    ),
    about=(
        "The proxy wants user and password. Go prints only the words of the status, "
        "after the registry's URL and without the word proxy, so it reads as if the "
        "registry had said it."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": Proxy Authentication Required'
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": Proxy '
                "Authentication Required"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": Proxy '
                "Authentication Required"
            ),
        ),
    ),
)
