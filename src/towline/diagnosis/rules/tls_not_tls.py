"""tls.not-tls: what listens there does not speak TLS."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import NO_TLS
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct the port of {registry(facts)}"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="tls.not-tls",
    title="What listens there does not speak TLS",
    remedy=remedy,
    proof=in_the_way("tls.not-tls"),
    decided_by="the first bytes that come",
    signs=(AT_REGISTRY & NO_TLS,),
    about=(
        "Something else than TLS and HTTP answers at the port: SSH, a database, a mail "
        "server. What it says first tells which."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to do request: Head "https://hub.example/v2/team/app/manifests/1.0": '
                "tls: first record does not look like a TLS handshake"
            ),
        ),
    ),
)
