"""dns.refused: the name server refuses to answer this client."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import NAME_SERVER_FAILS
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Let this subnet query the name server, or ask another one"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="dns.refused",
    title="The name server refuses to answer this client",
    remedy=remedy,
    proof=in_the_way("dns.refused"),
    decided_by="the response code of each name server",
    look_alikes=(AT_REGISTRY & NAME_SERVER_FAILS,),
    about=(
        "The name server does not serve this client: its access list does not have the "
        "pod's address, or it answers only for its own zones. Runtimes print the same "
        "words as for SERVFAIL."
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
