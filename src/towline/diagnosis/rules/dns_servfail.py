"""dns.servfail: the name server failed (SERVFAIL)."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import NAME_SERVER_BUSY, NAME_SERVER_FAILS
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Mend the forwarder behind the name server"),
        who=Who.NETWORK_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="dns.servfail",
    title="The name server failed (SERVFAIL)",
    remedy=remedy,
    proof=in_the_way("dns.servfail"),
    decided_by="the response code of each name server",
    signs=(AT_REGISTRY & NAME_SERVER_FAILS,),
    look_alikes=(AT_REGISTRY & NAME_SERVER_BUSY,),
    about=(
        "The name server could not find out: its forwarder is down, the zone is broken,"
        " or DNSSEC does not verify. It says nothing about whether the name exists."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": dial tcp: lookup hub.example '
                "on 10.0.0.2:53: server misbehaving"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": dial tcp: lookup '
                "hub.example on 10.0.0.2:53: server misbehaving"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": dial '
                "tcp: lookup hub.example on 10.0.0.2:53: server misbehaving"
            ),
        ),
    ),
)
