"""proxy.refused: the proxy refuses connections."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import CLOSED, NO_ROUTE, REFUSED, RESET, UNREACHABLE
from towline.diagnosis.sign import AT_PROXY, LOOKED_UP
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct the proxy's address, or put {registry(facts)} into NO_PROXY"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="proxy.refused",
    title="The proxy refuses connections",
    remedy=remedy,
    proof=in_the_way("proxy.refused"),
    decided_by="a connection to the proxy",
    signs=(AT_PROXY & (REFUSED | NO_ROUTE | UNREACHABLE | RESET | CLOSED) & ~LOOKED_UP,),
    about=(
        "The runtime's proxy (HTTPS_PROXY in its own environment, not the pod's) does "
        "not listen. A private registry needs no proxy: put it into NO_PROXY."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to do request: Head "https://hub.example/v2/team/app/manifests/1.0": '
                "proxyconnect tcp: dial tcp 10.0.0.8:3128: connect: connection refused"
            ),
        ),
    ),
)
