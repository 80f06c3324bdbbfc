"""tls.unknown-authority: the registry's certificate is signed by an authority that is not trusted here."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import SELF_SIGNED, UNKNOWN_AUTHORITY
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Give the runtime the authority's certificate for {registry(facts)}"),
        who=Who.PLATFORM,
    )


RULE = Rule(
    code="tls.unknown-authority",
    title="The registry's certificate is signed by an authority that is not trusted here",
    remedy=remedy,
    proof=in_the_way("tls.unknown-authority"),
    decided_by="the chain that the server sends",
    signs=(AT_REGISTRY & UNKNOWN_AUTHORITY,),
    look_alikes=(AT_REGISTRY & SELF_SIGNED,),
    about=(
        "The certificate is signed by an authority that the runtime does not know, "
        "usually a company's own. A proxy that opens TLS connections looks the same, as"
        " does a server that leaves out the intermediate certificate."
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
