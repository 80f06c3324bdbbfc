"""tls.self-signed: the registry's certificate is self-signed."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import SELF_SIGNED, TOO_LATE, UNKNOWN_AUTHORITY
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Trust this certificate "
            "(towline.dev/registry-certificate-sha256), or annotate the pod "
            "with eks.tke.cloud.tencent.com/registry-insecure-skip-verify: "
            f"{registry(facts)}"
        ),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="tls.self-signed",
    title="The registry's certificate is self-signed",
    remedy=remedy,
    proof=in_the_way("tls.self-signed"),
    decided_by="the certificate's issuer is its own subject",
    signs=(AT_REGISTRY & SELF_SIGNED,),
    look_alikes=(AT_REGISTRY & (UNKNOWN_AUTHORITY | TOO_LATE),),
    about=(
        "Issuer and subject of the certificate are the same: nobody vouches for it. It "
        "can be pinned by its fingerprint, which is better than to look away."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": tls: failed to verify '
                "certificate: x509: certificate signed by unknown authority"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": tls: failed to '
                "verify certificate: x509: certificate signed by unknown authority"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": tls: '
                "failed to verify certificate: x509: certificate signed by unknown authority"
            ),
        ),
    ),
)
