"""tls.client-cert: the registry wants a client certificate."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import (
    HANDSHAKE_REFUSED,
    RESET,
    TO_REGISTRY,
    UNKNOWN_NAME,
    WANTS_CERTIFICATE,
)
from towline.diagnosis.sign import AT_REGISTRY, UNANSWERED, says
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Give the runtime a client certificate for {registry(facts)}"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="tls.client-cert",
    title="The registry wants a client certificate",
    remedy=remedy,
    proof=in_the_way("tls.client-cert"),
    decided_by="a handshake with a certificate request",
    about=(
        "The registry asks for a certificate of the client (mutual TLS) and ends the "
        "handshake when none comes."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to do request: Head "https://hub.example/v2/team/app/manifests/1.0": '
                "remote error: tls: certificate required"
            ),
        ),
    ),
    signs=(AT_REGISTRY & (WANTS_CERTIFICATE | HANDSHAKE_REFUSED),),
    look_alikes=(
        AT_REGISTRY & UNKNOWN_NAME & says("internal error"),
        TO_REGISTRY & RESET & UNANSWERED,
    ),
)
