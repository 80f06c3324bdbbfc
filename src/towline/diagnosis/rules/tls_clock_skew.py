"""tls.clock-skew: the clock of whoever pulls is wrong."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import OUT_OF_TIME
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Set the clock"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="tls.clock-skew",
    title="The clock of whoever pulls is wrong",
    remedy=remedy,
    proof=in_the_way("tls.clock-skew"),
    decided_by="the registry's Date header agrees with its certificate",
    look_alikes=(AT_REGISTRY & OUT_OF_TIME,),
    about=(
        "The certificate is fine and the clock is not: the registry's Date header lies "
        "within the certificate's time, the own clock outside."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to do request: Head "https://hub.example/v2/team/app/manifests/1.0": '
                "tls: failed to verify certificate: x509: certificate has expired or is not yet"
                " valid: current time 2024-01-01T00:00:12Z is before 2026-05-01T00:00:00Z"
            ),
        ),
    ),
)
