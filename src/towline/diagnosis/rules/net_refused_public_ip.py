"""net.refused.public-ip: the registry's public address refuses connections."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import REFUSED
from towline.diagnosis.sign import AT_REGISTRY, PUBLIC
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Open the registry's public access, or correct the port"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="net.refused.public-ip",
    title="The registry's public address refuses connections",
    remedy=remedy,
    proof=in_the_way("net.refused.public-ip"),
    decided_by="a connection to the address: RST",
    signs=(AT_REGISTRY & REFUSED & PUBLIC,),
    about=(
        "The registry's public endpoint turns the connection away. For a private "
        "registry that is the usual state: its public endpoint is closed, or does not "
        "have the caller on its allowlist, and the private way is the one to use."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to do request: Head "https://hub.example/v2/team/app/manifests/1.0": '
                "dial tcp 203.0.113.5:443: connect: connection refused"
            ),
        ),
    ),
)
