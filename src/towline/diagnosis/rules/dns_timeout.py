"""dns.timeout: the name server does not answer."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import NAME_SERVER_BUSY, NAME_SERVER_SILENT
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Allow UDP and TCP port 53 from here to the name server, or use another one"),
        who=Who.NETWORK_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="dns.timeout",
    title="The name server does not answer",
    remedy=remedy,
    proof=in_the_way("dns.timeout"),
    decided_by="a question by UDP and by TCP to each name server",
    signs=(AT_REGISTRY & (NAME_SERVER_SILENT | NAME_SERVER_BUSY),),
    about=(
        "Questions go out and nothing comes back, neither an answer nor an error. A "
        "firewall that drops, a wrong address in resolv.conf or a resolver that is down"
        " look alike."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": dial tcp: lookup hub.example '
                "on 10.0.0.2:53: read udp 10.0.1.9:40000->10.0.0.2:53: i/o timeout"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": dial tcp: lookup '
                "hub.example on 10.0.0.2:53: read udp 10.0.1.9:40000->10.0.0.2:53: i/o timeout"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": dial '
                "tcp: lookup hub.example on 10.0.0.2:53: read udp 10.0.1.9:40000->10.0.0.2:53: "
                "i/o timeout"
            ),
        ),
    ),
)
