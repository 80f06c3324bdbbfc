"""proxy.scheme: the proxy's URL has the wrong scheme."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import HANDSHAKE_SILENT, HTTP_ANSWER, NO_TLS, NOT_BELIEVED
from towline.diagnosis.sign import AT_PROXY, mentions, says
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Write the proxy's URL with http://"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="proxy.scheme",
    title="The proxy's URL has the wrong scheme",
    remedy=remedy,
    proof=in_the_way("proxy.scheme"),
    decided_by="a plain CONNECT is answered where TLS is not",
    signs=(
        AT_PROXY & (HANDSHAKE_SILENT | HTTP_ANSWER | NO_TLS | NOT_BELIEVED),
        mentions("invalid proxy", "proxy url", "unknown scheme") & says("proxy", "scheme"),
        AT_PROXY & says("malformed http"),
    ),
    about=(
        "HTTPS_PROXY begins with https:// although the proxy speaks plain HTTP (the "
        "usual case), or the other way round. The variable's name says what is proxied,"
        " not how the proxy is spoken to."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": proxyconnect tcp: net/http: '
                "TLS handshake timeout"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": proxyconnect tcp: '
                "net/http: TLS handshake timeout"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": '
                "proxyconnect tcp: net/http: TLS handshake timeout"
            ),
        ),
    ),
)
