"""proxy.dns: the proxy's name does not resolve."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import NO_NAME
from towline.diagnosis.sign import AT_PROXY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct the proxy's name, or put {registry(facts)} into NO_PROXY"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="proxy.dns",
    title="The proxy's name does not resolve",
    remedy=remedy,
    proof=in_the_way("proxy.dns"),
    decided_by="the proxy's name, asked of each name server",
    signs=(AT_PROXY & NO_NAME,),
    about=("The proxy is named by a name that leads nowhere."),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": proxyconnect tcp: dial tcp: '
                "lookup proxy-nx.example on 10.0.0.2:53: no such host"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": proxyconnect tcp: '
                "dial tcp: lookup proxy-nx.example on 10.0.0.2:53: no such host"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": '
                "proxyconnect tcp: dial tcp: lookup proxy-nx.example on 10.0.0.2:53: no such "
                "host"
            ),
        ),
    ),
)
