"""tls.unrecognized-name: the server does not know this name."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import UNKNOWN_NAME
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct the name, or configure the server for {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="tls.unrecognized-name",
    title="The server does not know this name",
    remedy=remedy,
    proof=in_the_way("tls.unrecognized-name"),
    decided_by="a handshake with another server name",
    signs=(AT_REGISTRY & UNKNOWN_NAME,),
    about=(
        "The server has no certificate for the name that is asked for, and says so with"
        " an alert instead of another certificate."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to do request: Head "https://hub.example/v2/team/app/manifests/1.0": '
                "remote error: tls: unrecognized name"
            ),
        ),
    ),
)
