"""net.prohibited: a local rule prohibits the way to the registry."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import PROHIBITED
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Remove the prohibiting route or rule"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="net.prohibited",
    title="A local rule prohibits the way to the registry",
    remedy=remedy,
    proof=in_the_way("net.prohibited"),
    decided_by="the local routing table (permission denied)",
    signs=(AT_REGISTRY & PROHIBITED,),
    about=(
        "A local route of the kind `prohibit`, or a security module, forbids the "
        "connection. Nothing leaves the machine."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to do request: Head "https://hub.example/v2/team/app/manifests/1.0": '
                "dial tcp 10.0.0.5:443: connect: permission denied"
            ),
        ),
    ),
)
