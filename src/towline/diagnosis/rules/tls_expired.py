"""tls.expired: the registry's certificate has expired."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import OUT_OF_TIME, TOO_EARLY
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Renew the certificate of {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="tls.expired",
    title="The registry's certificate has expired",
    remedy=remedy,
    proof=in_the_way("tls.expired"),
    decided_by="its dates, against the registry's own Date header",
    signs=(AT_REGISTRY & OUT_OF_TIME & ~TOO_EARLY,),
    about=(
        "The last day of the certificate is over. If the registry's own Date header "
        "agrees with the certificate, it is this machine's clock that is wrong."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": tls: failed to verify '
                "certificate: x509: certificate has expired or is not yet valid: current time "
                "2026-11-23T06:28:54Z is after 2026-11-11T06:06:35Z"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": tls: failed to '
                "verify certificate: x509: certificate has expired or is not yet valid: current"
                " time 2026-11-23T06:28:09Z is after 2026-11-11T06:06:35Z"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": tls: '
                "failed to verify certificate: x509: certificate has expired or is not yet "
                "valid: current time 2026-11-23T06:27:13Z is after 2026-11-11T06:06:35Z"
            ),
        ),
    ),
)
