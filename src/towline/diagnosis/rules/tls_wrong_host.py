"""tls.wrong-host: the certificate is for another name."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import OTHER_NAME
from towline.diagnosis.sign import AT_REGISTRY
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Use a name that the certificate has, or issue it for {registry(facts)}"),
        who=Who.REGISTRY_ADMIN,
    )


RULE = Rule(
    code="tls.wrong-host",
    title="The certificate is for another name",
    remedy=remedy,
    proof=in_the_way("tls.wrong-host"),
    decided_by="the names in the certificate",
    signs=(AT_REGISTRY & OTHER_NAME,),
    about=(
        "The certificate is good, for other names. Its names tell whose it is: an "
        "ingress' default certificate (`traefik.default`, `Kubernetes Ingress "
        "Controller Fake Certificate`) means that the ingress has none for this host; a"
        " gateway's name means that it stands in between."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: failed to do request: Head "
                '"https://hub.example/v2/team/app/manifests/1.0": tls: failed to verify '
                "certificate: x509: certificate is valid for portal.other.example, "
                "www.other.example, not hub.example"
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": tls: failed to '
                "verify certificate: x509: certificate is valid for portal.other.example, "
                "www.other.example, not hub.example"
            ),
        ),
        (
            "podman",
            (
                'pinging container registry hub.example: Get "https://hub.example/v2/": tls: '
                "failed to verify certificate: x509: certificate is valid for "
                "portal.other.example, www.other.example, not hub.example"
            ),
        ),
    ),
)
