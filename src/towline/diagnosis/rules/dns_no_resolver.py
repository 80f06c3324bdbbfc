"""dns.no-resolver: whoever pulls has no name server."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import NAME_SERVER_CLOSED, NO_SERVER_NAMED
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Give the pod a name server (dnsPolicy or dnsConfig), or drop "
            "the override of its resolv.conf"
        ),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="dns.no-resolver",
    title="Whoever pulls has no name server",
    remedy=remedy,
    proof=in_the_way("dns.no-resolver"),
    decided_by="the nameserver lines of its resolv.conf",
    signs=(AT_REGISTRY & NAME_SERVER_CLOSED & NO_SERVER_NAMED,),
    about=(
        "With no nameserver line in /etc/resolv.conf Go's resolver asks port 53 of this"
        " very machine, where nobody listens. A pod gets its name servers from its "
        "dnsPolicy and dnsConfig, or from the resolv-conf annotation."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": dial tcp: lookup hub.example '
                "on [::1]:53: read udp [::1]:40000->[::1]:53: read: connection refused"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": dial tcp: lookup '
                "hub.example on [::1]:53: read udp [::1]:40000->[::1]:53: read: connection "
                "refused"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": dial '
                "tcp: lookup hub.example on [::1]:53: read udp [::1]:40000->[::1]:53: read: "
                "connection refused"
            ),
        ),
    ),
)
