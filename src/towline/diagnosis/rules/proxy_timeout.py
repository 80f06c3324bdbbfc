"""proxy.timeout: the proxy does not answer."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import DEADLINE, SILENT, TO_REGISTRY, WAITING_FOR_CONNECTION
from towline.diagnosis.sign import AT_PROXY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Open the way to the proxy, or put {registry(facts)} into NO_PROXY"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="proxy.timeout",
    title="The proxy does not answer",
    remedy=remedy,
    proof=in_the_way("proxy.timeout"),
    decided_by="a connection to the proxy",
    signs=(AT_PROXY & SILENT,),
    look_alikes=(
        WAITING_FOR_CONNECTION & TO_REGISTRY,
        DEADLINE,
    ),
    about=(
        "The proxy's address does not answer. Nothing was sent to the registry yet; "
        "docker 26 and later do not mention the proxy at all."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": proxyconnect tcp: dial tcp '
                "10.0.0.8:3128: i/o timeout"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": net/http: request '
                "canceled while waiting for connection (Client.Timeout exceeded while awaiting "
                "headers)"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": '
                "proxyconnect tcp: dial tcp 10.0.0.8:3128: i/o timeout"
            ),
        ),
    ),
)
