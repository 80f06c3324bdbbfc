"""tls.cn-only: the certificate has a common name and no subject alternative names."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import COMMON_NAME
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Issue the certificate of {registry(facts)} with subject alternative names"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="tls.cn-only",
    title="The certificate has a common name and no subject alternative names",
    remedy=remedy,
    proof=in_the_way("tls.cn-only"),
    decided_by="the names in the certificate",
    signs=(AT_REGISTRY & COMMON_NAME,),
    about=(
        "The certificate has the name only in its subject, as was usual until about "
        "2015. Go stopped looking there in 1.15; browsers and Python by default accept "
        "it, so a look with curl may pass."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": tls: failed to verify '
                "certificate: x509: certificate relies on legacy Common Name field, use SANs "
                "instead"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": tls: failed to '
                "verify certificate: x509: certificate relies on legacy Common Name field, use "
                "SANs instead"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": tls: '
                "failed to verify certificate: x509: certificate relies on legacy Common Name "
                "field, use SANs instead"
            ),
        ),
    ),
)
