"""tls.not-yet-valid: the registry's certificate is not valid yet."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import OUT_OF_TIME, TOO_EARLY, TOO_LATE
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Issue the certificate of {registry(facts)} anew, or wait"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="tls.not-yet-valid",
    title="The registry's certificate is not valid yet",
    remedy=remedy,
    proof=in_the_way("tls.not-yet-valid"),
    decided_by="its dates, against the registry's own Date header",
    signs=(AT_REGISTRY & TOO_EARLY,),
    look_alikes=(AT_REGISTRY & OUT_OF_TIME & ~TOO_LATE,),
    about=(
        "The certificate's first day has not come. More often than not the clock of the"
        " machine that pulls is wrong."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": tls: failed to verify '
                "certificate: x509: certificate has expired or is not yet valid: current time "
                "2026-11-23T06:30:08Z is before 2026-12-23T06:06:35Z"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": tls: failed to '
                "verify certificate: x509: certificate has expired or is not yet valid: current"
                " time 2026-11-23T06:26:01Z is before 2026-12-23T06:06:35Z"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": tls: '
                "failed to verify certificate: x509: certificate has expired or is not yet "
                "valid: current time 2026-11-23T06:30:03Z is before 2026-12-23T06:06:35Z"
            ),
        ),
    ),
)
