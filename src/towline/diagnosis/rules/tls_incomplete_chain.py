"""tls.incomplete-chain: the registry does not send its intermediate certificate."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import UNKNOWN_AUTHORITY
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Configure {registry(facts)} to send the whole chain"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="tls.incomplete-chain",
    title="The registry does not send its intermediate certificate",
    remedy=remedy,
    proof=in_the_way("tls.incomplete-chain"),
    decided_by="the chain that the server sends: one certificate, issued by another",
    look_alikes=(AT_REGISTRY & UNKNOWN_AUTHORITY,),
    about=(
        "The server sends its own certificate only, and not the one that signed it. "
        "Browsers fetch what is missing or have it cached, runtimes do not, so it fails"
        " here and works there."
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
