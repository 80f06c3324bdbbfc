"""tls.no-ip-san: the registry is addressed by IP, and its certificate has none."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import NO_ADDRESS_NAMES
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Use the registry's name, or issue the certificate for the address"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="tls.no-ip-san",
    title="The registry is addressed by IP, and its certificate has none",
    remedy=remedy,
    proof=in_the_way("tls.no-ip-san"),
    decided_by="the names in the certificate",
    signs=(AT_REGISTRY & NO_ADDRESS_NAMES,),
    about=("The image is named by address, and the certificate has names only."),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://10.0.0.5/v2/team/app/manifests/1.0": tls: failed to verify '
                "certificate: x509: cannot validate certificate for 10.0.0.5 because it doesn't"
                " contain any IP SANs"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://10.0.0.5/v2/": tls: failed to verify '
                "certificate: x509: cannot validate certificate for 10.0.0.5 because it doesn't"
                " contain any IP SANs"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry 10.0.0.5: Get "https://10.0.0.5/v2/": tls: failed '
                "to verify certificate: x509: cannot validate certificate for 10.0.0.5 because "
                "it doesn't contain any IP SANs"
            ),
        ),
    ),
)
